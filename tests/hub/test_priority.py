"""The order of jobs holds with the real queue, whose messages come in an order of their own."""

from collections.abc import Iterator

import dramatiq
import psycopg
import pytest
from django.db import transaction

from hub import broker, postgres
from learner import actors, services
from learner.models import Job
from tests import worlds
from tests.product import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue() -> Iterator[dramatiq.Broker]:
    before = dramatiq.get_broker()
    broker.install()
    _empty()
    yield dramatiq.get_broker()
    dramatiq.get_broker().close()
    dramatiq.set_broker(before)
    _empty()


def _empty() -> None:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        connection.execute("DELETE FROM dramatiq.queue")


def _waiting() -> int:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM dramatiq.queue WHERE state <> 'rejected'").fetchone()
        assert row
        return int(row[0])


def test_a_job_that_was_moved_begins_first_and_every_job_is_done_once(queue: dramatiq.Broker) -> None:
    begun: list[int] = []

    def work(job: Job) -> None:
        begun.append(job.pk)
        with transaction.atomic():
            services.finish(job=job)

    @dramatiq.actor(queue_name="gpu", max_retries=0, actor_name="separate_track")
    def separate(job_id: int) -> None:
        actors.run(job_id, work)

    campaign = worlds.campaign()
    jobs = [services.queue_job(campaign=campaign, kind=Job.Kind.SEPARATE) for _ in range(4)]
    services.move_job(job=jobs[0], how="down", by="head")
    services.move_job(job=jobs[3], how="first", by="head")
    worker = dramatiq.Worker(queue, worker_threads=1, worker_timeout=100)
    worker.queue_prefetch = 1
    worker.start()
    try:
        wait_for(lambda: len(begun) == 4 and _waiting() == 0, "end of all jobs")
    finally:
        worker.stop()
    assert begun == [jobs[3].pk, jobs[1].pk, jobs[2].pk, jobs[0].pk]
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
