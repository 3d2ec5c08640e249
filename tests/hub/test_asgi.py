"""The door of the web server: a request stays in one thread, and threads stay."""

import asyncio
import threading
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from hub.asgi import Threads

Seen = list[tuple[str, int]]


def plain(request: HttpRequest) -> HttpResponse:
    view_ran_in.append(threading.get_ident())
    answer = HttpResponse(b"you sent " + request.body)
    answer.set_cookie("known", "yes")
    return answer


def in_pieces(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one ", b"two"]))


urlpatterns = [path("plain", plain), path("pieces", in_pieces)]
view_ran_in: list[int] = []


@pytest.fixture
def web(settings: Any) -> Threads:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    return Threads(2)


def ask(web: Threads, where: str, body: bytes = b"", hang_up: bool = False) -> list[dict[str, Any]]:
    """What the server is told to send."""
    sent: list[dict[str, Any]] = []
    coming = [{"type": "http.disconnect"}] if hang_up else [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": where, "query_string": b"", "headers": headers}
    asyncio.run(web(scope, receive, send))
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
