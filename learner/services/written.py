"""Have a checkpoint written for other tools."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from annotation.events import record
from annotation.files import storage
from annotation.models import Membership
from learner.models import Checkpoint, Job, WrittenCheckpoint
from learner.services.jobs import OPEN, finish, queue_job


@transaction.atomic
def write_checkpoint(*, checkpoint: Checkpoint, format: WrittenCheckpoint.Format, who: Membership) -> WrittenCheckpoint:
    """Queue a job that writes it; asked for twice, or when it is there, nothing is done again. Raises `FileRemoved`."""
    Checkpoint.objects.select_for_update(of=("self",)).get(pk=checkpoint.pk)
    known = written_of(checkpoint, who).get(format)
    if known and (known.file or known.job.state in OPEN):
        return known
    assert checkpoint.stored
    job = queue_job(campaign=who.campaign, kind=Job.Kind.WEIGHTS)
    record(who.campaign, "checkpoint.written", who=who, after={"checkpoint": checkpoint.hash, "format": str(format)})
    return WrittenCheckpoint.objects.create(checkpoint=checkpoint, format=format, job=job, who=who)


def written_of(checkpoint: Checkpoint, who: Membership) -> dict[str, WrittenCheckpoint]:
    """The latest of each format, of this campaign."""
    found = WrittenCheckpoint.objects.filter(checkpoint=checkpoint, job__campaign=who.campaign_id).select_related("job").order_by("pk")
    return {one.format: one for one in found}


@transaction.atomic
def keep_written(*, written: WrittenCheckpoint, file: Path, how: str) -> None:
    """The file is there."""
    key = storage.keep(file, written.suffix)
    finish(job=written.job)
    WrittenCheckpoint.objects.filter(pk=written.pk).update(file=key, size=file.stat().st_size, how=how)


@transaction.atomic
def refuse_written(*, written: WrittenCheckpoint, reason: str) -> None:
    """It cannot be written so, which is no fault of the job."""
    finish(job=written.job)
    WrittenCheckpoint.objects.filter(pk=written.pk).update(refused=reason)
