"""The WebSocket: who may open it, how many, and that it ends with the session and the membership. Real sockets of the product itself."""

import asyncio
import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from annotation.events import group_of
from hub import live, sockets
from hub.asgi import application
from tests.product import Product

SECONDS = 60.0
Sockets = contextlib.ExitStack


@pytest.fixture
def opened() -> Iterator[Sockets]:
    with contextlib.ExitStack() as stack:
        yield stack


def listen(product: Product, opened: Sockets, cookie: str) -> ClientConnection:
    url = f"ws://127.0.0.1:{product.port}/ws/events"
    origin: Any = product.url
    socket = connect(url, additional_headers={"Cookie": cookie}, origin=origin, open_timeout=SECONDS, close_timeout=1)
    return opened.enter_context(socket)


def end_of(socket: ClientConnection) -> int:
    """The code that it is closed with, whatever it hears before."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(timeout=SECONDS)
    assert closed.value.rcvd
    return closed.value.rcvd.code


def heard(socket: ClientConnection) -> int:
    return int(json.loads(socket.recv(timeout=SECONDS))["id"])


def campaign(product: Product, slug: str, *names: str) -> int:
    """A campaign with these members; its id."""
    return int(
        product.shell(
            "from tests import worlds\n"
            f"made = worlds.campaign({slug!r}, owner=worlds.user('owner of {slug}'))\n"
            f"for name in {names!r}: worlds.member(made, name)\n"
            "print(made.pk)"
        )
    )


def publish(product: Product, *said: tuple[int, str, int]) -> None:
    for campaign_id, what, number in said:
        product.sql("SELECT pg_notify(%s, %s)", live.CHANNEL, json.dumps(notification(campaign_id, what, number)))


def notification(campaign_id: int, what: str, number: int) -> dict[str, Any]:
    return {"group": group_of(campaign_id), "message": {"type": "changed", "what": what, "id": number}}


def test_signing_out_ends_those_of_that_session_and_no_others(product: Product, opened: Sockets) -> None:
    here, elsewhere = product.sign_in("leaver"), product.sign_in("leaver")
    made = campaign(product, "leaving", "leaver")
    tabs, other = [listen(product, opened, here) for _ in range(2)], listen(product, opened, elsewhere)
    sign_out(product, here)
    assert [end_of(tab) for tab in tabs] == [sockets.SIGNED_OUT] * 2
    publish(product, (made, "task", 5))
    assert heard(other) == 5


def sign_out(product: Product, cookie: str) -> None:
    """By the form, as a browser does."""
    token = "a" * 32
    post = urllib.request.Request(
        product.url + "/sign-out/",
        urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode(),
        {"Cookie": f"{cookie}; csrftoken={token}", "Origin": product.url},
    )
    assert urllib.request.urlopen(post, timeout=SECONDS).status == 200


def test_a_session_that_is_over_for_another_reason_ends_its_own(product: Product, opened: Sockets) -> None:
    cookies = {name: product.sign_in(name) for name in ("expired", "deactivated", "changed", "stays")}
    made = campaign(product, "ending", *cookies)
    tabs = {name: listen(product, opened, cookie) for name, cookie in cookies.items()}
    key = cookies["expired"].removeprefix("sessionid=")
    product.sql("UPDATE django_session SET expire_date = now() WHERE session_key = %s", key)
    product.sql("UPDATE accounts_user SET is_active = false WHERE username = 'deactivated'")
    product.sql("UPDATE accounts_user SET password = 'md5$another' WHERE username = 'changed'")
    assert [end_of(tabs[name]) for name in ("expired", "deactivated", "changed")] == [sockets.SIGNED_OUT] * 3
    publish(product, (made, "task", 6))
    assert heard(tabs["stays"]) == 6
    with pytest.raises(InvalidStatus, match="403"):
        listen(product, opened, cookies["deactivated"])


def test_who_is_removed_hears_no_more_of_that_campaign_and_is_closed_when_none_is_left(product: Product, opened: Sockets) -> None:
    cookie = product.sign_in("removed")
    first, second = campaign(product, "first", "removed"), campaign(product, "second", "removed")
    tab = listen(product, opened, cookie)
    remove(product, first)
    publish(product, (first, "task", 1), (second, "task", 2))
    assert heard(tab) == 2
    remove(product, second)
    assert end_of(tab) == sockets.NOTHING_TO_HEAR


def remove(product: Product, campaign_id: int) -> None:
    """The annotator's membership, and what pages are told of it, in one transaction."""
    product.sql(
        "WITH gone AS (UPDATE annotation_membership SET active = false WHERE campaign_id = %s AND role = 'annotator' RETURNING id)"
        " SELECT pg_notify(%s, %s) FROM gone",
        *(campaign_id, live.CHANNEL, json.dumps(notification(campaign_id, "member", 99))),
    )


def test_who_comes_into_another_campaign_hears_of_it_without_asking_anew(product: Product, opened: Sockets) -> None:
    cookie = product.sign_in("comes later")
    campaign(product, "already", "comes later")
    tab = listen(product, opened, cookie)
    made = campaign(product, "later", "comes later")
    number = 1
    while True:  # it hears of it from the next look on
        publish(product, (made, "task", number))
        with contextlib.suppress(TimeoutError):
            assert 1 <= json.loads(tab.recv(timeout=1))["id"] <= number
            return
        number += 1


def test_who_belongs_nowhere_is_told_to_rest(product: Product, opened: Sockets) -> None:
    assert end_of(listen(product, opened, product.sign_in("belongs nowhere"))) == sockets.NOTHING_TO_HEAR


def test_the_oldest_of_too_many_is_closed(product: Product, opened: Sockets) -> None:
    cookie = product.sign_in("has many tabs")
    made = campaign(product, "tabs", "has many tabs", "neighbour")
    neighbour = listen(product, opened, product.sign_in("neighbour"))
    tabs = [listen(product, opened, cookie) for _ in range(sockets.MOST + 2)]
    assert [end_of(tab) for tab in tabs[:2]] == [sockets.TOO_MANY] * 2
    publish(product, (made, "task", 7))
    assert [heard(tab) for tab in (*tabs[2:], neighbour)] == [7] * (sockets.MOST + 1)


def test_one_that_takes_nothing_in_or_has_gone_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "listeners", lambda keys: {})  # all of them are signed out

    async def story() -> None:
        told = asyncio.Event()

        async def takes_nothing_in(message: Any) -> None:
            await asyncio.Event().wait()

        async def has_gone(message: Any) -> None:
            raise OSError

        async def listens(message: Any) -> None:
            assert message == {"type": "websocket.close", "code": sockets.SIGNED_OUT}
            told.set()

        for send in (takes_nothing_in, has_gone, listens):
            one = sockets.Events()
            one.key, one.listener, one.base_send = "key", sockets.Listener(1, frozenset({1})), send
            sockets.open_sockets.open.append(one)
        await asyncio.wait_for(sockets.open_sockets.look(), SECONDS)
        await asyncio.wait_for(told.wait(), SECONDS)
        assert not sockets.open_sockets.open

    asyncio.run(story())


@pytest.mark.parametrize(
    "cookie", [b"", b"sessionid=", b"sessionid=short", b"other=aaaaaaaaaaaaaaaa", b'sessionid="\\000aaaaaaaaaaaaaaaa"']
)
def test_who_cannot_be_signed_in_is_refused_without_asking_the_database(cookie: bytes) -> None:
    """pytest-django refuses every question here."""
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie)]
    assert answers("/ws/events", headers) == ["websocket.close"]
    assert not sockets.open_sockets.open


def test_an_invented_session_is_refused_and_nothing_is_held(product: Product, opened: Sockets) -> None:
    for n in range(20):
        with pytest.raises(InvalidStatus, match="403"):
            listen(product, opened, f"sessionid={n:032}")


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        (b"localhost:8000", b"http://localhost:8000", True),
        (b"localhost:8000", b"http://localhost:9000", False),
        (b"localhost:8000", b"https://localhost:8000", False),
        (b"localhost:8000", b"ftp://localhost:8000", False),
        (b"localhost:8000", b"//localhost:8000", False),
        (b"localhost:8000", b"http://evil.example", False),
        (b"evil.example", b"http://evil.example", False),
        (b"localhost:8000", b"null", False),
        (b"localhost:8000", None, False),
        (b"localhost:8000", b"http://[", False),
    ],
)
def test_only_pages_of_this_very_site_may_open_the_websocket(host: bytes, origin: bytes | None, ours: bool, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    headers = [(b"host", host)] + ([(b"origin", origin)] if origin else [])
    assert sockets.comes_from_this_site({"scheme": "ws", "headers": headers}) is ours


@pytest.mark.parametrize(("https", "scheme", "right"), [(True, "ws", "https"), (False, "wss", "https"), (False, "ws", "http")])
def test_a_page_of_the_other_scheme_may_not_open_the_websocket(https: bool, scheme: str, right: str, settings: Any) -> None:
    settings.HTTPS = https

    def ours(origin: str) -> bool:
        headers = [(b"host", b"localhost"), (b"origin", f"{origin}://localhost".encode())]
        return sockets.comes_from_this_site({"scheme": scheme, "headers": headers})

    assert [origin for origin in ("http", "https") if ours(origin)] == [right]


@pytest.mark.parametrize("said", [{"text_data": "no JSON"}, {"text_data": "[" * 4000}, {"bytes_data": b"\xff"}])
def test_what_a_page_says_on_the_websocket_is_not_read(said: dict[str, Any]) -> None:
    asyncio.run(sockets.Events().receive(**said))


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/events/", "/ws/others", "/health/"])
def test_a_websocket_at_an_address_that_has_none_is_refused(path: str) -> None:
    assert answers(path, []) == ["websocket.close"]


def answers(path: str, headers: list[tuple[bytes, bytes]]) -> list[str]:
    """What the site says to a WebSocket that is opened."""
    sent: list[dict[str, Any]] = []
    coming = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(application({"type": "websocket", "scheme": "ws", "path": path, "headers": headers}, receive, send))
    return [message["type"] for message in sent]
