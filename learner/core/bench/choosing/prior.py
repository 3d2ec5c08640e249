"""What pools whose truth is known say of the weights of `expected`: their means, and how they differ, from which others begin."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learner.core.bench.choosing.finding import ELSEWHERE
from learner.core.bench.choosing.material import GENERATED, STRETCH
from learner.core.choosing import expected, signals
from learner.core.choosing.clips import Floats

GENERATED_KEYS = {shift.replace(" ", "-") for shift in GENERATED}
KEPT = re.compile(r"(base\d+)-(.+)-song(\d+)")  # names of what `bench choosing` keeps: base, shift, song
MARKED = 0.9  # probability of a frame that leaks
LENGTH = 15.0  # seconds of a clip
WITNESSES = 15.0  # frames that a clip counts as, all of which are known
FREE = 1.0  # deviation from 0 of a weight that nothing is known of
LEAST = 0.15  # that a weight may be off, however much pools agree
OF_INTERCEPT = 1.0  # likewise: how much leaks at all differs most

Fitted = dict[str, list[float]]  # name of a signal, or the intercept's, to weights
INTERCEPT = "intercept"


def learn(folders: Sequence[Path]) -> expected.Prior:
    """The prior that the pools in folders of kept signals give: `<bench choosing --out>/signals`.

    Each base on each folder's real songs counts the same, and on its generated ones, however many shifts they were heard under. Raises
    FileNotFoundError.
    """
    worlds: dict[tuple[str, str, bool], list[Fitted]] = {}
    for folder in folders:
        pools: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(folder.glob("*.npz")):
            if found := KEPT.fullmatch(path.stem):
                pools.setdefault((found[1], found[2]), []).append(path)
        if not pools:
            raise FileNotFoundError(f"{folder} holds no signals that `bench choosing` kept")
        for (base, shift), paths in sorted(pools.items()):
            worlds.setdefault((str(folder), base, shift in GENERATED_KEYS), []).append(fitted(paths))
    return prior_of(list(worlds.values()))


def fitted(songs: Sequence[Path]) -> Fitted:
    """The weights that fit all that is known of one pool, as if nothing had been believed before."""
    stretches = [one for path in songs for one in _stretches(path)]
    knots = expected.knots_of(columns for columns, _ in stretches)
    inputs = np.concatenate([expected.inputs(columns, knots) for columns, _ in stretches])
    truth = np.concatenate([np.where(leaks, MARKED, ELSEWHERE) for _, leaks in stretches])
    counts = np.full(len(truth), WITNESSES / (10 * LENGTH))
    means, deviations = np.zeros(inputs.shape[1] + 1), np.full(inputs.shape[1] + 1, FREE)
    means[-1], deviations[-1] = -1.0, 3.0
    names = [name for name in expected.SIGNALS if name in knots]
    if expected.HEARD in names:
        means[-2] = 1.0  # what cannot be heard is no leak
    weights = iter(expected.logistic(inputs, truth, counts, means, np.diag(deviations**2)).tolist())
    return {name: [next(weights) for _ in range(expected.n_weights(name))] for name in names} | {INTERCEPT: [next(weights)]}


def prior_of(worlds: Sequence[Sequence[Fitted]]) -> expected.Prior:
    """The mean over worlds; their covariance and that of pools within one. What a pool lacks counts as the mean of those that have it."""
    means: dict[str, Floats] = {}
    least: list[float] = []
    for name in (*expected.SIGNALS, INTERCEPT):
        known = [np.mean([pool[name] for pool in pools if name in pool], axis=0) for pools in worlds if any(name in pool for pool in pools)]
        n = 1 if name == INTERCEPT else expected.n_weights(name)
        means[name] = np.mean(known, axis=0) if known else np.zeros(n)
        least += [OF_INTERCEPT if name == INTERCEPT else LEAST if known else 2 * LEAST] * n
    rows = [np.array([[weight for name in means for weight in pool.get(name, means[name])] for pool in pools]) for pools in worlds]
    between = _covariance([pools.mean(axis=0) for pools in rows])
    within = _covariance([pool for pools in rows for pool in pools - pools.mean(axis=0)])
    covariance = tuple(tuple(row) for row in (between + within + np.diag(least) ** 2).round(4).tolist())
    weights = {name: tuple(means[name].round(3).tolist()) for name in expected.SIGNALS}
    return expected.Prior(weights, float(means[INTERCEPT][0].round(3)), covariance)


def _covariance(rows: Sequence[Floats]) -> Floats:
    return np.asarray(np.cov(np.array(rows, dtype=np.float64), rowvar=False, bias=True), dtype=np.float64)


def _stretches(path: Path) -> list[tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_]]]:
    """Signals and truth of one song, in stretches as they are chosen from."""
    whole, kept = signals.load(path), json.loads(path.with_suffix(".json").read_text())["result"]
    leaks = np.zeros(whole.n_frames, dtype=bool)
    for start, end in kept["leaks"]:
        leaks[round(start * 10) : round(end * 10)] = True
    n = min(round(STRETCH * 10), whole.n_frames)
    return [
        ({name: column[at : at + n] for name, column in whole.columns.items()}, leaks[at : at + n])
        for at in range(0, whole.n_frames - n + 1, n)
    ]


def as_json(prior: expected.Prior) -> str:
    """A row a line, as `Prior.read` reads it."""
    rows = ",\n  ".join(json.dumps(row) for row in prior.covariance)
    weights = json.dumps(dict(prior.weights))
    return f'{{\n "weights": {weights},\n "intercept": {prior.intercept},\n "covariance": [\n  {rows}\n ]\n}}\n'
