"""Where people come from, as a proxy says it: believed from those that the setting names, and from nobody else."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from hub.asgi import application
from hub.proxies import MOST_NAMED, Proxies, not_believed

NGINX = "10.1.0.2"


def seen(trusted: list[str], client: str | None, *headers: tuple[bytes, bytes], kind: str = "http") -> tuple[str | None, str]:
    """The address and scheme that the site sees."""
    return ask(Proxies(take_down, trusted), client, *headers, kind=kind)


took: list[dict[str, Any]] = []


async def take_down(scope: Any, receive: Any, send: Any) -> None:
    took.append(scope)


def ask(site: Proxies, client: str | None, *headers: tuple[bytes, bytes], kind: str = "http") -> tuple[str | None, str]:
    scheme = "ws" if kind == "websocket" else "http"
    scope = {"type": kind, "client": client and (client, 5), "scheme": scheme, "headers": list(headers)}
    asyncio.run(site(scope, None, None))
    one = took.pop()
    return one["client"] and one["client"][0], one["scheme"]


FORGED = (b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")


@pytest.mark.parametrize("client", ["192.0.2.1", "127.0.0.1", "::1", None])
def test_what_a_stranger_says_is_not_believed(client: str | None) -> None:
    assert seen([], client, *FORGED) == (client, "http")
    assert seen([NGINX], client, *FORGED) == (client, "http")


@pytest.mark.parametrize("trusted", [[NGINX], ["10.1.0.0/24"], ["::1", "10.0.0.0/8"]])
def test_what_a_trusted_proxy_says_is_believed(trusted: list[str]) -> None:
    assert seen(trusted, NGINX, *FORGED) == ("203.0.113.9", "https")
    assert seen(trusted, NGINX, *FORGED, kind="websocket") == ("203.0.113.9", "wss")
    assert seen(trusted, NGINX) == (NGINX, "http")


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ([b"203.0.113.9, 192.0.2.1"], "192.0.2.1"),
        ([b"203.0.113.9", b"192.0.2.1"], "192.0.2.1"),
        ([b"203.0.113.9, 192.0.2.1, 10.1.0.7"], "192.0.2.1"),
        ([b"10.1.0.7, 192.0.2.1:4711"], "192.0.2.1"),
        ([b"203.0.113.9, [2001:db8::1]:4711, 10.1.0.7"], "2001:db8::1"),
        ([b"10.1.0.7, 10.1.0.8"], "10.1.0.7"),
    ],
)
def test_the_address_is_the_last_one_that_is_no_proxy_of_ours(chain: list[bytes], address: str) -> None:
    assert seen(["10.1.0.0/24"], NGINX, *[(b"x-forwarded-for", part) for part in chain])[0] == address


def test_whoever_is_not_believed_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    site = Proxies(take_down, ["127.0.0.1"])
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ask(site, NGINX, *FORGED)
            ask(site, "127.0.0.1", *FORGED)
            ask(site, "192.0.2.1")
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{NGINX} says for whom it asks") and "TRUSTED_PROXIES does not name it" in said


def test_strangers_with_many_addresses_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    site = Proxies(take_down, [])
    for n in range(MOST_NAMED + 20):
        ask(site, f"192.0.2.{n}", *FORGED)
    assert len(caplog.records) == MOST_NAMED


def test_the_doctor_reads_who_was_not_believed(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    ask(Proxies(take_down, []), NGINX, *FORGED)
    ask(Proxies(take_down, []), None, *FORGED)
    log = tmp_path / "web.log"
    assert not_believed(log) == []
    log.write_text("".join(f"2030-01-01 08:00:00,000 {one.levelname} {one.name}: {one.getMessage()}\n" for one in caplog.records))
    assert not_believed(log) == [NGINX, "a socket of this machine"]


def test_the_site_trusts_nobody_unless_told() -> None:
    assert isinstance(application, Proxies) and "127.0.0.1" not in application.trusted_hosts
