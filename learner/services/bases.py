"""The base that a campaign begins with, or goes on from: chosen by its people, brought by a worker."""

from __future__ import annotations

from http import HTTPStatus

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from learner.bases import stems_of
from learner.core.bases import NAMES
from learner.models import ChosenBase, Job, check_stem
from learner.services.checkpoints import check_unshared
from learner.services.jobs import queue_job


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
    chosen = ChosenBase.objects.select_related("job").filter(campaign=campaign).first()
    if chosen is not None and chosen.job.is_open:
        if chosen.name != name:
            raise AnotherBaseComes(f"{chosen.name} is on its way to this campaign: wait until it is there, or could not be brought.")
        return chosen.job
    job = queue_job(campaign=campaign, kind=Job.Kind.BASE)
    ChosenBase.objects.update_or_create(campaign=campaign, defaults={"name": name, "job": job, "who": who})
    record(campaign, "base.chosen", who=who, after={"base": name} | ({"another": True} if another else {}))
    return job
