"""How often one address may knock: counted together by all web processes, and forgotten after a minute."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from hub.accounts.models import Knocks
from hub.accounts.throttle import address_of, too_often

MORNING = datetime(2030, 1, 1, 8, tzinfo=UTC)


def knock(address: str = "192.0.2.1") -> HttpRequest:
    return RequestFactory().get("/", REMOTE_ADDR=address)


def test_the_next_minute_begins_anew(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: MORNING)
    assert [too_often(knock(), "endpoint", 2) for _ in range(4)] == [False, False, True, True]
    assert not too_often(knock("192.0.2.2"), "endpoint", 2) and not too_often(knock(), "another place", 2)
    monkeypatch.setattr(timezone, "now", lambda: MORNING + timedelta(seconds=60))
    assert [too_often(knock(), "endpoint", 2) for _ in range(3)] == [False, False, True]
    assert Knocks.objects.count() == 1, "what is over has gone by itself"


def test_another_web_process_counts_on(db: None) -> None:
    too_often(knock(), "endpoint", 1)
    cache.clear()  # all that a process keeps to itself
    assert too_often(knock(), "endpoint", 1)


@pytest.mark.django_db(transaction=True)
def test_knocks_at_once_are_counted_one_by_one() -> None:
    def stopped(_: int) -> bool:
        try:
            return too_often(knock(), "endpoint", 5)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(stopped, range(24))) == 19


def test_addresses_are_not_kept(db: None) -> None:
    too_often(knock(), "endpoint", 1)
    assert "192.0.2.1" not in str(list(Knocks.objects.values_list()))


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # as a proxy may write it that listens for both kinds
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_counts_as_one_place(given: str, counted: str) -> None:
    assert address_of(knock(given)) == counted
