"""How well one answer meets a truth that is known exactly: gold tasks and practice. Plain functions on regions in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.core.regions import Region, Regions, clamp, intersect, merge, subtract, total
from annotation.core.segments import MIXED

TOLERANCE = 0.35  # seconds; nobody is faster than their ears, and marks drawn while listening come late
SHORTEST_FAULT = 0.1  # seconds; less is nobody's mistake


EDGE_OFF = 0.1  # seconds; an edge that is nearer is as good as exact


@dataclass(frozen=True)
class EdgeOff:
    """An edge of a true region that a mark met too early (`off` < 0) or too late, in seconds; `at` is where it is."""

    at: float
    off: float
    is_start: bool


@dataclass(frozen=True)
class Grade:
    """An answer against the truth: `score` from 0 to 1, and what was wrong, in seconds of the clip or track that it was given in."""

    score: float
    hit: float  # seconds of truth that were marked, or lie within the tolerance of a mark
    missed: list[Region]
    extra: list[Region]

    @property
    def right(self) -> bool:
        return not self.missed and not self.extra


def grade(marks: Regions, truth: Regions, clip: Region, tolerance: float = TOLERANCE) -> Grade:
    """Compare marks with the truth inside a clip: frame F1 (with frames of no length), late or early edges forgiven.

    A mark may begin and end up to `tolerance` seconds off its region; what is missed or too much beyond that counts. A region that no
    mark touches is missed whole. Where nothing leaks, no mark scores 1, and marks 1 / (1 + their seconds): one stray mark is not all.
    """
    mine, true = merge(clamp(marks, clip)), merge(clamp(truth, clip))
    extra = _faults(subtract(mine, [(start - tolerance, end + tolerance) for start, end in true]))
    if not true:
        return Grade(1 / (1 + total(extra)), 0.0, [], extra)
    missed = _faults([part for region in true for part in _missed(region, mine, tolerance)])
    hit = total(true) - total(missed)
    return Grade(2 * hit / (2 * hit + total(missed) + total(extra)), hit, missed, extra)


def edges_off(marks: Regions, truth: Regions, clip: Region, tolerance: float = TOLERANCE) -> list[EdgeOff]:
    """The edges that were met, but not exactly: off by `EDGE_OFF` to `tolerance`. `grade` forgives them; what is further off is a fault."""
    mine, found = merge(clamp(marks, clip)), []
    for region in merge(clamp(truth, clip)):
        met = [mark for mark in mine if mark.start < region.end and mark.end > region.start]
        if met:
            found += [EdgeOff(region.start, met[0].start - region.start, True), EdgeOff(region.end, met[-1].end - region.end, False)]
    return [edge for edge in found if EDGE_OFF <= abs(edge.off) <= tolerance]


def grade_segments(yes: Regions, truth: Regions, clip: Region, segments: Regions) -> Grade:
    """Compare the segments answered with yes with those of which most leaks; about half of one is nobody's mistake, whatever was said."""
    shares = {Region(start, end): total(clamp(truth, (start, end))) / (end - start) for start, end in segments}
    mixed = [one for one, share in shares.items() if MIXED[0] <= share <= MIXED[1]]
    leaking = [one for one, share in shares.items() if share > MIXED[1]]
    return grade(subtract(yes, mixed), leaking, clip, tolerance=0.0)


def _missed(region: Region, marks: list[Region], tolerance: float) -> list[Region]:
    found = intersect([region], marks)
    if not found:
        return [region]
    # Forgiven at the edges of the region only: a hole in its middle is a hole.
    near = [(region.start, found[0].start)] if found[0].start - region.start <= tolerance else []
    near += [(found[-1].end, region.end)] if region.end - found[-1].end <= tolerance else []
    return subtract([region], [*marks, *near])


def _faults(regions: list[Region]) -> list[Region]:
    return [region for region in regions if region.duration >= SHORTEST_FAULT]


def mean(scores: list[float]) -> float:
    """Return the mean score; 1 before there is any, so that nobody is judged by nothing."""
    return sum(scores) / len(scores) if scores else 1.0
