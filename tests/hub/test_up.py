"""`manage.py up`: everything runs, comes back, and ends together."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import websockets.exceptions
import websockets.sync.client as websockets_client
from django.conf import settings

from hub import postgres
from hub.management.commands.doctor import processes, tree
from hub.management.commands.tick import LOCK, holds
from hub.supervisor import Stop, Supervisor, stop_on_signals
from tests.product import Product, alive, wait_for

PARTS = {"database", "web", "worker default,audio", "worker gpu", "tick"}


def open_events(product: Product, cookie: str, origin: str | None = None) -> websockets_client.ClientConnection:
    origin_: Any = origin or product.url  # a plain string is one
    url = f"ws://127.0.0.1:{product.port}/ws/events"
    return websockets_client.connect(url, additional_headers={"Cookie": cookie}, origin=origin_, open_timeout=30)


def make_campaign(product: Product, username: str) -> int:
    """A campaign that this user owns; its id."""
    return int(product.shell(f"from tests import worlds\nprint(worlds.campaign('c-{username}', owner=worlds.user({username!r})).pk)"))


def test_all_parts_run_and_the_doctor_says_so(product: Product) -> None:
    assert set(product.children()) == PARTS
    assert health(product) == (200, True)
    said = product.manage("doctor", succeed=False)
    for part in PARTS:
        assert f"{part}:" in said
    wrong = [line for line in said.splitlines() if line.startswith("WRONG") and "fetch_editor" not in line]
    assert not wrong, "nothing is wrong but, in a fresh checkout, the editor's files"


def test_a_second_start_is_refused_in_one_clear_line(product: Product) -> None:
    said = product.manage("up", "--port", "1", succeed=False).strip()
    assert len(said.splitlines()) == 1
    assert "Unbleed already runs on" in said and "(up)" in said
    assert product.get("/health/")[0] == 200


def test_a_taken_port_is_named(product: Product, own_product: Product) -> None:
    said = own_product.manage("up", "--port", str(product.port), succeed=False)
    assert f"Cannot listen on 127.0.0.1:{product.port}" in said and "--port" in said


def test_a_page_hears_of_a_commit_over_the_websocket(product: Product) -> None:
    cookie = product.sign_in("listener")
    campaign = make_campaign(product, "listener")
    other = make_campaign(product, "somebody-else")
    with open_events(product, cookie) as events:
        product.shell(
            "from django.db import transaction\n"
            "from annotation.events import publish\n"
            f"publish({other}, 'task', 1)\n"
            "with transaction.atomic():\n"
            f"    publish({campaign}, 'task', 2)\n"
            "    transaction.set_rollback(True)\n"
            f"publish({campaign}, 'task', 3)"
        )
        assert json.loads(events.recv(timeout=30)) == {"type": "task", "id": 3}


def test_the_websocket_hears_again_after_the_database_was_killed(own_product: Product) -> None:
    product = own_product.start()
    cookie = product.sign_in("listener")
    campaign = make_campaign(product, "listener")
    with open_events(product, cookie) as events:
        first = product.children()["database"]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: product.children().get("database", first) != first, "new database server")
        listening = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN unbleed%' AND state = 'idle'"
        wait_for(lambda: postgres.answers(product.home) and product.sql(listening), "web process that listens again")
        product.shell(f"from annotation.events import publish; publish({campaign}, 'task', 4)")
        lost = {"type": "lost", "id": 0}  # said for each connection that came back: pages ask anew, since they may have missed something
        assert json.loads(events.recv(timeout=30)) == lost
        told = [json.loads(events.recv(timeout=30))]
        while told[-1] == lost:
            told.append(json.loads(events.recv(timeout=30)))
        assert told[-1] == {"type": "task", "id": 4}
    assert product.get("/health/")[0] == 200


def test_health_and_doctor_answer_while_the_database_and_all_threads_of_requests_hang(product: Product) -> None:
    cookie = product.sign_in("listener")
    frozen = [one.pid for one in tree(product.children()["database"], list(processes()))]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        waiting = [threading.Thread(target=_healthy, args=(product, "/", cookie)) for _ in range(2 * settings.WEB_THREADS)]
        for one in waiting:
            one.start()
        wait_for(lambda: health(product) == (503, False), "word of it")  # what was found a second ago is said again
        assert product.get("/", cookie)[0] == 503, "who would stand in line for a thread is told to come again"
        said = product.manage("doctor", succeed=False)
        assert "WRONG: The database does not answer within" in said
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: health(product) == (200, True), "database that answers again")
    for one in waiting:
        one.join()
    assert product.get("/", cookie)[0] == 200


def test_static_files_come_from_the_packages_and_nothing_else_does(product: Product) -> None:
    assert product.get("/static/hub/live.js")[0] == 200
    assert product.get("/static/../manage.py")[0] == 404
    assert product.get("/static/%2e%2e/%2e%2e/settings.py")[0] == 404
    assert "Warning" not in (product.home / "logs" / "web.log").read_text()


@pytest.mark.parametrize(("signed_in", "origin"), [(False, None), (True, "http://evil.example")])
def test_strangers_and_foreign_pages_hear_nothing(product: Product, signed_in: bool, origin: str | None) -> None:
    cookie = product.sign_in("listener") if signed_in else ""
    with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
        open_events(product, cookie, origin)


def test_the_web_process_has_no_torch_in_it(product: Product) -> None:
    product.get("/sign-in/")
    with open(f"/proc/{product.children()['web']}/maps") as maps:
        assert "torch" not in maps.read()


def test_a_part_that_is_killed_is_started_again(own_product: Product) -> None:
    product = own_product.start()
    before = product.children()
    for part in ("web", "worker default,audio", "tick"):
        os.kill(before[part], signal.SIGKILL)
    wait_for(
        lambda: set(product.children()) == PARTS and not set(product.children().values()) & {before["web"], before["tick"]}, "new parts"
    )
    assert "web was killed (SIGKILL); starting it again" in product.said()
    wait_for(lambda: product.url and _healthy(product), "web server that answers again")


def health(product: Product) -> tuple[int, bool]:
    """The status of /health/, and what it says of the database."""
    status, said = product.get("/health/")
    return status, json.loads(said)["database"]


def _healthy(product: Product, path: str = "/health/", cookie: str = "") -> bool:
    try:
        return product.get(path, cookie)[0] == 200
    except OSError:
        return False


def test_no_part_outlives_a_supervisor_that_is_killed_and_the_next_start_keeps_everything(own_product: Product) -> None:
    product = own_product.start()
    product.sql("CREATE TABLE kept AS SELECT 7 AS n")
    parts = product.children().values()
    assert product.process
    product.process.kill()
    product.process.wait(60)
    wait_for(lambda: not any(alive(pid) for pid in parts), "end of all parts")
    began = time.monotonic()
    product.start()
    assert product.sql("SELECT n FROM kept") == [(7,)]
    print(f"second start: {time.monotonic() - began:.1f} s")


def test_everything_killed_at_once_comes_back(own_product: Product) -> None:
    product = own_product.start()
    product.sql("CREATE TABLE kept AS SELECT 7 AS n")
    assert product.process
    for pid in [product.process.pid, *product.children().values()]:
        os.kill(pid, signal.SIGKILL)
    product.process.wait(60)
    product.start()
    assert product.sql("SELECT n FROM kept") == [(7,)]


def test_it_stops_in_order(own_product: Product) -> None:
    product = own_product.start()
    parts = product.children().values()
    product.stop()
    assert product.process and product.process.returncode == 0
    assert not any(alive(pid) for pid in parts)
    assert product.said().rstrip().endswith("Stopped.")
    assert "database system is shut down" in (product.home / "logs" / "postgres.log").read_text()
    assert "Nothing runs on this data" in product.manage("doctor", succeed=False)


def test_only_one_clock_ticks(product: Product) -> None:
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
    wait_for(lambda: product.sql(held, LOCK), "holder of the lock")
    with psycopg.connect(**postgres.address(product.home)) as second:
        assert not holds(second)


def test_a_signal_inside_a_finalizer_stops_it_at_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python drops what a finalizer raises; the signal must not be lost with it."""

    class Ends:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def end() -> None:
        Ends()

    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    supervisor = Supervisor(tmp_path, print)
    supervisor.embedded = False
    try:
        stop_on_signals()
        monkeypatch.setattr(sys, "unraisablehook", lambda dropped: None)
        end()
        with pytest.raises(Stop):
            supervisor.look()
        stop_on_signals()  # the next run begins anew
        supervisor.look()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
