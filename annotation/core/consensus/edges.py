"""Edges of marks: everybody's reaction lag and unsteadiness, and where the edges of one thing that several people marked lie."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.consensus.answers import Answers, Floats, Indices, Key, expand
from annotation.core.consensus.people import Prior
from annotation.core.regions import clamp

ITERATIONS = 40
FURTHEST = 1.0  # seconds: marks whose starts or ends lie further apart do not mark the same thing
BORDER = 0.05  # seconds: an edge this near the clip's is the clip's, not the person's
OF_SEGMENTS = 0.15  # seconds, standard deviation between the edge of a segment and that of what sounds in it
STEADIEST = 0.03  # seconds: nobody's edges are believed to be steadier
FREEDOM = 4.0  # degrees of freedom of the t distribution that misfits of pairs are taken to have; marks of different things are its tail
MOVES = 6
ELSEWHERE = 0.05  # per second: density of edges that are of another thing
SOUND_OFF = 0.07  # seconds, standard deviation of how late the sound's changes are, all together, after the edges that people hear
LAG_ERROR = 0.07  # seconds, standard deviation of what a fitted lag misses


class Habits(NamedTuple):
    """Of each person, in seconds: reaction lags, (onset and offset, people), and the standard deviation of edges without it, (people)."""

    lags: Floats
    jitter: Floats


class Edges(NamedTuple):
    """Starts and ends of all marks, and their standard errors, in seconds."""

    start: Floats
    end: Floats
    start_error: Floats
    end_error: Floats


class Told(NamedTuple):
    """How late marks, as they were drawn, are after changes of the sound that are surely theirs."""

    late: Floats  # (onset and offset, marks) seconds
    sure: NDArray[np.bool_]  # (onset and offset, marks)
    error: float  # seconds, standard deviation of where the sound changes around the edge that is heard


def fit(answers: Answers, truth: Mapping[Key, Sequence[Sequence[float]]], prior: Prior, told: Told | None = None) -> Habits:
    """Return everybody's habits, from pairs of marks of the same thing.

    Least squares in which pairs that fit badly count little (the EM of a t distribution: Lange, Little and Taylor 1989, doi
    10.1080/01621459.1989.10478852), drawn towards the lag common to all and the prior's jitter. A gold task's truth takes part as
    somebody without lag or jitter, and corrects the common lag. So does the sound, but as somebody who may be late or early, and the
    common lag believes it no more than that allows, however often it speaks.
    """
    n_people = len(answers.people)
    one, other, late, free = _pairs(answers, truth)
    jitter = np.append(np.full(n_people, prior.edge_jitter), 0.0)
    if told is not None:
        which = told.sure.any(axis=0)
        one = np.append(one, answers.person[answers.of][which])
        other = np.append(other, np.full(int(which.sum()), n_people + 1))
        late, free = np.append(late, told.late[:, which], axis=1), np.append(free, told.sure[:, which], axis=1)
        jitter = np.append(jitter, told.error)
    of_gold, of_sound = other == n_people, other == n_people + 1
    lags = np.zeros((2, len(jitter)))
    common = np.array([prior.onset_lag, prior.offset_lag])
    lags[:, :n_people] = common[:, None]
    believed = prior.lag_pairs / (2 * prior.edge_jitter**2)
    firmly = believed / (1 - prior.lags_alike**2)
    for _ in range(ITERATIONS):
        spread = jitter[one] ** 2 + jitter[other] ** 2
        total, n_seen = np.full(n_people, 2 * prior.jitter_pairs * prior.edge_jitter**2), np.full(n_people, 2 * prior.jitter_pairs)
        for edge in (0, 1):
            misfit = late[edge] - (lags[edge, one] - lags[edge, other])
            trust = free[edge] * (FREEDOM + 1) / (FREEDOM + misfit**2 / spread)
            weight = trust / spread
            if of_gold.any():
                seen = weight[of_gold]
                common[edge] = believed * (prior.onset_lag, prior.offset_lag)[edge] + (seen * late[edge, of_gold]).sum()
                common[edge] /= believed + seen.sum()
            if (heard := weight[of_sound].sum()) > 0:
                alone = common[edge] if of_gold.any() else (prior.onset_lag, prior.offset_lag)[edge]
                firm, worth = believed + weight[of_gold].sum(), 1 / (1 / heard + SOUND_OFF**2)
                seen_late = (weight[of_sound] * late[edge, of_sound]).sum() / heard
                common[edge] = (firm * alone + worth * seen_late) / (firm + worth)
                lags[edge, n_people + 1] = common[edge] - seen_late
            # Who is late at the other edge is late at this one.
            expected = common[edge] + prior.lags_alike * (lags[1 - edge, :n_people] - common[1 - edge])
            pull = np.bincount(one, weight * (late[edge] + lags[edge, other]), n_people) + firmly * expected
            # Half a step at a time: two people with only each other to go by would swing for ever.
            lags[edge, :n_people] *= 0.5
            lags[edge, :n_people] += 0.5 * pull / (np.bincount(one, weight, n_people) + firmly)
            total += np.bincount(one, trust * misfit**2 - free[edge] * jitter[other] ** 2, n_people)
            n_seen += np.bincount(one, free[edge], n_people)
        jitter[:n_people] = np.sqrt(0.5 * jitter[:n_people] ** 2 + 0.5 * np.maximum(total / n_seen, STEADIEST**2))
    return Habits(lags[:, :n_people], jitter[:n_people])


def without_lag(answers: Answers, habits: Habits) -> Edges:
    """Return the marks with their people's lags taken off.

    Edges at the border of the clip stay: there the person had no choice. A mark that would vanish is moved by the mean of
    both lags instead.
    """
    person, duration = answers.person[answers.of], answers.duration[answers.task[answers.of]]
    onset, offset = habits.lags[:, person] * answers.drawn  # nobody drew the edges of segments
    start = np.where(answers.start > BORDER, answers.start - onset, 0.0)
    end = np.where(answers.end < duration - BORDER, answers.end - offset, duration)
    gone = end - start < np.minimum(answers.frame, answers.end - answers.start)
    both = (onset + offset) / 2
    error = np.where(answers.drawn, habits.jitter[person], OF_SEGMENTS)
    return Edges(np.where(gone, answers.start - both, start), np.where(gone, answers.end - both, end), error, error)


def gather(answers: Answers, edges: Edges, habits: Habits) -> Edges:
    """Return the edges of marks of one thing moved together: each to where it and the edges near it, of marks that overlap, say.

    A mean in which steady people weigh more, and an edge counts by the chance that it is of the same thing and not of anything
    else. Edges at the border of the clip stay, and those of segments, which nobody drew.
    """
    task, person = answers.task[answers.of], answers.person[answers.of]
    variance = habits.jitter[person] ** 2 + LAG_ERROR**2
    duration = answers.duration[task]
    moved = []
    for edge, at_border in ((edges.start, edges.start <= BORDER), (edges.end, edges.end >= duration - BORDER)):
        inside = answers.drawn & ~at_border
        i, j = _near(task, edge, FURTHEST)
        overlap = np.minimum(edges.end[i], edges.end[j]) > np.maximum(edges.start[i], edges.start[j])
        may = inside[i] & inside[j] & overlap & ((answers.of[i] != answers.of[j]) | (i == j))
        i, j = i[may], j[may]
        now, uncertain = edge, variance
        for _ in range(MOVES):
            spread = variance[j] + np.where(i == j, 0.0, uncertain[i])
            density = np.exp(-0.5 * (now[i] - edge[j]) ** 2 / spread) / np.sqrt(2 * np.pi * spread)
            weight = density / (density + ELSEWHERE) / variance[j]
            total = np.bincount(i, weight, len(edge))
            lonely = total == 0
            uncertain = np.where(lonely, variance, 1 / np.where(lonely, 1, total))
            now = np.where(lonely, edge, np.bincount(i, weight * edge[j], len(edge)) * uncertain)
        moved.append((now, np.sqrt(uncertain)))
    (start, start_error), (end, end_error) = moved
    gone = end - start < answers.frame
    return Edges(np.where(gone, edges.start, start), np.where(gone, edges.end, end), start_error, end_error)


def _near(task: Indices, at: Floats, reach: float) -> tuple[Indices, Indices]:
    """Return all (i, j) of one task whose `at` lie at most `reach` apart, in order of i and `at` of j; i = j among them."""
    if not len(at):
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    line = task * (at.max() - at.min() + 3 * reach) + at
    order = np.argsort(line, kind="stable")
    lined = line[order]
    i, rank = expand(np.searchsorted(lined, line - reach, "left"), np.searchsorted(lined, line + reach, "right"))
    return i, order[rank]


class _Pairs(NamedTuple):
    one: Indices  # people
    other: Indices  # people, or their number for the truth
    late: Floats  # (onset and offset, pairs) seconds by which the one is later
    free: Floats  # (onset and offset, pairs) 1 where neither edge is at the border of the clip, else 0


def _pairs(answers: Answers, truth: Mapping[Key, Sequence[Sequence[float]]]) -> _Pairs:
    """Return pairs of marks of the same thing, each pair from both sides, but for the truth's.

    Two people's marks are a pair if each is the other's nearest. Edges at the border of the clip say nothing about lags.
    """
    row_of_task = answers.row_of_task
    gold = [
        (row, region)
        for key, regions in truth.items()
        for row in [row_of_task[key]]
        for region in clamp(regions, (0.0, answers.duration[row]))
    ]
    gold.sort()
    gold_task = np.array([row for row, _ in gold], dtype=np.intp)
    edges = np.stack([np.append(answers.start, [r.start for _, r in gold]), np.append(answers.end, [r.end for _, r in gold])])
    answer = np.append(answers.of, gold_task + len(answers.task))
    task = np.append(answers.task[answers.of], gold_task)
    person = np.append(answers.person[answers.of], np.full(len(gold), len(answers.people)))
    i, j = _near(task, edges[0], FURTHEST)
    drawn = np.append(answers.drawn, np.ones(len(gold), dtype=np.bool_))
    may = drawn[i] & drawn[j] & (answer[i] != answer[j]) & (np.abs(edges[1, i] - edges[1, j]) <= FURTHEST)
    i, j = i[may], j[may]
    cost = np.abs(edges[:, i] - edges[:, j]).sum(0)
    best = _least(i * (len(answers.task) + len(answers.tasks)) + answer[j], cost)
    back = np.empty(len(i), dtype=np.intp)
    back[np.lexsort((j, i))] = np.lexsort((i, j))
    match = (cost == best) & (cost == best[back]) & (person[i] < len(answers.people))
    i, j = i[match], j[match]
    free = (edges > BORDER) & (edges < answers.duration[task] - BORDER)
    return _Pairs(person[i], person[j], edges[:, i] - edges[:, j], (free[:, i] & free[:, j]).astype(np.float64))


def _least(group: Indices, cost: Floats) -> Floats:
    """Return of each the least cost in its group."""
    if not len(group):
        return cost
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(group[order]) > 0))
    least = np.empty_like(cost)
    least[order] = np.repeat(np.minimum.reduceat(cost[order], first), np.diff(np.append(first, len(group))))
    return least
