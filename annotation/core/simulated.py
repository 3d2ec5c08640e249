"""Simulated annotators: habits drawn once a person, answers drawn once a clip, all from the generator handed in.

They know the truth (false-positive regions of songs with stems, found elsewhere), miss some of it, are late, unsteady at the
edges, mark what is right now and then, or do not listen at all. They hear the whole clip. Pure: NumPy and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.core.questions import Said
from annotation.core.regions import Region, clamp, merge, total
from annotation.core.segments import MIXED

Spam = Literal["nothing", "everything", "block"]
SPAM: tuple[Spam, ...] = ("nothing", "everything", "block")

SHORTEST = 0.2  # seconds: nobody draws a shorter mark
HEARD_AS_ONE = 0.2  # seconds: bleed with shorter pauses is one mark
STRAY = (0.3, 1.5)  # seconds, shortest and longest mark of what is right
BLOCK = 5.0  # seconds


@dataclass(frozen=True)
class Habits:
    """How one simulated person answers."""

    sensitivity: float  # chance of marking a region that bleeds
    over_marking: float  # marks of clean stretches per minute, on average
    lag: float  # seconds that both edges come late, on average
    jitter: float  # seconds, standard deviation of each edge
    spam: Spam | None = None  # instead of listening: marks nothing, everything, or one block anywhere


def draw_habits(rng: np.random.Generator, spam_share: float = 0.25) -> Habits:
    """Draw a person; with chance `spam_share` one who does not listen, each kind as likely as the others."""
    spam = SPAM[rng.integers(len(SPAM))] if rng.random() < spam_share else None
    return Habits(
        sensitivity=float(rng.beta(12, 3)),
        over_marking=float(rng.uniform(0, 1.5)),
        lag=float(rng.uniform(0, 0.35)),
        jitter=float(rng.uniform(0.05, 0.2)),
        spam=spam,
    )


def answer(habits: Habits, truth: Iterable[Sequence[float]], clip: Region, rng: np.random.Generator) -> list[Region]:
    """Return one person's marks on a clip, in track seconds, in order, apart from each other, each at least 0.2 s long.

    `truth` is in track seconds and may reach outside the clip, of which nobody hears anything. A clip shorter than a mark is left alone.
    """
    if clip.duration < SHORTEST or habits.spam == "nothing":
        return []
    if habits.spam == "everything":
        return [clip]
    if habits.spam == "block":
        length = min(BLOCK, clip.duration)
        start = clip.start + rng.uniform(0, clip.duration - length)
        return [_drawn(start, start + length, clip)]
    marks = []
    for region in merge(clamp(truth, clip), gap=HEARD_AS_ONE):
        # Every draw is made, so that a change in sensitivity leaves the other marks where they are.
        noticed = rng.random() < habits.sensitivity
        start, end = region + rng.normal(habits.lag, habits.jitter, 2)
        if noticed:
            marks.append(_drawn(start, end, clip))
    for _ in range(rng.poisson(habits.over_marking * clip.duration / 60)):
        start, length = rng.uniform(clip.start, clip.end), rng.uniform(*STRAY)
        marks.append(_drawn(start, start + length, clip))
    return merge(marks)


def _drawn(start: float, end: float, clip: Region) -> Region:
    """Return the mark inside the clip that is nearest to what the person meant, at least `SHORTEST` long."""
    start = max(min(float(start), clip.end - SHORTEST), clip.start)
    return Region(start, min(max(float(end), start + SHORTEST), clip.end))


REACTION = 0.7  # seconds from the end of a segment to the answer


def judge(habits: Habits, truth: Iterable[Sequence[float]], segments: Sequence[Region], rng: np.random.Generator) -> list[Said]:
    """Return what one person says of each segment: does anything but a voice sound there?

    Judgement errs as in drawing: what bleeds is noticed or missed as a whole, with the person's sensitivity, and clean segments are called
    wrong as often as stray marks would lie there. Where about half bleeds, the answer is "cannot tell" or anything. Nobody draws an edge.
    """
    if habits.spam is not None:
        return [_spammed(habits.spam, rng) for _ in segments]
    heard_as_one = merge(truth, gap=HEARD_AS_ONE)
    noticed = [region for region in heard_as_one if rng.random() < habits.sensitivity]
    said: list[Said] = []
    for segment in segments:
        # Every draw is made, so that one answer leaves the others where they are.
        stray, cannot, anything = rng.random() < habits.over_marking * segment.duration / 60, rng.random() < 0.5, rng.random() < 0.5
        share = total(clamp(noticed, segment)) / segment.duration
        if MIXED[0] <= share <= MIXED[1]:
            said.append("cannot tell" if cannot else "yes" if anything else "no")
        else:
            said.append("yes" if share > MIXED[1] or stray else "no")
    return said


def _spammed(spam: Spam, rng: np.random.Generator) -> Said:
    if spam == "block":
        return "yes" if rng.random() < 0.5 else "no"
    return "yes" if spam == "everything" else "no"
