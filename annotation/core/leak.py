"""Sound whose truth is known: vocals that are quiet where nobody sings, but for leak of the accompaniment at known spans.

For gold tasks it is made of what a separator gives (`boost_residual`), for the examples of the first visit of clean stems (`leaky`).

Samples are float32 `(channels, samples)`; times are seconds from the first sample. NumPy and SciPy, nothing else.

Where somebody sings, and where a leak is heard, is what `learner.core.metrics` says it is. Neither module may import the other, so both
have the four values; tests/learner/test_same_leaks.py holds them to the same stretches.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.core.regions import Region, Regions, clamp, from_frames, intersect, merge, subtract

Samples = NDArray[np.float32]

FRAME = 0.1  # seconds; what singing and leaks are looked for in
SILENCE_DBFS = -50.0  # true vocals at or under this level are a rest
HANGOVER = 0.3  # seconds; bridges breaths and consonants inside a phrase
LEAK_RANGE_DB = 15.0  # an estimate this far or less under the song's sung level is heard as voice
MARGIN = 0.25  # seconds between singing and leak: nobody should have to guess which of the two they hear
PAUSE_DB = 10.0  # below the leak's own level: a pause within it
LONGEST_PAUSE = 0.4  # seconds
EDGE = (0.02, 0.12)  # seconds that a leak takes to come or to go; half of it lies outside its span
TURN = 0.05  # seconds that it takes to turn a rest down, and up again
RESIDUE_DB = -42.0  # against the sung level: what every separator leaves everywhere, too faint to be marked
MOST_GAIN_DB = 12.0  # a separator never leaves much more than there was
MOST_RAISED_DB = 50.0  # what it left by less than this is not raised
WINDOW = 0.064  # seconds; of the spectra
SPREAD = (0.08, 250.0)  # seconds and Hz: how far the openings of the mask reach
FAINTEST = 1e-9


@dataclass(frozen=True)
class Level:
    """How loud a leak is, against the song's sung level: within `LEAK_RANGE_DB` of it, so that it is heard."""

    name: str
    db: float


LEVELS = (Level("plain", -4.0), Level("clear", -9.0), Level("faint", -14.0))
LEAK_GAP = 0.3  # seconds; a leak goes on over a pause so short
SHORTEST_LEAK = 0.5  # seconds


class NothingLeaks(ValueError):
    """The accompaniment is too quiet in this stretch to leak at the level asked for, or pauses in it."""


def sung(vocals: Samples, sample_rate: int) -> tuple[list[Region], float]:
    """Return where somebody sings, and the sung level: the power mean of the sung frames in dBFS (-120 where nobody ever sings)."""
    length, power = max(1, round(FRAME * sample_rate)), _frame_powers(vocals, sample_rate)
    loud = power > 10 ** (SILENCE_DBFS / 10)
    active = loud.copy()
    for later in range(1, round(HANGOVER / FRAME) + 1):
        active[later:] |= loud[:-later]
    level = 10 * np.log10(power[loud].mean()) if loud.any() else -120.0
    return from_frames(active, length / sample_rate, vocals.shape[1] / sample_rate), float(level)


def rests(sung: Regions, clip: Region, shortest: float) -> list[Region]:
    """Return where in the clip nobody sings, a margin around singing left out, as far as it lasts `shortest` seconds."""
    near = [(region[0] - MARGIN, region[1] + MARGIN) for region in sung]
    return [region for region in subtract([clip], near) if region.duration >= shortest]


def between_phrases(clip: Region, sung: Regions, duration: float, furthest: float) -> Region:
    """The clip moved by up to `furthest` seconds, as little as may be, so that as few of its edges as can be cut into singing.

    It keeps its length and stays within the song, which lasts `duration` seconds; an edge of the song cuts nothing.
    """
    moves = np.arange(-round(furthest / FRAME), round(furthest / FRAME) + 1) * FRAME
    within = [move for move in moves if clip.start + move >= 0 and clip.end + move <= duration + 1e-6]

    def cuts(move: float) -> int:
        edges = [edge + move for edge in clip if 1e-6 < edge + move < duration - 1e-6]
        return sum(start < edge < end for edge in edges for start, end in sung)

    best = min([0.0, *within], key=lambda move: (cuts(move), abs(move)))
    return Region(round(clip.start + best, 3), round(clip.end + best, 3)) if best else clip


def draw_spans(
    rests: Iterable[Region], most: int, rng: np.random.Generator, length: tuple[float, float] = (0.7, 3.0), apart: float = 0.6
) -> list[Region]:
    """Draw one to `most` spans inside the rests, in order, each `length` seconds long, `apart` seconds from each other; [] if none fits."""
    free, drawn = list(rests), list[Region]()
    for _ in range(int(rng.integers(1, most + 1))):
        free = [region for region in free if region.duration >= length[0]]
        if not free:
            break
        weights = np.array([region.duration for region in free])
        room = free[int(rng.choice(len(free), p=weights / weights.sum()))]
        long = float(rng.uniform(length[0], min(length[1], room.duration)))
        start = float(rng.uniform(room.start, room.end - long))
        span = Region(round(start, 2), min(round(start + long, 2), room.end))
        drawn.append(span)
        free = subtract(free, [(span.start - apart, span.end + apart)])
    return sorted(drawn)


def own_leaks(estimate: Samples, rests: Iterable[Region], sample_rate: int, sung_level: float) -> list[Region]:
    """Return where in these rests the estimate is loud enough against the sung level (dBFS) to be taken for voice.

    These are the false positives of `learner.core.metrics`, as people mark them: short pauses are joined, and short leaks left out.
    """
    length = max(1, round(FRAME * sample_rate))
    loud = _dbfs(_frame_powers(estimate, sample_rate)) >= sung_level - LEAK_RANGE_DB
    heard = intersect(from_frames(loud, length / sample_rate, estimate.shape[1] / sample_rate), list(rests))
    return [region for region in merge(heard, LEAK_GAP) if region.duration >= SHORTEST_LEAK]


def level_of(samples: Samples, spans: Regions, sample_rate: int) -> float:
    """Return the level over these spans together, in dBFS; -180 where there are none."""
    parts = [samples[:, round(start * sample_rate) : round(end * sample_rate)].astype(np.float64) for start, end in spans]
    return float(_dbfs((np.concatenate(parts, axis=1) ** 2).mean() if parts else 0.0))


def boost_residual(
    quiet: Samples,
    estimate: Samples,
    mixture: Samples,
    sample_rate: int,
    spans: Regions,
    level_dbfs: float,
    rng: np.random.Generator,
) -> tuple[Samples, float]:
    """Make the estimate leak in these spans, at `level_dbfs` or louder. Returns the sound, and the mean level of the spans in dBFS.

    `quiet` is the estimate with its rests turned down. In each span, what the separator left over is made louder, frequency by
    frequency, up to what the mixture holds there: so it sounds like this separator's own leaks. A span that is louder already stays
    as it is. Spans fade in and out as in `leaky`. Full scale is never passed. Raises `NothingLeaks` where the mixture is too quiet,
    or pauses.
    """
    mixed, leaks = quiet.copy(), np.zeros_like(quiet)
    for start, end in spans:
        first, last = round(start * sample_rate), round(end * sample_rate)
        around = slice(max(0, first - sample_rate // 4), last + sample_rate // 4)
        inside = slice(first - around.start, last - around.start)
        part = _raised(estimate[:, around], mixture[:, around], sample_rate, inside, level_dbfs)
        if _longest_pause(part[:, inside], sample_rate) > LONGEST_PAUSE:
            raise NothingLeaks(f"{NothingLeaks.__doc__} ({start:.2f}-{end:.2f} s, {level_dbfs:.0f} dBFS)")
        leaks[:, first:last] = part[:, inside]
        begin, until, shape = _edges(first, last, quiet.shape[1], sample_rate, rng)
        mixed[:, begin:until] += (part[:, begin - around.start : until - around.start] - quiet[:, begin:until]) * shape
    return _below_full_scale(mixed), level_of(leaks, spans, sample_rate)


def _raised(estimate: Samples, mixture: Samples, sample_rate: int, inside: slice, level_dbfs: float) -> Samples:
    """The estimate, what it left of the mixture raised until it is loud enough `inside`: (channels, samples). Raises `NothingLeaks`."""
    from scipy import signal

    n_fft = min(1 << int(np.ceil(np.log2(WINDOW * sample_rate))), estimate.shape[1])
    at = {"fs": sample_rate, "nperseg": n_fft, "noverlap": n_fft - n_fft // 4}
    left, most = (signal.stft(samples, **at)[2] for samples in (estimate, mixture))
    most = np.maximum(1.0, np.abs(most) / (np.abs(left) + FAINTEST))

    def at_gain(db: float) -> tuple[Samples, float]:
        part = _as_long_as(estimate, signal.istft(left * np.minimum(10 ** (db / 20), most), **at)[1])
        return part, float(_dbfs((part[:, inside].astype(np.float64) ** 2).mean()))

    low, high = 0.0, MOST_RAISED_DB
    if at_gain(low)[1] >= level_dbfs:
        return estimate
    if at_gain(high)[1] < level_dbfs:
        raise NothingLeaks
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if at_gain(middle)[1] >= level_dbfs else (middle, high)
    return at_gain(high)[0]


def with_quiet_rests(estimate: Samples, sung: Regions, sample_rate: int, most_dbfs: float) -> Samples:
    """Return the estimate with every stretch outside `sung` turned down until its loudest frame is at most `most_dbfs`.

    A stretch is turned down as a whole, so that what is left in it rises and falls as it did; one that is quiet enough stays as it is.
    """
    quiet = estimate.copy()
    for start, end in subtract([(0.0, estimate.shape[1] / sample_rate)], sung):
        first, last = round(start * sample_rate), round(end * sample_rate)
        part = quiet[:, first:last]
        loudest = _dbfs(_frame_powers(part, sample_rate).max(initial=0.0))
        if loudest > most_dbfs:
            n = min(round(TURN * sample_rate), part.shape[1] // 2)
            down = _ramps(part.shape[1], n if start > 0 else 0, n if last < estimate.shape[1] else 0)
            part *= 1 - (1 - 10 ** ((most_dbfs - loudest) / 20)) * down
    return quiet


def as_left_by_a_separator(vocals: Samples, accompaniment: Samples, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Return the accompaniment through a soft mask that opens and closes over time and frequency: (channels, samples).

    The mask is the song's own: the share that the voice has on average at each frequency (a Wiener filter's gain), which is what a
    separator takes for voice, times smooth noise, since it is fooled by one sound and not by the next.
    """
    from scipy import ndimage, signal

    n_fft = 1 << int(np.ceil(np.log2(WINDOW * sample_rate)))
    hop = n_fft // 4
    at = {"fs": sample_rate, "nperseg": n_fft, "noverlap": n_fft - hop}
    _, _, leaking = signal.stft(accompaniment, **at)  # (channels, frequencies, frames)
    _, _, voice = signal.stft(vocals, **at)
    voice_power, power = (np.abs(voice) ** 2).mean(axis=(0, 2)), (np.abs(leaking) ** 2).mean(axis=(0, 2))
    reach = SPREAD[1] / (sample_rate / n_fft)
    profile = ndimage.gaussian_filter1d(voice_power / (voice_power + power + FAINTEST), reach)
    profile /= profile.max() + FAINTEST
    noise = ndimage.gaussian_filter(rng.standard_normal(leaking.shape[1:]), (reach, SPREAD[0] * sample_rate / hop))
    noise /= noise.std() + FAINTEST
    mask = (0.15 + 0.85 * profile)[:, None] / (1 + np.exp(-2.0 * noise))
    return _as_long_as(accompaniment, signal.istft(leaking * mask, **at)[1])


def leaky(
    vocals: Samples,
    accompaniment: Samples,
    sample_rate: int,
    spans: Regions,
    level_db: float,
    rng: np.random.Generator,
) -> Samples:
    """Return the vocals with leak in `spans`, `level_db` against the sung level, and a residue far below hearing everywhere.

    A leak comes and goes over a moment, as drawn by `rng`, and is at half its amplitude at the ends of its span. The arguments are
    left as they were. Full scale is never passed: leak and voice are turned down together. Raises `NothingLeaks` where the accompaniment
    would have to be made much louder than it is.
    """
    level = max(sung(vocals, sample_rate)[1], SILENCE_DBFS + 20)
    left = as_left_by_a_separator(vocals, accompaniment, sample_rate, rng)
    mixed = vocals + _gain(left, level + RESIDUE_DB, most_db=0.0) * left
    for start, end in clamp(spans, (0.0, vocals.shape[1] / sample_rate)):
        first, last = round(start * sample_rate), round(end * sample_rate)
        part = left[:, first:last]
        gain = _gain(part, level + level_db)
        loudest = np.abs(accompaniment[:, first:last]).max(initial=0.0)
        too_much = gain * np.abs(part).max(initial=0.0) > 10 ** (MOST_GAIN_DB / 20) * loudest
        if loudest < FAINTEST or too_much or _longest_pause(part, sample_rate) > LONGEST_PAUSE:
            raise NothingLeaks(f"{NothingLeaks.__doc__} ({start:.2f}-{end:.2f} s, {level_db:g} dB)")
        first, last, shape = _edges(first, last, vocals.shape[1], sample_rate, rng)
        mixed[:, first:last] += gain * left[:, first:last] * shape
    return _below_full_scale(mixed)


def _dbfs(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(power + FAINTEST**2))


def _as_long_as(like: Samples, sound: NDArray[np.float64]) -> Samples:
    """Return the sound in the shape of `like`: what an inverse transform gives is longer or shorter by a part of a window."""
    whole = np.zeros_like(like)
    n = min(whole.shape[1], sound.shape[1])
    whole[:, :n] = sound[:, :n]
    return whole


def _below_full_scale(samples: Samples) -> Samples:
    peak = np.abs(samples).max(initial=0.0)
    return np.asarray(samples / peak * 0.99 if peak > 0.99 else samples, dtype=np.float32)


def _gain(samples: Samples, level_dbfs: float, most_db: float = 60.0) -> float:
    """Return the factor that brings samples to a level in dBFS, at most `most_db`."""
    power = float((samples.astype(np.float64) ** 2).mean()) if samples.size else 0.0
    return min(10 ** (level_dbfs / 20) / np.sqrt(power + FAINTEST**2), 10 ** (most_db / 20))


def _longest_pause(samples: Samples, sample_rate: int) -> float:
    """Return for how many seconds on end the sound lies far under its own level: people would mark such a span as two."""
    power = _frame_powers(samples, sample_rate)
    pauses = from_frames(power < 10 ** (-PAUSE_DB / 10) * power.mean(), FRAME) if power.size else []
    return max((pause.duration for pause in pauses), default=0.0)


def _frame_powers(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """Return the mean power of each frame: (frames). The last one may be shorter."""
    starts = np.arange(0, samples.shape[1], max(1, round(FRAME * sample_rate)))
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    return np.asarray(np.add.reduceat(power, starts) / np.diff(np.append(starts, samples.shape[1]))) if starts.size else np.zeros(0)


def _edges(first: int, last: int, n_samples: int, sample_rate: int, rng: np.random.Generator) -> tuple[int, int, NDArray[np.float32]]:
    """Return where a leak of this span begins and ends to be heard, and its shape: at half its height at the ends of the span."""
    come, go = (2 * round(seconds * sample_rate / 2) for seconds in rng.uniform(*EDGE, size=2))
    first, last = max(0, first - come // 2), min(n_samples, last + go // 2)
    return first, last, _ramps(last - first, come, go)


def _ramps(n_samples: int, come: int, go: int) -> NDArray[np.float32]:
    """Return (samples) that rises from 0 to 1 over the first `come` and falls again over the last `go`, as half a cosine."""
    shape = np.ones(n_samples, dtype=np.float32)
    come, go = min(come, n_samples), min(go, n_samples)
    shape[:come] *= 0.5 - 0.5 * np.cos(np.pi * (np.arange(come) + 0.5) / come)
    shape[n_samples - go :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(go) + 0.5) / go)
    return shape
