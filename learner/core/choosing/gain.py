"""What choosing has gained: clips chosen by a strategy against the control group drawn at random, from what people agreed on in both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
MANY = 2000  # clips; with more, to draw them anew takes seconds and shows nothing but a normal distribution
FEWEST = 2  # clips of each group, under which nothing can be said of how sure a figure is

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """A clip that people agreed on."""

    found: float  # seconds of false positives
    minutes: float  # its length
    chance: float = 1.0  # of having been drawn


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
    generator = np.random.default_rng(seed)
    ours, theirs = _drawn(chosen, generator), _drawn(control, generator)
    rates = _rate(chosen, ours), _rate(control, theirs)
    if not chosen or not rates[1].value:
        return Gain(*rates, None)
    minutes = rates[0].minutes
    saved = rates[0].found / rates[1].value - minutes
    if ours is None or theirs is None:
        return Gain(*rates, saved)
    with np.errstate(divide="ignore", invalid="ignore"):
        # As many minutes as were heard in truth, so that what differs from draw to draw is how much was found in them.
        drawn = minutes * np.where(ours > 0, ours / theirs, 0.0) - minutes
    low, high = np.percentile(drawn, [2.5, 97.5], method="nearest")
    return Gain(*rates, saved, float(low), float(high) if np.isfinite(high) else None)


def _drawn(clips: Sequence[Answered], generator: np.random.Generator) -> Values | None:
    """Rates of sets of clips drawn anew: (draws,); None for too few.

    Of very many the rates are drawn from the normal distribution that they come to (a ratio's standard error by linearization: Cochran
    1977, Sampling Techniques, 6.3).
    """
    if len(clips) < FEWEST:
        return None
    found, minutes = _weighted(clips)
    if len(clips) > MANY:
        rate = found.sum() / minutes.sum()
        error = np.sqrt(np.sum((found - rate * minutes) ** 2)) / minutes.sum()
        return np.asarray(np.maximum(0.0, generator.normal(rate, error, DRAWS)))
    which = generator.integers(0, len(clips), (DRAWS, len(clips)))
    return np.asarray(found[which].sum(axis=1) / minutes[which].sum(axis=1))


def _weighted(clips: Sequence[Answered]) -> tuple[Values, Values]:
    found, minutes, chances = (np.array([getattr(one, name) for one in clips], float) for name in ("found", "minutes", "chance"))
    return found / chances, minutes / chances


def _rate(clips: Sequence[Answered], drawn: Values | None) -> Rate:
    if not clips:
        return Rate(0, 0.0, 0.0, None)
    found, minutes = _weighted(clips)
    low, high = (None, None) if drawn is None else (float(one) for one in np.percentile(drawn, [2.5, 97.5]))
    value = float(found.sum() / minutes.sum())
    return Rate(len(clips), sum(one.found for one in clips), sum(one.minutes for one in clips), value, low, high)
