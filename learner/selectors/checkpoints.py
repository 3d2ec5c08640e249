"""Questions about the checkpoints of a campaign."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from annotation.models import Campaign
from learner.models import Adaptation, Checkpoint, ChosenBase, Round, SharedModel


def current_checkpoint(campaign: Campaign) -> Checkpoint | None:
    """The checkpoint that the campaign uses now, with its parent; None before it got its first."""
    shared = SharedModel.objects.select_related("current__parent").filter(campaign=campaign).first()
    return shared.current if shared else None


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


@dataclass(frozen=True)
class Made:
    """How a checkpoint came to be in a campaign: by which adaptation, from how many clips and regions; `adaptation` None: a base."""

    adaptation: Adaptation | None
    replay_only: bool  # the comparison, which learned from no marks
    clips: int
    regions: int
    songs: list[tuple[str, int]]  # name -> regions, most first


MOST_SONGS = 20


def made_by(campaign: Campaign, checkpoint: Checkpoint) -> Made:
    """The adaptation of this campaign that made it, with what it learned from."""
    of_either = Adaptation.objects.filter(Q(child=checkpoint) | Q(replay_only=checkpoint), campaign=campaign)
    adaptation = of_either.select_related("feedback_set__round", "parent", "job").order_by("pk").first()
    if adaptation is None:
        return Made(None, False, 0, 0, [])
    if adaptation.child_id != checkpoint.pk:
        return Made(adaptation, True, 0, 0, [])
    learned = adaptation.feedback_set.items.filter(clip__kept_apart=False)
    songs = learned.order_by().values_list("clip__track__name").annotate(n=Count("pk")).order_by("-n", "clip__track__name")
    clips = adaptation.feedback_set.clips.filter(kept_apart=False).count()
    found = list(songs)
    return Made(adaptation, False, clips, sum(n for _, n in found), found[:MOST_SONGS])


LINE = """
WITH RECURSIVE line(id, above) AS (
    SELECT id, 0 FROM learner_checkpoint WHERE id = %s
    UNION ALL
    SELECT parent.id, above + 1 FROM learner_checkpoint AS child JOIN line ON line.id = child.id
    JOIN learner_checkpoint AS parent ON parent.id = child.parent_id
)
SELECT learner_checkpoint.* FROM learner_checkpoint JOIN line ON line.id = learner_checkpoint.id ORDER BY above DESC
"""


def line_of(checkpoint: Checkpoint) -> list[Checkpoint]:
    """Its ancestors, the first one first, and itself; in one query."""
    return list(Checkpoint.objects.raw(LINE, [checkpoint.pk]))
