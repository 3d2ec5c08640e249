"""Whether stems are those of their mixture: by what they leave of it, and by how much of each is in it. Knows nothing of files.

Two questions, since either alone is blind to something. *What is left* of the mixture when all its stems are taken out shows a loud
stem that is wrong, not a quiet one. *How much of a stem is in the mixture* shows a quiet one too, and needs no other stem: in each
narrow band the mixture is held against the stem, and the median over the bands is 1 where the stem is in it as it is, 0 where it is
another song's or comes later, -1 in the other polarity. Chords that both share fill few bands, so they do not move the median.

The limits let pass what honest corpora hold. MUSDB18's stems were coded each by itself (AAC, 256 kbit/s), which leaves -25 to -40 dB
of the mixture; a mixture stored in 16 bits leaves -90 dB. A wrong song leaves about 0 dB, 60 ms too late +3 dB, the other polarity
+6 dB, and 2 dB too loud -12 dB.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from learner.core.audio import Samples

Read = Callable[[str, int, int], Samples]  # (stem, first sample, end sample) -> (channels, samples)
Floats = NDArray[np.float64]

LEFT_DB = -15.0  # of the mixture, that all stems together may leave; 10 dB more than the worst coded stems do
EXACT_DB = -60.0  # what leaves less than that needs no closer look
GAIN_DB = 2.0  # by which a stem may be louder or quieter in the mixture, where all stems are there
GAIN_DB_ALONE = 3.0  # the same where some are not: what is unknown may sound like the stem
SURE = 4.0  # standard errors by which a figure must be outside before it is called wrong
STRETCH, MOST = 5.0, 24  # seconds read at once, and how many such stretches, spread over the song
FRAME = 0.09  # seconds, about: long enough to part the tones of a chord
LOW, HIGH = 50.0, 5000.0  # Hz; voices and bands are there, and coders keep it
FEWEST = 100  # bands in which a stem must sound before its median is believed
FAINT = 1e-8  # of the power in its loudest band; below it a band is not counted
LONG = 10.0  # seconds compared at once to find by how much a stem is late: delays up to that are found
FOUND = 0.3  # of a stem that must be in the mixture, or else it is another's


@dataclass(frozen=True)
class InBands:
    """Powers and products of a target and a stem in each band, summed over frames and channels."""

    both: Floats
    target: Floats
    stem: Floats

    def __add__(self, more: "InBands") -> "InBands":
        return InBands(self.both + more.both, self.target + more.target, self.stem + more.stem)

    def gain(self) -> tuple[float, float] | None:
        """By which factor the stem is in the target, and its standard error; None where too little sounds to tell."""
        there = self.stem > FAINT * self.stem.max(initial=0)
        if there.sum() < FEWEST:
            return None
        in_band, power, target = self.both[there] / self.stem[there], self.stem[there], self.target[there]
        # A band in which others are much louder says less.
        weights = np.minimum(1, np.sqrt(power / np.maximum(target, 1e-300)))
        gain = _median(in_band, weights)
        spread = 1.48 * _median(np.abs(in_band - gain), weights)
        n = weights.sum() ** 2 / np.square(weights).sum() / 3  # three neighbours say the same through this window
        return gain, float(1.25 * spread / np.sqrt(n))


def misfit(read: Read, stems: Sequence[str], n_samples: int, sample_rate: int, *, complete: bool) -> str:
    """Say in words why these stems are not those of "mixture", which `read` gives too; empty where nothing speaks against them.

    `complete` is whether they should add up to it. A song is judged by up to two minutes spread over it, in constant memory; where
    too little sounds to be sure, nothing is said against it.
    """
    left_db = _left_db(read, stems, n_samples, sample_rate) if complete else -math.inf
    if complete and left_db <= EXACT_DB:
        return ""
    others = {stem: [other for other in stems if other != stem] if complete else [] for stem in stems}
    pairs = {stem: _Pair(read, stem, others[stem], n_samples, sample_rate) for stem in stems}
    gains = {stem: known for stem, pair in pairs.items() if (known := pair.gain())}
    allowed = 10 ** ((GAIN_DB if complete else GAIN_DB_ALONE) / 20)
    wrong = {stem: gain for stem, (gain, error) in gains.items() if gain + SURE * error < 1 / allowed or gain - SURE * error > allowed}
    if not wrong and left_db <= LEFT_DB:
        return ""
    faults: dict[str, list[str]] = {}
    for stem, gain in wrong.items():
        faults.setdefault(_fault(pairs[stem], gain), []).append(stem)
    said = [_filled(fault, names) for fault, names in faults.items()] or [f"{_listed(stems)} do not add up to it"]
    if left_db > LEFT_DB:
        figure = f"the residual, what they leave of the mixture, is {left_db:+.1f} dB of it; at most {LEFT_DB:.0f} dB is allowed"
    else:
        held = ", ".join(f"{stem} {gain:+.2f} times" for stem, gain in wrong.items())
        figure = f"the mixture holds {held}; {1 / allowed:.1f} to {allowed:.1f} is allowed"
    return f"The stems are not those of this mixture: {'; '.join(said)} ({figure})."


def _left_db(read: Read, stems: Sequence[str], n_samples: int, sample_rate: int) -> float:
    """What all the stems leave of the mixture, in dB of it."""
    loud, left = 0.0, 0.0  # energies
    for first, end in _stretches(n_samples, sample_rate, STRETCH, MOST):
        mixture = read("mixture", first, end)
        loud, left = loud + _energy(mixture), left + _energy(mixture - sum(read(stem, first, end) for stem in stems))
    return 10 * math.log10(max(left, 1e-300) / max(loud, 1e-300))


@dataclass(frozen=True)
class _Pair:
    """A stem, and what the mixture is without the others: where all is right, the same."""

    read: Read
    stem: str
    others: Sequence[str]
    n_samples: int
    sample_rate: int

    def at(self, first: int, end: int, delay: int = 0) -> tuple[Samples, Samples]:
        """A stretch of both, the stem so many samples later than it is."""
        target = self.read("mixture", first, end)
        for other in self.others:
            target = target - self.read(other, first, end)
        return target, self.read(self.stem, first - delay, end - delay)

    def gain(self, delay: int = 0) -> tuple[float, float] | None:
        """By which factor the stem, so many samples later, is in the other, and the standard error; None where that cannot be told."""
        found: InBands | None = None
        start, n_samples = max(0, delay), self.n_samples - abs(delay)
        for first, end in _stretches(n_samples, self.sample_rate, STRETCH, MOST):
            more = _in_bands(*self.at(start + first, start + end, delay), self.sample_rate)
            found = found + more if found else more
        return found.gain() if found else None

    def delay(self) -> int:
        """By how many samples the stem comes too early, as far as that can be told.

        By phases alone, so that bass does not blur it (GCC-PHAT: Knapp and Carter 1976, doi 10.1109/TASSP.1976.1162830).
        """
        n_fft = 1 << (2 * min(round(LONG * self.sample_rate), self.n_samples) - 1).bit_length()
        cross = np.zeros(n_fft // 2 + 1, np.complex128)
        target, stem = np.zeros(n_fft // 2 + 1), np.zeros(n_fft // 2 + 1)
        for first, end in _stretches(self.n_samples, self.sample_rate, LONG, MOST // 2):
            for ours, its in zip(*(np.fft.rfft(samples, n_fft) for samples in self.at(first, end)), strict=True):
                cross += ours * its.conj()
                target += np.abs(ours) ** 2
                stem += np.abs(its) ** 2
        frequencies = np.fft.rfftfreq(n_fft, 1 / self.sample_rate)
        heard = (frequencies > LOW) & (frequencies < HIGH)
        likely = np.abs(np.fft.irfft(np.where(heard, cross / np.maximum(np.sqrt(target * stem), 1e-300), 0), n_fft))
        best = int(likely.argmax())
        return best if best < n_fft // 2 else best - n_fft


def _fault(pair: _Pair, gain: float) -> str:
    """What is wrong with a stem, to be filled with its name: its delay, its polarity, its level, or all of it."""
    delay = 0
    if abs(gain) < FOUND:
        delay = pair.delay()
        again = pair.gain(delay) if abs(delay) < pair.n_samples // 2 else None
        gain = again[0] if again else 0.0
    if abs(gain) < FOUND:
        return "{stems} {are} of another song"
    polarity = "in the other polarity" if gain < 0 else ""
    level_db = -20 * math.log10(abs(gain))
    level = f"{abs(level_db):.1f} dB {'louder' if level_db > 0 else 'quieter'} than in the mixture" if abs(level_db) > GAIN_DB else ""
    late = f"late by {abs(delay) / pair.sample_rate * 1000:.4g} ms" if delay else ""
    if delay > 0:
        return f"the mixture is {late} against {{stems}}" + (f", which {{are}} {polarity}" if polarity else "")
    return "{stems} {are} " + " and ".join(part for part in (late, polarity, level) if part)


def _stretches(n_samples: int, sample_rate: int, seconds: float, most: int) -> Iterator[tuple[int, int]]:
    """(first, end) of stretches spread evenly over a song; the whole of it, where it is short."""
    length = min(n_samples, round(seconds * sample_rate))
    n = min(most, math.ceil(n_samples / length))
    for number in range(n):
        first = round(number * (n_samples - length) / max(1, n - 1))
        yield first, first + length


def _in_bands(target: Samples, stem: Samples, sample_rate: int) -> InBands:
    n_fft = 1 << round(math.log2(FRAME * sample_rate))
    ours, its = (_frames(samples, n_fft) for samples in (target, stem))
    frequencies = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    heard = (frequencies > LOW) & (frequencies < min(HIGH, 0.45 * sample_rate))
    sums = (np.real(ours * its.conj()), np.abs(ours) ** 2, np.abs(its) ** 2)
    return InBands(*(one.sum(axis=(0, 1))[heard] for one in sums))


def _frames(samples: Samples, n_fft: int) -> NDArray[np.complex128]:
    """(channels, samples) -> spectra (channels, frames, bands), in a window whose side lobes do not spread a tone over other bands."""
    padded = np.pad(samples, ((0, 0), (0, max(0, n_fft - samples.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=1)[:, :: n_fft // 2]
    spectra: NDArray[np.complex128] = np.fft.rfft(frames * get_window("blackmanharris", n_fft))
    return spectra


def _median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])


def _energy(samples: Samples) -> float:
    return float(np.square(samples, dtype=np.float64).sum())


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _filled(fault: str, names: Sequence[str]) -> str:
    return fault.format(stems=_listed(names), are="are" if len(names) > 1 or names[0] in ("vocals", "drums") else "is")
