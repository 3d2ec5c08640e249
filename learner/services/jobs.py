"""Jobs, as far as rows move: queued, sent, given up, tried again, finished."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation import events
from annotation import services as annotating
from annotation.events import publish, record
from annotation.files.disk_space import Lack
from annotation.models import Campaign, Track
from learner.models import DEAD_AFTER, DELETED, MAX_ATTEMPTS, MOST_SAID, WAITS_FOR_ROOM, Adaptation, Job, Round

RESEND_AFTER = timedelta(minutes=2)  # a job still queued by then has its message sent again; the claim makes a second one harmless
ROOM_AFTER = timedelta(minutes=1)  # the same of one that found the disk full
ACTORS = {
    Job.Kind.SCORE: "score",
    Job.Kind.ADAPT: "adapt",
    Job.Kind.BASELINE: "baseline",
    Job.Kind.BASE: "bring_base",
    Job.Kind.RESCORE: "rescore",
    Job.Kind.INGEST: "take_songs_in",
    Job.Kind.TRIAL: "try_base",
    Job.Kind.SEPARATE: "separate_track",
    Job.Kind.CHECK: "check_uploaded_base",
    Job.Kind.IMPORT: "import_data",
    Job.Kind.REMAKE: "remake",
    Job.Kind.EXPORT: "export",
    Job.Kind.SYNC: "sync_label_studio",
    Job.Kind.SONG: "separate_song",
    Job.Kind.WEIGHTS: "write_checkpoint",
}
QUEUES = dict.fromkeys(Job.WITHOUT_GPU, "audio")
OPEN = (Job.State.QUEUED, Job.State.RUNNING)


def queue_job(*, campaign: Campaign, kind: str) -> Job:
    """Make a job and send its message, both with the surrounding transaction; a patient one's is sent when its turn comes."""
    job = Job.objects.create(campaign=campaign, kind=kind)
    send_again(job)
    return job


def send_again(job: Job) -> None:
    """Send a queued job's message, unless it gives way to others: then `send_patient_jobs` does."""
    gives_way = job.is_patient
    Job.objects.filter(pk=job.pk).update(sent=None if gives_way else now())
    if gives_way:
        publish(job.campaign_id, "job", job.pk)
    else:
        send(job)


@transaction.atomic
def stand_back(*, job_id: int) -> None:
    """Where a job's message met a job of higher priority at the worker: send that one's message, and then this one's, again.

    Both have a message for sure then, however they came; one more does no harm.
    """
    job = Job.objects.filter(Job.is_behind(), ~DELETED, pk=job_id, state=Job.State.QUEUED).first()
    if job is None or job.is_patient:
        return
    without = Q(kind__in=Job.WITHOUT_GPU)
    same = without if job.kind in Job.WITHOUT_GPU else ~without
    first = Job.urgent().filter(same, priority__gt=job.priority).exclude(pk__in=Job.waiting_for_room()).order_by("-priority", "pk").first()
    if first:
        send_again(first)
    send_again(job)


def send(job: Job) -> None:
    kind = Job.Kind(job.kind)
    events.send(ACTORS[kind], job.pk, queue=QUEUES.get(kind, "gpu"))
    publish(job.campaign_id, "job", job.pk)


@transaction.atomic
def fail(*, job: Job, reason: str) -> None:
    """Give a job up and say why; what it worked for is over too, and no new round begins before somebody looked (`resume`)."""
    if not Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=[Job.State.RUNNING, Job.State.QUEUED]).update(
        state=Job.State.FAILED, reason=reason, finished=now()
    ):
        return
    end_what_it_worked_for(job, reason)
    record(job.campaign, "job.failed", after={"job": job.pk, "kind": job.kind, "reason": reason})


def end_what_it_worked_for(job: Job, reason: str) -> None:
    """End the round of a job that does not end well, and keep the next from beginning before somebody looked."""
    over = {"state": Round.State.FAILED, "finished": now()}
    stopped = Round.objects.filter(scoring=job).update(**over)
    adaptation = Adaptation.objects.filter(job=job).select_related("feedback_set__round").first()
    if adaptation:
        Adaptation.objects.filter(pk=adaptation.pk).update(verdict=Adaptation.Verdict.FAILED, reasons=[reason], finished=now())
        stopped += Round.objects.filter(pk=adaptation.feedback_set.round_id).update(**over)
    if stopped:
        annotating.pause_rounds(campaign=job.campaign)


@transaction.atomic
def hand_back(*, job: Job, why: str = "the worker was stopped") -> None:
    """Queue a job again that its worker leaves: no fault of the job, so it does not count as an attempt."""
    log = f"{job.log}{now():%H:%M:%S} {why}; queued again\n"
    if job.mine().update(state=Job.State.QUEUED, attempt=F("attempt") - 1, log=log):
        send_again(job)


@transaction.atomic
def wait_for_room(*, job: Job, lack: Lack) -> None:
    """Queue a job again that found the disk full: no fault of the job, so it does not count as an attempt; the clock sends it again.

    What it had done lies on the disk, and it goes on from there.
    """
    row = job.mine().select_for_update().first()
    if row is None:
        return
    doing = f"{WAITS_FOR_ROOM}: {lack}"
    known = WAITS_FOR_ROOM in row.log.rstrip("\n").rpartition("\n")[2]  # a line for each minute of a full disk says nothing new
    log = row.log if known else f"{row.log}{now():%H:%M:%S} {doing}\n"
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.QUEUED, attempt=F("attempt") - 1, doing=doing[:MOST_SAID], in_hand=None, log=log, sent=now()
    )
    publish(job.campaign_id, "job", job.pk)


def finish(*, job: Job) -> None:
    """Mark a job as done; call it in the transaction that writes its result. Raises `Lost` when another attempt owns it."""
    job.hold()
    job.mine().update(state=Job.State.DONE, step=F("total"), doing="", heartbeat=now(), finished=now())
    record(job.campaign, "job.done", after={"job": job.pk, "kind": job.kind})


@transaction.atomic
def try_again(*, job: Job, cause: str, suspect: Track | None = None) -> None:
    """Queue a job again whose attempt was cut short by `cause`, or give it up where three in a row came no further than those before.

    So what is kept on disk brings a long job to its end however often it is cut short, and one that kills its workers ends.
    `suspect` is the track to take up last. Nothing happens where the job is another attempt's by now.
    """
    row = job.mine().select_for_update().first()
    if row is None:
        return
    no_further = 1 if row.step > row.reached else row.no_further + 1
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.QUEUED,
        reached=max(row.reached, row.step),
        no_further=no_further,
        in_hand=None,
        suspect=suspect or row.suspect,
        log=f"{row.log}{now():%H:%M:%S} attempt {row.attempt} ended because {cause}; queued again\n",
    )
    if no_further < MAX_ATTEMPTS:
        send_again(row)
        return
    doing = row.doing or "the start"
    fail(job=row, reason=f"{no_further} attempts in a row came no further than this: {doing}. The last one ended because {cause}.")


@transaction.atomic
def rescue_jobs(*, dead_after: timedelta = DEAD_AFTER) -> int:
    """Try jobs again whose worker died; send again what waited too long. Returns how many had died.

    A track that two workers in a row had in hand when they died is set aside: the second took it up last, so the others had come through.
    """
    dead = Job.objects.select_for_update(skip_locked=True).filter(state=Job.State.RUNNING, heartbeat__lt=Now() - dead_after)
    n = 0
    for job in dead.select_related(None):
        n += 1
        if job.in_hand and job.in_hand == job.suspect:
            annotating.set_aside(track=job.in_hand, reason=f"Two workers died while they were at: {job.doing}.")
        try_again(job=job, cause="its worker died, or lost the database", suspect=job.in_hand)
    for job in Job.urgent().select_for_update(skip_locked=True).filter(sent_long_ago()):
        send_again(job)
    return n


def sent_long_ago() -> Q:
    return Q(sent__lt=now() - RESEND_AFTER) | Q(sent__lt=now() - ROOM_AFTER, pk__in=Job.waiting_for_room())


def work_folder(adaptation_id: int) -> Path:
    """Where an adaptation's unfinished work lies, on the machine that does it."""
    return _work() / f"adaptation-{adaptation_id}"


def remake_folder(job_id: int) -> Path:
    """The same of one that is done again, beside: what the first one left is not touched."""
    return _work() / f"remake-{job_id}"


@contextmanager
def scratch(job: Job) -> Iterator[Path]:
    """A folder for what an attempt at a job has not finished. What a killed worker left in it goes when the job has ended."""
    folder = _work() / f"job-{job.pk}" / str(job.attempt)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another attempt is at work in it
            folder.parent.rmdir()


def _work() -> Path:
    return Path(settings.HOME) / "work"


def remove_leftovers() -> int:
    """Remove the work folders on this machine whose jobs have ended and whose adaptations have none to come; returns how many."""
    still = Q(job__state__in=OPEN) | Q(baseline_job__state__in=OPEN)
    ended = Job.objects.exclude(state__in=OPEN)
    return _remove("adaptation-", Adaptation.objects.exclude(still)) + _remove("remake-", ended) + _remove("job-", ended)


def _remove(before: str, ended: QuerySet[Any]) -> int:
    """Remove folders that are called so and by the id of one of these rows."""
    numbered = [(path.name.removeprefix(before), path) for path in _work().glob(f"{before}*")]
    folders = {int(number): path for number, path in numbered if number.isdecimal()}
    found = list(ended.filter(pk__in=folders).values_list("pk", flat=True)) if folders else []
    for pk in found:
        shutil.rmtree(folders[pk], ignore_errors=True)
    return len(found)
