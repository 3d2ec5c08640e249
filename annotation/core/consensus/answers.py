"""Answers as arrays: who answered what, the marks they drew, and the runs of frames that those cover."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.regions import BadRegion, Region, clamp, frame_count, to_frames

Key = str | int
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_HAIR = 1e-6  # of a frame: sums of decimal seconds miss whole frames by this much


class Runs(NamedTuple):
    """Stretches of frames [first, last) of answers, in order of answers; those of one answer do not overlap."""

    answer: Indices
    first: Indices
    last: Indices


NO_RUNS = Runs(*np.zeros((3, 0), dtype=np.intp))


@dataclass(frozen=True)
class Answers:
    """Answers, sorted by task and annotator, and their marks, sorted by answer and start. Times in seconds."""

    tasks: list[Key]
    people: list[Key]
    duration: Floats  # of each task
    n_frames: Indices  # of each task
    task: Indices  # of each answer, its index in `tasks`
    person: Indices  # of each answer, its index in `people`
    judged: NDArray[np.bool_]  # of each answer, whether it was to segments that were cut beforehand
    of: Indices  # of each mark, its answer
    start: Floats  # of each mark, as it was drawn
    end: Floats
    heard: Runs
    frame: float

    @classmethod
    def read(cls, answers: Iterable[Sequence[Any]], frame: float) -> "Answers":
        """Sort and check answers. Raises `ValueError` (`BadRegion` for a mark) saying which and what is allowed."""
        if not (math.isfinite(frame) and frame > 0):
            raise ValueError(f"frame is {frame!r}; it must be a positive number of seconds")
        rows = sorted((_read(answer) for answer in answers), key=lambda row: (_order(row.task), _order(row.annotator)))
        for one, other in pairwise(rows):
            if one.task == other.task and one.annotator == other.annotator:
                raise ValueError(f"annotator {one.annotator!r} answered task {one.task!r} twice; one answer each is allowed")
        tasks = sorted({row.task for row in rows}, key=_order)
        people = sorted({row.annotator for row in rows}, key=_order)
        index_of_task = {task: i for i, task in enumerate(tasks)}
        index_of_person = {person: i for i, person in enumerate(people)}
        task = np.array([index_of_task[row.task] for row in rows], dtype=np.intp)
        duration = np.zeros(len(tasks))
        np.maximum.at(duration, task, [row.duration for row in rows])
        n_frames = np.array([frame_count(seconds, frame) for seconds in duration.tolist()], dtype=np.intp)
        marks = np.array([mark for row in rows for mark in row.marks], dtype=np.float64).reshape(-1, 2)
        return cls(
            tasks=tasks,
            people=people,
            duration=duration,
            n_frames=n_frames,
            task=task,
            person=np.array([index_of_person[row.annotator] for row in rows], dtype=np.intp),
            judged=np.array([row.judged for row in rows], dtype=np.bool_),
            of=np.repeat(np.arange(len(rows)), [len(row.marks) for row in rows]),
            start=np.ascontiguousarray(marks[:, 0]),
            end=np.ascontiguousarray(marks[:, 1]),
            heard=_heard(rows, task, duration, n_frames, frame),
            frame=frame,
        )

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """Of each mark, whether a person drew its edges."""
        return ~self.judged[self.of]

    @property
    def row_of_task(self) -> dict[Key, int]:
        return {task: row for row, task in enumerate(self.tasks)}

    @property
    def shape(self) -> tuple[int, int]:
        """(frames of the longest task, tasks)"""
        return int(self.n_frames.max(initial=0)), len(self.tasks)

    def frame_at(self, edge: Floats) -> Indices:
        """Return of edges (one each for every mark) the first frame whose middle is not before it; the task's number if there is none."""
        return np.clip(np.ceil(edge / self.frame - 0.5 - _HAIR), 0, self.n_frames[self.task[self.of]]).astype(np.intp)

    def runs(self, start: Floats, end: Floats) -> Runs:
        """Return the frames that marks from `start` to `end` (one each for every mark) cover, of those that the person heard.

        A frame is covered if its middle is.
        """
        first, last = self.frame_at(start), self.frame_at(end)
        some = first < last
        return _both(_union(Runs(self.of[some], first[some], last[some])), self.heard)


class _Row(NamedTuple):
    task: Key
    annotator: Key
    duration: float
    marks: list[Region]
    heard: Sequence[Sequence[float]] | None
    judged: bool


def _read(answer: Sequence[Any]) -> _Row:
    task, annotator, duration, regions, *rest = answer
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f"task {task!r}: duration is {duration!r}; it must be a positive number of seconds")
    marks = sorted(Region(float(region[0]), float(region[1])) for region in regions)
    for mark in marks:
        if not (math.isfinite(mark.start) and math.isfinite(mark.end) and mark.start < mark.end):
            raise BadRegion(f"task {task!r}, annotator {annotator!r}: {tuple(mark)} must be finite and run forward")
    return _Row(task, annotator, float(duration), clamp(marks, (0.0, duration)), rest[0] if rest else None, len(rest) > 1 and bool(rest[1]))


def _heard(rows: Sequence[_Row], task: Indices, duration: Floats, n_frames: Indices, frame: float) -> Runs:
    """Return the frames that people heard: all of the task where they do not say."""
    answer, first, last = [], [], []
    for i, (row, t) in enumerate(zip(rows, task.tolist(), strict=True)):
        if row.heard is None:
            edges = np.array([0, n_frames[t]])
        else:
            edges = np.flatnonzero(np.diff(to_frames(row.heard, float(duration[t]), frame), prepend=False, append=False))
        answer += [i] * (len(edges) // 2)
        first.append(edges[::2])
        last.append(edges[1::2])
    nothing = [np.zeros(0, dtype=np.intp)]
    return Runs(np.array(answer, dtype=np.intp), np.concatenate(first or nothing), np.concatenate(last or nothing))


def _order(key: Key) -> tuple[str, Key]:
    """Return what sorts keys, whole numbers before strings."""
    return type(key).__name__, key


def _union(runs: Runs) -> Runs:
    """Join runs of one answer that overlap or touch."""
    order = np.lexsort((runs.first, runs.answer))
    answer, first, last = (part[order] for part in runs)
    if not len(answer):
        return runs
    # Laid out one after the other on one line, answers far apart, a run begins anew where all before it have ended.
    apart = (answer - answer[0]) * (last.max() + 2)
    reach = np.maximum.accumulate(last + apart)
    new = np.append(True, (first + apart)[1:] > reach[:-1])
    begins = np.flatnonzero(new)
    return Runs(answer[begins], first[begins], np.maximum.reduceat(last, begins))


def _both(these: Runs, those: Runs) -> Runs:
    """Return where both have frames; each without overlaps."""
    if not len(these.answer) or not len(those.answer):
        return NO_RUNS
    width = int(max(these.last.max(), those.last.max())) + 1
    begin, end = those.answer * width + those.first, those.answer * width + those.last
    from_, to = these.answer * width + these.first, these.answer * width + these.last
    left, right = np.searchsorted(end, from_, side="right"), np.searchsorted(begin, to, side="left")
    mine, theirs = expand(left, right)
    first = np.maximum(these.first[mine], those.first[theirs])
    return Runs(these.answer[mine], first, np.minimum(these.last[mine], those.last[theirs]))


def expand(left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """Return (i, j) for every i and every j in [left[i], right[i])."""
    n = np.maximum(right - left, 0)
    ends = np.cumsum(n)
    i = np.repeat(np.arange(len(n)), n)
    return i, np.arange(int(ends[-1]) if len(ends) else 0) - (ends - n)[i] + left[i]
