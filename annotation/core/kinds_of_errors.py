"""How an answer differs from the truth: what it missed, what it marked too much, and where its edges are off. Plain functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from annotation.core.regions import Region, Regions, clamp, intersect, merge, subtract, total


class Errors(NamedTuple):
    """Seconds of each kind, with what there was to hit and to leave alone."""

    missed: float  # of true regions that no mark touches
    extra: float  # of marks that touch no true region
    edges: float  # of all else that is marked and not true, or true and not marked
    found: float  # of what is true and marked
    true: float
    clip: float

    def __add__(self, other: object) -> Errors:
        assert isinstance(other, Errors)
        return Errors(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NONE = Errors(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def errors(marks: Regions, truth: Regions, clip: Region) -> Errors:
    """The errors of one answer, inside its clip."""
    mine, true = merge(clamp(marks, clip)), merge(clamp(truth, clip))
    missed, extra = _untouched(true, mine), _untouched(mine, true)
    found = total(intersect(mine, true))
    wrong = total(subtract(true, mine)) + total(subtract(mine, true))
    return Errors(missed, extra, max(0.0, wrong - missed - extra), found, total(true), clip.duration)


def _untouched(these: list[Region], those: list[Region]) -> float:
    return total(one for one in these if not any(one.start < other.end and other.start < one.end for other in those))


def summed(all_of_them: Iterable[Errors]) -> Errors:
    return sum(all_of_them, NONE)
