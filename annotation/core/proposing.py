"""What proposals do to people's answers: those with proposals beside those without, drawn by chance. Plain figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from annotation.core.regions import Regions, intersect, total

RESAMPLES = 2000
ENOUGH = 5  # tasks; an interval from fewer would pretend


class Answered(NamedTuple):
    """One answer to a task."""

    task: int
    marks: int
    minutes: float  # that the page was before somebody's eyes
    agreement: float | None  # with the consensus, see `f1`; None: there is none yet
    proposed: int = 0
    accepted: int = 0  # of those


class Figure(NamedTuple):
    """A figure with its 95 % interval over tasks; None: not known."""

    value: float | None
    low: float | None
    high: float | None


class Figures(NamedTuple):
    """Of the answers to tasks with proposals, or to blind ones."""

    answers: int
    tasks: int
    marks_per_minute: Figure
    agreement: Figure
    accepted: Figure  # share of the proposals


def f1(marks: Regions, agreed: Regions) -> float:
    """How well marks are what was agreed on, by seconds, 0-1; 1 where both are empty."""
    marks, agreed = list(marks), list(agreed)
    whole = total(marks) + total(agreed)
    return 2 * total(intersect(marks, agreed)) / whole if whole else 1.0


def figures(answers: Sequence[Answered]) -> Figures:
    """Intervals are by drawing tasks anew (bootstrap), since answers to one task are alike; always by the same seed."""
    tasks: dict[int, list[Answered]] = {}
    for one in sorted(answers):
        tasks.setdefault(one.task, []).append(one)

    def figure(above: Callable[[Answered], float], below: Callable[[Answered], float]) -> Figure:
        sums = np.array([[sum(map(above, own)), sum(map(below, own))] for own in tasks.values()]).reshape(-1, 2)
        if not sums[:, 1].sum():
            return Figure(None, None, None)
        value = float(sums[:, 0].sum() / sums[:, 1].sum())
        if len(sums) < ENOUGH:
            return Figure(value, None, None)
        drawn = sums[np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))].sum(axis=1)
        drawn = drawn[drawn[:, 1] > 0]
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
        return Figure(value, float(low), float(high))

    return Figures(
        len(answers),
        len(tasks),
        figure(lambda one: one.marks, lambda one: one.minutes),
        figure(lambda one: one.agreement or 0.0, lambda one: one.agreement is not None),
        figure(lambda one: one.accepted, lambda one: one.proposed),
    )
