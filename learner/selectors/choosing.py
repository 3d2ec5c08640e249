"""Questions about what choosing gains: clips of a strategy against those drawn at random, round by round, by what people agreed on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Sum

from annotation.models import Campaign, Consensus, ConsensusRegion, Task
from learner.core.choosing.gain import Answered, Gain, gain
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
    """What choosing has gained so far, in two queries."""
    clips = _answered(campaign)
    of_round: defaultdict[int, list[Clip]] = defaultdict(list)
    for one in clips:
        of_round[one[0]].append(one)
    rounds = [_choice(number, of_round[number]) for number in sorted(of_round)]
    grown = {arm: Found() for arm in Task.Arm}
    for round_ in rounds:
        for arm, rate in ((Task.Arm.SCORE, round_.gain.chosen), (Task.Arm.RANDOM, round_.gain.control)):
            grown[arm].minutes.append(grown[arm].minutes[-1] + rate.minutes)
            grown[arm].seconds.append(grown[arm].seconds[-1] + rate.found)
    return Choices(rounds, _choice(None, clips), grown[Task.Arm.SCORE], grown[Task.Arm.RANDOM])


Clip = tuple[int, str, str, Answered]  # round, arm, strategy


def _answered(campaign: Campaign) -> list[Clip]:
    """Closed clips by their latest consensus."""
    agreed = Consensus.objects.filter(
        task__campaign=campaign, task__kind=Task.Kind.POOL, task__kept_apart=False, task__state=Task.State.CLOSED
    )
    latest = agreed.order_by("task", "-version").distinct("task")
    regions = ConsensusRegion.objects.filter(consensus__in=agreed).values("consensus").annotate(s=Sum(F("end") - F("start")))
    seconds = dict(regions.values_list("consensus", "s"))
    rows = latest.values_list("pk", "task__round_number", "task__arm", "task__strategy", "task__chance", F("task__end") - F("task__start"))
    return [
        (number, arm, strategy, Answered(seconds.get(pk, 0.0), length / 60, chance)) for pk, number, arm, strategy, chance, length in rows
    ]


def _choice(number: int | None, clips: list[Clip]) -> Choice:
    by_arm = {arm: [answered for _, own, _, answered in clips if own == arm] for arm in Task.Arm}
    # A chosen clip counts as it is: those of a strategy that draws are likelier to leak, and that is what choosing gains.
    chosen = [Answered(one.found, one.minutes) for one in by_arm[Task.Arm.SCORE]]
    strategies = sorted({strategy for _, arm, strategy, _ in clips if arm == Task.Arm.SCORE and strategy})
    return Choice(number, strategies, gain(chosen, by_arm[Task.Arm.RANDOM]))


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
