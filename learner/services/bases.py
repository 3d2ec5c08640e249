"""The base that a campaign begins with, or goes on from: chosen by its people, brought by a worker."""

from __future__ import annotations

from http import HTTPStatus

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from learner.bases import name_of, stems_of
from learner.core.bases import NAMES
from learner.models import Checkpoint, ChosenBase, Job, SharedModel, check_stem
from learner.services.checkpoints import check_unshared
from learner.services.jobs import queue_job

NAME_LENGTH = ChosenBase._meta.get_field("name").max_length


class UnknownBase(DomainError):
    """There is no base of that name."""

    status = HTTPStatus.BAD_REQUEST


class AnotherBaseComes(DomainError):
    """Another base is on its way to this campaign: wait until it is there, or could not be brought."""


class NotBegun(DomainError):
    """The campaign could not begin with this base."""


@transaction.atomic
def choose_base(*, campaign: Campaign, name: str, who: Membership | None = None, another: bool = False) -> Job:
    """Have a worker bring a base and give it to a campaign as its first checkpoint; where it is on its way already, return that job.

    `another`: also to one that has a checkpoint, and goes on from this base then. Raises `UnknownBase`, `AnotherBaseComes`,
    `UnfitCheckpoint`, and `AlreadyShared`.
    """
    if name not in NAMES:
        raise UnknownBase(f"{name!r} is no base; allowed are {', '.join(NAMES)}.")
    Campaign.objects.select_for_update().get(pk=campaign.pk)  # of two clicks the second sees the first one's row
    if not another:
        check_unshared(campaign)
    if campaign.stem not in (extracted := stems_of(name)):
        check_stem(campaign, extracted[0], f"The base {name}")
    return _choose(campaign, name, None, who, another)


@transaction.atomic
def choose_kept_base(*, campaign: Campaign, checkpoint: Checkpoint, who: Membership | None = None) -> Job:
    """The same with a checkpoint that is kept here: one that was uploaded, or another campaign's. One that runs goes on from it.

    Raises `AnotherBaseComes`, `UnfitCheckpoint` and `FileRemoved`.
    """
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    check_stem(campaign, checkpoint.stem, f"The base {name_of(checkpoint)}")
    assert checkpoint.stored
    another = SharedModel.objects.filter(campaign=campaign).exists()
    return _choose(campaign, name_of(checkpoint)[:NAME_LENGTH], checkpoint, who, another)


def _choose(campaign: Campaign, name: str, checkpoint: Checkpoint | None, who: Membership | None, another: bool) -> Job:
    chosen = ChosenBase.objects.select_related("job", "checkpoint").filter(campaign=campaign).first()
    if chosen is not None and chosen.job.is_open:
        if (chosen.name, chosen.checkpoint) != (name, checkpoint):
            raise AnotherBaseComes(f"{chosen.name} is on its way to this campaign: wait until it is there, or could not be brought.")
        return chosen.job
    job = queue_job(campaign=campaign, kind=Job.Kind.BASE)
    ChosenBase.objects.update_or_create(campaign=campaign, defaults={"name": name, "checkpoint": checkpoint, "job": job, "who": who})
    record(campaign, "base.chosen", who=who, after={"base": name} | ({"another": True} if another else {}))
    return job
