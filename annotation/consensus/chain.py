"""Two-coin Dawid-Skene per frame with a two-state chain over time: the two steps that the fit repeats.

Votes are kept as runs of frames, so that one step costs as much as the tasks' frames and the runs' number, not every vote.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.consensus.answers import Answers, Floats, Runs
from annotation.consensus.people import Prior

CERTAIN = 30.0  # log odds beyond this are no more certain


@dataclass(frozen=True)
class Votes:
    """What people marked, on frames, and what they heard."""

    answers: Answers
    marked: Runs

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
    hits = votes.per_answer(votes.marked, posterior) * weight
    left = clean - (votes.length(votes.marked) * weight - hits)
    sensitivity, sensitivity_error = _share(votes, hits, bleeds, prior.sensitivity)
    specificity, specificity_error = _share(votes, left, clean, prior.specificity)
    # Nobody is beyond doubt: one vote may not outweigh everything else.
    return Rates(np.clip(sensitivity, 0.02, 0.98), np.clip(specificity, 0.02, 0.995), sensitivity_error, specificity_error)


def _share(votes: Votes, part: Floats, whole: Floats, believed: tuple[float, float]) -> tuple[Floats, Floats]:
    n = votes.per_person(whole) + sum(believed)
    share = (votes.per_person(part) + believed[0]) / n
    scatter = votes.per_person((part - share[votes.answers.person] * whole) ** 2) + sum(believed) * share * (1 - share)
    return share, np.sqrt(scatter) / n


def posterior(votes: Votes, sensitivity: Floats, specificity: Floats, prior: Prior) -> Floats:
    """Return (tasks, frames) probabilities that a frame bleeds, given everybody's rates: the E step."""
    frame = votes.answers.frame
    for_mark = np.log(sensitivity / (1 - specificity))[votes.answers.person]
    for_none = np.log((1 - sensitivity) / specificity)[votes.answers.person]
    evidence = votes.per_frame([(votes.marked, for_mark - for_none), (votes.answers.heard, for_none)])
    evidence *= frame / prior.seconds_per_vote
    np.clip(evidence, -CERTAIN, CERTAIN, out=evidence)
    return smooth(
        np.exp(evidence, out=evidence),
        stay_on=math.exp(-frame / prior.region_length),
        stay_off=math.exp(-frame / prior.pause_length),
    )


def smooth(odds: Floats, stay_on: float, stay_off: float) -> Floats:
    """Return (tasks, frames) probabilities of the on state of a two-state chain, all tasks at once.

    `odds` are likelihood ratios of on to off. The chain starts in its stationary state, and runs the same in both directions,
    as every chain of two states does: forwards and backwards are one filter, over the frames and over the frames reversed.
    """
    n_tasks, length = odds.shape
    both = np.empty((length, 2 * n_tasks))
    both[:, :n_tasks] = odds.T
    both[:, n_tasks:] = both[::-1, :n_tasks]
    leave_on, leave_off = 1 - stay_on, 1 - stay_off
    stationary = leave_off / leave_on
    before = np.full(2 * n_tasks, stationary)
    above, below = np.empty_like(before), np.empty_like(before)
    for row in both:
        # The ratio of on to off after one step of the chain, then with what the frame says.
        np.multiply(before, stay_on, out=above)
        np.multiply(before, leave_on, out=below)
        above += leave_off
        below += stay_off
        above /= below
        row *= above
        before = row
    together = both[:, :n_tasks] * both[::-1, n_tasks:]
    together /= odds.T
    together /= stationary
    together /= 1 + together
    return np.ascontiguousarray(together.T)
