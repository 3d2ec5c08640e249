"""`/health/` says how it is, whatever hangs: it shares neither threads nor connections with requests."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import disk, health, postgres
from hub.health import Health


async def ask(endpoint: Health, where: str = "/health/") -> tuple[int, Any]:
    """Status and what is said."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await endpoint({"type": "http", "method": "GET", "path": where, "headers": []}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def other(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """However full the disk is that runs the tests."""
    monkeypatch.setattr(disk, "LOW", 0)
    monkeypatch.setattr(disk, "FULL", 0)


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A server that takes connections and says nothing, in the place of the database."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / ".s.PGSQL.5432"))
        server.listen(50)
        server.setblocking(False)
        monkeypatch.setattr(postgres, "keywords", lambda: {"host": str(tmp_path), "port": "5432", "user": "u", "dbname": "d"})
        yield server


def connections_to(server: socket.socket) -> int:
    n = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return n
        n += 1


def test_it_says_that_the_database_is_there(db: None) -> None:
    assert asyncio.run(ask(Health(other))) == (200, {"database": True, "disk": "enough"})


def test_all_else_is_passed_on() -> None:
    assert asyncio.run(ask(Health(other), "/elsewhere/")) == (418, {})


def test_a_database_that_says_nothing_is_not_waited_for(silent: socket.socket) -> None:
    assert health.ANSWER_SECONDS < 2

    async def story() -> None:
        endpoint = Health(other)
        answers = await asyncio.gather(*(ask(endpoint) for _ in range(20)))
        assert answers == [(503, {"database": False, "disk": "enough"})] * 20
        assert connections_to(silent) == 1, "one check for all who ask"

    asyncio.run(story())


def test_a_database_that_is_not_there_is_said_to_be_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "keywords", lambda: {"host": str(tmp_path)})
    assert asyncio.run(ask(Health(other))) == (503, {"database": False, "disk": "enough"})


def test_it_is_looked_for_again(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    there = postgres.keywords()

    async def story() -> None:
        endpoint = Health(other)
        for where, reached in (({"host": str(tmp_path)}, False), (there, True)):
            monkeypatch.setattr(postgres, "keywords", lambda where=where: where)
            assert (await ask(endpoint))[1]["database"] is reached

    asyncio.run(story())


def test_what_was_found_a_moment_ago_is_said_again(silent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 3600.0)
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.01)

    async def story() -> None:
        endpoint = Health(other)
        for _ in range(3):
            assert (await ask(endpoint))[0] == 503
        assert connections_to(silent) == 1, "a stranger who asks all the time does not fill the database with connections"

    asyncio.run(story())


@pytest.mark.parametrize(("low", "full", "says"), [(0, 0, "enough"), (1e18, 0, "low"), (1e18, 1e18, "full")])
def test_it_says_how_full_the_disk_is_and_is_healthy_all_the_same(
    db: None, low: float, full: float, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOW", low)
    monkeypatch.setattr(disk, "FULL", full)
    assert asyncio.run(ask(Health(other))) == (200, {"database": True, "disk": says})


def test_a_disk_that_hangs_is_not_waited_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(disk, "room", lambda: let_go.wait(60) and disk.Room.ENOUGH)
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.2)

    async def story() -> None:
        endpoint = Health(other)
        assert (await ask(endpoint))[1]["disk"] == "full"
        let_go.set()
        while (await ask(endpoint))[1]["disk"] != "enough":
            await asyncio.sleep(0.01)

    asyncio.run(story())
