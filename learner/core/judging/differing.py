"""Where two estimates of the same song differ most, for whoever wants to hear the difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import Audio

STRETCH = 3.0  # seconds that are compared
EXCERPT = 12.0  # seconds to listen to, with the stretch in its middle


def differs_most(before: Audio, after: Audio, truth: Audio | None, sample_rate: int) -> float:
    """The second at which the stretch begins in which they differ most; signals are (channels, samples).

    By the power of what each does wrong, where the truth is known; else by the power of each.
    """
    powers = [_powers(one if truth is None else _less(one, truth), sample_rate) for one in (before, after)]
    n = min(len(power) for power in powers)
    return float(np.argmax(np.abs(powers[0][:n] - powers[1][:n])) * STRETCH) if n else 0.0


def excerpt(at: float, duration: float) -> float:
    """Where the `EXCERPT` around the stretch from second `at` begins."""
    return max(0.0, min(at + (STRETCH - EXCERPT) / 2, duration - EXCERPT))


def _less(estimate: Audio, truth: Audio) -> Audio:
    n = min(estimate.shape[-1], truth.shape[-1])
    return np.asarray(np.atleast_2d(estimate)[:, :n] - np.atleast_2d(truth)[:, :n])


def _powers(signal: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Mean power of each stretch, (stretches,)."""
    power: NDArray[np.float64] = np.square(np.atleast_2d(np.nan_to_num(signal)), dtype=np.float64).mean(axis=0)
    if not power.size:
        return power
    edges = np.arange(0, power.size, round(STRETCH * sample_rate))
    return np.asarray(np.add.reduceat(power, edges) / np.diff([*edges, power.size]))
