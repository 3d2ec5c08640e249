"""Frames of tasks, taken together where no answer's run begins or ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.core.consensus.answers import Answers, Floats, Indices, Runs


@dataclass(frozen=True)
class Stretches:
    """Frames of every task, cut where runs begin or end. A task with fewer stretches than another has some without frames at its end."""

    length: Floats  # (stretches, tasks) frames
    n_rows: Indices  # (tasks) stretches that have frames
    n_frames: int  # of the longest task
    cuts: Indices  # task * width + frame of every cut, sorted; each task's number of frames is its last
    width: int
    begins: Indices  # (tasks) where in `cuts` each task's begin

    @classmethod
    def between(cls, answers: Answers, runs: Sequence[Runs], of_tasks: Sequence[Runs]) -> "Stretches":
        """Cut where runs of answers, and those of gold tasks, begin or end."""
        n_frames, n_tasks = answers.shape
        width, tasks = n_frames + 1, np.arange(n_tasks)
        of = [*(answers.task[part.answer] for part in runs), *(part.answer for part in of_tasks)]
        at = [task * width + edge for task, part in zip(of, [*runs, *of_tasks], strict=True) for edge in (part.first, part.last)]
        cuts = np.unique(np.concatenate([tasks * width, tasks * width + answers.n_frames, *at]))
        begins = np.searchsorted(cuts, tasks * width)
        n_rows = np.diff(np.append(begins, len(cuts))) - 1
        task, frame = np.divmod(cuts, width)
        goes_on = task[1:] == task[:-1]
        length = np.zeros((int(n_rows.max(initial=0)), n_tasks))
        row = np.arange(len(cuts)) - begins[task]
        length[row[:-1][goes_on], task[:-1][goes_on]] = np.diff(frame)[goes_on]
        return cls(length, n_rows, n_frames, cuts, width, begins)

    @property
    def shape(self) -> tuple[int, int]:
        """(stretches of the task that has most, tasks)"""
        return self.length.shape[0], self.length.shape[1]

    def covered(self, runs: Runs, task: Indices) -> Runs:
        """Return the runs, of frames and of these tasks, as runs of stretches."""
        first, last = (np.searchsorted(self.cuts, task * self.width + edge) - self.begins[task] for edge in (runs.first, runs.last))
        return Runs(runs.answer, first, last)

    def each_frames(self, values: Floats) -> Floats:
        """Return, for each frame of all tasks one after the other, the value of its stretch, of (stretches, tasks)."""
        return np.repeat(values.T, self.length.T.astype(np.intp).ravel())

    @property
    def places(self) -> Floats:
        """For each frame of all tasks one after the other, how many frames of its stretch come before it."""
        n = self.length.T.astype(np.intp).ravel()
        return floats(np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n))

    def on_frames(self, values: Floats) -> Floats:
        """Return values of all tasks' frames one after the other as (frames, tasks), 0 after a task's end."""
        n = self.length.sum(axis=0).astype(np.intp)
        laid = np.zeros((len(n), self.n_frames))
        laid[np.arange(self.n_frames) < n[:, None]] = values
        return np.ascontiguousarray(laid.T)

    def sums(self, values: Floats) -> Floats:
        """Return (stretches, tasks) sums of the values of frames, (frames, tasks)."""
        before = np.zeros((values.shape[1], self.n_frames + 1))
        np.cumsum(values.T, axis=1, out=before[:, 1:])
        row = np.minimum(np.arange(self.shape[0] + 1)[:, None], self.n_rows)
        task, frame = np.divmod(self.cuts[self.begins + row], self.width)
        return np.diff(before[task, frame], axis=0)

    def frames_in(self, runs: Runs) -> Floats:
        """Return (stretches, tasks) how many frames runs of frames cover; the answers of `runs` are tasks."""
        of_stretches = self.covered(runs, runs.answer)
        inside = np.zeros_like(self.length)
        for task, first, last in zip(*of_stretches, strict=True):
            inside[first:last, task] = self.length[first:last, task]
        return inside


def floats(values: NDArray[Any]) -> Floats:
    # NumPy counts nothing in whole numbers, whatever the weights are.
    return values.astype(np.float64, copy=False)
