"""Two-coin Dawid-Skene per frame with a two-state chain over time: the two steps that the fit repeats.

Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM algorithm", doi 10.2307/2346806.

Votes are runs, and frames are taken together in stretches on which nobody's votes change; so a step costs as much as there are
edges of runs, whatever the frames' number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.consensus.answers import NO_RUNS, Answers, Floats, Indices, Runs
from annotation.core.consensus.edges import Edges
from annotation.core.consensus.people import Prior
from annotation.core.consensus.stretches import Stretches, floats

CERTAIN = 30.0  # log odds beyond this are no more certain
MOST = 0.5  # chance of a change where many edges lie together


@dataclass(frozen=True)
class Votes:
    """What people marked, on frames, and what they heard; runs cover stretches."""

    answers: Answers
    stretches: Stretches
    drawn: Runs  # what each person marked, their lag taken off: what their rates are counted by
    marked: Runs  # the same with edges gathered: what speaks about the frames
    heard: Runs
    silent: NDArray[np.bool_] | None = None  # (stretches, tasks); None where nothing is known of the sound

    @classmethod
    def of(cls, answers: Answers, drawn: Runs, marked: Runs, gold: Runs, silent: Runs = NO_RUNS) -> "Votes":
        """Cut the frames of all tasks where runs, of frames, begin or end. The answers of `gold` and of `silent` are tasks."""
        stretches = Stretches.between(answers, [drawn, marked, answers.heard], [gold, silent])
        drawn, marked, heard = (stretches.covered(runs, answers.task[runs.answer]) for runs in (drawn, marked, answers.heard))
        quiet = stretches.frames_in(silent) > 0 if len(silent.answer) else None
        return cls(answers, stretches, drawn, marked, heard, quiet)

    def per_stretch(self, weighted: Sequence[tuple[Runs, Floats]]) -> Floats:
        """Return (stretches, tasks) the sum over runs of weights of answers."""
        n_rows, n_tasks = self.stretches.shape
        at = [edge * n_tasks + self.answers.task[runs.answer] for runs, _ in weighted for edge in (runs.first, runs.last)]
        step = [sign * weight[runs.answer] for runs, weight in weighted for sign in (1, -1)]
        steps = np.bincount(np.concatenate(at), np.concatenate(step), (n_rows + 1) * n_tasks)
        return _running_sum(floats(steps).reshape(n_rows + 1, n_tasks)[:n_rows])

    def per_answer(self, runs: Runs, sums: Floats) -> Floats:
        """Return (answers) over the runs of each what `sums_before` counted."""
        task = self.answers.task[runs.answer]
        return floats(np.bincount(runs.answer, sums[runs.last, task] - sums[runs.first, task], len(self.answers.task)))

    def per_person(self, values: Floats) -> Floats:
        """Return (people) the sum of values of answers."""
        return floats(np.bincount(self.answers.person, values, len(self.answers.people)))


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
    """Return (stretches, tasks) the share of marks among those who heard it, drawn a little towards silence: a first guess."""
    one = np.ones(len(votes.answers.task))
    marked, heard = votes.per_stretch([(votes.marked, one)]), votes.per_stretch([(votes.heard, one)])
    share: Floats = 0.02 + 0.9 * marked / np.maximum(heard, 1)
    return share


def rates(votes: Votes, bleeding: Floats, prior: Prior) -> Rates:
    """Return everybody's rates, given how many frames of each stretch bleed, (stretches, tasks): the M step, with Beta priors.

    Standard errors are those of a ratio over tasks (Cochran 1977, "Sampling techniques", 6.3), as frames of one task go together.
    """
    weight = votes.answers.frame / prior.seconds_per_vote
    before, frames = sums_before(bleeding), sums_before(votes.stretches.length)
    bleeds = votes.per_answer(votes.heard, before) * weight
    clean = votes.per_answer(votes.heard, frames) * weight - bleeds
    hits = votes.per_answer(votes.drawn, before) * weight
    left = clean - (votes.per_answer(votes.drawn, frames) * weight - hits)
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

    Arrays are (stretches, tasks). On a stretch every frame gives the same odds, and every step but the first has the same chances;
    so a stretch is a power of one matrix, which its two eigenvalues give, and costs as much as a frame.
    """

    length: Floats  # frames, 0 where a task has no more stretches
    on_to_off: Floats  # chances of a change from the frame before to the first
    off_to_on: Floats
    leave_on: float  # the same from each frame to the next
    leave_off: float

    @classmethod
    def of(cls, votes: Votes, prior: Prior) -> "Chain":
        """Build the chain: the prior's, but where edges of several people lie together, a change is likelier.

        Who hears the same thing begin or end says more than their frames one by one.
        """
        frame, length = votes.answers.frame, votes.stretches.length
        leave_on, leave_off = (1 - math.exp(-frame / seconds) for seconds in (prior.region_length, prior.pause_length))
        n_starts, n_ends = _edges_together(votes, votes.marked.first), _edges_together(votes, votes.marked.last)
        on_to_off = leave_on + (1 - leave_on) * MOST * (1 - 1 / np.maximum(n_ends, 1))
        off_to_on = leave_off + (1 - leave_off) * MOST * (1 - 1 / np.maximum(n_starts, 1))
        return cls(length, on_to_off, off_to_on, leave_on, leave_off)

    def smooth(self, evidence: Floats) -> "Smoothed":
        """Return the probabilities of on, by forward-backward (Rabiner 1989, doi 10.1109/5.18626).

        `evidence` is the log odds of on that each frame gives.
        """
        n_rows, n_tasks = evidence.shape
        odds = np.where(self.length > 0, np.exp(evidence), 1.0)
        # Into the first frame of a stretch, from what comes before: nothing before the first, nothing changes after the last.
        begins = (self.length > 0) & (np.arange(n_rows) > 0)[:, None]
        loss, gain = np.where(begins, self.on_to_off, 0.0), np.where(begins, self.off_to_on, 0.0)
        into = _Matrix(odds * (1 - loss), odds * gain, loss, 1 - gain)
        powers = _Powers.of(odds, self.leave_on, self.leave_off, self.length)
        through = powers.all_but_one.after(into)
        # Ratios of on to off, (stretches, 2 * tasks): forwards what comes into a stretch, backwards what comes into it from behind.
        a, b, c, d = (np.concatenate([one, other[::-1]], axis=1) for one, other in zip(through, through.turned(), strict=True))
        ratio = np.empty_like(a)
        ratio[:1, :n_tasks], ratio[:1, n_tasks:] = self.leave_off / self.leave_on, 1.0
        above, below = np.empty(2 * n_tasks), np.empty(2 * n_tasks)
        for i in range(n_rows - 1):
            np.multiply(ratio[i], a[i], out=above)
            np.multiply(ratio[i], c[i], out=below)
            above += b[i]
            below += d[i]
            np.divide(above, below, out=ratio[i + 1])
        before, behind = ratio[:, :n_tasks], ratio[::-1, n_tasks:]
        return powers.between(into.a * before + into.b, into.c * before + into.d, behind)


class _Matrix(NamedTuple):
    """((a, b), (c, d)), of (on, off), for every stretch."""

    a: Floats
    b: Floats
    c: Floats
    d: Floats

    def after(self, first: "_Matrix") -> "_Matrix":
        """Return the product of this and `first`."""
        return _Matrix(
            self.a * first.a + self.b * first.c,
            self.a * first.b + self.b * first.d,
            self.c * first.a + self.d * first.c,
            self.c * first.b + self.d * first.d,
        )

    def turned(self) -> "_Matrix":
        return _Matrix(self.a, self.c, self.b, self.d)


@dataclass(frozen=True)
class _Powers:
    """Powers of ((odds * (1 - leave_on), odds * leave_off), (leave_on, 1 - leave_off)), up to a factor.

    With its eigenvalues x > y, the n-th power is x^n P + y^n Q; here P is ((p, b), (c, q)) / (p + q) and Q is 1 - P.
    """

    p: Floats
    q: Floats
    b: Floats
    c: float
    ratio: Floats  # logarithm of y / x
    length: Floats

    @classmethod
    def of(cls, odds: Floats, leave_on: float, leave_off: float, length: Floats) -> "_Powers":
        a, b, c, d = odds * (1 - leave_on), odds * leave_off, leave_on, 1 - leave_off
        apart = np.abs(a - d)
        more = 0.5 * (apart + np.sqrt(apart**2 + 4 * b * c))
        less = b * c / more  # rather than by subtraction, which loses what is small
        p, q = np.where(a >= d, more, less), np.where(a >= d, less, more)
        return cls(p, q, b, c, np.log(odds * (1 - leave_on - leave_off)) - 2 * np.log(a + q), length)

    @property
    def all_but_one(self) -> _Matrix:
        """The power of one step less than the stretch has frames."""
        y = np.exp(np.maximum(self.length - 1, 0) * self.ratio)
        return _Matrix(self.p + y * self.q, self.b * (1 - y), self.c * (1 - y), self.q + y * self.p)

    def between(self, on: Floats, off: Floats, behind: Floats) -> "Smoothed":
        """Return the probabilities inside stretches, from (on, off) at the first frame and the ratio of them from behind at the last."""
        first, second = self.p * on + self.b * off, self.q * on - self.b * off
        last, before_last = self.p * behind + self.c, self.q * behind - self.c
        y = np.exp(np.maximum(self.length - 1, 0) * self.ratio)
        power = self.all_but_one
        total = (self.p + self.q) * ((power.a * on + power.b * off) * behind + power.c * on + power.d * off)
        return Smoothed(
            (first * last + y * second * before_last) / total, first * before_last / total, second * last / total, self.ratio, self.length
        )


class Smoothed(NamedTuple):
    """Probabilities of on, for frame t of a stretch of n: level + late * r ** (n - 1 - t) + early * r ** t."""

    level: Floats
    late: Floats
    early: Floats
    ratio: Floats  # logarithm of r
    length: Floats

    def sums(self) -> Floats:
        """Return (stretches, tasks) how many frames are on."""
        n_steps = np.expm1(self.length * self.ratio) / np.expm1(self.ratio)
        n_on: Floats = np.clip(self.length * self.level + (self.late + self.early) * n_steps, 0, self.length)
        return n_on

    def per_frame(self, stretches: Stretches) -> Floats:
        """Return (frames, tasks) the probability of each; 0 after a task's end."""
        level, late, early, ratio, length = (stretches.each_frames(part) for part in self)
        t = stretches.places
        on = np.clip(level + late * np.exp((length - 1 - t) * ratio) + early * np.exp(t * ratio), 0, 1)
        return stretches.on_frames(on)


def _edges_together(votes: Votes, at: Indices) -> Floats:
    """Return (stretches, tasks) how many people's runs begin (or end, by `at`) where it does, give or take a frame; 0 where none does."""
    n_rows, n_tasks = votes.stretches.shape
    length, task = votes.stretches.length, votes.answers.task[votes.marked.answer]
    inside = (at > 0) & (at < votes.stretches.n_rows[task]) & ~votes.answers.judged[votes.marked.answer]
    here = floats(np.bincount((at * n_tasks + task)[inside], minlength=n_rows * n_tasks)).reshape(n_rows, n_tasks)
    around = here.copy()
    around[1:] += here[:-1] * (length[:-1] == 1)
    around[:-1] += here[1:] * (length[:-1] == 1)
    return np.where(here > 0, around, 0.0)


def posterior(votes: Votes, chain: Chain, sensitivity: Floats, specificity: Floats, prior: Prior) -> Smoothed:
    """Return probabilities that a frame bleeds, given everybody's rates: the E step."""
    # Nobody is beyond doubt: one vote may not outweigh everything else.
    sensitivity, specificity = np.clip(sensitivity, 0.02, 0.98), np.clip(specificity, 0.02, 0.995)
    weight = np.where(votes.answers.judged, prior.of_segments, 1.0)
    for_mark = weight * np.log(sensitivity / (1 - specificity))[votes.answers.person]
    for_none = weight * np.log((1 - sensitivity) / specificity)[votes.answers.person]
    evidence = votes.per_stretch([(votes.marked, for_mark - for_none), (votes.heard, for_none)])
    evidence *= votes.answers.frame / prior.seconds_per_vote
    if votes.silent is not None:
        evidence -= prior.silence * votes.answers.frame / prior.seconds_per_vote * votes.silent
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


def sums_before(values: Floats) -> Floats:
    """Return (rows + 1, tasks) the sums of all rows before each."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1]))
    sums[1:] = values
    return _running_sum(sums)


def _running_sum(rows: Floats) -> Floats:
    """Add to every row all rows before it, in place."""
    for i in range(1, len(rows)):
        rows[i] += rows[i - 1]
    return rows
