"""Jobs: claimed once, rescued when their worker dies, given up after three attempts, and safe from workers thought dead."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now
from dramatiq.middleware.shutdown import Shutdown

from annotation.models import Campaign
from learner import actors, services
from learner.models import MAX_ATTEMPTS, Job, Lost

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    with transaction.atomic():
        campaign = Campaign.objects.create(name="C", slug="c")
        return services.queue_job(campaign=campaign, kind=Job.Kind.SCORE)


def die(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(heartbeat=now() - timedelta(hours=1))


def test_a_job_is_claimed_once(job: Job) -> None:
    assert Job.claim(job.pk) == job
    assert Job.claim(job.pk) is None


def test_a_worker_that_beats_is_left_alone(job: Job) -> None:
    Job.claim(job.pk)
    assert services.rescue_jobs() == 0


def test_a_machine_whose_clock_is_wrong_takes_nobody_for_dead(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    Job.claim(job.pk)
    monkeypatch.setattr(services, "now", lambda: now() + timedelta(hours=1))
    assert services.rescue_jobs() == 0


def test_a_dead_workers_job_is_claimed_again(job: Job) -> None:
    Job.claim(job.pk)
    die(job)
    assert services.rescue_jobs() == 1
    again = Job.claim(job.pk)
    assert again is not None
    assert again.attempt == 2
    assert "attempt 1 died" in again.log


def test_a_worker_thought_dead_cannot_write(job: Job) -> None:
    first = Job.claim(job.pk)
    assert first is not None
    die(job)
    services.rescue_jobs()
    second = Job.claim(job.pk)
    with pytest.raises(Lost):
        first.beat(5, 10, "still here")
    with pytest.raises(Lost), transaction.atomic():
        services.finish(job=first)
    services.fail(job=first, reason="the dead do not decide")
    assert second is not None
    services.finish(job=second)
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.DONE, "")


def test_a_job_that_kills_its_workers_is_given_up(job: Job) -> None:
    for _ in range(MAX_ATTEMPTS):
        claimed = Job.claim(job.pk)
        assert claimed is not None
        claimed.beat(1, 9, "reading a poisoned song")
        die(job)
        services.rescue_jobs()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "reading a poisoned song" in job.reason
    assert Job.claim(job.pk) is None


def test_a_job_that_waits_long_is_sent_again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(sent=now() - timedelta(hours=1))
    services.rescue_jobs()
    job.refresh_from_db()
    assert now() - job.sent < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_stopping_a_worker_in_order_costs_its_job_no_attempt(job: Job) -> None:
    def work(job: Job) -> None:
        raise Shutdown

    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(Shutdown):
            actors._run(job.pk, work)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.QUEUED, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE queue_name = 'gpu' AND message->'args' = %s", [f"[{job.pk}]"])
        assert cursor.fetchone()[0] == 1 + MAX_ATTEMPTS + 1, "a message each time"
