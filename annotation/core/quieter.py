"""By how much one sound of a clip is quieter than another, on stretches of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

AUDIBLE = 1e-9  # mean square under which there was nothing to hear
FLOOR = 1e-12  # mean square that stands for silence

Samples = NDArray[np.float32]  # (samples, channels)


def quieter(before: Samples, after: Samples, rate: int, stretches: Iterable[tuple[float, float]]) -> float | None:
    """dB by which `after` is quieter, over all stretches (seconds of the clip) together; None: there was nothing to hear before."""
    stretches = list(stretches)
    powers = [_power(samples, rate, stretches) for samples in (before, after)]
    return float(10 * np.log10(powers[0] / max(powers[1], FLOOR))) if powers[0] > AUDIBLE else None


def elsewhere(stretches: Iterable[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    """What of a clip of `length` seconds lies in none of the stretches."""
    rest, at = [], 0.0
    for start, end in sorted(stretches):
        if start > at:
            rest.append((at, start))
        at = max(at, end)
    return [*rest, (at, length)] if at < length else rest


def _power(samples: Samples, rate: int, stretches: list[tuple[float, float]]) -> float:
    parts = [samples[max(0, round(start * rate)) : max(0, round(end * rate))] for start, end in stretches]
    return float(np.mean(np.concatenate(parts).astype(np.float64) ** 2)) if any(len(part) for part in parts) else 0.0
