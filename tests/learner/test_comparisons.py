"""Nobody waits for a comparison with replay alone: it gives way to every other job, and is made when nothing else waits. The real queue."""

from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import psycopg
import pytest
from django.db import transaction
from django.utils.timezone import now

from annotation.models import Campaign
from hub import broker, postgres
from learner import actors, services
from learner.models import MAX_ATTEMPTS, Adaptation, Checkpoint, Job, Round
from learner.work import adapting, scoring
from tests import worlds
from tests.product import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def messages() -> int:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM dramatiq.queue WHERE state = 'queued'").fetchone()
        assert row
        return int(row[0])


@pytest.fixture(autouse=True)
def empty_queue() -> Iterator[None]:
    def empty() -> None:
        with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
            connection.execute("DELETE FROM dramatiq.queue")

    empty()
    yield
    empty()


def campaign_of(slug: str) -> Campaign:
    """A campaign whose round could begin."""
    campaign = worlds.campaign(slug)
    worlds.track(campaign)
    return worlds.with_model(campaign, Checkpoint.objects.first() or worlds.checkpoint("a"))


def adapted(campaign: Campaign) -> Job:
    """The campaign's first round as the end of its adaptation leaves it; returns the comparison."""
    job = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)
    adaptation = worlds.ended_round(campaign, None, "refused", days=0)
    Adaptation.objects.filter(pk=adaptation.pk).update(baseline_job=job)
    return job


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the worker did, in its order: (campaign, kind of job)."""
    done: list[tuple[str, str]] = []

    def work(job: Job) -> None:
        done.append((job.campaign.slug, job.kind))
        Round.objects.filter(scoring=job).update(state=Round.State.ANNOTATING)
        with transaction.atomic():
            services.finish(job=job)

    for name in ("score_pool", "run_adaptation", "run_baseline"):
        monkeypatch.setattr(scoring if name == "score_pool" else adapting, name, work)
    return done


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[dramatiq.Worker]:
    """A worker for the GPU as `manage.py worker` makes it, not started yet; its broker keeps no connection past the test."""
    before = dramatiq.get_broker()
    broker.install()
    ours = dramatiq.get_broker()
    for actor in (actors.score, actors.adapt, actors.baseline):
        ours.declare_actor(actor)
        monkeypatch.setattr(actor, "broker", ours)
    worker = dramatiq.Worker(ours, queues={"gpu"}, worker_threads=1, worker_timeout=100)
    worker.queue_prefetch = 1
    yield worker
    worker.stop()
    ours.close()
    dramatiq.set_broker(before)


def comparison_done() -> bool:
    services.tick()
    return not Job.objects.filter(kind="baseline").exclude(state="done").exists()


def test_the_next_rounds_clips_are_chosen_before_the_comparison(worker: dramatiq.Worker, order: list[tuple[str, str]]) -> None:
    adapted(campaign_of("one"))
    Campaign.objects.update(max_rounds=2)
    worker.start()
    wait_for(comparison_done, "comparison")
    assert order == [("one", "score"), ("one", "baseline")]


def test_a_comparison_gives_way_to_another_campaign_that_came_later(worker: dramatiq.Worker, order: list[tuple[str, str]]) -> None:
    first, second = campaign_of("one"), campaign_of("two")
    Campaign.objects.update(max_rounds=1)
    job = adapted(first)
    assert services.send_patient_jobs() == 1, "nothing else waits"
    assert messages() == 1
    services.start_round(campaign=second)
    worker.start()
    wait_for(lambda: ("two", "score") in order, "scoring")
    wait_for(comparison_done, "comparison")
    assert order == [("two", "score"), ("one", "baseline")]
    job.refresh_from_db()
    assert job.attempt == 1, "giving way is no attempt"


def test_a_comparison_that_runs_already_is_left_alone() -> None:
    job = adapted(campaign_of("one"))
    Campaign.objects.update(max_rounds=1)
    claimed = Job.claim(job.pk)
    assert claimed
    services.start_round(campaign=campaign_of("two"))
    services.tick()
    claimed.beat(1, 2, "still at it")
    assert claimed.mine().exists()


def test_a_comparison_is_sent_once_while_it_waits_for_its_worker() -> None:
    adapted(campaign_of("one"))
    Campaign.objects.update(max_rounds=1)
    assert [services.send_patient_jobs() for _ in range(3)] == [1, 0, 0]


def test_a_lost_message_of_a_comparison_is_sent_again_only_when_nothing_else_waits() -> None:
    job = adapted(campaign_of("one"))
    Campaign.objects.update(max_rounds=1)
    services.send_patient_jobs()
    Job.objects.filter(pk=job.pk).update(sent=now() - timedelta(hours=1))
    services.start_round(campaign=campaign_of("two"))
    before = messages()
    services.tick()
    assert messages() == before
    Job.objects.filter(kind="score").update(state="running", heartbeat=now() + timedelta(hours=1))
    services.tick()
    assert messages() == before + 1


def test_a_comparison_whose_worker_died_gives_way_again_and_is_given_up_in_the_end() -> None:
    job = adapted(campaign_of("one"))
    Campaign.objects.update(max_rounds=1)
    for attempt in range(MAX_ATTEMPTS):
        assert Job.claim(job.pk), attempt
        Job.objects.filter(pk=job.pk).update(heartbeat=now() - timedelta(hours=1))
        before = messages()
        services.rescue_jobs()
        assert messages() == before, "its turn comes later"
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert Round.objects.get().state == Round.State.REFUSED, "the round was over already"
