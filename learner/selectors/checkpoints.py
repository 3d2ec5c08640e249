"""Questions about the checkpoints of a campaign."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from annotation.models import Campaign
from learner.models import Adaptation, Checkpoint, ChosenBase, Round, SharedModel


def current_checkpoint(campaign: Campaign) -> Checkpoint | None:
    """The checkpoint that the campaign uses now, with its parent; None before it got its first."""
    shared = SharedModel.objects.select_related("current__parent").filter(campaign=campaign).first()
    return shared.current if shared else None


def base_of(campaign: Campaign) -> Checkpoint | None:
    """The checkpoint that the campaign began with; None before it got one."""
    first = Round.objects.select_related("parent").filter(campaign=campaign).order_by("number").first()
    return first.parent if first else current_checkpoint(campaign)


def chosen_base(campaign: Campaign) -> ChosenBase | None:
    """The base that somebody chose for a campaign to begin with, with its job; None where nobody chose any by name."""
    return ChosenBase.objects.select_related("job").filter(campaign=campaign).first()


def checkpoints(campaign: Campaign) -> QuerySet[Checkpoint]:
    """Every checkpoint that this campaign used or made, newest first."""
    own = Adaptation.objects.filter(campaign=campaign)
    return (
        Checkpoint.objects.filter(
            Q(pk__in=Round.objects.filter(campaign=campaign).values("parent"))
            | Q(pk__in=own.values("child"))
            | Q(pk__in=own.values("replay_only"))
            | Q(pk__in=SharedModel.objects.filter(campaign=campaign).values("current"))
        )
        .select_related("parent")
        .order_by("-pk")
    )
