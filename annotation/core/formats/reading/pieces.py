"""Marks of a whole song, cut into clips that people listen to."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from annotation.core.label_studio import SHORTEST_BY_HAND, Marks
from annotation.core.regions import Region, clamp, merge, subtract
from annotation.core.tags import Tagged


def pieces(marks: Marks, duration: float, clips: Iterable[Region], length: float) -> list[tuple[Region, Marks]]:
    """The clips that marks lie in, each with what lies in it: of `clips` those that are there, else stretches of `length` seconds.

    Clips without a mark are not among them: that somebody marked nothing in a song which was extracted elsewhere says nothing of what
    was extracted here. What is cut so short that nobody would have drawn it is left out.
    """
    spans = merge([*((one.start, one.end) for one in marks.wrong), *marks.missing])
    there = [clip for clip in sorted(clips) if clamp(spans, clip)]
    left = [span for span in subtract(spans, there) if span.duration >= SHORTEST_BY_HAND]
    grid = {_stretch(n, duration, length) for start, end in left for n in range(int(start // length), math.ceil(end / length))}
    clips = sorted({*there, *grid})
    longest = max((clip.duration for clip in clips), default=0.0)
    wrong: dict[Region, list[Tagged]] = {}
    missing: dict[Region, list[Region]] = {}
    for one in marks.wrong:
        for clip, region in _cut(Region(one.start, one.end), clips, longest):
            wrong.setdefault(clip, []).append(Tagged(*region, one.tag))
    for span in marks.missing:
        for clip, region in _cut(span, clips, longest):
            missing.setdefault(clip, []).append(region)
    return [(clip, Marks(wrong.get(clip, []), missing.get(clip, []))) for clip in clips if clip in wrong or clip in missing]


def _cut(mark: Region, clips: Sequence[Region], longest: float) -> Iterator[tuple[Region, Region]]:
    """The clips that a mark lies in, in order, each with its part of the mark; no clip lasts more than `longest` seconds."""
    for n in range(bisect_left(clips, (mark.start - longest, 0.0)), len(clips)):
        clip = clips[n]
        if clip.start >= mark.end:
            break
        part = Region(max(mark.start, clip.start), min(mark.end, clip.end))
        if part.duration >= SHORTEST_BY_HAND:
            yield clip, part


def _stretch(n: int, duration: float, length: float) -> Region:
    """The last one ends with the song, and is as long as the others where the song is."""
    start = n * length
    if start + length <= duration:
        return Region(start, start + length)
    return Region(round(max(0.0, duration - length), 3), duration)
