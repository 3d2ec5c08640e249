"""The sound as a witness: where the extracted vocals are silent no mark can be true; where their level rises or falls an edge is likely.

The level tells nothing of voice and bleed apart, so the sound adds no mark: people decide. It does three things. A stretch of silence
is a vote against marks, as strong as those of two people of whom nothing is known. The edges that people's marks agree on move to a
step of the level near them, if one is likelier theirs than any other place (Bayes' rule, with rates of steps counted on real songs).
And since the sound has no reaction time, the edges that lie at steps tell how late people are, all together too, which no comparison
among them can.

Where a level is not known (NaN, a task without sound), nothing of this happens.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.consensus.answers import Answers, Floats, Indices, Key, Runs, expand
from annotation.core.consensus.edges import BORDER, Edges, Told
from annotation.core.regions import Region, merge, subtract, total

SILENT_DBFS = -60.0  # nobody hears what is quieter
SHORTEST_SILENCE = 0.2  # seconds
FLOOR_DBFS = -52.0  # steps below this level are none: what is left in every rest rises and falls there
SIDE = 0.15  # seconds before and after a step, whose mean levels are compared
LEAST_STEP = 6.0  # dB
STEP_ERROR = 0.08  # seconds, standard deviation between a step and the edge that is heard there
REACH = 0.6  # seconds
# How much likelier a step of so many dB is at an edge of bleed than anywhere in a second: 1 at EVEN, e times as much every SIZE,
# at most MOST; and the share of edges at no step. Counted on real songs, leads over bands among them, separated by two bases.
EVEN, SIZE, MOST, AT_NONE = 11.0, 7.0, 8.0, 0.15
LIKELIER = 0.5  # an edge moves to a step that is its own by more than this chance
SURE = 0.7  # and tells people's lags by more than this one
MOVED = 0.1  # seconds; an end that moves by less is not worth a word
PASSES = 3  # of lags, which tell which step is whose, and back
LAGS_UNKNOWN = 0.1  # seconds, added to the error of edges as long as lags are not told


class Sound(NamedTuple):
    """What the levels of all tasks say. In `silent` the answers are tasks."""

    silent: Runs
    rises: "Changes"
    falls: "Changes"


class Changes(NamedTuple):
    """Steps of the level, in order of tasks and time."""

    task: Indices
    at: Floats  # seconds
    size: Floats  # dB, positive


class Moved(NamedTuple):
    """Edges, moved to steps that are likelier theirs than not."""

    at: Floats
    error: Floats
    step: Floats  # the likeliest step, or the edge where there is none
    chance: Floats  # that it is the edge's


def read(sound: Mapping[Key, Any], answers: Answers) -> Sound:
    """Find silence and steps in tasks' levels: each (frames, 2), of the extracted vocals and of the mix, in dBFS, NaN where unknown.

    Levels may end early or late; tasks that nobody answered are not looked at. Raises `ValueError` for another shape.
    """
    silent: list[tuple[int, int, int]] = []
    rises: list[tuple[int, float, float]] = []
    falls: list[tuple[int, float, float]] = []
    for row, task in enumerate(answers.tasks):
        if task not in sound:
            continue
        levels = np.asarray(sound[task], dtype=np.float64)
        if levels.ndim != 2 or levels.shape[1] != 2:
            raise ValueError(f"task {task!r}: levels are {levels.shape}; they must be (frames, 2)")
        level = levels[: int(answers.n_frames[row]), 0]
        runs = np.flatnonzero(np.diff(level < SILENT_DBFS, prepend=False, append=False)).reshape(-1, 2).tolist()
        silent += [(row, first, last) for first, last in runs if (last - first) * answers.frame > SHORTEST_SILENCE - 1e-6]
        step = _steps(level, answers.frame)
        rises += [(row, i * answers.frame, float(step[i])) for i in _peaks(step, answers.frame)]
        falls += [(row, i * answers.frame, -float(step[i])) for i in _peaks(-step, answers.frame)]
    return Sound(Runs(*np.array(silent, dtype=np.intp).reshape(-1, 3).T), _columns(rises), _columns(falls))


def _steps(level: Floats, frame: float) -> Floats:
    """Return (frames + 1) by how many dB the level is higher after the start of each frame than before it; 0 where unknown."""
    side = max(1, round(SIDE / frame))
    if not len(level):
        return np.zeros(1)
    padded = np.pad(np.maximum(level, FLOOR_DBFS), side, mode="edge")
    means = np.lib.stride_tricks.sliding_window_view(padded, side).mean(axis=1)
    change: Floats = np.nan_to_num(means[side:] - means[:-side])
    return change


def _peaks(step: Floats, frame: float) -> list[int]:
    """Return where a step is large enough and the largest around; of equal ones the first."""
    side = max(1, round(SIDE / frame))
    around = np.pad(step, side, constant_values=-np.inf)
    largest = np.lib.stride_tricks.sliding_window_view(around, 2 * side + 1).max(axis=1)
    found: list[int] = []
    for i in np.flatnonzero((step >= LEAST_STEP) & (step == largest)).tolist():
        if not found or i - found[-1] > side:
            found.append(i)
    return found


def _columns(found: list[tuple[int, float, float]]) -> Changes:
    task, at, size = np.array(found, dtype=np.float64).reshape(-1, 3).T
    return Changes(task.astype(np.intp), np.ascontiguousarray(at), np.ascontiguousarray(size))


def snap(answers: Answers, edges: Edges, sound: Sound) -> Edges:
    """Return the marks with their edges moved to steps of the level. A mark that would vanish stays."""
    start, end = _moved(answers, edges, sound, 0.0)
    gone = end.at - start.at < answers.frame
    return Edges(np.where(gone, edges.start, start.at), np.where(gone, edges.end, end.at), start.error, end.error)


def tell(answers: Answers, edges: Edges, sound: Sound) -> Told:
    """Return by how much marks, as they were drawn, lie after steps of the level that are surely theirs."""
    moved = _moved(answers, edges, sound, LAGS_UNKNOWN)
    late = np.stack([answers.start - moved[0].step, answers.end - moved[1].step])
    return Told(late, np.stack([one.chance > SURE for one in moved]), STEP_ERROR)


def _moved(answers: Answers, edges: Edges, sound: Sound, unknown: float) -> tuple[Moved, Moved]:
    task = answers.task[answers.of]
    starts, ends = answers.drawn & (answers.start > BORDER), answers.drawn & (answers.end < answers.duration[task] - BORDER)
    return (
        _nearest(task, edges.start, np.hypot(edges.start_error, unknown), sound.rises, starts),
        _nearest(task, edges.end, np.hypot(edges.end_error, unknown), sound.falls, ends),
    )


def _nearest(task: Indices, at: Floats, error: Floats, steps: Changes, free: NDArray[np.bool_]) -> Moved:
    n = len(at)
    if not n or not len(steps.at):
        return Moved(at, error, at, np.zeros(n))
    low = min(at.min(), steps.at.min())
    width = max(at.max(), steps.at.max()) - low + 3 * REACH
    line, lined = task * width + at - low, steps.task * width + steps.at - low
    i, j = expand(np.searchsorted(lined, line - REACH, "left"), np.searchsorted(lined, line + REACH, "right"))
    variance = error[i] ** 2 + STEP_ERROR**2
    near = np.exp(-0.5 * (steps.at[j] - at[i]) ** 2 / variance) / np.sqrt(2 * np.pi * variance)
    weight = free[i] * near * np.minimum(np.exp((steps.size[j] - EVEN) / SIZE), MOST)
    best = np.zeros(n)
    np.maximum.at(best, i, weight)
    first = np.flatnonzero((weight == best[i]) & (weight > 0))[::-1]  # of equal ones the earliest is written last
    step = at.copy()
    step[i[first]] = steps.at[j[first]]
    chance = best / (np.bincount(i, weight, n) + AT_NONE)
    moves = chance > LIKELIER
    both = 1 / (1 / STEP_ERROR**2 + 1 / error**2)
    between = both * (step / STEP_ERROR**2 + at / error**2)
    return Moved(np.where(moves, between, at), np.where(moves, np.sqrt(both), error), step, chance)


class Decided(NamedTuple):
    """What is another with the sound than by people's marks alone."""

    silent: list[Region]  # regions of people alone, of which most is gone
    moved: int  # ends of the other ones that lie elsewhere


def decided(heard: Iterable[Sequence[float]], alone: Iterable[Sequence[float]]) -> Decided:
    """Compare regions agreed on with the sound and without it."""
    with_sound, by_marks = merge(heard), merge(alone)
    gone = [region for region in by_marks if total(subtract([region], with_sound)) > region.duration / 2]
    ends = np.array([end for region in with_sound for end in region])
    moved = sum(bool(np.abs(ends - end).min() > MOVED) for region in by_marks if region not in gone for end in region)
    return Decided(gone, moved)
