"""Consensus: what several people's answers to the same clips agree on, and how reliable each of them is.

Two-coin Dawid-Skene per frame (each person has a sensitivity and a specificity) with a two-state chain over time, fitted by
expectation and maximisation. Before votes are counted, each person's own reaction lag is taken off the edges of their marks:
lags come from pairs of people who marked the same thing, so only differences are seen; what all share comes from the prior or
from gold tasks. Nothing here depends on the order of the answers or on chance: permuted input gives identical bytes.

An answer is a tuple (task, annotator, duration, regions) or (task, annotator, duration, regions, heard), all times in seconds.
No regions: a vote for silence everywhere. Frames outside `heard` are missing; without `heard`, everything was heard.
Tasks and annotators are strings or whole numbers.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.regions import BadRegion, Region, clamp, frame_count, from_frames, to_frames

Key = str | int
Floats = NDArray[np.float64]

MAX_ITERATIONS = 40
CONVERGED = 1e-3  # largest change of anybody's sensitivity or specificity
LAG_ITERATIONS = 40
FURTHEST = 1.0  # seconds: marks whose starts or ends lie further apart do not mark the same thing
ODD = 0.3  # seconds: a pair that misses its people's lags by this much counts half
BORDER = 0.05  # seconds: an edge this near the clip's is the clip's, not the person's


@dataclass(frozen=True)
class Prior:
    """What is believed before anybody has answered. The defaults suit marks of about 0.3-5 s on clips of 10-30 s."""

    # Beta counts of votes. Two of three strangers outvote the third, and one task alone cannot teach who of them is right.
    sensitivity: tuple[float, float] = (18.0, 6.0)  # votes on bleeding time: marked, missed
    specificity: tuple[float, float] = (18.0, 2.0)  # votes on clean time: left alone, marked
    onset_lag: float = 0.15  # seconds that all react late, on average
    offset_lag: float = 0.15  # seconds
    lag_pairs: float = 6.0  # pairs of marks that weigh as much as the lag above
    # Seconds, on average. Shorter than most, so that the chain fills cracks but does not swallow short regions (measured on
    # simulated crowds: against 2.5 s and 10 s, +0.01 to +0.04 frame F1 where regions are short, and no less where they are long).
    region_length: float = 1.0
    pause_length: float = 5.0
    # Neighbouring frames of a mark are one decision, not many: so many seconds count as one vote (measured: with every frame
    # of 0.05 s a vote, frame F1 is 0.01 to 0.02 lower).
    seconds_per_vote: float = 1 / 3


@dataclass(frozen=True)
class Person:
    """How reliable one annotator has shown themselves: shares of frames (0-1), lags in seconds."""

    sensitivity: float  # of the time that bleeds, the share they mark
    specificity: float  # of the clean time, the share they leave alone
    onset_lag: float
    offset_lag: float
    n_answers: int = 0

    @property
    def reliability(self) -> float:
        """Youden's index, from 1 (always right) to 0 (marks without listening: everything, nothing, anything) and below."""
        return self.sensitivity + self.specificity - 1

    @classmethod
    def unknown(cls, prior: Prior) -> "Person":
        """Return what is believed of somebody never seen before."""
        (hit, missed), (left, marked) = prior.sensitivity, prior.specificity
        return cls(hit / (hit + missed), left / (left + marked), prior.onset_lag, prior.offset_lag)


class ConsensusRegion(NamedTuple):
    """An agreed stretch, in seconds, with the mean probability of its frames."""

    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Agreement:
    """What `agree` found. Dictionaries are in order of their keys."""

    regions: dict[Key, list[ConsensusRegion]]
    posterior: dict[Key, Floats]  # per frame, the probability that it bleeds
    people: dict[Key, Person]
    certainty: dict[Key, float]  # see `certainty`
    frame: float  # seconds
    prior: Prior = field(default_factory=Prior)


@dataclass(frozen=True)
class Closed:
    """What `close_one` found for one task."""

    regions: list[ConsensusRegion]
    posterior: Floats
    certainty: float
    needs_more: bool  # too uncertain: ask one more person


def agree(
    answers: Iterable[Sequence[Any]],
    *,
    frame: float = 0.05,
    truth: Mapping[Key, Iterable[Sequence[float]]] | None = None,
    prior: Prior | None = None,
) -> Agreement:
    """Fit people's reliability and every task's regions to all answers together.

    `truth` holds the regions of gold tasks (tasks absent from it are unknown): they teach people's reliability and the lag
    common to all, and are returned as they were given, on frames. Raises `ValueError` if somebody answered a task twice.
    """
    prior = prior or Prior()
    votes = _Votes.of(answers, frame)
    known = {task: list(regions) for task, regions in (truth or {}).items() if task in votes.row_of_task}
    lags = _lags(votes, known, prior)
    marked = votes.frames(lags)
    gold = np.full((len(votes.tasks), votes.n_frames), np.nan)
    for task, regions in known.items():
        row = votes.row_of_task[task]
        gold[row] = to_frames(regions, votes.n_frames * frame, frame)

    # The first guess is the share of votes, drawn a little towards silence.
    n_heard = votes.per_task(votes.heard.astype(np.float64))
    posterior = 0.02 + 0.9 * votes.per_task(marked) / np.maximum(n_heard, 1)
    posterior = np.where(np.isnan(gold), posterior, gold)
    sensitivity, specificity = _rates(votes, marked, posterior, prior)
    for _ in range(MAX_ITERATIONS):
        before = sensitivity, specificity
        posterior = _posterior(votes, marked, sensitivity, specificity, prior)
        posterior = np.where(np.isnan(gold), posterior, gold)
        sensitivity, specificity = _rates(votes, marked, posterior, prior)
        if max(np.abs(sensitivity - before[0]).max(initial=0), np.abs(specificity - before[1]).max(initial=0)) < CONVERGED:
            break

    n_answers = np.bincount(votes.person, minlength=len(votes.people))
    people = {
        annotator: Person(float(sensitivity[i]), float(specificity[i]), float(lags[0, i]), float(lags[1, i]), int(n_answers[i]))
        for i, annotator in enumerate(votes.people)
    }
    each = {task: posterior[row, : votes.n_frames_of(row)].copy() for task, row in votes.row_of_task.items()}
    return Agreement(
        regions={task: _regions(frames, frame, votes.durations[votes.row_of_task[task]]) for task, frames in each.items()},
        posterior=each,
        people=people,
        certainty={task: certainty(frames, frame) for task, frames in each.items()},
        frame=frame,
        prior=prior,
    )


def close_one(
    answers: Iterable[Sequence[Any]],
    people: Mapping[Key, Person],
    *,
    frame: float = 0.05,
    prior: Prior | None = None,
    certain_enough: float = 0.9,
) -> Closed:
    """Agree on one task with reliability fitted earlier; whoever is not in `people` is taken as the prior has them.

    Raises `ValueError` unless all answers are of one task. `needs_more` says that `certainty` is below `certain_enough`.
    """
    prior = prior or Prior()
    votes = _Votes.of(answers, frame)
    if len(votes.tasks) != 1:
        raise ValueError(f"close_one takes the answers of one task, not of {len(votes.tasks)}")
    stranger = Person.unknown(prior)
    known = [people.get(annotator, stranger) for annotator in votes.people]
    lags = np.array([[person.onset_lag for person in known], [person.offset_lag for person in known]])
    sensitivity = np.array([person.sensitivity for person in known])
    specificity = np.array([person.specificity for person in known])
    posterior = _posterior(votes, votes.frames(lags), sensitivity, specificity, prior)[0]
    sure = certainty(posterior, frame)
    return Closed(_regions(posterior, frame, votes.durations[0]), posterior, sure, needs_more=sure < certain_enough)


def certainty(posterior: Floats, frame: float) -> float:
    """Return how sure the decision "frames above one half bleed" is, 0-1: its frame F1 as the posterior expects it.

    One second that is certainly right is added to both sides, so that a clip where nothing was marked is not judged by
    the dust of its posterior, and a clip of silence can be certain.
    """
    decided = posterior > 0.5
    agreed, expected, found = (frame * float(part) for part in (posterior[decided].sum(), posterior.sum(), decided.sum()))
    return (2 * agreed + 1) / (found + expected + 1)


def _regions(posterior: Floats, frame: float, duration: float) -> list[ConsensusRegion]:
    found = from_frames(posterior > 0.5, frame, duration)
    spans = (posterior[round(region.start / frame) : math.ceil(region.end / frame - 1e-6)] for region in found)
    return [ConsensusRegion(*region, float(span.mean())) for region, span in zip(found, spans, strict=True)]


@dataclass(frozen=True)
class _Votes:
    """Answers as arrays. Rows are answers, sorted by task and annotator; frames past a task's end are not heard."""

    tasks: list[Key]
    people: list[Key]
    durations: list[float]  # of tasks
    task: NDArray[np.intp]  # of each row, its index in `tasks`
    person: NDArray[np.intp]  # of each row, its index in `people`
    marks: list[list[Region]]  # of each row, in seconds, sorted, as they were drawn
    heard: NDArray[np.bool_]  # (rows, frames)
    frame: float

    @classmethod
    def of(cls, answers: Iterable[Sequence[Any]], frame: float) -> "_Votes":
        if not (math.isfinite(frame) and frame > 0):
            raise ValueError(f"frame is {frame!r}; it must be a positive number of seconds")
        rows = sorted((_read(answer) for answer in answers), key=lambda row: (_order(row[0]), _order(row[1])))
        for one, next_one in pairwise(rows):
            if one[:2] == next_one[:2]:
                raise ValueError(f"annotator {one[1]!r} answered task {one[0]!r} twice; one answer each is allowed")
        tasks = sorted({row[0] for row in rows}, key=_order)
        people = sorted({row[1] for row in rows}, key=_order)
        index_of_task = {task: i for i, task in enumerate(tasks)}
        index_of_person = {person: i for i, person in enumerate(people)}
        durations = [0.0] * len(tasks)
        for task, _, duration, _, _ in rows:
            durations[index_of_task[task]] = max(durations[index_of_task[task]], duration)
        heard = np.zeros((len(rows), frame_count(max(durations, default=0.0), frame)), dtype=np.bool_)
        for row, (task, _, _, _, listened) in zip(heard, rows, strict=True):
            n_frames = frame_count(durations[index_of_task[task]], frame)
            row[:n_frames] = True if listened is None else to_frames(listened, durations[index_of_task[task]], frame)
        return cls(
            tasks=tasks,
            people=people,
            durations=durations,
            task=np.array([index_of_task[row[0]] for row in rows], dtype=np.intp),
            person=np.array([index_of_person[row[1]] for row in rows], dtype=np.intp),
            marks=[clamp(row[3], (0.0, row[2])) for row in rows],
            heard=heard,
            frame=frame,
        )

    @property
    def n_frames(self) -> int:
        return int(self.heard.shape[1])

    @property
    def row_of_task(self) -> dict[Key, int]:
        return {task: row for row, task in enumerate(self.tasks)}

    def n_frames_of(self, task: int) -> int:
        return frame_count(self.durations[task], self.frame)

    def per_task(self, rows: Floats) -> Floats:
        """Return (rows, frames) summed over the answers of each task: (tasks, frames)."""
        if not len(rows):
            return rows
        return np.add.reduceat(rows, np.searchsorted(self.task, np.arange(len(self.tasks))), axis=0)

    def per_person(self, rows: Floats) -> Floats:
        """Return (rows) summed over the answers of each person: (people)."""
        return np.bincount(self.person, rows, len(self.people)).astype(np.float64)

    def frames(self, lags: Floats) -> Floats:
        """Return 1 where a person's mark, their lag taken off, covers a frame that they heard, else 0: (rows, frames).

        `lags` is (onset and offset, people). Edges at the border of the clip stay: there the person had no choice. A mark
        that would vanish is moved by the mean of both lags instead.
        """
        marked = np.zeros(self.heard.shape)
        for row, (task, person, marks) in enumerate(zip(self.task, self.person, self.marks, strict=True)):
            duration, (onset, offset) = self.durations[task], lags[:, person]
            moved = []
            for start, end in marks:
                new_start = start - onset if start > BORDER else 0.0
                new_end = end - offset if end < duration - BORDER else duration
                if new_end - new_start < min(self.frame, end - start):
                    new_start, new_end = start - (onset + offset) / 2, end - (onset + offset) / 2
                moved.append((new_start, new_end))
            frames = to_frames(moved, duration, self.frame)
            marked[row, : len(frames)] = frames
        return marked * self.heard


def _read(answer: Sequence[Any]) -> tuple[Key, Key, float, list[Region], list[Region] | None]:
    task, annotator, duration, regions, *rest = answer
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f"task {task!r}: duration is {duration!r}; it must be a positive number of seconds")
    marks = sorted(Region(float(region[0]), float(region[1])) for region in regions)
    for mark in marks:
        if not (math.isfinite(mark.start) and math.isfinite(mark.end) and mark.start < mark.end):
            raise BadRegion(f"task {task!r}, annotator {annotator!r}: {tuple(mark)} must be finite and run forward")
    heard = None if not rest or rest[0] is None else [Region(float(part[0]), float(part[1])) for part in rest[0]]
    return task, annotator, float(duration), marks, heard


def _order(key: Key) -> tuple[str, Key]:
    """Return what sorts keys, whole numbers before strings."""
    return type(key).__name__, key


def _rates(votes: _Votes, marked: Floats, posterior: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Return (people) sensitivities and specificities: the M step, with Beta priors."""
    share = posterior[votes.task] * votes.heard
    weight = votes.frame / prior.seconds_per_vote
    bleeds = votes.per_person(share.sum(1)) * weight
    heard = votes.per_person(votes.heard.sum(1, dtype=np.float64)) * weight
    hits = votes.per_person(np.einsum("rf,rf->r", share, marked)) * weight
    marks = votes.per_person(marked.sum(1)) * weight
    (hit, missed), (left, wrong) = prior.sensitivity, prior.specificity
    sensitivity = (hits + hit) / (bleeds + hit + missed)
    specificity = ((heard - bleeds) - (marks - hits) + left) / (heard - bleeds + left + wrong)
    # Nobody is beyond doubt: one vote may not outweigh everything else.
    return np.clip(sensitivity, 0.02, 0.98), np.clip(specificity, 0.02, 0.995)


def _posterior(votes: _Votes, marked: Floats, sensitivity: Floats, specificity: Floats, prior: Prior) -> Floats:
    """Return (tasks, frames) probabilities that a frame bleeds, given everybody's rates: the E step."""
    weight = votes.frame / prior.seconds_per_vote
    for_mark = weight * np.log(sensitivity / (1 - specificity))
    for_none = weight * np.log((1 - sensitivity) / specificity)
    evidence = marked * (for_mark - for_none)[votes.person, None]
    evidence += votes.heard * for_none[votes.person, None]
    odds = np.exp(np.clip(votes.per_task(evidence), -30, 30))
    return _smooth(odds, stay_on=math.exp(-votes.frame / prior.region_length), stay_off=math.exp(-votes.frame / prior.pause_length))


def _smooth(odds: Floats, stay_on: float, stay_off: float) -> Floats:
    """Return (tasks, frames) probabilities of the on state of a two-state chain by forward-backward, all tasks at once.

    `odds` are likelihood ratios of on to off. The chain starts in its stationary state.
    """
    n_tasks, n_frames = odds.shape
    by_frame = np.ascontiguousarray(odds.T)
    forward, backward = np.empty((n_frames, n_tasks)), np.empty((n_frames, n_tasks))
    leave_on, leave_off = 1 - stay_on, 1 - stay_off
    ahead = np.full(n_tasks, leave_off / (leave_on + leave_off))
    for i in range(n_frames):
        on = ahead * by_frame[i]
        forward[i] = on / (on + 1 - ahead)
        ahead = leave_off + forward[i] * (stay_on - leave_off)
    behind = np.full(n_tasks, 0.5)
    for i in range(n_frames - 1, -1, -1):
        backward[i] = behind
        on, off = behind * by_frame[i], 1 - behind
        from_on, from_off = stay_on * on + leave_on * off, leave_off * on + stay_off * off
        behind = from_on / (from_on + from_off)
    both = forward * backward
    both /= both + (1 - forward) * (1 - backward)
    return np.ascontiguousarray(both.T)


def _lags(votes: _Votes, truth: Mapping[Key, list[Sequence[float]]], prior: Prior) -> Floats:
    """Return each person's reaction lag in seconds: (onset and offset, people).

    Least squares over pairs of marks of the same thing, in which pairs that fit badly count little, drawn towards the lag
    common to all. A gold task's truth takes part as somebody whose lag is zero, and corrects the common lag.
    """
    n_people = len(votes.people)
    truth_index = n_people
    lags = np.empty((2, n_people))
    pairs = _pairs(votes, truth, truth_index)
    for edge, common_before in enumerate((prior.onset_lag, prior.offset_lag)):
        one, other, difference = pairs[edge]
        of_gold = other == truth_index
        common = common_before
        lag = np.append(np.full(n_people, common), 0.0)
        for _ in range(LAG_ITERATIONS):
            misfit = difference - (lag[one] - lag[other])
            weight = 1 / (1 + (misfit / ODD) ** 2)
            if of_gold.any():
                seen = weight[of_gold]
                common = (prior.lag_pairs * common_before + (seen * difference[of_gold]).sum()) / (prior.lag_pairs + seen.sum())
            pull = np.bincount(one, weight * (difference + lag[other]), n_people) + prior.lag_pairs * common
            # Half a step at a time: two people with only each other to go by would swing for ever.
            lag[:n_people] = 0.5 * lag[:n_people] + 0.5 * pull / (np.bincount(one, weight, n_people) + prior.lag_pairs)
        lags[edge] = lag[:n_people]
    return lags


Pairs = tuple[NDArray[np.intp], NDArray[np.intp], Floats]  # people, other people (or the truth), seconds later


def _pairs(votes: _Votes, truth: Mapping[Key, list[Sequence[float]]], truth_index: int) -> tuple[Pairs, Pairs]:
    """Return pairs of marks of the same thing for onsets and for offsets, each pair from both sides.

    Two people's marks are a pair if each is the other's nearest. Edges at the border of the clip say nothing about lags.
    """
    firsts = np.searchsorted(votes.task, np.arange(len(votes.tasks) + 1))
    found: tuple[list[Pairs], list[Pairs]] = ([], [])
    for task, (first, last) in enumerate(pairwise(firsts.tolist())):
        people = [int(person) for person in votes.person[first:last]]
        drawn = votes.marks[first:last]
        if votes.tasks[task] in truth:
            people.append(truth_index)
            drawn = [*drawn, clamp(truth[votes.tasks[task]], (0.0, votes.durations[task]))]
        marks = np.array([mark for marks in drawn for mark in marks]).reshape(-1, 2)
        by = np.repeat(np.arange(len(drawn)), [len(marks) for marks in drawn])
        if len(drawn) < 2 or len(marks) < 2:
            continue
        apart = marks[:, None, :] - marks[None, :, :]
        cost = np.abs(apart).sum(2)
        cost[(by[:, None] == by[None, :]) | (np.abs(apart).max(2) > FURTHEST)] = np.inf
        nearest = np.stack([cost[:, by == answer].min(1, initial=np.inf) for answer in range(len(drawn))], 1)
        to_theirs = nearest[:, by]
        mine, theirs = np.nonzero(np.isfinite(cost) & (cost == to_theirs) & (cost == to_theirs.T))
        owner = np.array(people, dtype=np.intp)[by]
        inside = (marks > BORDER) & (marks < votes.durations[task] - BORDER)
        for edge in (0, 1):
            free = inside[mine, edge] & inside[theirs, edge] & (owner[mine] != truth_index)
            found[edge].append((owner[mine[free]], owner[theirs[free]], apart[mine[free], theirs[free], edge]))
    nothing = (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0))
    onsets, offsets = (
        (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
        )
        if parts
        else nothing
        for parts in found
    )
    return onsets, offsets
