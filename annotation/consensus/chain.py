"""Two-coin Dawid-Skene per frame with a two-state chain over time: the two steps that the fit repeats.

Votes are kept as runs of frames, so that one step costs as much as the tasks' frames and the runs' number, not every vote.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.consensus.answers import Answers, Floats, Indices, Runs
from annotation.consensus.edges import Edges
from annotation.consensus.people import Prior

CERTAIN = 30.0  # log odds beyond this are no more certain
MOST = 0.5  # chance of a change where many edges lie together


@dataclass(frozen=True)
class Votes:
    """What people marked, on frames, and what they heard."""

    answers: Answers
    drawn: Runs  # what each person marked, their lag taken off: what their rates are counted by
    marked: Runs  # the same with edges gathered: what speaks about the frames

    def per_frame(self, weighted: Sequence[tuple[Runs, Floats]]) -> Floats:
        """Return (tasks, frames) the sum over runs of weights of answers."""
        n_tasks, n_frames = self.answers.shape
        steps = np.zeros(n_tasks * (n_frames + 1))
        for runs, weight in weighted:
            at = self.answers.task[runs.answer] * (n_frames + 1)
            steps += np.bincount(at + runs.first, weight[runs.answer], len(steps))
            steps -= np.bincount(at + runs.last, weight[runs.answer], len(steps))
        return np.cumsum(steps.reshape(n_tasks, n_frames + 1)[:, :n_frames], axis=1)

    def per_answer(self, runs: Runs, posterior: Floats) -> Floats:
        """Return (answers) `posterior` (tasks, frames) summed over the runs of each answer."""
        sums = np.zeros((posterior.shape[0], posterior.shape[1] + 1))
        np.cumsum(posterior, axis=1, out=sums[:, 1:])
        task = self.answers.task[runs.answer]
        return np.bincount(runs.answer, sums[task, runs.last] - sums[task, runs.first], len(self.answers.task))

    def length(self, runs: Runs) -> Floats:
        """Return (answers) the number of frames in the runs of each answer."""
        return np.bincount(runs.answer, runs.last - runs.first, len(self.answers.task))

    def per_person(self, values: Floats) -> Floats:
        """Return (people) the sum of values of answers."""
        return np.bincount(self.answers.person, values, len(self.answers.people))


@dataclass(frozen=True)
class Rates:
    """People's coins: of bleeding time the share they mark, of clean time the share they leave alone, and how sure that is."""

    sensitivity: Floats
    specificity: Floats
    sensitivity_error: Floats  # standard errors
    specificity_error: Floats


def share_of_votes(votes: Votes) -> Floats:
    """Return (tasks, frames) the share of marks among those who heard the frame, drawn a little towards silence: a first guess."""
    one = np.ones(len(votes.answers.task))
    marked, heard = votes.per_frame([(votes.marked, one)]), votes.per_frame([(votes.answers.heard, one)])
    return 0.02 + 0.9 * marked / np.maximum(heard, 1)


def rates(votes: Votes, posterior: Floats, prior: Prior) -> Rates:
    """Return everybody's rates, given what bleeds: the M step, with Beta priors.

    Standard errors are those of a ratio over tasks (Cochran, Sampling Techniques, 6.3), as frames of one task go together.
    """
    weight = votes.answers.frame / prior.seconds_per_vote
    bleeds = votes.per_answer(votes.answers.heard, posterior) * weight
    clean = votes.length(votes.answers.heard) * weight - bleeds
    hits = votes.per_answer(votes.drawn, posterior) * weight
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

    Leaving is the chance of the other state one frame later, (frames, tasks). At an edge of one person it is the prior's; where
    edges of several lie together it grows, since who heard the same thing begin or end says more than their frames one by one.
    """

    leave_on: Floats
    leave_off: Floats
    stationary: float  # odds of on to off before anything is known

    @classmethod
    def of(cls, votes: Votes, prior: Prior) -> "Chain":
        frame = votes.answers.frame
        leave_on, leave_off = (1 - math.exp(-frame / length) for length in (prior.region_length, prior.pause_length))
        n_starts, n_ends = _edges_together(votes, votes.marked.first), _edges_together(votes, votes.marked.last)
        return cls(
            leave_on + (1 - leave_on) * MOST * (1 - 1 / np.maximum(n_ends, 1)),
            leave_off + (1 - leave_off) * MOST * (1 - 1 / np.maximum(n_starts, 1)),
            leave_off / leave_on,
        )

    def smooth(self, odds: Floats) -> Floats:
        """Return (tasks, frames) probabilities of on, by forward-backward; `odds` are likelihood ratios of on to off."""
        n_tasks, length = odds.shape
        # Forwards and backwards at once, side by side: backwards is the same filter over reversed frames, with on and off exchanged.
        both = np.concatenate([odds.T, odds.T[::-1]], axis=1)
        gain = np.concatenate([self.leave_off, np.roll(self.leave_on[::-1], 1, axis=0)], axis=1)
        loss = np.concatenate([self.leave_on, np.roll(self.leave_off[::-1], 1, axis=0)], axis=1)
        keep, rest = 1 - np.concatenate([self.leave_on, np.roll(self.leave_on[::-1], 1, axis=0)], axis=1), 1 - np.concatenate([self.leave_off, np.roll(self.leave_off[::-1], 1, axis=0)], axis=1)
        if length:
            both[0, :n_tasks] *= self.stationary
        above, below = np.empty(2 * n_tasks), np.empty(2 * n_tasks)
        for i in range(1, length):
            np.multiply(both[i - 1], keep[i], out=above)
            np.multiply(both[i - 1], loss[i], out=below)
            above += gain[i]
            below += rest[i]
            above /= below
            both[i] *= above
        together = both[:, :n_tasks] * both[::-1, n_tasks:]
        together /= odds.T
        together /= 1 + together
        return np.ascontiguousarray(together.T)


def _edges_together(votes: Votes, at: Indices) -> Floats:
    """Return (frames, tasks) how many people's runs begin (or end, by `at`) here, give or take a frame; 0 where none does."""
    n_tasks, n_frames = votes.answers.shape
    task = votes.answers.task[votes.marked.answer]
    inside = (at > 0) & (at < votes.answers.n_frames[task])
    here = np.bincount((at * n_tasks + task)[inside], minlength=n_frames * n_tasks).reshape(n_frames, n_tasks).astype(np.float64)
    around = here.copy()
    around[1:] += here[:-1]
    around[:-1] += here[1:]
    return np.where(here > 0, around, 0.0)


def posterior(votes: Votes, chain: Chain, sensitivity: Floats, specificity: Floats, prior: Prior) -> Floats:
    """Return (tasks, frames) probabilities that a frame bleeds, given everybody's rates: the E step."""
    # Nobody is beyond doubt: one vote may not outweigh everything else.
    sensitivity, specificity = np.clip(sensitivity, 0.02, 0.98), np.clip(specificity, 0.02, 0.995)
    for_mark = np.log(sensitivity / (1 - specificity))[votes.answers.person]
    for_none = np.log((1 - sensitivity) / specificity)[votes.answers.person]
    evidence = votes.per_frame([(votes.marked, for_mark - for_none), (votes.answers.heard, for_none)])
    evidence *= votes.answers.frame / prior.seconds_per_vote
    np.clip(evidence, -CERTAIN, CERTAIN, out=evidence)
    return chain.smooth(np.exp(evidence, out=evidence))


def soften(votes: Votes, posterior: Floats, edges: Edges) -> Floats:
    """Return `posterior` with every step at an edge spread as far as the edge is uncertain."""
    n_tasks, n_frames = posterior.shape
    frame = votes.answers.frame
    task = votes.answers.task[votes.answers.of]
    surest = np.full((n_tasks, n_frames), np.inf)
    for at, error in ((edges.start, edges.start_error), (edges.end, edges.end_error)):
        step = votes.answers.frame_at(at)
        inside = (step > 0) & (step < votes.answers.n_frames[task])
        np.minimum.at(surest, (task[inside], step[inside]), error[inside])
    row, step = np.nonzero(np.isfinite(surest))
    height, error = posterior[row, step] - posterior[row, step - 1], surest[row, step]
    wide = math.ceil(3 * error.max(initial=0) / frame)
    offset = np.arange(-wide, wide)
    # A logistic curve for the normal one: within 0.01 everywhere.
    curve = 1 / (1 + np.exp(-1.702 * np.clip((offset + 0.5) * frame / error[:, None], -9, 9)))
    change = height[:, None] * (curve - (offset >= 0))
    to = step[:, None] + offset
    inside = (to >= 0) & (to < votes.answers.n_frames[row, None])
    softer = posterior.copy()
    np.add.at(softer, (np.broadcast_to(row[:, None], to.shape)[inside], to[inside]), change[inside])
    return np.clip(softer, 0, 1)
