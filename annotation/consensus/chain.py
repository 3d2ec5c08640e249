"""Two-coin Dawid-Skene per frame with a two-state chain over time: the two steps that the fit repeats.

Votes are kept as runs of frames, so that one step costs as much as the tasks' frames and the runs' number, not every vote.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.consensus.answers import Answers, Floats, Indices, Runs
from annotation.consensus.edges import Edges
from annotation.consensus.people import Prior

Ratios = NDArray[np.float32]

CERTAIN = 30.0  # log odds beyond this are no more certain
MOST = 0.5  # chance of a change where many edges lie together


@dataclass(frozen=True)
class Votes:
    """What people marked, on frames, and what they heard."""

    answers: Answers
    drawn: Runs  # what each person marked, their lag taken off: what their rates are counted by
    marked: Runs  # the same with edges gathered: what speaks about the frames

    def per_frame(self, weighted: Sequence[tuple[Runs, Floats]]) -> Floats:
        """Return (frames, tasks) the sum over runs of weights of answers."""
        n_frames, n_tasks = self.answers.shape
        at = [edge * n_tasks + self.answers.task[runs.answer] for runs, _ in weighted for edge in (runs.first, runs.last)]
        step = [sign * weight[runs.answer] for runs, weight in weighted for sign in (1, -1)]
        steps = np.bincount(np.concatenate(at), np.concatenate(step), (n_frames + 1) * n_tasks)
        return _running_sum(_floats(steps).reshape(n_frames + 1, n_tasks)[:n_frames])

    def per_answer(self, runs: Runs, sums: Floats) -> Floats:
        """Return (answers) what `sums_before` counted, over the runs of each answer."""
        task = self.answers.task[runs.answer]
        return _floats(np.bincount(runs.answer, sums[runs.last, task] - sums[runs.first, task], len(self.answers.task)))

    def length(self, runs: Runs) -> Floats:
        """Return (answers) the number of frames in the runs of each answer."""
        return _floats(np.bincount(runs.answer, runs.last - runs.first, len(self.answers.task)))

    def per_person(self, values: Floats) -> Floats:
        """Return (people) the sum of values of answers."""
        return _floats(np.bincount(self.answers.person, values, len(self.answers.people)))


@dataclass(frozen=True)
class Rates:
    """People's coins: of bleeding time the share they mark, of clean time the share they leave alone, and how sure that is."""

    sensitivity: Floats
    specificity: Floats
    sensitivity_error: Floats  # standard errors
    specificity_error: Floats

    def furthest_from(self, other: "Rates") -> float:
        """Return the largest difference of anybody's rate."""
        moved = np.abs(np.append(self.sensitivity - other.sensitivity, self.specificity - other.specificity))
        return float(moved.max(initial=0))


def share_of_votes(votes: Votes) -> Floats:
    """Return (frames, tasks) the share of marks among those who heard the frame, drawn a little towards silence: a first guess."""
    one = np.ones(len(votes.answers.task))
    marked, heard = votes.per_frame([(votes.marked, one)]), votes.per_frame([(votes.answers.heard, one)])
    share: Floats = 0.02 + 0.9 * marked / np.maximum(heard, 1)
    return share


def rates(votes: Votes, posterior: Floats, prior: Prior) -> Rates:
    """Return everybody's rates, given what bleeds: the M step, with Beta priors.

    Standard errors are those of a ratio over tasks (Cochran, Sampling Techniques, 6.3), as frames of one task go together.
    """
    weight = votes.answers.frame / prior.seconds_per_vote
    sums = sums_before(posterior)
    bleeds = votes.per_answer(votes.answers.heard, sums) * weight
    clean = votes.length(votes.answers.heard) * weight - bleeds
    hits = votes.per_answer(votes.drawn, sums) * weight
    left = clean - (votes.length(votes.drawn) * weight - hits)
    sensitivity, sensitivity_error = _share(votes, hits, bleeds, prior.sensitivity)
    specificity, specificity_error = _share(votes, left, clean, prior.specificity)
    return Rates(sensitivity, specificity, sensitivity_error, specificity_error)


def _share(votes: Votes, part: Floats, whole: Floats, believed: tuple[float, float]) -> tuple[Floats, Floats]:
    n = votes.per_person(whole) + sum(believed)
    share = (votes.per_person(part) + believed[0]) / n
    scatter = votes.per_person((part - share[votes.answers.person] * whole) ** 2) + sum(believed) * share * (1 - share)
    return share, np.sqrt(scatter) / n


@dataclass(frozen=True)
class Chain:
    """Two states over the frames of every task, which change where people's edges lie rather than elsewhere.

    Forwards and backwards run side by side, (frames, 2 * tasks), backwards in reversed order. Both take a ratio r of on to off to
    (stay_on * r + gain) / (loss * r + stay_off): chances of a change from the frame before, and of none. Single precision is
    ample for ratios, and halves the time.
    """

    stay_on: Ratios
    gain: Ratios
    loss: Ratios
    stay_off: Ratios
    stationary: float  # odds of on to off before anything is known

    @classmethod
    def of(cls, votes: Votes, prior: Prior) -> "Chain":
        """Build the chain: the prior's, but where edges of several people lie together, a change is likelier.

        Who hears the same thing begin or end says more than their frames one by one.
        """
        frame = votes.answers.frame
        leave_on, leave_off = (1 - math.exp(-frame / length) for length in (prior.region_length, prior.pause_length))
        n_starts, n_ends = _edges_together(votes, votes.marked.first), _edges_together(votes, votes.marked.last)
        on_to_off = leave_on + (1 - leave_on) * MOST * (1 - 1 / np.maximum(n_ends, 1))
        off_to_on = leave_off + (1 - leave_off) * MOST * (1 - 1 / np.maximum(n_starts, 1))
        return cls.between(on_to_off, off_to_on, leave_off / leave_on)

    @classmethod
    def between(cls, on_to_off: Floats, off_to_on: Floats, stationary: float) -> "Chain":
        """Build a chain of chances of a change from the frame before, (frames, tasks)."""
        return cls(
            stay_on=_both_ways(1 - on_to_off, 1 - on_to_off),
            gain=_both_ways(off_to_on, on_to_off),
            loss=_both_ways(on_to_off, off_to_on),
            stay_off=_both_ways(1 - off_to_on, 1 - off_to_on),
            stationary=stationary,
        )

    def smooth(self, evidence: Floats) -> Floats:
        """Return (frames, tasks) probabilities of on, by forward-backward; `evidence` is the log odds of on that each frame gives."""
        length, n_tasks = evidence.shape
        if not length:
            return evidence
        odds = np.exp(evidence.astype(np.float32))
        both = np.concatenate([odds, odds[::-1]], axis=1)
        both[0, :n_tasks] *= self.stationary
        above, below = np.empty_like(both[0]), np.empty_like(both[0])
        for i in range(1, length):
            np.multiply(both[i - 1], self.stay_on[i], out=above)
            np.multiply(both[i - 1], self.loss[i], out=below)
            above += self.gain[i]
            below += self.stay_off[i]
            above /= below
            both[i] *= above
        together = both[:, :n_tasks] * both[::-1, n_tasks:]
        together /= odds
        together /= 1 + together
        return _floats(together)


def _both_ways(forwards: Floats, backwards: Floats) -> Ratios:
    # Row i is the step from frame i - 1 to i; reversed, to what was frame i - 1 from frame i.
    return np.concatenate([forwards, np.roll(backwards[::-1], 1, axis=0)], axis=1, dtype=np.float32)


def _edges_together(votes: Votes, at: Indices) -> Floats:
    """Return (frames, tasks) how many people's runs begin (or end, by `at`) here, give or take a frame; 0 where none does."""
    n_frames, n_tasks = votes.answers.shape
    task = votes.answers.task[votes.marked.answer]
    inside = (at > 0) & (at < votes.answers.n_frames[task])
    here = np.bincount((at * n_tasks + task)[inside], minlength=n_frames * n_tasks).reshape(n_frames, n_tasks).astype(np.float64)
    around = here.copy()
    around[1:] += here[:-1]
    around[:-1] += here[1:]
    return np.where(here > 0, around, 0.0)


def posterior(votes: Votes, chain: Chain, sensitivity: Floats, specificity: Floats, prior: Prior) -> Floats:
    """Return (frames, tasks) probabilities that a frame bleeds, given everybody's rates: the E step."""
    # Nobody is beyond doubt: one vote may not outweigh everything else.
    sensitivity, specificity = np.clip(sensitivity, 0.02, 0.98), np.clip(specificity, 0.02, 0.995)
    for_mark = np.log(sensitivity / (1 - specificity))[votes.answers.person]
    for_none = np.log((1 - sensitivity) / specificity)[votes.answers.person]
    evidence = votes.per_frame([(votes.marked, for_mark - for_none), (votes.answers.heard, for_none)])
    evidence *= votes.answers.frame / prior.seconds_per_vote
    return chain.smooth(np.clip(evidence, -CERTAIN, CERTAIN))


def soften(votes: Votes, posterior: Floats, edges: Edges) -> Floats:
    """Return `posterior` with every step at an edge spread as far as the edge is uncertain."""
    frame, n_frames = votes.answers.frame, votes.answers.n_frames
    task = votes.answers.task[votes.answers.of]
    surest = np.full(posterior.shape, np.inf)
    for at, error in ((edges.start, edges.start_error), (edges.end, edges.end_error)):
        step = votes.answers.frame_at(at)
        inside = (step > 0) & (step < n_frames[task])
        np.minimum.at(surest, (step[inside], task[inside]), error[inside])
    step, row = np.nonzero(np.isfinite(surest))
    height, error = posterior[step, row] - posterior[step - 1, row], surest[step, row]
    wide = max(1, math.ceil(3 * error.max(initial=0) / frame))
    offset = np.arange(-wide, wide)
    # A logistic curve for the normal one: within 0.01 everywhere.
    curve = 1 / (1 + np.exp(-1.702 * np.clip((offset + 0.5) * frame / error[:, None], -9, 9)))
    change = height[:, None] * (curve - (offset >= 0))
    to = step[:, None] + offset
    inside = (to >= 0) & (to < n_frames[row, None])
    softer = posterior.copy()
    np.add.at(softer, (to[inside], np.broadcast_to(row[:, None], to.shape)[inside]), change[inside])
    return np.clip(softer, 0, 1)


def _floats(values: NDArray[Any]) -> Floats:
    # NumPy counts nothing in whole numbers, whatever the weights are.
    return values.astype(np.float64, copy=False)


def sums_before(posterior: Floats | Ratios) -> Floats:
    """Return (frames + 1, tasks) the sums of all rows before each."""
    sums = np.zeros((posterior.shape[0] + 1, posterior.shape[1]))
    sums[1:] = posterior
    return _running_sum(sums)


def _running_sum(rows: Floats) -> Floats:
    """Add to every row all rows before it, in place."""
    for i in range(1, len(rows)):
        rows[i] += rows[i - 1]
    return rows
