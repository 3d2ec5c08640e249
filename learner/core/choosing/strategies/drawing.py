"""Draw clips with stated chances: uniformly, or with chances that are proportional to a weight."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from learner.core.choosing.clips import Clips, Floats
from learner.core.choosing.strategies.interface import Pick, Quota


def draw(weights: Floats, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
    """Up to `n` clips within the quota, drawn with chances proportional to `weights` (above 0) as far as the quota lets them be.

    Tracks are thinned to what the quota leaves of each, then groups, then the clips are drawn of all that is left; the chance of a clip
    is the product of its chances in each step (two-phase sampling, Särndal et al. 1992, ch. 9: dividing by it is without bias).
    """
    kept: NDArray[np.intp] = np.arange(len(clips))
    chances: Floats = np.ones(len(clips))

    def step(indices: NDArray[np.intp], size: int) -> NDArray[np.intp]:
        drawn, of = systematic(weights[indices] / chances[indices], size, generator)
        chances[indices] *= of
        return np.sort(indices[drawn])

    def thinned(labels: NDArray[np.int64], left: Callable[[int], int]) -> NDArray[np.intp]:
        own = labels[kept]
        parts = [step(kept[own == label], left(int(label))) for label in np.unique(own)]
        return np.concatenate(parts) if parts else kept

    kept = thinned(clips.tracks, quota.left_in_track)
    if quota.per_group is not None:
        kept = thinned(clips.groups, lambda group: quota.left_in_group(group, n))
    drawn = step(kept, n)
    return [Pick(int(index), float(weights[index]), {}, float(chances[index])) for index in generator.permutation(drawn)]


def systematic(weights: Floats, n: int, generator: np.random.Generator) -> tuple[NDArray[np.intp], Floats]:
    """Draw up to `n` of so many items without replacement; which, and the exact chance that each item had.

    Chances are proportional to the weights, but at most 1 (Madow 1949, doi 10.1214/aoms/1177729988, on items in random order). With
    equal weights it is plain drawing.
    """
    n = min(n, len(weights))
    chances = np.zeros(len(weights))
    certain = np.zeros(len(weights), dtype=bool)
    while n:
        rest = ~certain
        left = n - int(certain.sum())
        chances[certain] = 1.0
        chances[rest] = left * weights[rest] / weights[rest].sum() if rest.any() else 0.0
        if not (over := rest & (chances >= 1.0 - 1e-12)).any():
            break
        certain |= over
    order = generator.permutation(len(weights))
    ends = np.cumsum(chances[order])
    marks = generator.random() + np.arange(n)
    drawn = order[np.minimum(np.searchsorted(ends, marks, side="right"), len(weights) - 1)] if n else order[:0]
    return np.unique(drawn), chances
