"""Cut a track into the clips that people hear, each of which begins and ends in a rest where it can."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from learner.core.metrics import SHORT_FRAME, SILENCE_DBFS

SHORTEST, LONGEST = 10.0, 30.0  # seconds of a clip; a track that is shorter is a clip as a whole
SLACK = 3.0  # seconds that a cut may lie before or after its place on the grid
AROUND = 0.3  # seconds before and after a cut that are to be quiet: a breath, and not the gap within a word
REST_DB = 30.0  # what was extracted rests where it lies this far under its loud places, and one rest is as good as another
LOUD = 95  # percentile of the levels that is taken for a loud place
MIX = 0.1  # weight of the mix's level beside that of what was extracted: it decides between rests
AWAY = 0.1  # decibels for each second away from the grid: of equally quiet places the nearest is taken

Span = tuple[float, float]


def grid(duration: float, length: float) -> list[Span]:
    """Clips of `length` seconds, all equal; a remainder of 10 s or more is a clip too, and so is a short track as a whole."""
    whole = int(duration // length)
    spans = [(i * length, (i + 1) * length) for i in range(whole)]
    if duration - whole * length >= SHORTEST or not spans:
        spans.append((whole * length, duration))
    return spans


def cut(duration: float, length: float, level: NDArray[np.floating], mix: NDArray[np.floating]) -> list[Span]:
    """As many clips as `grid` has, whose edges lie at the quietest places within 3 s of the grid's.

    `level` (of what was extracted) and `mix` are dBFS for each 0.1 s of the track. All edges are chosen together (dynamic programming,
    Bellman 1957), so that no clip is shorter than 10 s or longer than 30 s: for a length of just that there is little to choose from.
    """
    spans = grid(duration, length)
    places: list[NDArray[np.float64]] = [np.zeros(1)]
    costs: list[NDArray[np.float64]] = [np.zeros(1)]
    loudness = _loudness(level, mix)
    for _, end in spans:
        there = _places(end, duration)
        at = np.minimum(np.round(there / SHORT_FRAME).astype(int), len(loudness) - 1)
        places.append(there)
        costs.append(loudness[at] + AWAY * np.abs(there - end))
    edges = _cheapest(places, costs)
    return list(pairwise(edges))


def _loudness(level: NDArray[np.floating], mix: NDArray[np.floating]) -> NDArray[np.float64]:
    """How loud it is around the beginning of each frame: decibels, of which only differences count."""
    rest = max(np.percentile(level, LOUD) - REST_DB, SILENCE_DBFS)
    loudness = np.maximum(level, rest).astype(float) + MIX * np.asarray(mix, float)
    return np.asarray(uniform_filter1d(loudness, 2 * round(AROUND / SHORT_FRAME), mode="nearest"))


def _places(end: float, duration: float) -> NDArray[np.float64]:
    """Where a cut may lie instead of at `end`: at that place itself, and at whole frames around it."""
    if end >= duration:
        return np.array([duration])
    frames = np.arange(np.ceil((end - SLACK) / SHORT_FRAME), np.floor((end + SLACK) / SHORT_FRAME) + 1)
    places = np.union1d(np.round(frames * SHORT_FRAME, 1), end)
    return np.asarray(places[places <= duration])


def _cheapest(places: Sequence[NDArray[np.float64]], costs: Sequence[NDArray[np.float64]]) -> list[float]:
    """One place of each, so that their costs are least in all and clips between them are as long as they may be."""
    total, before = costs[0], []
    for here, there, cost in zip(places, places[1:], costs[1:], strict=False):
        lengths = np.round(there[:, None] - here[None, :], 6)
        allowed = (lengths >= min(SHORTEST, lengths.max())) & (lengths <= LONGEST)
        reached = np.where(allowed, total[None, :], np.inf)
        before.append(reached.argmin(axis=1))
        total = cost + reached.min(axis=1)
    at = int(total.argmin())
    edges = [float(places[-1][at])]
    for here, came in zip(places[-2::-1], before[::-1], strict=True):
        at = int(came[at])
        edges.append(float(here[at]))
    return edges[::-1]


def tiles(spans: Sequence[Span], duration: float, length: float) -> bool:
    """Whether these are the clips of a track as `cut` or `grid` gives them for this length, whatever was extracted."""
    wanted = grid(duration, length)
    if len(spans) != len(wanted) or any(abs(one[1] - other[0]) > 1e-6 for one, other in pairwise(spans)):
        return False
    return all(fits(span, duration, length) for span in spans)


def fits(span: Span, duration: float, length: float) -> bool:
    """Whether a clip is one that `cut` or `grid` may give for this length."""
    near = min(grid(duration, length), key=lambda one: abs(one[0] - span[0]))
    return all(abs(ours - theirs) <= SLACK + 1e-6 for ours, theirs in zip(span, near, strict=True))


def heard(span: Span, before: Sequence[Span]) -> bool:
    """Whether a clip is one of those before, though its edges may have moved: more than half of the shorter of the two is in both."""
    return any(min(span[1], one[1]) - max(span[0], one[0]) > min(span[1] - span[0], one[1] - one[0]) / 2 for one in before)
