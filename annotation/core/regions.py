"""Regions: half-open stretches of time in seconds, and their arithmetic.

Every function takes any iterable of (start, end) or (start, end, weight) tuples, in any order, overlapping or not;
what is past the second element is not looked at. None of them changes its arguments.
"""

import math
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.errors import DomainError

FRAME = 0.05  # seconds; what answers are compared by, for consensus and for figures of agreement
# Sums of decimal seconds miss whole frames by a hair (0.1 + 0.2 = 0.30000000000000004): less than this is no frame.
_HAIR = 1e-6


class Region(NamedTuple):
    """A stretch of time in seconds; the end itself is not part of it."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        return self.end - self.start


Regions = Iterable[Sequence[float]]


class BadRegion(DomainError, ValueError):
    """A mark is not a stretch of time inside its clip."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str | None = None, *, region: str | None = None, field: str | None = None) -> None:
        """`message` is what people read; `region` ("2 (id 'x7')") and `field` ("value.start") say where, for pages that point at it."""
        super().__init__(message or self.__doc__)
        self.region = region
        self.field = field


def merge(regions: Regions, gap: float = 0.0) -> list[Region]:
    """Return the union in order: regions that overlap, touch, or lie at most `gap` seconds apart become one; empty ones vanish."""
    merged: list[Region] = []
    for start, end in sorted((region[0], region[1]) for region in regions):
        if end <= start:
            continue
        if merged and start <= merged[-1].end + gap:
            merged[-1] = Region(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Region(start, end))
    return merged


def intersect(these: Regions, those: Regions) -> list[Region]:
    """Return the time that lies in both, in order."""
    left, right = merge(these), merge(those)
    both: list[Region] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            both.append(Region(start, end))
        if left[i].end < right[j].end:
            i += 1
        else:
            j += 1
    return both


def subtract(these: Regions, those: Regions) -> list[Region]:
    """Return the time that lies in `these` and not in `those`, in order."""
    holes = merge(those)
    rest: list[Region] = []
    for start, end in merge(these):
        for hole in holes:
            if hole.end <= start:
                continue
            if hole.start >= end:
                break
            if hole.start > start:
                rest.append(Region(start, hole.start))
            start = hole.end
        if start < end:
            rest.append(Region(start, end))
    return rest


def total(regions: Regions) -> float:
    """Return the seconds covered; what is covered twice counts once."""
    return math.fsum(region.duration for region in merge(regions))


def clamp(regions: Regions, bounds: Sequence[float]) -> list[Region]:
    """Return each region cut to `bounds` (start, end), in the given order and not merged; what lies outside vanishes."""
    cut = (Region(max(region[0], bounds[0]), min(region[1], bounds[1])) for region in regions)
    return [region for region in cut if region.start < region.end]


def shift(regions: Regions, seconds: float) -> list[Region]:
    """Return each region moved later by `seconds` (earlier, if negative)."""
    return [Region(region[0] + seconds, region[1] + seconds) for region in regions]


def frame_count(duration: float, frame: float) -> int:
    """Return how many frames of `frame` seconds cover `duration` seconds; the last may reach past its end."""
    return max(0, math.ceil(duration / frame - _HAIR))


def to_frames(regions: Regions, duration: float, frame: float) -> NDArray[np.bool_]:
    """Return one truth per frame of [0, duration): does the frame's middle lie in a region? Regions may reach outside."""
    frames = np.zeros(frame_count(duration, frame), dtype=np.bool_)
    for region in regions:
        first, last = (max(0, math.ceil(edge / frame - 0.5 - _HAIR)) for edge in (region[0], region[1]))
        frames[first:last] = True
    return frames


def from_frames(frames: NDArray[np.bool_], frame: float, duration: float | None = None) -> list[Region]:
    """Return the stretches of true frames; the last one ends at `duration` at the latest, if that is given."""
    edges = np.flatnonzero(np.diff(np.asarray(frames, dtype=np.int8), prepend=0, append=0))
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    last = math.inf if duration is None else duration
    return [Region(first * frame, min(end * frame, last)) for first, end in zip(starts, ends, strict=True)]
