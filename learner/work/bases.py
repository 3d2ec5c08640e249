"""Bring the base that somebody chose, try it, and let the campaign begin with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from annotation.models import Campaign, Membership
from learner import bases, services
from learner.core.bases import NotFetched, Tell
from learner.core.checkpoint import BadCheckpoint
from learner.core.teaching.adapt import BadRecipe, NoReplay
from learner.models import Checkpoint, ChosenBase, Job, UnfitCheckpoint
from learner.readiness import check_ready
from learner.work.plan import Pulse


def bring_base(job: Job, tell: Tell = lambda done, total, what: None) -> None:
    """Do one job of the kind base; `tell` hears how far it is, as the job's row does. Raises `NotBegun`, saying what to do."""
    chosen = ChosenBase.objects.select_related("campaign", "who").get(job=job)
    pulse = Pulse(job, 0)

    def hear(done: int, total: int, what: str) -> None:
        pulse.total = total
        pulse(done, f"{what} {chosen.name}, in MB")
        tell(done, total, what)

    try:
        file = bases.base_file(chosen.name, chosen.campaign.stem, hear)
    except NotFetched as problem:
        raise services.NotBegun(str(problem)) from problem
    pulse(pulse.total, f"trying {chosen.name} on a second of sound")
    begin_with(chosen.campaign, file, who=chosen.who, also=lambda: services.finish(job=job))


def begin_with(campaign: Campaign, file: Path, *, who: Membership | None = None, also: Callable[[], None] = lambda: None) -> Checkpoint:
    """Give a campaign its first checkpoint, and do `also` what belongs to it; nothing is done where a round could not end.

    Raises `NotBegun`, saying what to do.
    """
    try:
        with transaction.atomic():
            row = services.share_file(campaign=campaign, file=file, who=who)
            check_ready(campaign, row)
            also()
    except (BadCheckpoint, BadRecipe, NoReplay, UnfitCheckpoint, services.AlreadyShared) as problem:
        raise services.NotBegun(str(problem)) from problem
    return row
