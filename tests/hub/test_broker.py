"""A job sent in a transaction is part of it."""

import sys
from collections.abc import Iterator
from typing import Any

import dramatiq
import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from dramatiq.brokers.stub import StubBroker

from hub import broker, postgres
from hub.accounts.models import User
from tests.product import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue() -> Iterator[broker.DatabaseBroker]:
    """A broker on the test database, with empty queues."""
    before = dramatiq.get_broker()
    broker.install()
    ours = dramatiq.get_broker()
    assert isinstance(ours, broker.DatabaseBroker)
    empty()  # other tests that commit leave messages; the queue is no model that Django would empty
    yield ours
    ours.close()
    dramatiq.set_broker(before)
    empty()


def empty() -> None:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        connection.execute("DELETE FROM dramatiq.queue")


@pytest.fixture
def heard(queue: broker.DatabaseBroker) -> list[Any]:
    return []


@pytest.fixture
def job(heard: list[Any]) -> dramatiq.Actor[..., None]:
    """A job that notes the name of the user whose id it gets, or None when there is no such row."""

    @dramatiq.actor(max_retries=0)
    def note_name(user_id: int) -> None:
        heard.append(User.objects.filter(pk=user_id).values_list("username", flat=True).first())

    return note_name


@pytest.fixture
def worker(job: object, queue: broker.DatabaseBroker) -> Iterator[None]:
    worker = dramatiq.Worker(queue, worker_threads=1, worker_timeout=100)
    worker.start()
    yield
    worker.stop()


def waiting() -> int:
    """Messages that another connection sees."""
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM dramatiq.queue").fetchone()
        assert row
        return int(row[0])


def test_nobody_sees_a_message_before_the_commit(job: "dramatiq.Actor[..., None]") -> None:
    with transaction.atomic():
        job.send(1)
        assert waiting() == 0
    assert waiting() == 1


def test_a_message_is_gone_after_a_rollback(job: "dramatiq.Actor[..., None]") -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        job.send(1)
        _ = 1 / 0
    assert waiting() == 0


def test_a_rolled_back_savepoint_takes_its_message_along(job: "dramatiq.Actor[..., None]") -> None:
    with transaction.atomic():
        job.send(1)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            job.send(2)
            _ = 1 / 0
    assert waiting() == 1


def test_a_delayed_message_waits_in_the_transaction_too(job: "dramatiq.Actor[..., None]") -> None:
    with transaction.atomic():
        job.send_with_options(args=(1,), delay=60_000)
        assert waiting() == 0
    with psycopg.connect(**postgres.keywords()) as connection:
        row = connection.execute("SELECT queue_name, available_at - now() > '50 seconds' FROM dramatiq.queue").fetchone()
    assert row == ("default.DQ", True)


def test_a_worker_finds_the_row_that_was_made_with_its_message(worker: None, job: "dramatiq.Actor[..., None]", heard: list[Any]) -> None:
    with transaction.atomic():
        user = User.objects.create_user("Ada")
        job.send(user.pk)
    wait_for(lambda: heard, "job done")
    assert heard == ["Ada"]
    wait_for(lambda: waiting() == 0, "acknowledgement")


def test_a_worker_goes_on_after_all_its_connections_were_cut(worker: None, job: "dramatiq.Actor[..., None]", heard: list[Any]) -> None:
    job.send(0)
    wait_for(lambda: heard == [None], "first job")
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        ours = "application_name = 'unbleed jobs' AND datname = current_database()"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
    job.send(0)
    wait_for(lambda: heard == [None, None], "second job")


def test_messages_of_dead_workers_are_given_back(queue: broker.DatabaseBroker, job: "dramatiq.Actor[..., None]") -> None:
    job.send(1)
    taken = next(queue.consume("default", timeout=100))
    assert taken is not None
    assert next(queue.consume("default", timeout=100)) is None, "it is the first worker's"
    assert broker.release_messages() == 1
    again = next(queue.consume("default", timeout=100))
    assert again is not None and again.message_id == taken.message_id


def test_a_broker_elsewhere_sends_when_the_transaction_is_kept() -> None:
    class Elsewhere(broker.AfterCommit, StubBroker):
        pass

    stub = Elsewhere()

    @dramatiq.actor(broker=stub)
    def job() -> None: ...

    queue = stub.queues["default"]
    with transaction.atomic():
        job.send()
        assert queue.qsize() == 0
    assert queue.qsize() == 1
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        job.send()
        _ = 1 / 0
    assert queue.qsize() == 1


def test_a_broker_that_lacks_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "dramatiq.brokers.redis", raising=False)
    with pytest.raises(ImproperlyConfigured, match=r"BROKER_URL needs the package redis: pip install 'unbleed\[scale\]'"):
        broker.remote_broker("redis://localhost")
