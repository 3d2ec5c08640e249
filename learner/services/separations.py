"""What a checkpoint makes of one track, made when somebody asks for it."""

from __future__ import annotations

from django.db import transaction

from annotation.events import record
from annotation.models import Membership, Track
from learner.models import Checkpoint, Job, Separation
from learner.services.jobs import OPEN, queue_job


@transaction.atomic
def separate_track(*, track: Track, checkpoint: Checkpoint, who: Membership) -> Job:
    """Have a worker separate this track; asked for twice, it is one job. Raises `FileRemoved`."""
    job, is_new = queue_separation(track=track, checkpoint=checkpoint)
    if is_new:
        about = {"track": track.pk, "name": track.name, "use": track.use, "checkpoint": checkpoint.hash}
        record(track.campaign, "track.separated", who=who, after=about)
    return job


def queue_separation(*, track: Track, checkpoint: Checkpoint) -> tuple[Job, bool]:
    """The job that separates this track, and whether it is a new one; to be called in a transaction. Raises `FileRemoved`."""
    assert checkpoint.stored
    locked = Track.objects.select_for_update(no_key=True).get(pk=track.pk)
    known = Separation.objects.filter(track=locked, checkpoint=checkpoint, job__state__in=OPEN).select_related("job").first()
    if known:
        return known.job, False
    job = queue_job(campaign=track.campaign, kind=Job.Kind.SEPARATE)
    Separation.objects.create(track=locked, checkpoint=checkpoint, job=job)
    return job, True
