"""Figures of clips that were not drawn alike: how much each clip counts, and how far the figure may be off.

Active testing (Kossen et al. 2021, arXiv 2103.05331) asks people about clips that are expected to show most, and undoes the bias by
known chances: a clip drawn with half the chance of another stands for twice as many.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from learner.core.judging.segments import Change


def weights(rounds: Sequence[Sequence[float]], n_clips: int) -> list[list[float]]:
    """Return how much each clip counts: 1 were all drawn alike, more where its chance was small. Bounded where chances are.

    `rounds` holds, for each round in turn, the chances of the clips that it drew from those which no round had drawn before;
    `n_clips` is how many there were at first. These are the weights of Farquhar et al. 2021 (arXiv 2101.11665, "LURE", eq. 4) for
    rounds of any size: each round with what was drawn before estimates the total of all clips, and the estimates are averaged so
    that clips drawn alike count alike. Where everything was drawn, every clip counts 1.

    Raises ValueError for a chance outside 0 ... 1, and where more was drawn than there is.
    """
    if any(not 0 < chance <= 1 for drawn in rounds for chance in drawn):
        raise ValueError("a clip that was drawn had a chance above 0 and of at most 1")
    before = n_clips - np.cumsum([0, *map(len, rounds)])  # clips left before each round, and at the end
    end = int(before[-1])
    if end < 0:
        raise ValueError(f"{n_clips - end} clips were drawn of {n_clips}")
    found = []
    for drawn, had, left in zip(rounds, before, before[1:], strict=False):
        share = end / left if left else 1.0  # of what is left after this round, how much is left at last
        found.append([share * len(drawn) / had / chance + 1 - share for chance in drawn])
    return found


def mean_change(changes: ArrayLike, seconds: ArrayLike, weight: ArrayLike, clips: Sequence[Hashable]) -> Change:
    """The mean of changes (one a mark) by seconds times weight, with a 95 % interval over the clips that the marks lie in.

    The interval is that of a ratio of two totals, linearised (Sarndal, Swensson and Wretman 1992, Model Assisted Survey Sampling,
    5.6), with Student's t, since clips are few. It takes clips for drawn one by one with replacement, which makes it a little too
    wide where much of the pool was drawn. One clip gives no interval: its ends are NaN.
    """
    change, counts = np.asarray(changes, dtype=np.float64), np.asarray(seconds, dtype=np.float64) * np.asarray(weight, dtype=np.float64)
    value = float(np.average(change, weights=counts))
    names, of_clip = np.unique([str(clip) for clip in clips], return_inverse=True)
    if (n := len(names)) < 2:
        return Change(value, float("nan"), float("nan"))
    off = np.bincount(of_clip, counts * (change - value)) / counts.sum()
    half = float(special.stdtrit(n - 1, 0.975) * np.sqrt(n / (n - 1) * np.square(off).sum()))
    return Change(value, value - half, value + half)


def all_but(share: float, values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """The largest of the values below which lies no more than a share of the weight."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order]
    return float(values[order][below <= share * weight.sum() + 1e-9][-1])
