"""How well people agree with each other, or marks with a truth: chance-corrected, per frame, per event, and at the edges.

Frames are arrays of one value each; a value that is missing (not heard) is NaN. Regions are in seconds.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from annotation.regions import Region, Regions, intersect, merge, total


class EventScore(NamedTuple):
    """Events found: shares 0-1, 1 where there was nothing to find and nothing was found."""

    precision: float
    recall: float
    f1: float


class BoundaryError(NamedTuple):
    """Mean distance of matched edges in seconds: `onset` and `offset` unsigned, the lags signed (positive: later than the truth)."""

    onset: float
    offset: float
    onset_lag: float
    offset_lag: float
    n_matched: int


def krippendorff_alpha(values: ArrayLike) -> float:
    """Return nominal alpha of (people, frames), NaN where somebody did not answer: 1 full agreement, 0 chance, below worse.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C. Frames with fewer than two values say nothing.
    NaN if no two values can be compared; 1 if all comparable values are one and the same.
    """
    table = np.asarray(values, dtype=np.float64)
    kinds = np.unique(table[~np.isnan(table)])
    counts = (table[np.newaxis] == kinds[:, np.newaxis, np.newaxis]).sum(axis=1).astype(np.float64)  # (kinds, frames)
    counts = counts[:, counts.sum(axis=0) >= 2]
    if not counts.size:
        return math.nan
    answered = counts.sum(axis=0)
    n_values = answered.sum()
    disagreeing = ((answered**2 - (counts**2).sum(axis=0)) / (answered - 1)).sum() / n_values
    of_kind = counts.sum(axis=1)
    by_chance = (n_values**2 - (of_kind**2).sum()) / (n_values * (n_values - 1))
    return float(1 - disagreeing / by_chance) if by_chance else 1.0


def frame_f1(these: Regions, those: Regions) -> float:
    """Return the F1 of time that both cover: frame F1 with frames of no length. Symmetric, and 1 if both are empty."""
    these, those = merge(these), merge(those)
    both = total(these) + total(those)
    return 2 * total(intersect(these, those)) / both if both else 1.0


def pairwise_frame_f1(answers: Sequence[Regions]) -> float:
    """Return the mean `frame_f1` over all pairs of answers to one clip; NaN for fewer than two answers."""
    pairs = [frame_f1(one, other) for one, other in combinations([merge(answer) for answer in answers], 2)]
    return math.fsum(pairs) / len(pairs) if pairs else math.nan


def event_f1(truth: Regions, found: Regions, tolerance: float = 0.2, share: float = 0.2) -> EventScore:
    """Score `found` events: right if the onset lies within `tolerance` seconds, and the offset too or within `share` of the length.

    As in sound event detection (Mesaros, Heittola, Virtanen 2016). Overlapping regions are merged first; each event is matched once.
    """
    true, mine = merge(truth), merge(found)
    n_right = len(_matched(true, mine, tolerance, share))
    precision = n_right / len(mine) if mine else float(not true)
    recall = n_right / len(true) if true else float(not mine)
    return EventScore(precision, recall, 2 * n_right / (len(true) + len(mine)) if true or mine else 1.0)


def boundary_error(truth: Regions, found: Regions, furthest: float = 1.0) -> BoundaryError:
    """Return how far the edges of matched events lie apart; events match if both edges lie within `furthest` seconds.

    All NaN if nothing matches.
    """
    true, mine = merge(truth), merge(found)
    matched = _matched(true, mine, furthest, share=0.0)
    if not matched:
        return BoundaryError(math.nan, math.nan, math.nan, math.nan, 0)
    late = np.array([[mine[j].start - true[i].start, mine[j].end - true[i].end] for i, j in matched])
    onset, offset = np.abs(late).mean(axis=0).tolist()
    onset_lag, offset_lag = late.mean(axis=0).tolist()
    return BoundaryError(onset, offset, onset_lag, offset_lag, len(matched))


def _matched(true: Sequence[Region], found: Sequence[Region], tolerance: float, share: float) -> list[tuple[int, int]]:
    """Return pairs (index of true, index of found), as many as can be had, each event used once.

    Augmenting paths: an event gives its partner away if it can have another.
    """
    # A hair, so that edges exactly at the tolerance match whatever binary makes of them.
    near = tolerance + 1e-9
    partners = [
        [
            j
            for j, event in enumerate(found)
            if abs(event.start - target.start) <= near and abs(event.end - target.end) <= max(near, share * target.duration)
        ]
        for target in true
    ]
    taken_by: dict[int, int] = {}

    def settle(i: int, asked: set[int]) -> bool:
        for j in partners[i]:
            if j in asked:
                continue
            asked.add(j)
            if j not in taken_by or settle(taken_by[j], asked):
                taken_by[j] = i
                return True
        return False

    for i in range(len(true)):
        settle(i, set())
    return sorted((i, j) for j, i in taken_by.items())
