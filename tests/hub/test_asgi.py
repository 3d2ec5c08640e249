"""What the web server does with a request: a request stays in one thread, and threads stay."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.core.signals import request_finished, request_started
from django.db import OperationalError, connection, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from hub import asgi, postgres
from hub.asgi import Threads

Seen = list[tuple[str, int]]


def plain(request: HttpRequest) -> HttpResponse:
    view_ran_in.append(threading.get_ident())
    answer = HttpResponse(b"you sent " + request.body)
    answer.set_cookie("known", "yes")
    return answer


def in_pieces(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one ", b"two"]))


def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(600)")
    return HttpResponse()


def locked(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7)")
    return HttpResponse()


def full(request: HttpRequest) -> HttpResponse:
    """What PostgreSQL says when its disk is full."""
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$")
    return HttpResponse()


def full_of_files(request: HttpRequest) -> HttpResponse:
    with open("/dev/full", "wb", buffering=0) as file:
        file.write(b"a preview")
    return HttpResponse()


class OnAFullDisk:
    """A middleware that cannot keep a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return full(request)


class BeforeTheView:
    """A middleware that asks a database that is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        raise OperationalError("the connection is closed")


def held(request: HttpRequest) -> HttpResponse:
    assert go_on.wait(60)
    return HttpResponse()


handler500 = "hub.errors.failed"
urlpatterns = [
    path("slow", slow),
    path("api/slow", slow),
    path("full", full),
    path("api/full", full),
    path("full-of-files", full_of_files),
    path("api/full-of-files", full_of_files),
    path("locked", locked),
    path("plain", plain),
    path("held", held),
    path("pieces", in_pieces),
    *[path(endpoint, held) for endpoint in ("sign-in/", "account/password/", "join/a-token/")],
]
view_ran_in: list[int] = []
go_on = threading.Event()


@pytest.fixture
def web(settings: Any) -> Threads:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    return Threads(2)


def ask(
    web: Threads, where: str, body: bytes = b"", hang_up: bool = False, pieces: int = 1, stated: int | None = None, unread: int = 0
) -> list[dict[str, Any]]:
    """What the server is told to send. In pieces, no length is stated; `unread` is how many of them are left in the end."""
    coming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": n < pieces} for n in range(1, pieces + 1)]
    coming = [{"type": "http.disconnect"}] if hang_up else coming

    length = [(b"content-length", str(len(body) if stated is None else stated).encode())] if pieces == 1 else []
    sent = asyncio.run(answered(web, where, coming, length))
    assert len(coming) == unread
    return sent


async def answered(
    web: Threads, where: str, coming: list[dict[str, Any]], length: list[tuple[bytes, bytes]], prefix: str = ""
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), *length]
    scope = {"type": "http", "method": "POST", "path": prefix + where, "root_path": prefix, "query_string": b"", "headers": headers}
    await web(scope, receive, send)
    return sent


def test_a_request_is_answered_whole(web: Threads) -> None:
    start, content = ask(web, "/plain", b"this")
    assert (start["status"], content["body"]) == (200, b"you sent this")
    assert dict(start["headers"])[b"set-cookie"].startswith(b"known=yes")
    assert ask(web, "/pieces")[1]["body"] == b"one two"


def test_a_request_begins_and_ends_in_the_thread_of_its_view_and_threads_stay(web: Threads) -> None:
    ran_in: list[int] = []

    def note(**about: Any) -> None:
        ran_in.append(threading.get_ident())

    view_ran_in.clear()
    request_started.connect(note, weak=False)
    request_finished.connect(note, weak=False)
    try:
        ask(web, "/plain")
        ask(web, "/plain")
    finally:
        request_started.disconnect(note)
        request_finished.disconnect(note)
    assert len(ran_in) == 4
    assert set(ran_in) == set(view_ran_in), "the database connection of a thread serves its next request too"
    assert len(set(ran_in)) == 1
    assert threading.get_ident() not in ran_in


def test_who_hangs_up_before_the_end_of_a_request_is_not_answered(web: Threads) -> None:
    assert ask(web, "/plain", hang_up=True) == []


def test_a_body_that_comes_in_pieces_is_as_long_as_they_are(web: Threads) -> None:
    assert ask(web, "/plain", b"ha", pieces=3)[1]["body"] == b"you sent hahaha"


def test_a_body_that_is_too_long_is_refused_before_it_is_read_to_the_end(web: Threads, settings: Any) -> None:
    settings.MIDDLEWARE = ["hub.requests.Readable"]
    web = Threads(1)
    for sent in (
        ask(web, "/plain", stated=50_000_000_000, unread=1),
        ask(web, "/plain", b"x" * 1_000_000, pieces=100, unread=94),
        ask(web, "/plain", b"x" * 3_000_000),
    ):
        assert sent[0]["status"] == 413 and b"What was sent has more than 2,000,000 bytes" in sent[1]["body"]


@pytest.mark.parametrize("prefix", ["", "/unbleed"])
@pytest.mark.parametrize("endpoint", ["/sign-in/", "/account/password/", "/join/a-token/"])
def test_however_many_knock_with_a_password_other_requests_are_answered_meanwhile(web: Threads, endpoint: str, prefix: str) -> None:
    async def crowd() -> tuple[int, list[bool]]:
        go_on.clear()
        knocks = [asyncio.create_task(knock()) for _ in range(24)]
        try:
            await asyncio.sleep(0)  # all of them have begun, and those that find a thread work
            start, _ = await asyncio.wait_for(answered(web, "/plain", [{"type": "http.request"}], [], prefix), 60)
            return start["status"], [knock.done() for knock in knocks]
        finally:
            go_on.set()
            assert [(await knock)[0]["status"] for knock in knocks] == [200] * 24

    def knock() -> Any:
        return answered(web, endpoint, [{"type": "http.request"}], [], prefix)

    assert asyncio.run(crowd()) == (200, [False] * 24)


class TestADatabaseThatIsFrozen:
    """What has begun waits for it; what would wait for a thread besides is told to come again."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asgi, "IN_LINE_SECONDS", 0.01)

    @pytest.mark.parametrize("answers", [True, False])
    def test_who_stands_in_line_waits_for_a_slow_one_and_is_told_to_come_again_by_a_frozen_one(self, web: Threads, answers: bool) -> None:
        async def story() -> tuple[Any, Any]:
            asked = asyncio.Event()

            async def database_answers() -> bool:
                asked.set()
                return answers

            web = Threads(1, database_answers)
            go_on.clear()
            first, second = (asyncio.create_task(answered(web, "/held", [{"type": "http.request"}], [])) for _ in range(2))
            await asked.wait()
            if not answers:
                await second
            go_on.set()
            return await first, await second

        (first, _), (second, content) = asyncio.run(story())
        assert first["status"] == 200, "what has begun is not taken back"
        assert second["status"] == (200 if answers else 503)
        if not answers:
            assert dict(second["headers"])[b"retry-after"] == b"5"
            assert content["body"].startswith(b"The database does not answer as it should.")

    def test_nobody_asks_about_the_database_while_there_are_threads(self, web: Threads) -> None:
        async def database_answers() -> bool:
            raise AssertionError

        assert ask(Threads(1, database_answers), "/plain")[0]["status"] == 200


class TestLimits:
    @pytest.fixture
    def limited(self, db: None, settings: Any) -> Iterator[Threads]:
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = ["hub.errors.DomainErrors"]
        settings.DATABASE_STATEMENT_SECONDS = settings.DATABASE_LOCK_SECONDS = 1
        web = Threads(1)
        yield web
        web.threads.submit(connections.close_all).result()

    def test_a_statement_that_takes_too_long_is_cut_and_said_in_words(self, limited: Threads) -> None:
        start, content = ask(limited, "/slow")
        headers = dict(start["headers"])
        assert (start["status"], headers[b"retry-after"], headers[b"content-type"]) == (503, b"5", b"text/plain; charset=utf-8")
        assert content["body"].startswith(b"The database does not answer as it should.")

    def test_programs_get_a_problem(self, limited: Threads) -> None:
        start, content = ask(limited, "/api/slow")
        headers = dict(start["headers"])
        assert (start["status"], headers[b"retry-after"], headers[b"content-type"]) == (503, b"5", b"application/problem+json")
        said = json.loads(content["body"])
        assert (said["error"], said["status"]) == ("DatabaseAway", 503) and "try again" in said["detail"]

    def test_a_lock_that_somebody_keeps_is_not_waited_for_without_end(self, limited: Threads, settings: Any) -> None:
        settings.DATABASE_STATEMENT_SECONDS = 600
        with psycopg.connect(**postgres.keywords()) as holder:
            holder.execute("SELECT pg_advisory_lock(7)")
            assert ask(limited, "/locked")[0]["status"] == 503

    def test_the_connections_of_other_threads_have_no_limits(self, limited: Threads) -> None:
        ask(limited, "/plain")
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            assert cursor.fetchone() == ("0", "0"), "migrations, backups and jobs take the time that they need"

    def test_a_fault_before_the_view_is_no_bare_error_either(self, limited: Threads, settings: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.BeforeTheView"]
        assert ask(Threads(1), "/api/slow")[0]["status"] == 503


class TestAFullDisk:
    @pytest.fixture
    def web(self, db: None, settings: Any) -> Iterator[Threads]:
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = ["hub.errors.DomainErrors"]
        web = Threads(1)
        yield web
        web.threads.submit(connections.close_all).result()

    @pytest.mark.parametrize("where", ["/api/full", "/api/full-of-files"])
    def test_programs_get_a_problem_and_when_to_come_again(self, web: Threads, where: str) -> None:
        start, content = ask(web, where)
        headers = dict(start["headers"])
        assert (start["status"], headers[b"retry-after"], headers[b"content-type"]) == (507, b"30", b"application/problem+json")
        said = json.loads(content["body"])
        assert (said["title"], said["error"], said["status"]) == ("Insufficient Storage", "DiskFull", 507)
        assert "disk of this site is full" in said["detail"]

    @pytest.mark.parametrize("where", ["/full", "/full-of-files"])
    def test_people_get_words(self, web: Threads, where: str) -> None:
        start, content = ask(web, where)
        headers = dict(start["headers"])
        assert (start["status"], headers[b"retry-after"], headers[b"content-type"]) == (507, b"30", b"text/plain; charset=utf-8")
        assert content["body"].startswith(b"The disk of this site is full")

    @pytest.mark.parametrize(("where", "kind"), [("/api/plain", b"application/problem+json"), ("/plain", b"text/plain; charset=utf-8")])
    def test_also_where_no_view_is_reached(self, web: Threads, where: str, kind: bytes, settings: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.OnAFullDisk"]
        web.load_middleware()
        start, _ = ask(web, where)
        assert (start["status"], dict(start["headers"])[b"content-type"]) == (507, kind)
