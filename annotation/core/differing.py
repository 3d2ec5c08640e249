"""Where in a song two versions of the same sound are to be compared: where they differ most, or anywhere that something sounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.core.loudness import HOP

MOST_APART = 6.0
"""dB. Two versions whose whole songs differ by more in loudness do not differ by a level alone: nothing is turned down."""

SOUNDS = 1e-6  # mean square, -60 dBFS: a stretch in which both are under it has nothing to compare

Powers = NDArray[np.float64]
Seconds = tuple[float, float]


def turned_down(first: float, second: float) -> tuple[float, float]:
    """Gains in dB, none above 0, that make two sounds of these loudnesses (LUFS, of the whole song) equally loud.

    The louder of two sounds is preferred whatever else they are, so a listening test brings them to one level. By the whole song and not
    by the clip: at a place where only one of them leaks, the leak would be turned down to what the other has there.
    """
    apart = first - second
    if not np.isfinite(apart) or abs(apart) > MOST_APART:
        return 0.0, 0.0
    return (-apart, 0.0) if apart > 0 else (0.0, apart)


def difference(of_first: Powers, of_second: Powers, together: Powers, gains: tuple[float, float]) -> Powers:
    """Mean square, hop by hop, of the difference of two sounds with these gains in dB.

    Of each hop: the mean square of either, and the mean of their product.
    """
    one, two = (10 ** (gain / 20) for gain in gains)
    return np.asarray(np.maximum(0.0, one**2 * of_first + two**2 * of_second - 2 * one * two * together))


def places(
    apart: Powers, sounds: Powers, *, length: float, n: int, most: bool, generator: np.random.Generator, duration: float
) -> list[Seconds]:
    """Up to `n` stretches of `length` seconds that do not overlap: those with the `most` difference, the largest first, or at random.

    `apart` is how much they differ in each `HOP`, `sounds` how loud the louder one is there. At random is evenly over all stretches in
    which either sounds. Seconds of the song; a song shorter than that is one stretch.
    """
    hops = round(length / HOP)
    if len(apart) <= hops:
        return [(0.0, min(duration, length))]
    there = _sums(sounds, hops) / hops > SOUNDS
    worth = np.where(there, _sums(apart, hops) if most else generator.random(len(there)), -1.0)
    found: list[Seconds] = []
    while len(found) < n and worth.max() >= 0:
        start = int(np.argmax(worth))
        found.append((round(start * HOP, 1), round(start * HOP + length, 1)))
        worth[max(0, start - hops + 1) : start + hops] = -1.0
    return found


def _sums(values: Powers, width: int) -> Powers:
    """(hops - width + 1): of each run of `width`."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[width:] - total[:-width])
