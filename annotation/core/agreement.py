"""How well people agree with each other, or marks with a truth: chance-corrected, per frame, per event, and at the edges.

Frames are arrays of one value each; a value that is missing (not heard) is NaN. Regions are in seconds.

`among` measures people against each other and `against` measures them against known regions: over a campaign, for each task and for each
person, with bootstrap intervals (Efron 1979, doi 10.1214/aos/1176344552). Their answers are those that `annotation.core.consensus` takes:
(task, annotator, duration, regions) or (task, annotator, duration, regions, heard).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotation.core.regions import FRAME, Region, Regions, frame_count, intersect, merge, to_frames, total

Key = str | int
Floats = NDArray[np.float64]

BLOCK = 2.0  # seconds of one task that are drawn together for its interval: about as long as a mark
DRAWS = 1000


class EventScore(NamedTuple):
    """Events found: shares 0-1, 1 where there was nothing to find and nothing was found."""

    precision: float
    recall: float
    f1: float


class BoundaryError(NamedTuple):
    """Mean distance of matched edges in seconds: `onset` and `offset` unsigned, the lags signed (positive: later than the truth)."""

    onset: float
    offset: float
    onset_lag: float
    offset_lag: float
    n_matched: int


def krippendorff_alpha(values: ArrayLike) -> float:
    """Return nominal alpha of (people, frames), NaN where somebody did not answer: 1 full agreement, 0 chance, below worse.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C. Frames with fewer than two values say nothing.
    NaN if no two values can be compared; 1 if all comparable values are one and the same.
    """
    table = np.asarray(values, dtype=np.float64)
    kinds = np.unique(table[~np.isnan(table)])
    counts = (table[np.newaxis] == kinds[:, np.newaxis, np.newaxis]).sum(axis=1).astype(np.float64)  # (kinds, frames)
    counts = counts[:, counts.sum(axis=0) >= 2]
    if not counts.size:
        return math.nan
    answered = counts.sum(axis=0)
    n_values = answered.sum()
    disagreeing = ((answered**2 - (counts**2).sum(axis=0)) / (answered - 1)).sum() / n_values
    of_kind = counts.sum(axis=1)
    by_chance = (n_values**2 - (of_kind**2).sum()) / (n_values * (n_values - 1))
    return float(1 - disagreeing / by_chance) if by_chance else 1.0


def frame_f1(these: Regions, those: Regions) -> float:
    """Return the F1 of time that both cover: frame F1 with frames of no length. Symmetric, and 1 if both are empty."""
    these, those = merge(these), merge(those)
    both = total(these) + total(those)
    return 2 * total(intersect(these, those)) / both if both else 1.0


def pairwise_frame_f1(answers: Sequence[Regions]) -> float:
    """Return the mean `frame_f1` over all pairs of answers to one clip; NaN for fewer than two answers."""
    pairs = [frame_f1(one, other) for one, other in combinations([merge(answer) for answer in answers], 2)]
    return math.fsum(pairs) / len(pairs) if pairs else math.nan


def event_f1(truth: Regions, found: Regions, tolerance: float = 0.2, share: float = 0.2) -> EventScore:
    """Score `found` events: right if the onset lies within `tolerance` seconds, and the offset too or within `share` of the length.

    As in sound event detection (Mesaros, Heittola, Virtanen 2016, doi 10.3390/app6060162). Overlapping regions are merged first; each
    event is matched once.
    """
    true, mine = merge(truth), merge(found)
    n_right = len(_matched(true, mine, tolerance, share))
    precision = n_right / len(mine) if mine else float(not true)
    recall = n_right / len(true) if true else float(not mine)
    return EventScore(precision, recall, 2 * n_right / (len(true) + len(mine)) if true or mine else 1.0)


def boundary_error(truth: Regions, found: Regions, furthest: float = 1.0) -> BoundaryError:
    """Return how far the edges of matched events lie apart; events match if both edges lie within `furthest` seconds.

    All NaN if nothing matches.
    """
    true, mine = merge(truth), merge(found)
    matched = _matched(true, mine, furthest, share=0.0)
    if not matched:
        return BoundaryError(math.nan, math.nan, math.nan, math.nan, 0)
    late = np.array([[mine[j].start - true[i].start, mine[j].end - true[i].end] for i, j in matched])
    onset, offset = np.abs(late).mean(axis=0).tolist()
    onset_lag, offset_lag = late.mean(axis=0).tolist()
    return BoundaryError(onset, offset, onset_lag, offset_lag, len(matched))


class Measured(NamedTuple):
    """A figure and its 95 % interval; NaN where nothing can be compared."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """How well marks agree. F1 is of pooled seconds and pooled events: of all pairs, or of answers with what is known."""

    alpha: Measured
    frame_f1: Measured
    event_f1: Measured
    onset_error: Measured  # seconds, unsigned, of events whose edges lie within a second
    offset_error: Measured


@dataclass(frozen=True)
class Report:
    """Figures over the whole, for each task and for each person; dictionaries in order of their keys.

    The whole and people draw whole tasks for their intervals, a task draws blocks of `BLOCK` seconds.
    """

    campaign: Figures
    tasks: dict[Key, Figures]
    people: dict[Key, Figures]


def among(answers: Iterable[Sequence[Any]], *, rng: np.random.Generator, frame: float = FRAME) -> Report:
    """Measure people against each other, pair by pair, in the time that both heard; alpha is over all who heard a frame.

    A person's figures are those of their pairs.
    """
    tasks = _by_task(answers)
    of_task: dict[Key, Floats] = {}
    of_person: dict[Key, list[Floats]] = {}
    for task, given in tasks.items():
        n_frames = frame_count(max(answer.duration for answer in given), frame)
        frames = [answer.frames(n_frames, frame) for answer in given]
        total_sums = _blocks(_alpha_sums(np.array(frames)), frame)
        mine: dict[Key, Floats] = {}
        for (one, one_frames), (other, other_frames) in combinations(zip(given, frames, strict=True), 2):
            sums = _pair_sums(one, other, one_frames, other_frames, frame)
            total_sums[:, N_ALPHA:] += sums
            pair = np.concatenate([_alpha_sums(np.array([one_frames, other_frames])).sum(axis=0)[:N_ALPHA], sums.sum(axis=0)])
            for person in (one.annotator, other.annotator):
                mine[person] = mine.get(person, np.zeros(N_SUMS)) + pair
        of_task[task] = total_sums
        for person, person_sums in mine.items():
            of_person.setdefault(person, []).append(person_sums)
    return _report(of_task, of_person, rng)


def against(known: Mapping[Key, Regions], answers: Iterable[Sequence[Any]], *, rng: np.random.Generator, frame: float = FRAME) -> Report:
    """Measure answers against regions known from elsewhere: gold, or the consensus. Tasks that are not in `known` are left out."""
    of_task: dict[Key, Floats] = {}
    of_person: dict[Key, list[Floats]] = {}
    for task, given in _by_task(answer for answer in answers if answer[0] in known).items():
        duration = max(answer.duration for answer in given)
        truth = _Answer(task, "", duration, merge(known[task]), None)
        n_frames = frame_count(duration, frame)
        true_frames = truth.frames(n_frames, frame)
        for answer in given:
            frames = answer.frames(n_frames, frame)
            alpha = _blocks(_alpha_sums(np.array([true_frames, frames])), frame)
            alpha[:, N_ALPHA:] += _pair_sums(truth, answer, true_frames, frames, frame)
            of_task[task] = of_task.get(task, np.zeros_like(alpha)) + alpha
            of_person.setdefault(answer.annotator, []).append(alpha.sum(axis=0))
    return _report(of_task, of_person, rng)


def _report(of_task: Mapping[Key, Floats], of_person: Mapping[Key, Sequence[Floats]], rng: np.random.Generator) -> Report:
    whole = np.array([sums.sum(axis=0) for sums in of_task.values()]).reshape(-1, N_SUMS)
    return Report(
        campaign=_figures(whole, rng),
        tasks={task: _figures(sums, rng) for task, sums in of_task.items()},
        people={person: _figures(np.array(of_person[person]), rng) for person in sorted(of_person, key=_order)},
    )


class _Answer(NamedTuple):
    task: Key
    annotator: Key
    duration: float
    marks: list[Region]
    heard: list[Region] | None

    def frames(self, n_frames: int, frame: float) -> Floats:
        """Return 1 or 0 for every frame, NaN where it was not heard."""
        marked = to_frames(self.marks, n_frames * frame, frame)[:n_frames].astype(np.float64)
        if self.heard is not None:
            marked[~to_frames(self.heard, n_frames * frame, frame)[:n_frames]] = math.nan
        return marked


def _by_task(answers: Iterable[Sequence[Any]]) -> dict[Key, list[_Answer]]:
    read = [
        _Answer(task, annotator, duration, merge(regions), None if not rest or rest[0] is None else merge(rest[0]))
        for task, annotator, duration, regions, *rest in answers
    ]
    tasks: dict[Key, list[_Answer]] = {}
    for answer in sorted(read, key=lambda answer: (_order(answer.task), _order(answer.annotator))):
        tasks.setdefault(answer.task, []).append(answer)
    return tasks


def _order(key: Key) -> tuple[str, Key]:
    return type(key).__name__, key


# What the figures are made of, summed over whatever is drawn: values that can be compared, those of them that are marks, their
# disagreement; both marked, the sizes of both; events right, events of both; errors at onsets and offsets, events compared.
N_ALPHA, N_SUMS = 3, 10


def _alpha_sums(table: Floats) -> Floats:
    """Return (frames, N_SUMS) of (people, frames): the parts of alpha, the others nil."""
    answered = (~np.isnan(table)).sum(axis=0)
    marks = np.nansum(table, axis=0)
    sums = np.zeros((table.shape[1], N_SUMS))
    some = answered >= 2
    n, on = answered[some], marks[some]
    sums[some, 0], sums[some, 1], sums[some, 2] = n, on, 2 * on * (n - on) / (n - 1)
    return sums


def _pair_sums(one: _Answer, other: _Answer, one_frames: Floats, other_frames: Floats, frame: float) -> Floats:
    """Return (blocks, N_SUMS - N_ALPHA) of two answers to one task, in the time that both heard."""
    sums = np.zeros((len(one_frames), N_SUMS))
    compared = ~np.isnan(one_frames) & ~np.isnan(other_frames)
    mine, theirs = compared & (one_frames == 1), compared & (other_frames == 1)
    sums[:, 3], sums[:, 4] = mine & theirs, mine.astype(np.float64) + theirs
    these, those = one.marks, other.marks
    for heard in (one.heard, other.heard):
        if heard is not None:
            these, those = intersect(these, heard), intersect(those, heard)

    def at(event: Region) -> int:
        return min(int(event.start / frame), len(sums) - 1)

    for event in (*these, *those):
        sums[at(event), 6] += 1
    for i, _ in _matched(these, those, 0.2, 0.2):
        sums[at(these[i]), 5] += 1
    for i, j in _matched(these, those, 1.0, 0.0):
        sums[at(these[i]), 7:] += abs(these[i].start - those[j].start), abs(these[i].end - those[j].end), 1
    return _blocks(sums, frame)[:, N_ALPHA:]


def _blocks(sums: Floats, frame: float) -> Floats:
    """Return (blocks, N_SUMS) of (frames, N_SUMS)."""
    return np.add.reduceat(sums, np.arange(0, len(sums), max(1, round(BLOCK / frame))), axis=0)


def _figures(sums: Floats, rng: np.random.Generator) -> Figures:
    """Return the figures of (units, N_SUMS), with intervals from drawing units with replacement."""
    n = len(sums)
    drawn = rng.multinomial(n, np.full(n, 1 / n), DRAWS) @ sums if n else np.zeros((0, N_SUMS))
    values, again = _values(sums.sum(axis=0)[np.newaxis])[:, 0], _values(drawn)
    return Figures(*(_measured(float(value), draws[~np.isnan(draws)]) for value, draws in zip(values, again, strict=True)))


def _measured(value: float, draws: Floats) -> Measured:
    low, high = np.percentile(draws, [2.5, 97.5]).tolist() if len(draws) else (math.nan, math.nan)
    return Measured(value, low, high)


def _values(sums: Floats) -> Floats:
    """Return (5, draws) of (draws, N_SUMS): alpha, frame F1, event F1, onset and offset error; 1 where there was nothing to find."""
    values, marks, disagreeing, both, sizes, right, events, onset, offset, matched = sums.T

    def ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), otherwise)

    by_chance = ratio(2 * marks * (values - marks), values - 1, 0.0)
    alpha = np.where(values > 0, 1 - ratio(disagreeing, by_chance, 0.0), math.nan)
    nothing = np.where(values > 0, 1.0, math.nan)
    frame_f1 = np.where(sizes > 0, ratio(2 * both, sizes, 1.0), nothing)
    event_f1 = np.where(events > 0, ratio(2 * right, events, 1.0), nothing)
    return np.array([alpha, frame_f1, event_f1, ratio(onset, matched, math.nan), ratio(offset, matched, math.nan)])


def _matched(true: Sequence[Region], found: Sequence[Region], tolerance: float, share: float) -> list[tuple[int, int]]:
    """Return pairs (index of true, index of found), as many as can be had, each event used once.

    Augmenting paths: an event gives its partner away if it can have another.
    """
    # A hair, so that edges exactly at the tolerance match whatever binary makes of them.
    near = tolerance + 1e-9
    partners = [
        [
            j
            for j, event in enumerate(found)
            if abs(event.start - target.start) <= near and abs(event.end - target.end) <= max(near, share * target.duration)
        ]
        for target in true
    ]
    taken_by: dict[int, int] = {}

    def settle(i: int, asked: set[int]) -> bool:
        for j in partners[i]:
            if j in asked:
                continue
            asked.add(j)
            if j not in taken_by or settle(taken_by[j], asked):
                taken_by[j] = i
                return True
        return False

    for i in range(len(true)):
        settle(i, set())
    return sorted((i, j) for j, i in taken_by.items())
