"""Cuts a clip into short segments at the changes of its own level: what quick questions are asked about. NumPy and nothing else.

Optimal partitioning with a squared cost (Jackson et al. 2005, "An algorithm for optimal partitioning of data on an interval",
doi 10.1109/LSP.2001.838216), which is exact, and here with a shortest and a longest segment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotation.core.regions import FRAME, Region, clamp, merge, total

SHORTEST, LONGEST = 0.5, 4.0  # seconds
FLOOR_DBFS = -60.0  # what is quieter is not heard, and its level does not matter
# What one more change must explain, in squared dB over all frames: a step of 6 dB with half a second on both sides of it.
PENALTY = 180.0
MIXED = (0.35, 0.65)  # share of a segment that bleeds, for which nobody can say yes or no
LEAST_HEARD = 0.1  # seconds over the floor, for a segment to be asked about


def segments(level: Sequence[float] | NDArray[np.float64], *, frame: float = FRAME) -> list[Region]:
    """Return segments of 0.5-4 s, in seconds from the clip's start, which cover it all and are cut where its level changes.

    `level` is (frames) in dBFS, of what was extracted; where it is unknown (NaN) nothing is heard. A clip shorter than one segment is one.
    Of equally good ways to cut, the one whose last segments are longest is taken.
    """
    heard = np.maximum(np.nan_to_num(np.asarray(level, dtype=np.float64), nan=FLOOR_DBFS), FLOOR_DBFS)
    n = len(heard)
    shortest, longest = max(1, round(SHORTEST / frame)), round(LONGEST / frame)
    if n < 2 * shortest:
        return [Region(0.0, round(n * frame, 6))] if n else []
    sums, squares = (np.append(0.0, np.cumsum(part)) for part in (heard, heard**2))
    best, cut = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.intp)
    best[0] = 0.0
    for end in range(shortest, n + 1):
        begins = np.arange(max(0, end - longest), end - shortest + 1)
        spread = squares[end] - squares[begins] - (sums[end] - sums[begins]) ** 2 / (end - begins)
        cost = best[begins] + spread + PENALTY
        least = int(cost.argmin())
        best[end], cut[end] = cost[least], begins[least]
    edges = [n]
    while edges[-1]:
        edges.append(int(cut[edges[-1]]))
    return [Region(round(start * frame, 6), round(end * frame, 6)) for start, end in pairwise(reversed(edges))]


def asked(level: Sequence[float] | NDArray[np.float64], *, frame: float = FRAME) -> list[Region]:
    """Return the segments in which something is heard: nobody is asked about silence."""
    loud = np.flatnonzero(np.diff(np.nan_to_num(np.asarray(level), nan=FLOOR_DBFS) > FLOOR_DBFS, prepend=False, append=False)) * frame
    sounds = merge(zip(loud[::2].tolist(), loud[1::2].tolist(), strict=True))
    return [one for one in segments(level, frame=frame) if total(clamp(sounds, one)) >= min(LEAST_HEARD, one.duration) - 1e-6]


DOUBT = 0.03  # seconds that are expected to be decided wrongly, from which on a stretch is asked about
UNSURE = 0.02  # probability of the less probable answer, over which a frame is in doubt
SHORTEST_DOUBT = 0.3  # seconds; of less nobody can say what sounded
STEP = 0.15  # of the probability from one frame to the next: there somebody's mark begins or ends


def in_doubt(posterior: NDArray[np.float64], *, frame: float = FRAME) -> list[Region]:
    """Return the stretches of 0.3-4 s about which answers so far leave doubt; `posterior` is (frames) the probability that each bleeds.

    They begin and end where marks do about which people disagree, so that all of a stretch bleeds or nothing of it: cuts by the sound
    often leave segments of which a part does, and nobody can say yes or no of these.
    """
    wrong = np.minimum(posterior, 1 - posterior)
    unsure = np.diff(wrong > UNSURE, prepend=False, append=False)
    cuts = np.flatnonzero(unsure | np.append(np.abs(np.diff(posterior, prepend=posterior[:1])) > STEP, False))
    found = []
    for first, last in pairwise(cuts.tolist()):
        if wrong[first] > UNSURE and wrong[first:last].sum() * frame > DOUBT and (last - first) * frame >= SHORTEST_DOUBT - 1e-6:
            n = math.ceil((last - first) * frame / LONGEST - 1e-6)
            edges = [first + round((last - first) * part / n) for part in range(n + 1)]
            found += [Region(round(start * frame, 6), round(end * frame, 6)) for start, end in pairwise(edges)]
    return found
