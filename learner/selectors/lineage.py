"""Which base each checkpoint of a campaign comes from: a campaign may have gone on from another one."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import Campaign, Event
from learner.models import Checkpoint, Round
from learner.selectors.checkpoints import checkpoints, current_checkpoint
from learner.selectors.rounds import Turn

BEGAN = ("model.shared", "model.base_changed")
"""Events by which a campaign got a checkpoint that it did not make itself."""
TOOK_PLACE = ("model.base_changed", "model.chosen", "model.promoted", "model.rolled_back")
"""Events by which a checkpoint took another's place."""


@dataclass(frozen=True)
class Change:
    """A campaign went on from another base: the checkpoint that it used before, and the base."""

    before: str  # hashes
    base: str


@dataclass(frozen=True)
class Lineage:
    """The checkpoints of a campaign by their ids, and from which of them it began."""

    parents: dict[int, int | None]
    began: frozenset[int]

    def base_of(self, checkpoint: Checkpoint) -> int:
        """The id of the base that a checkpoint comes from; its own, where it is one."""
        at = checkpoint.pk
        while at not in self.began and (parent := self.parents.get(at)):
            at = parent
        return at


def lineage(campaign: Campaign) -> Lineage:
    """In three queries."""
    known = {pk: (hash_, parent) for pk, hash_, parent in checkpoints(campaign).values_list("pk", "hash", "parent")}
    given = set(Event.objects.filter(campaign=campaign, what__in=BEGAN).values_list("after__checkpoint", flat=True))
    first = Round.objects.filter(campaign=campaign, number=1).values_list("parent_id", flat=True).first()
    began = {pk for pk, (hash_, _) in known.items() if hash_ in given or pk == first}
    return Lineage({pk: parent for pk, (_, parent) in known.items()}, frozenset(began))


def base_of(campaign: Campaign, checkpoint: Checkpoint) -> Checkpoint:
    """The base that a checkpoint of the campaign comes from."""
    found = lineage(campaign).base_of(checkpoint)
    return checkpoint if found == checkpoint.pk else Checkpoint.objects.get(pk=found)


def base_in_use(campaign: Campaign, turns: list[Turn] | None = None) -> Checkpoint | None:
    """The base that the campaign's checkpoint comes from; None before it got one. `turns` are its rounds, where the caller has them."""
    if turns and not base_changes(campaign):
        return turns[0].round.parent
    current = current_checkpoint(campaign)
    return base_of(campaign, current) if current else None


def base_changes(campaign: Campaign) -> list[Change]:
    """Every change of the base, the first one first."""
    events = Event.objects.filter(campaign=campaign, what="model.base_changed").order_by("pk")
    return [Change(before, base) for before, base in events.values_list("before__checkpoint", "after__checkpoint")]


def used_before(campaign: Campaign, checkpoint: Checkpoint) -> Checkpoint | None:
    """What a roll-back of this checkpoint leads to; None: nothing was before.

    Where somebody chose it by hand last, what it took the place of then, and so with a base; otherwise what it was made from.
    """
    events = Event.objects.filter(campaign=campaign, what__in=TOOK_PLACE, after__checkpoint=checkpoint.hash).order_by("pk")
    took = list(events.values_list("what", "before__checkpoint"))
    changed = [before for what, before in took if what == "model.base_changed"]
    if took and took[-1][0] == "model.chosen":
        changed = [took[-1][1]]
    return Checkpoint.objects.filter(hash=changed[-1]).first() if changed else checkpoint.parent
