"""How well expected leak foretells what people then mark: on clips drawn at random, of which nothing was known when they were drawn."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ENOUGH = 12  # clips drawn at random, from which on they may say that the model is of no use
TOP = 1 / 3  # of the clips: what the model would have chosen of them
DOUBTED = 0.2  # chance that the model finds more than drawing by a plain guess does, under which it is not followed
DRAWS = 1000
LEAKS = 0.5  # marked seconds from which on a clip leaks


@dataclass(frozen=True)
class Quality:
    """What clips drawn at random say of a model; NaN where they say nothing."""

    n: int
    spearman: float  # rank correlation of expected and marked seconds
    auroc: float  # chance that a clip which leaks was expected to leak more than one which does not
    expected: float  # mean seconds a clip
    found: float  # mean seconds a clip that people marked
    better: float  # chance that the clips which the model puts first hold more than ones drawn in proportion to a plain guess

    @property
    def steps_back(self) -> bool:
        """Whether to draw in proportion to the plain guess instead, since that finds as much."""
        return self.n >= ENOUGH and self.better < DOUBTED

    def in_words(self) -> str:
        """What it means for the next clips."""
        if self.n < ENOUGH:
            return f"{self.n} clips drawn at random have been answered; from {ENOUGH} on they tell how well leak is foretold."
        told = f"On {self.n} clips drawn at random, {self.expected:.1f} s of leak a clip were expected and {self.found:.1f} s found"
        told += f" (rank correlation {self.spearman:+.2f})." if np.isfinite(self.spearman) else "."
        if self.steps_back:
            return told + " That is no better than a plain guess, so clips are drawn in proportion to that guess."
        return told

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None for NaN."""
        return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in asdict(self).items()}


def of(expected: ArrayLike, guessed: ArrayLike, found: ArrayLike, chances: ArrayLike | None = None, seed: int = 0) -> Quality:
    """What a model had expected of clips, before anybody heard them, against what was found; and what a plain guess had.

    All in seconds; `chances` are those of being drawn, by whose inverse a clip counts.
    """
    e, g, f = (np.asarray(values, dtype=np.float64) for values in (expected, guessed, found))
    weights = np.ones(len(e)) if chances is None else 1 / np.asarray(chances, dtype=np.float64)
    if not len(e):
        nan = float("nan")
        return Quality(0, nan, nan, nan, nan, nan)
    mean_expected, mean_found = (float(np.average(values, weights=weights)) for values in (e, f))
    return Quality(
        len(e), spearman(e, f), auroc(e, f >= LEAKS), mean_expected, mean_found, _better(e, g, f, weights, np.random.default_rng(seed))
    )


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; NaN where either is the same everywhere."""
    ranks = [_ranks(values) for values in (a, b)]
    if len(a) < 3 or any(np.ptp(rank) == 0 for rank in ranks):
        return float("nan")
    return float(np.corrcoef(ranks)[0, 1])


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; NaN without both kinds."""
    n_positive = int(positive.sum())
    if n_positive in (0, len(positive)):
        return float("nan")
    mean_rank = float(_ranks(scores)[positive].mean())
    return (mean_rank - (n_positive + 1) / 2) / (len(positive) - n_positive)


def _ranks(values: Floats) -> Floats:
    """From 1; equal values have the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[which])


def _better(expected: Floats, guessed: Floats, found: Floats, weights: Floats, generator: np.random.Generator) -> float:
    """Share of bootstrap draws in which the model's first clips hold more than clips weighed by the guess; ties count half."""
    n = len(expected)
    if n < 3:
        return float("nan")
    drawn = generator.integers(0, n, (DRAWS, n))
    e, g, f, w = expected[drawn], np.maximum(guessed, 1e-9)[drawn], found[drawn], weights[drawn]
    order = np.argsort(-(e + 1e-9 * generator.random(e.shape)), axis=1)[:, : max(1, round(n * TOP))]
    first_f, first_w = np.take_along_axis(f, order, axis=1), np.take_along_axis(w, order, axis=1)
    model = (first_f * first_w).sum(axis=1) / first_w.sum(axis=1)
    plain = (f * g * w).sum(axis=1) / (g * w).sum(axis=1)
    return float((model > plain).mean() + 0.5 * (model == plain).mean())
