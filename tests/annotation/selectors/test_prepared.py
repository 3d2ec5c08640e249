"""Questions whose SQL is put together once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation.models import Membership
from annotation.selectors.prepared import Prepared
from tests import worlds

pytestmark = pytest.mark.django_db

LATER = timezone.now() + timedelta(days=1)


@pytest.fixture
def by_key() -> Prepared[Session]:
    for key in ("one", "two"):
        Session.objects.create(session_key=key, session_data=f"of {key}", expire_date=LATER)
    return Prepared(lambda key: Session.objects.filter(session_key=key), key="a sample")


def test_each_time_it_answers_for_the_values_it_is_given(by_key: Prepared[Session]) -> None:
    assert [by_key(key=key)[0].session_data for key in ("one", "two", "one")] == ["of one", "of two", "of one"]
    assert by_key(key="three") == []


def test_its_sql_is_put_together_once(by_key: Prepared[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    by_key(key="one")
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda *_: pytest.fail("put together again"))
    assert by_key(key="two")[0].session_data == "of two"


def test_rows_come_with_what_was_selected_beside_them(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    member = worlds.member(worlds.campaign())
    asked = Prepared(lambda pk: Membership.objects.select_related("campaign").filter(pk=pk), pk=-1)
    with django_assert_num_queries(1):
        assert asked(pk=member.pk)[0].campaign == member.campaign


@pytest.mark.django_db(transaction=True)
def test_another_thread_asks_on_its_own_connection(by_key: Prepared[Session]) -> None:
    by_key(key="one")

    def ask() -> tuple[str, object]:
        try:
            return by_key(key="two")[0].session_data, connection.connection
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        found, other = threads.submit(ask).result()
    assert found == "of two" and other is not connection.connection


def test_a_sample_that_does_not_reach_the_query_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="start"):
        Prepared(lambda start: Session.objects.filter(session_key__startswith=start), start="an")(start="o")
