"""What choosing has gained: clips chosen by a strategy against the control group drawn at random, from what people agreed on in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
MANY = 500
"""Clips; with more, to read them and to draw them anew takes seconds and shows nothing but a normal distribution.

On made-up clips of which one in ten holds anything the interval from sums held the truth as often as that from draws did, from 150 on."""
FEWEST = 2  # clips of each group, under which nothing can be said of how sure a figure is

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """A clip that people agreed on."""

    found: float  # seconds of false positives
    minutes: float  # its length
    chance: float = 1.0  # of having been drawn


@dataclass(frozen=True)
class Group:
    """Clips added up: as they are, and each by 1 / its chance (`f` seconds, `m` minutes, and sums of their products)."""

    n: int = 0
    found: float = 0.0  # seconds
    minutes: float = 0.0
    f: float = 0.0
    m: float = 0.0
    ff: float = 0.0
    fm: float = 0.0
    mm: float = 0.0
    clips: tuple[Answered, ...] | None = ()  # None: more than `MANY`, of which the sums say all

    @classmethod
    def of(cls, clips: Sequence[Answered]) -> Group:
        f, m = _weighted(clips)
        found, minutes = sum(one.found for one in clips), sum(one.minutes for one in clips)
        ff, fm, mm = (float(one.sum()) for one in (f * f, f * m, m * m))
        return cls(len(clips), found, minutes, float(f.sum()), float(m.sum()), ff, fm, mm, tuple(clips) if len(clips) <= MANY else None)

    def __add__(self, other: Group) -> Group:
        few = self.clips is not None and other.clips is not None and self.n + other.n <= MANY
        return Group(
            n=self.n + other.n,
            found=self.found + other.found,
            minutes=self.minutes + other.minutes,
            f=self.f + other.f,
            m=self.m + other.m,
            ff=self.ff + other.ff,
            fm=self.fm + other.fm,
            mm=self.mm + other.mm,
            clips=(*(self.clips or ()), *(other.clips or ())) if few else None,
        )


@dataclass(frozen=True)
class Rate:
    """False-positive seconds found per minute of clips, with the 95 % interval over clips."""

    n: int
    found: float  # seconds, in all clips
    minutes: float  # of all clips
    value: float | None  # None: no clip
    low: float | None = None  # None: too few clips
    high: float | None = None


@dataclass(frozen=True)
class Gain:
    """Both groups, and how many minutes of clips more it would have taken to find by random draws what the chosen clips hold.

    `saved` is None where the control group cannot say: no clip of one group, or nothing found at random.
    """

    chosen: Rate
    control: Rate
    saved: float | None
    low: float | None = None  # of the 95 % interval; None: too few clips
    high: float | None = None  # None: too few clips, or without limit, since a random draw may well find nothing


def gain(chosen: Sequence[Answered], control: Sequence[Answered], seed: int = 0) -> Gain:
    """Compare the groups. Clips are drawn anew with replacement in each (bootstrap, Efron 1979, doi 10.1214/aos/1176344552).

    A clip counts by 1 / chance (Horvitz and Thompson 1952, doi 10.1080/01621459.1952.10483446), as a ratio of such sums.
    """
    return compare(Group.of(chosen), Group.of(control), seed)


def compare(chosen: Group, control: Group, seed: int = 0) -> Gain:
    """The same of groups that are added up already."""
    generator = np.random.default_rng(seed)
    ours, theirs = _drawn(chosen, generator), _drawn(control, generator)
    rates = _rate(chosen, ours), _rate(control, theirs)
    if not chosen.n or not rates[1].value:
        return Gain(*rates, None)
    minutes = chosen.minutes
    saved = chosen.found / rates[1].value - minutes
    if ours is None or theirs is None:
        return Gain(*rates, saved)
    with np.errstate(divide="ignore", invalid="ignore"):
        # As many minutes as were heard in truth, so that what differs from draw to draw is how much was found in them.
        drawn = minutes * np.where(ours > 0, ours / theirs, 0.0) - minutes
    low, high = np.percentile(drawn, [2.5, 97.5], method="nearest")
    return Gain(*rates, saved, float(low), float(high) if np.isfinite(high) else None)


def _drawn(group: Group, generator: np.random.Generator) -> Values | None:
    """Rates of sets of clips drawn anew: (draws,); None for too few.

    Of very many the rates are drawn from the normal distribution that they come to (a ratio's standard error by linearization: Cochran
    1977, Sampling Techniques, 6.3).
    """
    if group.n < FEWEST:
        return None
    if group.clips is None:
        rate = group.f / group.m
        error = np.sqrt(max(0.0, group.ff - 2 * rate * group.fm + rate * rate * group.mm)) / group.m
        return np.asarray(np.maximum(0.0, generator.normal(rate, error, DRAWS)))
    found, minutes = _weighted(group.clips)
    which = generator.integers(0, group.n, (DRAWS, group.n))
    return np.asarray(found[which].sum(axis=1) / minutes[which].sum(axis=1))


def _weighted(clips: Sequence[Answered]) -> tuple[Values, Values]:
    found, minutes, chances = (np.array([getattr(one, name) for one in clips], float) for name in ("found", "minutes", "chance"))
    return found / chances, minutes / chances


def _rate(group: Group, drawn: Values | None) -> Rate:
    if not group.n:
        return Rate(0, 0.0, 0.0, None)
    low, high = (None, None) if drawn is None else (float(one) for one in np.percentile(drawn, [2.5, 97.5]))
    return Rate(group.n, group.found, group.minutes, group.f / group.m, low, high)
