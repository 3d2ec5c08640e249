"""What pools whose truth is known say of the weights of `expected`: their means, and how they differ, from which others begin."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    weights = iter(expected.logistic(inputs, truth, counts, means, deviations).tolist())
    return {name: [next(weights) for _ in range(expected.n_weights(name))] for name in names} | {INTERCEPT: [next(weights)]}


def prior_of(worlds: Sequence[Sequence[Fitted]]) -> expected.Prior:
    """Means over worlds, and how far a pool of another world may lie from them."""
    means: dict[str, Floats] = {}
    off: dict[str, Floats] = {}
    for name in (*expected.SIGNALS, INTERCEPT):
        known = [np.array([pool[name] for pool in pools if name in pool]) for pools in worlds]
        known = [some for some in known if len(some)]
        n = 1 if name == INTERCEPT else expected.n_weights(name)
        if not known:
            means[name], off[name] = np.zeros(n), np.full(n, 2 * LEAST)
            continue
        of_worlds = np.array([some.mean(axis=0) for some in known])
        within = np.concatenate([some - some.mean(axis=0) for some in known]).var(axis=0)
        means[name], off[name] = of_worlds.mean(axis=0), np.sqrt(of_worlds.var(axis=0) + within + LEAST**2)

    def plain(values: Mapping[str, Floats]) -> dict[str, tuple[float, ...]]:
        return {name: tuple(values[name].round(2).tolist()) for name in expected.SIGNALS}

    return expected.Prior(plain(means), plain(off), float(means[INTERCEPT][0].round(2)))


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


def read(path: Path) -> expected.Prior:
    """One that was written as JSON. Raises ValueError, naming the file, for what is none."""
    try:
        return expected.Prior.from_dict(json.loads(path.read_text()))
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(f"{path} is no prior, as `bench prior` writes one: {problem}") from problem


def as_json(prior: expected.Prior) -> str:
    parts: dict[str, Any] = {"weights": dict(prior.weights), "deviations": dict(prior.deviations)}
    return json.dumps(parts | {"intercept": prior.intercept, "of_intercept": prior.of_intercept}, indent=1) + "\n"
