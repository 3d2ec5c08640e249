"""Expected false-positive seconds: learned from what a campaign's people agreed on, over what the sound says of each 0.1 s.

A logistic regression of frames. Frames of one clip are no independent witnesses, so a clip counts as `WITNESSES` of them, and a prior
on the weights says what is believed before anybody has answered and gives way as answers come: signs of what a signal means differ from
separator to separator (an estimate that never rests is a leak in one's songs and a good singer in another's), so only the campaign's own
answers can tell. Every signal is put on the scale of its own ranks in the pool, which no separator's habits move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import SHORT_FRAME

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[np.floating]]  # of one track, (frames,) each

# name: (weight before anybody answered, of the frame itself and of its surroundings)
PRIOR: dict[str, tuple[float, float]] = {
    "level": (0.8, 0.0),
    "share": (0.25, 0.5),
    "rests": (0.1, -0.1),
    "doubt": (0.3, 0.8),  # spread under dropout, or under small changes of the mix
    "entropy": (-0.1, -0.15),
    "nets": (0.5, 0.8),
    "periodic": (0.5, 0.8),
    "parent": (0.0, 0.0),
    "mix": (0.0, 0.0),
}
INTERCEPT = -1.5  # the log odds of an ordinary frame before anybody answered
DEVIATION, OF_INTERCEPT = 0.3, 2.0  # of the prior of each weight; of the intercept's
WITNESSES = 15.0  # independent frames that a clip of people's answers counts as
AROUND = 4.0  # seconds before and after a frame that are its surroundings
KNOTS = 65  # of each signal's ranks
TAIL = 0.6  # how far the upper tail of ranks is drawn out: the few frames of which a model is least sure say the most
EVERY = 5  # frames, of which the ranks are taken from one
STEPS = 25


@dataclass(frozen=True)
class Answer:
    """What people agreed on of a clip."""

    inputs: Floats  # (frames, 2 x signals) of the clip, as `inputs` gives them for its track
    marked: Floats  # (frames,) the probability that each of them is a false positive


@dataclass(frozen=True)
class Model:
    """Tells for each frame of a track how probable it is that people would mark it."""

    knots: dict[str, list[float]]  # of each signal that this kind of separator has: its quantiles over the pool's frames
    weights: list[float]  # of each signal's frame and surroundings, in that order
    intercept: float
    n_answers: int = 0

    def predict(self, columns: Columns) -> Floats:
        """(frames,) between 0 and 1."""
        x = inputs(columns, self.knots)
        return (
            np.asarray(_sigmoid(x @ np.array(self.weights) + self.intercept)) if x.shape[1] else np.full(len(x), _sigmoid(self.intercept))
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON keeps them."""
        return {"knots": self.knots, "weights": self.weights, "intercept": self.intercept, "n_answers": self.n_answers}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Model:
        """What `to_dict` gave. Raises KeyError, TypeError for anything else."""
        return cls(_in_order(kept["knots"]), list(kept["weights"]), float(kept["intercept"]), int(kept["n_answers"]))


def fit(knots: Mapping[str, Sequence[float]], answers: Sequence[Answer]) -> Model:
    """Learn from a campaign's answers; without any, the prior itself. `knots` give the scale of each signal: see `knots_of`."""
    kept = _in_order(knots)
    mean = np.array([weight for name in kept for weight in PRIOR[name]])
    answers = [answer for answer in answers if answer.inputs.shape[1] == len(mean) and len(answer.inputs)]
    if not answers:
        return Model(kept, mean.tolist(), INTERCEPT)
    marks = np.concatenate([np.clip(answer.marked, 0.0, 1.0) for answer in answers])
    counts = np.concatenate([np.full(len(answer.marked), WITNESSES / len(answer.marked)) for answer in answers])
    deviations = np.append(np.full(len(mean), DEVIATION), OF_INTERCEPT)
    found = _logistic(np.concatenate([answer.inputs for answer in answers]), marks, counts, np.append(mean, INTERCEPT), deviations)
    return Model(kept, found[:-1].tolist(), float(found[-1]), len(answers))


def signals_of(columns: Columns) -> dict[str, Floats]:
    """The signals of one track that are known, by the names of `PRIOR`."""
    known = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items() if np.isfinite(values).any()}
    doubt = known.get("spread", known.get("change"))
    return {name: known[name] for name in PRIOR if name in known} | ({"doubt": doubt} if doubt is not None else {})


def knots_of(pool: Iterable[Columns]) -> dict[str, list[float]]:
    """Quantiles of each signal over every fifth frame of all tracks; what no track has is left out."""
    gathered: dict[str, list[Floats]] = {}
    for columns in pool:
        for name, values in signals_of(columns).items():
            gathered.setdefault(name, []).append(values[::EVERY])
    at = np.linspace(0, 1, KNOTS)
    whole = {name: np.concatenate(gathered[name]) for name in PRIOR if name in gathered}
    return {name: np.nanquantile(values, at).tolist() for name, values in whole.items() if np.isfinite(values).any()}


def _scores() -> Floats:
    """What each knot counts as: a standard normal's quantile, its upper tail drawn out, with the mean 0 and the deviation 1."""
    normal = np.array([NormalDist().inv_cdf(min(max(at, 0.002), 0.998)) for at in np.linspace(0, 1, KNOTS)])
    skewed = np.exp(TAIL * normal)
    return np.asarray((skewed - skewed.mean()) / skewed.std())


SCORES = _scores()


def inputs(columns: Columns, knots: Mapping[str, Sequence[float]]) -> Floats:
    """Two inputs a signal, (frames, 2 x signals): the score of its rank in the pool, and the mean of that around it.

    A signal that this track lacks, or a frame, counts as an ordinary one (0).
    """
    signals, n = signals_of(columns), len(next(iter(columns.values())))
    found = []
    for name, own in _in_order(knots).items():
        score: Floats = np.zeros(n)
        if name in signals:
            score = np.interp(signals[name], *_rising(own))
            score = np.where(np.isfinite(score), score, 0.0)
        found += [score, _around(score, round(AROUND / SHORT_FRAME))]
    return np.stack(found, axis=1) if found else np.zeros((n, 0))


def _in_order(knots: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """In that of `PRIOR`, which weights go by: PostgreSQL's JSON has an order of its own."""
    return {name: list(knots[name]) for name in PRIOR if name in knots}


def _rising(knots: Sequence[float]) -> tuple[Floats, Floats]:
    """Knots that repeat become one, which has the mean of their scores."""
    values, which, counts = np.unique(np.array(knots), return_inverse=True, return_counts=True)
    return values, np.bincount(which, weights=SCORES) / counts


def _around(values: Floats, n: int) -> Floats:
    """The mean over so many frames before and after each, as far as there are."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    first, last = np.maximum(at - n, 0), np.minimum(at + n + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first))


def _logistic(x: Floats, y: Floats, counts: Floats, mean: Floats, deviations: Floats) -> Floats:
    """Weights, the intercept last, of the highest posterior with a normal prior: Newton's method, which halves steps that go too far."""
    x = np.column_stack([x, np.ones(len(x))])
    precision = 1 / deviations**2

    def cost(weights: Floats) -> float:
        z = x @ weights
        return float((counts * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * (precision * (weights - mean) ** 2).sum())

    weights, before = mean.copy(), cost(mean)
    for _ in range(STEPS):
        p = _sigmoid(x @ weights)
        gradient = x.T @ (counts * (p - y)) + precision * (weights - mean)
        step = np.linalg.solve((x * (counts * p * (1 - p))[:, None]).T @ x + np.diag(precision), gradient)
        while (after := cost(weights - step)) > before + 1e-9 and np.abs(step).max() > 1e-9:
            step = step / 2
        weights = weights - step
        if before - after < 1e-8:
            break
        before = after
    return weights


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(z, -50, 50)))


def guess(columns: Columns) -> Floats:
    """What leaks by a plain guess that nothing was learned for: the share of the mix that the estimate takes, (frames,) 0 ... 1."""
    return np.clip(np.nan_to_num(np.asarray(columns["share"], dtype=np.float64)), 0.0, 1.0)
