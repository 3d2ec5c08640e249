"""Questions about what choosing gains: clips of a strategy against those drawn at random, round by round, by what people agreed on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When

from annotation.models import Campaign, Consensus, Task
from learner.core.choosing.gain import MANY, Answered, Gain, Group, compare
from learner.models import Round
from learner.selectors.rounds import Turn


@dataclass(frozen=True)
class Choice:
    """The clips of one round that people agreed on, or of all rounds together (`number` None); those kept apart for the gate are left out.

    They are drawn at random too, but from other songs.
    """

    number: int | None
    strategies: list[str]
    gain: Gain


@dataclass(frozen=True)
class Found:
    """Seconds of false positives against minutes of clips, added up from round to round; both begin at 0."""

    minutes: list[float] = field(default_factory=lambda: [0.0])
    seconds: list[float] = field(default_factory=lambda: [0.0])


@dataclass(frozen=True)
class Choices:
    """Every round in which people agreed on a clip, all rounds together, and how what was found grew in each group."""

    rounds: list[Choice]
    whole: Choice
    chosen: Found
    control: Found


def choices(campaign: Campaign) -> Choices:
    """What choosing has gained so far, in two queries: clips are added up by the database, and read where they are few."""
    groups = _groups(campaign)
    rounds = [_choice(number, groups[number]) for number in sorted(groups)]
    grown = {arm: Found() for arm in Task.Arm}
    for round_ in rounds:
        for arm, rate in ((Task.Arm.SCORE, round_.gain.chosen), (Task.Arm.RANDOM, round_.gain.control)):
            grown[arm].minutes.append(grown[arm].minutes[-1] + rate.minutes)
            grown[arm].seconds.append(grown[arm].seconds[-1] + rate.found)
    whole = _Clips(strategies=set().union(*(one.strategies for one in groups.values())))
    for arm in Task.Arm:
        whole.of[arm] = sum((one.of[arm] for one in groups.values()), Group())
    return Choices(rounds, _choice(None, whole), grown[Task.Arm.SCORE], grown[Task.Arm.RANDOM])


@dataclass
class _Clips:
    """The clips of a round, or of all: both groups, and by what those were chosen that were."""

    of: dict[str, Group] = field(default_factory=lambda: {str(arm): Group() for arm in Task.Arm})
    strategies: set[str] = field(default_factory=set)


def _groups(campaign: Campaign) -> dict[int, _Clips]:
    """Closed clips by their latest consensus, those of each round."""
    found: defaultdict[int, _Clips] = defaultdict(_Clips)
    few = Q(pk__in=[])
    for number, arm, strategy, *sums in _agreed(campaign).order_by().values_list(*BY).annotate(**SUMS):
        of_round = found[number]
        of_round.of[arm] += replace(Group(*sums), clips=None)
        if arm == Task.Arm.SCORE and strategy:
            of_round.strategies.add(strategy)
    for arm in Task.Arm:
        numbers = [number for number, one in found.items() if 0 < one.of[arm].n <= MANY]
        few |= Q(task__arm=arm, task__round_number__in=numbers)
    read: defaultdict[tuple[int, str], list[Answered]] = defaultdict(list)
    rows = _agreed(campaign).filter(few).order_by("task").values_list("task__round_number", "task__arm", "seconds", "minutes", "chance")
    for number, arm, *about in rows:
        read[number, arm].append(Answered(*about))
    for (number, arm), clips in read.items():
        found[number].of[arm] = Group.of(clips)
    return found


BY = ("task__round_number", "task__arm", "task__strategy")
SUMS = {
    "n": Count("pk"),
    "found": Sum("seconds"),
    "listened": Sum("minutes"),
    "f": Sum(F("seconds") / F("chance")),
    "m": Sum(F("minutes") / F("chance")),
    "ff": Sum(F("seconds") * F("seconds") / F("chance") / F("chance")),
    "fm": Sum(F("seconds") * F("minutes") / F("chance") / F("chance")),
    "mm": Sum(F("minutes") * F("minutes") / F("chance") / F("chance")),
}


def _agreed(campaign: Campaign) -> QuerySet[Any]:
    """The latest consensus of each closed clip, with its `minutes` and the `chance` by which it counts."""
    later = Consensus.objects.filter(task=OuterRef("task"), version__gt=OuterRef("version"))
    clips = Consensus.objects.filter(
        task__campaign=campaign, task__kind=Task.Kind.POOL, task__kept_apart=False, task__state=Task.State.CLOSED, task__round_number__gt=0
    )  # those of no round nobody chose: they were imported for their marks
    # A chosen clip counts as it is: those of a strategy that draws are likelier to leak, and that is what choosing gains.
    chance = Case(When(task__arm=Task.Arm.RANDOM, then=F("task__chance")), default=Value(1.0))
    return clips.filter(~Exists(later)).annotate(minutes=(F("task__end") - F("task__start")) / 60.0, chance=chance)


def _choice(number: int | None, clips: _Clips) -> Choice:
    return Choice(number, sorted(clips.strategies), compare(clips.of[Task.Arm.SCORE], clips.of[Task.Arm.RANDOM]))


@dataclass(frozen=True)
class Foretold:
    """How well a round's choosing had foretold what people marked, on the clips drawn at random before it; None: they do not say."""

    number: int
    n: int  # clips drawn at random
    spearman: float | None  # rank correlation of expected and marked seconds
    auroc: float | None  # chance that a clip which leaks was expected to leak more than one which does not
    expected: float | None  # mean seconds a clip
    found: float | None  # mean seconds a clip that people marked
    words: str  # what that means for the next clips


def foretold(turns: Iterable[Turn]) -> list[Foretold]:
    """Of every round that kept it."""
    return [one for turn in turns if (one := _foretold(turn.round)) is not None]


def _foretold(round_: Round) -> Foretold | None:
    """What `Round.choosing` says of it; before any clip that was drawn at random is answered there is nothing to say."""
    kept = _dict(round_.choosing)
    quality = _dict(kept.get("quality"))
    if not (n := _number(quality.get("n"))):
        return None
    spearman, auroc, expected, found = (_number(quality.get(name)) for name in ("spearman", "auroc", "expected", "found"))
    return Foretold(round_.number, int(n), spearman, auroc, expected, found, str(kept.get("words") or ""))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
