"""Questions about the checkpoints of a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Campaign
from learner.models import Adaptation, Checkpoint, ChosenBase, FeedbackClip, Round, SharedModel


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


MOST_SONGS = 20


@dataclass(frozen=True)
class Made:
    """How a checkpoint came to be in a campaign: by which adaptation, from how many clips and regions; `adaptation` None: a base."""

    adaptation: Adaptation | None
    replay_only: bool  # the comparison, which learned from no marks
    clips: int = 0
    regions: int = 0

    @cached_property
    def songs(self) -> list[tuple[str, int]]:
        """Those that it learned most regions from: name -> regions, most first."""
        if self.adaptation is None or self.replay_only:
            return []
        learned = self.adaptation.feedback_set.items.filter(clip__kept_apart=False).order_by()
        songs = learned.values_list("clip__track__name").annotate(n=Count("*"))
        return list(songs.order_by("-n", "clip__track__name")[:MOST_SONGS])


def made_by(campaign: Campaign, checkpoint: Checkpoint) -> Made:
    """The adaptation of this campaign that made it, with what it learned from."""
    learned = FeedbackClip.objects.filter(feedback_set=OuterRef("feedback_set"), kept_apart=False).order_by().values("feedback_set")
    of_either = Adaptation.objects.filter(Q(child=checkpoint) | Q(replay_only=checkpoint), campaign=campaign)
    of_either = of_either.annotate(n_clips=Coalesce(Subquery(learned.annotate(n=Count("*")).values("n")), 0))
    adaptation = of_either.select_related("feedback_set__round", "parent", "job").order_by("pk").first()
    if adaptation is None:
        return Made(None, replay_only=False)
    if adaptation.child_id != checkpoint.pk:
        return Made(adaptation, replay_only=True)
    return Made(adaptation, replay_only=False, clips=adaptation.n_clips, regions=adaptation.feedback_set.regions)


LINE = """
WITH RECURSIVE line(id, above) AS (
    SELECT id, 0 FROM learner_checkpoint WHERE id = %s
    UNION ALL
    SELECT parent.id, above + 1 FROM learner_checkpoint AS child JOIN line ON line.id = child.id
    JOIN learner_checkpoint AS parent ON parent.id = child.parent_id
)
SELECT learner_checkpoint.* FROM learner_checkpoint JOIN line ON line.id = learner_checkpoint.id ORDER BY above DESC
"""


def line_of(checkpoint: Checkpoint, known: Iterable[Checkpoint] = ()) -> list[Checkpoint]:
    """Its ancestors, the first one first, and itself; in one query, or none where all of them are `known` to the caller."""
    parents, line = {one.pk: one for one in known}, [checkpoint]
    while above := parents.get(line[0].parent_id or 0):
        line.insert(0, above)
    return line if line[0].parent_id is None else list(Checkpoint.objects.raw(LINE, [checkpoint.pk]))
