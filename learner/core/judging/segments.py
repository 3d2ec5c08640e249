"""Figures by 10 s segments, and bootstrapped intervals of what changed between two estimates of the same songs.

A segment is kept as sums (seconds, energies, products), not as figures: the sums of any choice of segments, added up, give the figure of
that choice, and those of a whole song the figure of `metrics.evaluate`. So a bootstrap (Efron 1979, doi 10.1214/aos/1176344552) never
touches the audio. The median of the frame SDR has no such sums and is not among the figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from learner.core import metrics
from learner.core.metrics import Audio

Array = NDArray[np.float64]
SECONDS = 10.0


@dataclass(frozen=True)
class Segments:
    """The sums of one song's segments, in their order, each (segments,). s are the true vocals and e is the estimate."""

    seconds: Array
    false_positive_seconds: Array
    voice: Array  # <s, s>
    estimate: Array  # <e, e>
    cross: Array  # <e, s>
    sung_voice: Array  # <s, s> over active short frames
    sung_cross: Array  # <e, s> over active short frames
    frames: Array  # active 1 s frames that begin in the segment
    sdr: Array  # sum of their SDR in dB

    def pooled(self, times: Array) -> "Segments":
        """Add segments up, each so many times: `times` is (draws, segments), and the sums returned are (draws,)."""
        return Segments(**{part.name: times @ getattr(self, part.name) for part in fields(self)})


class Change(NamedTuple):
    """What changed in a figure, and the 95 % interval of that. All NaN where an estimate was broken or nobody can say."""

    change: float
    low: float
    high: float


def segments(estimate: Audio, vocals: Audio, sample_rate: int, seconds: float = SECONDS) -> Segments:
    """Cut one song into segments of so many seconds; the last may be shorter. Both signals are (channels, samples).

    What is active, and how loud a false positive is, is judged over the whole song first, as `metrics.evaluate` does. For
    false positives at equal voice level, pass what `metrics.equal_voice_level` returns. An estimate that holds NaN or infinity
    gives NaN in all that rests on it. Raises ValueError where the shapes differ or there are no samples.
    """
    sdr = metrics.active_frame_sdr(estimate, vocals, sample_rate)
    sung = metrics.active_regions(vocals, sample_rate)
    leaking = metrics.false_positive_regions(estimate, vocals, sample_rate)
    e, s = np.atleast_2d(estimate), np.atleast_2d(vocals)
    n = s.shape[1]
    length = max(round(seconds * sample_rate), 1)
    starts = np.arange(0, n, length)
    lengths = np.diff(np.append(starts, n))

    def total(values: NDArray[np.floating] | NDArray[np.bool_]) -> Array:
        return np.add.reduceat(values, starts, dtype=np.float64)

    def product(a: Audio, b: Audio) -> Array:
        return np.asarray(np.einsum("cs,cs->s", a, b, dtype=np.float64))

    voice, cross = product(s, s), product(e, s)
    is_sung = metrics.samples_in(sung, n, sample_rate)
    segment_of_frame = np.minimum(np.arange(sdr.size) * sample_rate // length, starts.size - 1)
    active = ~np.isnan(sdr)
    measured = Segments(
        seconds=lengths / sample_rate,
        false_positive_seconds=total(metrics.samples_in(leaking, n, sample_rate)) / sample_rate,
        voice=total(voice),
        estimate=total(product(e, e)),
        cross=total(cross),
        sung_voice=total(voice * is_sung),
        sung_cross=total(cross * is_sung),
        frames=np.bincount(segment_of_frame[active], minlength=starts.size).astype(np.float64),
        sdr=np.bincount(segment_of_frame[active], weights=sdr[active], minlength=starts.size).astype(np.float64),
    )
    return measured if np.isfinite(e).all() else _broken(measured)


def _broken(measured: Segments) -> Segments:
    rests_on_truth = {"seconds", "voice", "sung_voice"}
    nothing = np.full_like(measured.seconds, np.nan)
    return Segments(**{part.name: getattr(measured, part.name) if part.name in rests_on_truth else nothing for part in fields(measured)})


def _false_positives(sums: Segments) -> Array:
    return np.asarray(metrics.per_minute(sums.false_positive_seconds, sums.seconds))


def _song_sdr(sums: Segments) -> Array:
    error = np.maximum(sums.voice - 2 * sums.cross + sums.estimate, 0)
    return metrics.mdx_sdr(sums.voice, error)


def _si_sdr(sums: Segments) -> Array:
    projected = sums.cross**2 / sums.voice
    return metrics.ratio_db(projected, np.maximum(sums.estimate - projected, 0))


def _voice_kept(sums: Segments) -> Array:
    kept = np.maximum(sums.sung_cross / sums.sung_voice, 0)
    return metrics.ratio_db(kept**2, np.ones_like(kept))


def _sdr_mean(sums: Segments) -> Array:
    return sums.sdr / sums.frames


FIGURES: Mapping[str, Callable[[Segments], Array]] = {
    "false_positive_seconds_per_minute": _false_positives,
    "song_sdr": _song_sdr,
    "si_sdr": _si_sdr,
    "voice_kept_db": _voice_kept,
    "sdr_mean": _sdr_mean,
}
"""The figures, by their names in `metrics.evaluate`."""


def figure(songs: Sequence[Segments], name: str) -> float:
    """Return a figure over several songs, each counting once, as `metrics.summary` does: NaN where no song has it."""
    return float(mean_of_known(np.stack([figures_of_draws(song, np.ones((1, song.seconds.size)), name) for song in songs]))[0])


def paired_interval(
    before: Sequence[Sequence[Segments]],
    after: Sequence[Sequence[Segments]],
    name: str,
    generator: np.random.Generator,
    draws: int = 2000,
) -> Change:
    """Return how a figure of FIGURES changed from `before` to `after`, with a 95 % interval bootstrapped over segments.

    Both hold, for every seed, the songs of that seed, in one order. Within each seed as many segments as its songs have are
    drawn with replacement, the same ones before and after; a song's figure is that of its drawn segments, the seed's the mean
    over the songs drawn, and the change the mean over seeds. Percentile interval, 2.5 to 97.5 %.

    Raises ValueError for an unknown figure, and where the two are not of the same songs.
    """
    if name not in FIGURES:
        raise ValueError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    _check_same(before, after)
    changes = mean_of_known(np.stack([_changes(old, new, name, generator, draws) for old, new in zip(before, after, strict=True)]))
    broken = any(np.isnan(song.cross).any() for seeds in (before, after) for songs in seeds for song in songs)
    drawn = changes[1:][~np.isnan(changes[1:])]
    if broken or np.isnan(changes[0]) or drawn.size == 0:
        return Change(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Change(float(changes[0]), float(low), float(high))


def _changes(before: Sequence[Segments], after: Sequence[Segments], name: str, generator: np.random.Generator, draws: int) -> Array:
    """The change over the songs of one seed: with every segment once, then for each draw, (1 + draws,)."""
    sizes = [song.seconds.size for song in before]
    n = sum(sizes)
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=draws)
    times = np.concatenate([np.ones((1, n)), drawn])
    of_song = np.split(times, np.cumsum(sizes)[:-1], axis=1)
    return mean_of_known(
        np.stack(
            [
                figures_of_draws(new, times, name) - figures_of_draws(old, times, name)
                for old, new, times in zip(before, after, of_song, strict=True)
            ]
        )
    )


def figures_of_draws(song: Segments, times: Array, name: str) -> Array:
    """The figure of a song for each draw of its segments, (draws,); NaN where none was drawn or it cannot be said."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(times.any(axis=1), FIGURES[name](song.pooled(times)), np.nan)


def mean_of_known(values: Array) -> Array:
    """The mean over the first axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=0) / known.sum(axis=0))


def _check_same(before: Sequence[Sequence[Segments]], after: Sequence[Sequence[Segments]]) -> None:
    if not before or not all(before):
        raise ValueError("there must be at least one seed, and in each at least one song")
    if [len(songs) for songs in before] != [len(songs) for songs in after]:
        raise ValueError("before and after must hold the same songs for the same seeds")
    for seed, (old, new) in enumerate(zip(before, after, strict=True)):
        for number, (a, b) in enumerate(zip(old, new, strict=True)):
            if not (np.array_equal(a.seconds, b.seconds) and np.allclose(a.voice, b.voice)):
                raise ValueError(f"song {number} of seed {seed} is not the same before and after")
