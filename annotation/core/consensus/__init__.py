"""Consensus: what several people's answers to the same clips agree on, and how reliable each of them is.

Two-coin Dawid-Skene per frame (each person has a sensitivity and a specificity) with a two-state chain over time, fitted by expectation
and maximisation (Dawid and Skene 1979, doi 10.2307/2346806). Before votes are counted, each person's own reaction lag is taken off the
edges of their marks: lags come from pairs of people who marked the same thing, so only differences are seen; what all share comes from
the prior or from gold tasks. Nothing here depends on the order of the answers or on chance: permuted input gives identical bytes.

An answer is a tuple (task, annotator, duration, regions), (…, heard) or (…, heard, to segments), all times in seconds.
No regions: a vote for silence everywhere. Frames outside `heard` are missing; without `heard`, everything was heard.
Where the last is true, the answer is to quick questions about segments: `regions` are those answered with yes, `heard` those answered with
yes or no. Their edges are the sound's and nobody's: they tell no lag, move no other edge and are moved by none.
Tasks and annotators are strings or whole numbers.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.consensus import chain, edges
from annotation.core.consensus import sound as sounds
from annotation.core.consensus.answers import NO_RUNS, Answers, Floats, Indices, Key, Runs
from annotation.core.consensus.people import Person, Prior, not_tie_breakers
from annotation.core.regions import FRAME, from_frames, to_frames

__all__ = ["Agreement", "Closed", "ConsensusRegion", "Key", "Person", "Prior", "agree", "certainty", "close_one", "not_tie_breakers"]

MAX_ITERATIONS = 40
CONVERGED = 1e-3  # largest change of anybody's sensitivity or specificity


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
    sharp: dict[Key, Floats]  # the same before steps at edges are spread: what is there, wherever its edges are
    people: dict[Key, Person]
    certainty: dict[Key, float]  # see `certainty`; of what is there, whatever is open about where exactly its edges are
    frame: float  # seconds
    prior: Prior = field(default_factory=Prior)
    iterations: int = 0


@dataclass(frozen=True)
class Closed:
    """What `close_one` found for one task."""

    regions: list[ConsensusRegion]
    posterior: Floats
    sharp: Floats  # the same before steps at edges are spread
    certainty: float
    needs_more: bool  # too uncertain: ask one more person
    all_known: bool  # the reliability of everybody who answered was fitted


def agree(
    answers: Iterable[Sequence[Any]],
    *,
    frame: float = FRAME,
    truth: Mapping[Key, Iterable[Sequence[float]]] | None = None,
    prior: Prior | None = None,
    iterations: int | None = None,
    sound: Mapping[Key, Any] | None = None,
) -> Agreement:
    """Fit people's reliability and every task's regions to all answers together.

    `truth` holds the regions of gold tasks (tasks absent from it are unknown): they teach people's reliability and the lag
    common to all, and are returned as they were given, on frames. `iterations` are as many as it takes, or exactly so many.
    `sound` is a witness beside the people, see `consensus.sound`: of tasks of which it is known, (frames, 2) levels of the extracted
    vocals and of the mix in dBFS, NaN where unknown.
    Raises `ValueError` if somebody answered a task twice, or levels have another shape.
    """
    prior = prior or Prior()
    given = Answers.read(answers, frame)
    known = {task: list(regions) for task, regions in (truth or {}).items() if task in given.row_of_task}
    habits = edges.fit(given, known, prior)
    of_gold, gold = _gold(given, known)
    heard = sounds.read(sound, given) if sound else None
    if heard is not None:
        for _ in range(sounds.PASSES):
            together = edges.gather(given, edges.without_lag(given, habits), habits)
            habits = edges.fit(given, known, prior, sounds.tell(given, together, heard))
    votes, together = _votes(given, habits, gold, heard)
    states = chain.Chain.of(votes, prior)
    true = votes.stretches.frames_in(gold)[:, of_gold]

    bleeding = chain.share_of_votes(votes) * votes.stretches.length
    bleeding[:, of_gold] = true
    rates = chain.rates(votes, bleeding, prior)
    n_done, moved = 0, math.inf
    while True:
        smoothed = chain.posterior(votes, states, rates.sensitivity, rates.specificity, prior)
        bleeding = smoothed.sums()
        bleeding[:, of_gold] = true
        before, rates = rates, chain.rates(votes, bleeding, prior)
        n_done, moved = n_done + 1, rates.furthest_from(before)
        if n_done == iterations or (iterations is None and (moved < CONVERGED or n_done == MAX_ITERATIONS)):
            break

    def with_gold(posterior: Floats) -> Floats:
        posterior[:, of_gold] = 0
        for row, first, last in zip(*gold, strict=True):
            posterior[first:last, row] = 1
        return posterior

    posterior = with_gold(smoothed.per_frame(votes.stretches))
    bleeds = posterior > 0.5
    sharp = {task: posterior[: given.n_frames[row], row].copy() for task, row in given.row_of_task.items()}
    sure = {task: certainty(each, frame) for task, each in sharp.items()}
    posterior = with_gold(chain.soften(votes, posterior, together))
    rates = chain.rates(votes, votes.stretches.sums(posterior), prior)
    each = {task: posterior[: given.n_frames[row], row].copy() for task, row in given.row_of_task.items()}
    return Agreement(
        regions={
            task: _regions(bleeds[:, row], posterior[:, row], frame, float(given.duration[row])) for task, row in given.row_of_task.items()
        },
        posterior=each,
        sharp=sharp,
        people=_people(given, habits, rates),
        certainty=sure,
        frame=frame,
        prior=prior,
        iterations=n_done,
    )


def close_one(
    answers: Iterable[Sequence[Any]],
    people: Mapping[Key, Person],
    *,
    frame: float = FRAME,
    prior: Prior | None = None,
    certain_enough: float = 0.9,
    sound: Mapping[Key, Any] | None = None,
) -> Closed:
    """Agree on one task with reliability fitted earlier; whoever is not in `people` is taken as the prior has them.

    `sound` is as for `agree`. Raises `ValueError` unless all answers are of one task. `needs_more` says that `certainty` is below
    `certain_enough`.
    """
    prior = prior or Prior()
    given = Answers.read(answers, frame)
    if len(given.tasks) != 1:
        raise ValueError(f"close_one takes the answers of one task, not of {len(given.tasks)}")
    stranger = Person.unknown(prior)
    known = [people.get(annotator, stranger) for annotator in given.people]
    habits = edges.Habits(
        np.array([[person.onset_lag for person in known], [person.offset_lag for person in known]]),
        np.array([person.edge_jitter for person in known]),
    )
    sensitivity, specificity = np.array([person.sensitivity for person in known]), np.array([person.specificity for person in known])
    votes, together = _votes(given, habits, NO_RUNS, sounds.read(sound, given) if sound else None)
    smoothed = chain.posterior(votes, chain.Chain.of(votes, prior), sensitivity, specificity, prior)
    posterior = smoothed.per_frame(votes.stretches)
    sharp = posterior[:, 0].copy()
    sure, bleeds = certainty(sharp, frame), sharp > 0.5
    posterior = chain.soften(votes, posterior, together)[:, 0]
    regions = _regions(bleeds, posterior, frame, float(given.duration[0]))
    return Closed(regions, posterior, sharp, sure, needs_more=sure < certain_enough, all_known=people.keys() >= set(given.people))


def _votes(given: Answers, habits: edges.Habits, gold: Runs, sound: sounds.Sound | None) -> tuple[chain.Votes, edges.Edges]:
    drawn = edges.without_lag(given, habits)
    together = edges.gather(given, drawn, habits)
    silent = NO_RUNS
    if sound is not None:
        together, silent = sounds.snap(given, together, sound), sound.silent
    return chain.Votes.of(given, given.runs(drawn.start, drawn.end), given.runs(together.start, together.end), gold, silent), together


def _gold(given: Answers, known: Mapping[Key, Sequence[Sequence[float]]]) -> tuple[Indices, Runs]:
    """Return which tasks' truth is known, and the runs of frames that bleed there; their answers are tasks."""
    rows = np.array(sorted(given.row_of_task[task] for task in known), dtype=np.intp)
    runs = []
    for row in rows.tolist():
        n_frames = int(given.n_frames[row])
        true = to_frames(known[given.tasks[row]], n_frames * given.frame, given.frame)[:n_frames]
        edges_of_row = np.flatnonzero(np.diff(true, prepend=False, append=False)).reshape(-1, 2).tolist()
        runs += [(row, first, last) for first, last in edges_of_row]
    return rows, Runs(*np.array(runs, dtype=np.intp).reshape(-1, 3).T)


def certainty(posterior: Floats, frame: float) -> float:
    """Return how sure the decision "frames above one half bleed" is, 0-1: its frame F1 as the posterior expects it.

    One second that is certainly right is added to both sides, so that a clip where nothing was marked is not judged by
    the dust of its posterior, and a clip of silence can be certain.
    """
    decided = posterior > 0.5
    agreed, expected, found = (frame * float(part) for part in (posterior[decided].sum(), posterior.sum(), decided.sum()))
    return (2 * agreed + 1) / (found + expected + 1)


def _regions(bleeds: NDArray[np.bool_], posterior: Floats, frame: float, duration: float) -> list[ConsensusRegion]:
    found = from_frames(bleeds, frame, duration)
    spans = (posterior[round(region.start / frame) : math.ceil(region.end / frame - 1e-6)] for region in found)
    return [ConsensusRegion(*region, float(span.mean())) for region, span in zip(found, spans, strict=True)]


def _people(given: Answers, habits: edges.Habits, rates: chain.Rates) -> dict[Key, Person]:
    n_answers = np.bincount(given.person, minlength=len(given.people))
    return {
        annotator: Person(
            sensitivity=float(rates.sensitivity[i]),
            specificity=float(rates.specificity[i]),
            onset_lag=float(habits.lags[0, i]),
            offset_lag=float(habits.lags[1, i]),
            n_answers=int(n_answers[i]),
            edge_jitter=float(habits.jitter[i]),
            sensitivity_interval=_interval(rates.sensitivity[i], rates.sensitivity_error[i]),
            specificity_interval=_interval(rates.specificity[i], rates.specificity_error[i]),
        )
        for i, annotator in enumerate(given.people)
    }


def _interval(share: float, error: float) -> tuple[float, float]:
    return max(0.0, float(share - 1.96 * error)), min(1.0, float(share + 1.96 * error))
