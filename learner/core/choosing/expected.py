"""Expected false-positive seconds: learned from what a campaign's people agreed on, over what the sound says of each 0.1 s.

A logistic regression of frames. Frames of one clip are no independent witnesses, so a clip counts as `WITNESSES` of them, and a prior
on the weights says what is believed before anybody has answered and gives way as answers come: signs of what a signal means differ from
separator to separator (an estimate that never rests is a leak in one's songs and a good singer in another's), so only the campaign's own
answers can tell. The less other pools agree on a weight, the sooner answers move it, and with it those that went along with it there.
Every signal is put on the scale of its own ranks in the pool, which no separator's habits move.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import FLOOR_DBFS, LEAK_RANGE_DB, SHORT_FRAME, SILENCE_DBFS

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[np.floating]]  # of one track, (frames,) each

WINDOWS = {"share_varies": 4.0, "level_varies": 1.0, "pitch_varies": 1.0}  # seconds on either side in which these signals are told
HEARD = "heard"  # the one signal that is not ranked
# In this order weights are kept. Those with a window of their own have one weight, the others two: of a frame and of its surroundings.
SIGNALS = ("level", "share", "rests", "doubt", "entropy", "nets", "periodic", "parent", "mix", *WINDOWS, HEARD)


@dataclass(frozen=True)
class Prior:
    """What is believed before anybody answered: weights, how far each may be off, and which of them are off together.

    The truth about other pools gave it: the mean of the weights that fit them, and their covariance, from base to base and from songs to
    songs (empirical Bayes: Efron and Morris 1975, doi 10.1080/01621459.1975.10479864). `bench prior` learns one.
    """

    weights: Mapping[str, tuple[float, ...]]
    intercept: float  # the log odds of an ordinary frame that can be heard
    covariance: tuple[tuple[float, ...], ...]  # of all weights, in the order of `SIGNALS`, and of the intercept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Prior:
        """What JSON has of one. Raises KeyError, TypeError or ValueError for what is none."""
        weights = {name: _floats(name, kept["weights"][name], n_weights(name)) for name in SIGNALS}
        n = sum(map(len, weights.values())) + 1
        covariance = tuple(_floats("a row of covariance", row, n) for row in kept["covariance"])
        if len(covariance) != n or not _is_covariance(np.array(covariance)):
            raise ValueError(f"covariance is no symmetric, positive definite matrix of {n} rows")
        return cls(weights, float(kept["intercept"]), covariance)

    @classmethod
    def read(cls, path: Path) -> Prior:
        """From a file of JSON. Raises ValueError, naming the file, for what is none."""
        try:
            return cls.from_dict(json.loads(path.read_text()))
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"{path} is no prior, as `bench prior` writes one: {problem}") from problem

    def of(self, names: Iterable[str]) -> tuple[Floats, Floats]:
        """Mean and covariance of these signals' weights, in the order of `SIGNALS`, and of the intercept."""
        known = set(names)
        kept = np.repeat([name in known for name in SIGNALS], [n_weights(name) for name in SIGNALS])
        kept = np.append(kept, True)
        every = np.array([*(weight for name in SIGNALS for weight in self.weights[name]), self.intercept])
        return every[kept], np.array(self.covariance)[np.ix_(kept, kept)]


def _floats(name: str, values: Sequence[float], n: int) -> tuple[float, ...]:
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} numbers; wanted are {n}")
    return tuple(float(one) for one in values)


def _is_covariance(matrix: Floats) -> bool:
    return bool(np.allclose(matrix, matrix.T) and np.linalg.eigvalsh(matrix).min() > 0)


def n_weights(name: str) -> int:
    """Of a signal: of its frame and of its surroundings, or one where it has a window of its own."""
    return 1 if name in WINDOWS or name == HEARD else 2


PRIOR = Prior.read(Path(__file__).with_name("prior.json"))
WITNESSES = 20.0  # independent frames that a clip of people's answers counts as
AROUND = 4.0  # seconds before and after a frame that are its surroundings
KNOTS = 65  # of each signal's ranks
TAIL = 0.6  # how far the upper tail of ranks is drawn out: the few frames of which a model is least sure say the most
EVERY = 5  # frames, of which the ranks are taken from one
STEPS = 25
FAINT_DBFS = -60.0  # what is fainter does not vary
NOTHING = 0.02  # share of the mix that counts as none
SOFT_DB = 1.5  # over how many dB a frame comes to be heard
UNHEARD = -4.0  # log odds of a frame that cannot be heard, against one that can


@dataclass(frozen=True)
class Answer:
    """What people agreed on of a clip."""

    inputs: Floats  # (frames, weights) of the clip, as `inputs` gives them for its track
    marked: Floats  # (frames,) the probability that each of them is a false positive


@dataclass(frozen=True)
class Model:
    """Tells for each frame of a track how probable it is that people would mark it."""

    knots: dict[str, list[float]]  # of each signal that this kind of separator has: its quantiles over the pool's frames
    weights: list[float]  # of each signal, in the order of `SIGNALS`
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


def fit(knots: Mapping[str, Sequence[float]], answers: Sequence[Answer], prior: Prior = PRIOR) -> Model:
    """Learn from a campaign's answers; without any, the prior itself. `knots` give the scale of each signal: see `knots_of`."""
    kept = _in_order(knots)
    mean, covariance = prior.of(kept)
    answers = [answer for answer in answers if answer.inputs.shape[1] == len(mean) - 1 and len(answer.inputs)]
    if not answers:
        return Model(kept, mean[:-1].tolist(), float(mean[-1]))
    marks = np.concatenate([np.clip(answer.marked, 0.0, 1.0) for answer in answers])
    counts = np.concatenate([np.full(len(answer.marked), WITNESSES / len(answer.marked)) for answer in answers])
    found = logistic(np.concatenate([answer.inputs for answer in answers]), marks, counts, mean, covariance)
    return Model(kept, found[:-1].tolist(), float(found[-1]), len(answers))


def signals_of(columns: Columns) -> dict[str, Floats]:
    """The signals of one track that are known, by the names of `SIGNALS`."""
    known = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items() if np.isfinite(values).any()}
    doubt = known.get("spread", known.get("change"))
    found = {name: known[name] for name in SIGNALS if name in known} | ({"doubt": doubt} if doubt is not None else {})
    if "share" in known:  # what leaks is steadier than what is sung
        share, n = np.nan_to_num(known["share"]), round(WINDOWS["share_varies"] / SHORT_FRAME)
        found["share_varies"] = _varies(share, n) / (_around(share, n) + NOTHING)
    if "periodic" in known:
        found["pitch_varies"] = _varies(np.nan_to_num(known["periodic"]), round(WINDOWS["pitch_varies"] / SHORT_FRAME))
    if "level" in known:
        level = np.nan_to_num(known["level"], nan=FLOOR_DBFS)
        found["level_varies"] = _varies(np.maximum(level, FAINT_DBFS), round(WINDOWS["level_varies"] / SHORT_FRAME))
        found[HEARD] = np.maximum(np.log(_sigmoid((level - heard_from(level)) / SOFT_DB)), UNHEARD)
    return found


def heard_from(level: Floats) -> float:
    """From which level on what is extracted of a track is heard as a voice, dBFS: as in `metrics`, by the estimate in the voice's place."""
    loud = level[level > SILENCE_DBFS]
    return float(10 * np.log10(np.mean(10 ** (loud / 10)))) - LEAK_RANGE_DB if loud.size else SILENCE_DBFS


def knots_of(pool: Iterable[Columns]) -> dict[str, list[float]]:
    """Quantiles of each signal over every fifth frame of all tracks, none of the one that is not ranked; what no track has is left out."""
    gathered: dict[str, list[Floats]] = {}
    for columns in pool:
        for name, values in signals_of(columns).items():
            gathered.setdefault(name, []).append(values[::EVERY])
    at = np.linspace(0, 1, KNOTS)
    whole = {name: np.concatenate(gathered[name]) for name in SIGNALS if name in gathered}
    return {name: [] if name == HEARD else np.nanquantile(values, at).tolist() for name, values in whole.items()}


def _scores() -> Floats:
    """What each knot counts as: a standard normal's quantile, its upper tail drawn out, with the mean 0 and the deviation 1."""
    normal = np.array([NormalDist().inv_cdf(min(max(at, 0.002), 0.998)) for at in np.linspace(0, 1, KNOTS)])
    skewed = np.exp(TAIL * normal)
    return np.asarray((skewed - skewed.mean()) / skewed.std())


SCORES = _scores()


def inputs(columns: Columns, knots: Mapping[str, Sequence[float]]) -> Floats:
    """(frames, weights): of each signal the score of its rank in the pool and the mean of that around it, or one of them; see `SIGNALS`.

    A signal that this track lacks, or a frame, counts as an ordinary one (0).
    """
    signals, n = signals_of(columns), len(next(iter(columns.values())))
    found = []
    for name, own in _in_order(knots).items():
        score: Floats = np.zeros(n)
        if name in signals:
            score = signals[name] if name == HEARD else np.interp(signals[name], *_rising(own))
            score = np.where(np.isfinite(score), score, 0.0)
        found += [score, _around(score, round(AROUND / SHORT_FRAME))][: n_weights(name)]
    return np.stack(found, axis=1) if found else np.zeros((n, 0))


def _in_order(knots: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """In that of `SIGNALS`, which weights go by: PostgreSQL's JSON has an order of its own."""
    return {name: list(knots[name]) for name in SIGNALS if name in knots}


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


def _varies(values: Floats, n: int) -> Floats:
    """The standard deviation over so many frames before and after each, as far as there are."""
    return np.asarray(np.sqrt(np.maximum(_around(values**2, n) - _around(values, n) ** 2, 0.0)))


def logistic(x: Floats, y: Floats, counts: Floats, mean: Floats, covariance: Floats) -> Floats:
    """Weights, the intercept last, of the highest posterior with a normal prior: Newton's method, which halves steps that go too far."""
    x = np.column_stack([x, np.ones(len(x))])
    precision = np.linalg.inv(covariance)

    def cost(weights: Floats) -> float:
        z, off = x @ weights, weights - mean
        return float((counts * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * off @ precision @ off)

    weights, before = mean.copy(), cost(mean)
    for _ in range(STEPS):
        p = _sigmoid(x @ weights)
        gradient = x.T @ (counts * (p - y)) + precision @ (weights - mean)
        step = np.linalg.solve((x * (counts * p * (1 - p))[:, None]).T @ x + precision, gradient)
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
