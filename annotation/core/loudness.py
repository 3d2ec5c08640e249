"""How loud a sound is as a whole, after ITU-R BS.1770-4: K-weighting, blocks of 0.4 s, gates at -70 LUFS and 10 LU under the ungated mean.

`static/annotation/shared/loudness.js` does the same for single clips in the browser.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

HOP = 0.1  # seconds
HOPS = 4  # of a block
QUIETEST = -70.0  # LUFS

Array = NDArray[np.floating]


def hop_powers(samples: Array, rate: int) -> NDArray[np.float64]:
    """Mean square of every `HOP` of (samples, channels), channels added up: (hops,). What is left at the end counts as one."""
    edges = np.round(np.arange(0, len(samples) / rate / HOP - 1e-9) * HOP * rate).astype(np.intp)
    if not len(edges):
        return np.zeros(0)
    power = np.square(samples, dtype=np.float64).sum(axis=1)
    return np.asarray(np.add.reduceat(power, edges) / np.diff([*edges, len(power)]))


class Weighting:
    """The K-weighting filters of a sound that comes in parts; at 48 kHz they are tables 1 and 2 of the standard, else libebur128's."""

    def __init__(self, rate: int, channels: int) -> None:
        k = np.tan(np.pi * 1681.974450955533 / rate)
        gain, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
        middle, whole = gain**0.4996667741545416, 1 + k / q + k * k
        head = [gain + middle * k / q + k * k, 2 * (k * k - gain), gain - middle * k / q + k * k]
        first = [*(one / whole for one in head), 1.0, 2 * (k * k - 1) / whole, (1 - k / q + k * k) / whole]
        k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
        whole = 1 + k / q + k * k
        second = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / whole, (1 - k / q + k * k) / whole]
        self._stages = np.array([first, second])
        self._state = np.zeros((2, 2, channels))

    def __call__(self, samples: Array) -> NDArray[np.float64]:
        """The next part, (samples, channels), weighted."""
        from scipy.signal import sosfilt

        weighted, self._state = sosfilt(self._stages, samples.astype(np.float64), axis=0, zi=self._state)
        return np.asarray(weighted)


def gated(hops: Array) -> float:
    """Integrated loudness in LUFS of a sound whose K-weighted `HOP`s have these mean squares; minus infinity where nothing sounds."""
    if len(hops) < HOPS:
        blocks = np.array([hops.mean()]) if len(hops) else np.zeros(1)
    else:
        blocks = np.convolve(hops, np.ones(HOPS) / HOPS, mode="valid")
    audible = blocks[_lufs(blocks) > QUIETEST]
    if not len(audible):
        return float("-inf")
    gate = float(_lufs(np.array([audible.mean()]))[0]) - 10
    return float(_lufs(np.array([audible[_lufs(audible) > gate].mean()]))[0])


def integrated(parts: Iterable[Array], rate: int) -> float:
    """The loudness of a sound in parts (samples, channels), each but the last a whole number of `HOP`s long."""
    weigh, hops = None, []
    for part in parts:
        weigh = weigh or Weighting(rate, part.shape[1])
        hops.append(hop_powers(weigh(part), rate))
    return gated(np.concatenate(hops)) if hops else float("-inf")


def _lufs(powers: Array) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(powers, 1e-30)))
