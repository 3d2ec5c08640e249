"""Figures of one person over time: shares with intervals, and whether they mark differently lately. Plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

DRAWS = 1000
LEAST = 10  # answers on each side, before anything is said of a change


class Measured(NamedTuple):
    """A figure with its 95 % interval, over `n` answers."""

    value: float
    low: float
    high: float
    n: int


def share(parts: Sequence[tuple[float, float]], *, rng: np.random.Generator) -> Measured | None:
    """Of (seconds hit, seconds of truth) for each answer, the share that was hit over all; None: there was nothing to hit.

    The interval is a bootstrap over answers (Efron, 1979, doi:10.1214/aos/1176344552), since seconds of one clip are no independent trials;
    never narrower than Wilson's for as many of them, since where all are alike, its draws are one point.
    """
    known = np.array([part for part in parts if part[1] > 0], dtype=float).reshape(-1, 2)
    if not len(known):
        return None
    hit, of = known[rng.integers(len(known), size=(DRAWS, len(known)))].sum(axis=1).T
    low, high = np.quantile(hit / of, (0.025, 0.975))
    value = float(known[:, 0].sum() / known[:, 1].sum())
    least, most = wilson(value, len(known))
    return Measured(value, min(float(low), least), max(float(high), most), len(known))


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share of `n` independent trials (Wilson, 1927, doi:10.1080/01621459.1927.10502953)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def drift(scores: Sequence[float], *, rng: np.random.Generator) -> Measured | None:
    """How much the mean of the last quarter of scores (in time) differs from that before it, bootstrapped; None: too few to say."""
    values = np.array(scores, dtype=float)
    late = max(LEAST, len(values) // 4)
    if len(values) < late + LEAST:
        return None
    before, after = values[:-late], values[-late:]

    def means(of: np.ndarray) -> np.ndarray:
        return of[rng.integers(len(of), size=(DRAWS, len(of)))].mean(axis=1)

    low, high = np.quantile(means(after) - means(before), (0.025, 0.975))
    return Measured(float(after.mean() - before.mean()), float(low), float(high), late)
