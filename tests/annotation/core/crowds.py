"""Crowds that answer by numbers, and how well a consensus finds what they were asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from annotation.core.agreement import event_f1
from annotation.core.consensus import Prior
from annotation.core.consensus.answers import Key
from annotation.core.regions import merge, to_frames

Mark = tuple[float, float]
Answer = tuple[Key, Key, float, Sequence[Mark]]
"""Of a task, by a person, of a clip so many seconds long."""

Truth = dict[Key, list[Mark]]
"""What bleeds in each clip."""

PUNCTUAL = Prior(onset_lag=0.0, offset_lag=0.0)  # a crowd without a common lag, so that edges can be checked by eye


def answers(*marks_of_each: Sequence[Mark], task: str = "t", duration: float = 20.0) -> list[Answer]:
    """Return one answer for each list of marks, by people 0, 1, …"""
    return [(task, f"person {i}", duration, marks) for i, marks in enumerate(marks_of_each)]


def crowd(
    seed: int, clips: int = 30, people: int = 20, n_answers: int = 3, spam: float = 0.25, lag_of: np.ndarray | None = None
) -> tuple[Truth, list[Answer]]:
    """Return (truth {clip: regions}, answers): clips of 30 s, people with their own sensitivity, lag and stray marks."""
    rng = np.random.default_rng(seed)
    spammer = rng.random(people) < spam
    sensitivity, stray = rng.beta(12, 3, people), rng.uniform(0, 0.75, people)
    lag, jitter = rng.uniform(0, 0.35, people), rng.uniform(0.05, 0.2, people)
    if lag_of is not None:
        lag = lag_of
    truth: Truth = {}
    given: list[Answer] = []
    for clip in range(clips):
        starts = rng.uniform(0, 26, rng.integers(1, 5))
        truth[clip] = [(start, start + length) for start, length in zip(starts, rng.uniform(0.6, 4, len(starts)), strict=True)]
        for person in rng.choice(people, n_answers, replace=False):
            if spammer[person]:
                block = rng.uniform(0, 25)
                marks = [[], [(0.0, 30.0)], [(block, block + 5)]][person % 3]
            else:
                marks = [
                    (start + lag[person] + rng.normal(0, jitter[person]), end + lag[person] + rng.normal(0, jitter[person]))
                    for start, end in truth[clip]
                ]
                marks = [mark for mark in marks if rng.random() < sensitivity[person]]
                marks += [(start, start + 0.7) for start in rng.uniform(0, 29, rng.poisson(stray[person]))]
                marks = [(max(0.0, start), min(30.0, end)) for start, end in marks if end > max(0.0, start)]
            given.append((clip, f"person {person}", 30.0, marks))
    return truth, given


def frame_f1(truth: Truth, found: dict[Key, np.ndarray]) -> float:
    """Return F1 over the frames of all clips; `found` is {clip: frames}."""
    true = np.concatenate([to_frames(truth[clip], 30.0, 0.05) for clip in truth])
    mine = np.concatenate([found[clip] for clip in truth])
    return 2 * (true & mine).sum() / (true.sum() + mine.sum())


def pooled_event_f1(truth: Truth, regions: Mapping[Key, Iterable[Sequence[float]]]) -> float:
    """Return F1 over the events of all clips."""
    found = {clip: merge(regions[clip]) for clip in truth}
    n_right = sum(event_f1(truth[clip], found[clip]).recall * len(merge(truth[clip])) for clip in truth)
    return 2 * n_right / sum(len(merge(truth[clip])) + len(found[clip]) for clip in truth)


def majority(given: list[Answer]) -> dict[Key, np.ndarray]:
    votes: dict[Key, list[np.ndarray]] = {}
    for clip, _, duration, marks in given:
        votes.setdefault(clip, []).append(to_frames(marks, duration, 0.05))
    return {clip: np.mean(frames, axis=0) > 0.5 for clip, frames in votes.items()}
