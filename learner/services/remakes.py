"""Have a checkpoint made again, to see whether the same comes of it."""

from __future__ import annotations

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Membership
from learner.models import Adaptation, Checkpoint, Job, Remake
from learner.selectors import made_by
from learner.services.jobs import OPEN, finish, queue_job


class NotAgain(DomainError):
    """This checkpoint cannot be made again."""


@transaction.atomic
def remake(*, checkpoint: Checkpoint, who: Membership) -> Job:
    """Queue its adaptation again, from what is recorded; asked for twice, it is one job. Raises `NotAgain`."""
    made = made_by(who.campaign, checkpoint)
    if made.adaptation is None:
        raise NotAgain("This checkpoint was brought, not made here: there is no adaptation to do again.")
    Adaptation.objects.select_for_update(of=("self",)).get(pk=made.adaptation.pk)
    known = Remake.objects.filter(checkpoint=checkpoint, job__state__in=OPEN).select_related("job").first()
    if known:
        return known.job
    if checkpoint.withdrawn:
        raise NotAgain("It learned from answers whose people have withdrawn their consent since: nothing learns from them again.")
    if made.adaptation.parent.removed:
        raise NotAgain(f"Its parent cannot be read. {made.adaptation.parent.removed}")
    job = queue_job(campaign=who.campaign, kind=Job.Kind.REMAKE)
    Remake.objects.create(adaptation=made.adaptation, checkpoint=checkpoint, job=job, who=who)
    record(who.campaign, "checkpoint.remade", who=who, after={"checkpoint": checkpoint.hash})
    return job


@transaction.atomic
def keep_outcome(*, remake: Remake, hash: str, differences: list[str]) -> None:
    """What came of it; the job is done."""
    finish(job=remake.job)
    Remake.objects.filter(pk=remake.pk).update(hash=hash, differences=differences)
    record(
        remake.adaptation.campaign,
        "checkpoint.compared",
        after={"checkpoint": remake.checkpoint.hash, "same": hash == remake.checkpoint.hash},
    )
