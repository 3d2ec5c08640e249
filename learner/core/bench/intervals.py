"""Means over runs and songs with 95 % intervals: paired bootstraps over stretches of songs, or over songs, and Student's t over seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from learner.core.judging import gate
from learner.core.judging.segments import FIGURES, Segments, figures_of_draws, mean_of_known, segments
from learner.core.metrics import Audio

Array = NDArray[np.float64]
Sums = Mapping[str, Sequence[float]]  # of one song under one row: name -> one number a segment

LEVEL = "level_false_positive_seconds"
FROM_SEGMENTS = {*FIGURES, gate.AT_PARENT_VOICE}  # the median of frames does not follow from sums
DRAWS = 2000
T_975 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # Student's t, 97.5 %, 1 ... 9 degrees of freedom


def sums(estimate: Audio, vocals: Audio, at_level: Audio, sample_rate: int) -> dict[str, list[float]]:
    """The sums of a song's segments of 10 s, as `segments.Segments` has them, and its false positives at the parent's voice level.

    `at_level` is the estimate at that level.
    """
    found, level = (segments(e, vocals, sample_rate) for e in (estimate, at_level))
    plain = {part.name: getattr(found, part.name).tolist() for part in fields(found)}
    return plain | {LEVEL: level.false_positive_seconds.tolist()}


def over_segments(
    rows: Sequence[Sequence[Sequence[Sums]]], figure: str, statistic: Callable[..., Array], generator: np.random.Generator
) -> tuple[float, float, float]:
    """Return a statistic of the rows' means of a figure, and the 2.5 and 97.5 percentiles of it over bootstrap draws.

    `rows` holds for each row (such as child, base) and run its songs' sums, in one order. In each run as many segments as its
    songs have are drawn with replacement, the same for all rows; a song's figure is that of its drawn segments, a run's the mean
    over its songs, a row's the mean over runs. `statistic` takes an array of draws for each row: `lambda child, base: child - base`.
    """
    means: list[list[Array]] = [[] for _ in rows]
    for run in range(len(rows[0])):
        sizes = [len(song["seconds"]) for song in rows[0][run]]
        n = sum(sizes)
        times = np.concatenate([np.ones((1, n)), generator.multinomial(n, np.full(n, 1 / n), size=DRAWS)])
        parts = np.split(times, np.cumsum(sizes)[:-1], axis=1)
        for row, into in zip(rows, means, strict=True):
            into.append(mean_of_known(np.stack([_drawn(song, part, figure) for song, part in zip(row[run], parts, strict=True)])))
    return _with_interval(statistic(*(np.mean(runs, axis=0) for runs in means)))


def over_songs(
    rows: Sequence[Sequence[Array]], statistic: Callable[..., Array], generator: np.random.Generator
) -> tuple[float, float, float]:
    """The same with songs drawn in place of segments, for a figure that has no sums: `rows` holds an array (songs,) a row and run."""
    means: list[list[Array]] = [[] for _ in rows]
    for run in range(len(rows[0])):
        n = len(rows[0][run])
        drawn = np.concatenate([np.arange(n)[None], generator.integers(0, n, (DRAWS, n))])
        for row, into in zip(rows, means, strict=True):
            into.append(mean_of_known(row[run][drawn].T))
    return _with_interval(statistic(*(np.mean(runs, axis=0) for runs in means)))


def over_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean over seeds and its 95 % interval by Student's t; a single seed has no interval (NaN)."""
    known = np.array([value for value in values if np.isfinite(value)])
    if known.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(known.mean())
    if known.size == 1:
        return mean, float("nan"), float("nan")
    factor = T_975[known.size - 2] if known.size - 2 < len(T_975) else 1.96 + 2.4 / (known.size - 1)
    half = factor * float(known.std(ddof=1)) / np.sqrt(known.size)
    return mean, float(mean - half), float(mean + half)


def _drawn(song: Sums, times: Array, figure: str) -> Array:
    """The figure of a song for each draw of its segments; NaN where none was drawn."""
    of = {name: np.asarray(values, dtype=np.float64) for name, values in song.items()}
    level = of.pop(LEVEL)
    if figure == gate.AT_PARENT_VOICE:
        of["false_positive_seconds"], figure = level, "false_positive_seconds_per_minute"
    return figures_of_draws(Segments(**of), times, figure)


def _with_interval(draws: Array) -> tuple[float, float, float]:
    """The first draw is of everything once: the statistic itself."""
    known = draws[1:][np.isfinite(draws[1:])]
    low, high = np.percentile(known, [2.5, 97.5]) if known.size else (np.nan, np.nan)
    return float(draws[0]), float(low), float(high)
