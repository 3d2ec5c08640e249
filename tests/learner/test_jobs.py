"""Jobs: claimed once, rescued when their worker dies, given up where three attempts come no further, and safe from those thought dead."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.timezone import now
from dramatiq.middleware.shutdown import Shutdown

from annotation.files.disk_space import naming
from learner import actors, services
from learner.models import MAX_ATTEMPTS, Adaptation, FeedbackSet, Job, Lost, Round
from tests import worlds
from tests.full_disk import write_until_full
from tests.present import present

pytestmark = pytest.mark.django_db


def test_work_in_a_tests_own_transaction_may_take_as_long_as_the_machine_needs() -> None:
    assert actors.BEAT_EVERY > 60, "its row cannot be seen by the connection that beats"


@pytest.fixture
def job() -> Job:
    with transaction.atomic():
        return services.queue_job(campaign=worlds.campaign(), kind=Job.Kind.SCORE)


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
    monkeypatch.setattr(services.jobs, "now", lambda: now() + timedelta(hours=1))
    assert services.rescue_jobs() == 0


def test_a_dead_workers_job_is_claimed_again(job: Job) -> None:
    Job.claim(job.pk)
    die(job)
    assert services.rescue_jobs() == 1
    again = Job.claim(job.pk)
    assert again is not None
    assert again.attempt == 2
    assert "attempt 1 ended because its worker died, or lost the database; queued again" in again.log


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
    assert job.reason == (
        "3 attempts in a row came no further than this: reading a poisoned song. "
        "The last one ended because its worker died, or lost the database."
    )
    assert Job.claim(job.pk) is None


def test_attempts_that_come_further_each_time_are_never_too_many(job: Job) -> None:
    for step in range(1, 3 * MAX_ATTEMPTS):
        claimed = Job.claim(job.pk)
        assert claimed is not None
        claimed.beat(step, 99, f"step {step} of 99")
        die(job)
        services.rescue_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.QUEUED, 3 * MAX_ATTEMPTS - 1)


def test_an_attempt_that_comes_further_forgives_those_that_did_not(job: Job) -> None:
    for step in (7, 7, 8, 8):
        claimed = Job.claim(job.pk)
        assert claimed is not None
        claimed.beat(step, 99, "at work")
        die(job)
        services.rescue_jobs()
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    claimed = Job.claim(job.pk)
    assert claimed is not None
    claimed.beat(0, 99, "reading feedback and songs")  # an attempt that does not even come so far comes no further either
    die(job)
    services.rescue_jobs()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED


class TestTheDatabaseGoesAway:
    pytestmark = pytest.mark.django_db(transaction=True)

    def cut(self, error: type[Exception] = OperationalError) -> Exception:
        return error("server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally")

    @pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
    def test_its_job_is_queued_again_at_once_with_the_reason(self, job: Job, kind: type[Exception]) -> None:
        def work(job: Job) -> None:
            job.beat(5, 9, "step 5 of 9")
            raise self.cut(kind)

        with pytest.raises(kind):
            actors.run(job.pk, work)
        job.refresh_from_db()
        assert job.state == Job.State.QUEUED
        assert "attempt 1 ended because of the database: server closed the connection unexpectedly" in job.log

    def test_also_where_it_stays_away_for_a_while(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        tries: list[int] = []
        try_again = services.try_again

        def away(**about: object) -> None:
            tries.append(1)
            if len(tries) < 3:
                raise self.cut()
            try_again(**about)  # type: ignore[arg-type]

        def work(job: Job) -> None:
            raise self.cut()

        monkeypatch.setattr(services, "try_again", away)
        monkeypatch.setattr(actors, "KNOCK_EVERY", 0.0)
        with pytest.raises(OperationalError):
            actors.run(job.pk, work)
        job.refresh_from_db()
        assert (job.state, len(tries)) == (Job.State.QUEUED, 3)

    def test_a_job_that_comes_no_further_says_so_and_that_it_was_the_database(self, job: Job) -> None:
        def work(job: Job) -> None:
            job.beat(0, 9, "reading songs")
            raise self.cut()

        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(OperationalError):
                actors.run(job.pk, work)
        job.refresh_from_db()
        assert job.state == Job.State.FAILED
        assert job.reason == (
            "3 attempts in a row came no further than this: reading songs. "
            "The last one ended because of the database: server closed the connection unexpectedly."
        )

    def test_the_song_in_hand_is_not_blamed_for_it(self, job: Job) -> None:
        track = worlds.track(job.campaign)

        def work(job: Job) -> None:
            job.work_on(track)
            raise self.cut()

        for _ in range(2):
            with pytest.raises(OperationalError):
                actors.run(job.pk, work)
        job.refresh_from_db()
        track.refresh_from_db()
        assert (job.in_hand, job.suspect, track.set_aside) == (None, None, None)


class TestTheDiskIsFull:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def round_(self, job: Job) -> Round:
        base = worlds.checkpoint("a")
        return Round.objects.create(campaign=job.campaign, number=1, parent=base, scoring=job)

    def write(self, job: Job) -> None:
        job.beat(5, 9, "step 5 of 9")
        with naming(Path("/dev/full")), open("/dev/full", "wb", buffering=0) as file:
            file.write(b"what cannot be kept")

    def fill_the_database(self, job: Job) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'could not extend file \"base/5/1\"' USING ERRCODE = 'disk_full'; END $$")

    def test_its_job_waits_and_nothing_is_given_up(self, job: Job, round_: Round) -> None:
        for _ in range(MAX_ATTEMPTS + 1):
            actors.run(job.pk, self.write)
        job.refresh_from_db()
        assert (job.state, job.attempt, job.no_further, job.step) == (Job.State.QUEUED, 0, 0, 5)
        assert job.waits_for_room and job.doing.startswith("waits for room on the disk: ")
        assert job.doing.endswith(" MB are free. No space left on device: /dev/full")
        assert job.log.count("\n") == 1, "one line, however long it lasts"
        round_.refresh_from_db()
        job.campaign.refresh_from_db()
        assert (round_.state, job.campaign.paused) == ("scoring", False)

    def test_its_own_disk_may_be_the_databases(self, job: Job) -> None:
        actors.run(job.pk, self.fill_the_database)
        job.refresh_from_db()
        assert job.waits_for_room and job.doing.endswith('could not extend file "base/5/1"')

    def test_an_error_that_does_not_say_so_is_known_by_the_disk(self, job: Job, full_disk: Path, settings: Any) -> None:
        def work(job: Job) -> None:
            write_until_full(full_disk)
            raise RuntimeError("System error.")

        settings.HOME = full_disk
        actors.run(job.pk, work)
        job.refresh_from_db()
        assert job.waits_for_room and str(full_disk) in job.doing

    def test_work_does_not_begin_before_there_is_room(self, job: Job, full_disk: Path, settings: Any) -> None:
        settings.HOME = full_disk
        filler, began = write_until_full(full_disk), list[Job]()
        actors.run(job.pk, began.append)
        assert not began
        filler.unlink()
        actors.run(job.pk, began.append)
        assert began

    def test_the_clock_sends_it_again_after_a_minute_and_it_goes_on(self, job: Job) -> None:
        def messages() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE queue_name = 'gpu' AND message->'args' = %s", [f"[{job.pk}]"])
                return int(cursor.fetchone()[0])

        actors.run(job.pk, self.write)
        before = messages()
        services.rescue_jobs()
        assert messages() == before
        Job.objects.update(sent=now() - services.ROOM_AFTER)
        services.rescue_jobs()
        assert messages() == before + 1
        actors.run(job.pk, transaction.atomic(lambda job: services.finish(job=job)))
        job.refresh_from_db()
        assert (job.state, job.attempt, job.doing) == (Job.State.DONE, 1, "")

    def test_a_comparison_is_sent_again_too(self, job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
        comparison = Job.objects.create(campaign=job.campaign, kind=Job.Kind.BASELINE)
        actors.run(comparison.pk, self.write)
        assert services.send_patient_jobs() == 0
        Job.objects.update(sent=now() - services.ROOM_AFTER)
        assert services.send_patient_jobs() == 1

    def test_the_song_in_hand_is_not_blamed_for_it(self, job: Job) -> None:
        track = worlds.track(job.campaign)

        def work(job: Job) -> None:
            job.work_on(track)
            self.write(job)

        for _ in range(2):
            actors.run(job.pk, work)
        job.refresh_from_db()
        track.refresh_from_db()
        assert (job.in_hand, job.suspect, track.set_aside) == (None, None, None)

    def test_it_waits_until_the_database_can_write_that_it_waits(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        tries: list[int] = []
        wait = services.wait_for_room

        def full(**about: Any) -> None:
            tries.append(1)
            if len(tries) < 3:
                self.fill_the_database(job)
            wait(**about)

        monkeypatch.setattr(services, "wait_for_room", full)
        monkeypatch.setattr(actors, "KNOCK_EVERY", 0.0)
        actors.run(job.pk, self.write)
        job.refresh_from_db()
        assert job.waits_for_room and len(tries) == 3

    def test_nobody_is_taken_for_dead_who_could_not_say_that_they_live(self, job: Job) -> None:
        Job.claim(job.pk)
        die(job)
        services.tick(rescue=False)
        job.refresh_from_db()
        assert job.state == Job.State.RUNNING
        services.tick()
        job.refresh_from_db()
        assert job.state == Job.State.QUEUED


def test_a_job_that_waits_long_is_sent_again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(sent=now() - timedelta(hours=1))
    services.rescue_jobs()
    job.refresh_from_db()
    assert now() - present(job.sent) < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_stopping_a_worker_in_order_costs_its_job_no_attempt(job: Job) -> None:
    def work(job: Job) -> None:
        raise Shutdown

    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(Shutdown):
            actors.run(job.pk, work)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.QUEUED, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE queue_name = 'gpu' AND message->'args' = %s", [f"[{job.pk}]"])
        assert cursor.fetchone()[0] == 1 + MAX_ATTEMPTS + 1, "a message each time"


class TestLeftovers:
    @pytest.fixture
    def adaptation(self, job: Job) -> Adaptation:
        base = worlds.checkpoint("a")
        round_ = Round.objects.create(campaign=job.campaign, number=1, parent=base, scoring=job, state="adapting")
        feedback = FeedbackSet.objects.create(round=round_, content_hash="")
        mine = Job.objects.create(campaign=job.campaign, kind=Job.Kind.ADAPT)
        adaptation = Adaptation.objects.create(campaign=job.campaign, feedback_set=feedback, job=mine, parent=base, seed=1)
        (services.work_folder(adaptation.pk) / "child").mkdir(parents=True)
        return adaptation

    @pytest.mark.parametrize("state", ["queued", "running"])
    @pytest.mark.parametrize("whose", ["adapt", "baseline"])
    def test_the_folder_of_work_to_come_or_at_hand_stays(self, adaptation: Adaptation, state: str, whose: str) -> None:
        Job.objects.filter(pk=adaptation.job_id).update(state=state if whose == "adapt" else "done")
        if whose == "baseline":
            comparison = Job.objects.create(campaign=adaptation.campaign, kind=Job.Kind.BASELINE, state=state)
            Adaptation.objects.update(baseline_job=comparison)
        services.tick()
        assert services.work_folder(adaptation.pk).exists()

    @pytest.mark.parametrize("ends", [("done", None), ("failed", None), ("cancelled", None), ("done", "done"), ("done", "failed")])
    def test_the_folder_of_ended_work_is_removed_by_the_clock(self, adaptation: Adaptation, ends: tuple[str, str | None]) -> None:
        Job.objects.filter(pk=adaptation.job_id).update(state=ends[0])
        if ends[1]:
            comparison = Job.objects.create(campaign=adaptation.campaign, kind=Job.Kind.BASELINE, state=ends[1])
            Adaptation.objects.update(baseline_job=comparison)
        services.tick()
        assert not services.work_folder(adaptation.pk).exists()

    def test_and_by_the_next_job_on_its_machine(self, adaptation: Adaptation, job: Job) -> None:
        Job.objects.filter(pk=adaptation.job_id).update(state="failed")
        actors.run(job.pk, lambda job: None)
        assert not services.work_folder(adaptation.pk).exists()

    def test_what_is_no_adaptations_stays(self, adaptation: Adaptation) -> None:
        others = [services.work_folder(adaptation.pk).parent / name for name in ("mine", "adaptation-x", "adaptation-999999")]
        for other in others:
            other.mkdir(exist_ok=True)
        services.tick()
        assert all(other.exists() for other in others)
        for other in others:
            other.rmdir()


def test_a_failed_jobs_reason_says_what_it_was_at(job: Job) -> None:
    def work(job: Job) -> None:
        job.doing = "hearing a song 0-15 s"
        raise ValueError("array is too big")

    with pytest.raises(ValueError, match="array is too big"):
        actors.run(job.pk, work)
    job.refresh_from_db()
    assert job.reason == "ValueError: array is too big (while it was at: hearing a song 0-15 s)"
