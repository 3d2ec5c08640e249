"""Sounds of the first visit, made from nothing: tones that check headphones, examples of what to mark, and practice clips.

A singing voice of pulses and formants, a small band, and the leak of one into the other: what a campaign extracts plays and rests at
the same times whatever it is, and everything else sounds all through. Samples are float32 `(channels, samples)`
at RATE; times are seconds of the clip. Everything follows from the seeds below, so the truth of every clip is known and the same
for everybody.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import soundfile
from numpy.typing import NDArray

from annotation.core import leak, spectrogram
from annotation.core.regions import Region
from annotation.core.stems import STEMS, USUAL

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

RATE = 22_050
VOWELS = ((700, 1200, 2600), (400, 2000, 2800), (450, 900, 2500), (320, 800, 2400))  # Hz: the first formants of a, e, o, u
SCALE = (0, 2, 4, 7, 9, 12)  # semitones
NOTE = 0.6  # seconds
BEAT = 0.5  # seconds
BREATH = 0.35  # seconds before a phrase


@dataclass(frozen=True)
class Example:
    """A clip: where somebody sings, where the band leaks into the vocals, how loud, and what is to be learned from it.

    With another stem than vocals, that plays where somebody would sing, and rings out where there would be a breath.
    """

    name: str
    title: str
    lesson: str
    sung: tuple[tuple[float, float], ...]
    leaks: tuple[tuple[float, float], ...]
    level_db: float = -4.0
    length: float = 8.0
    breath: bool = False
    seed: int = 1

    @property
    def clip(self) -> Region:
        return Region(0.0, self.length)

    @property
    def truth(self) -> list[Region]:
        return [Region(*span) for span in self.leaks]

    def said(self, stem: str, translate: Callable[[str], str] = str) -> tuple[str, str]:
        """Title and lesson, in the words of a stem and in another language."""
        title, lesson = map(translate, (self.title, self.lesson) if stem == USUAL else OF_OTHERS[self.name.partition("_")[0]])
        wording = STEMS[stem].said(translate)
        return title.format(wording=wording), lesson.format(wording=wording)


SHOWN = (
    Example("clean", "Good: a clean voice", "Nothing but the voice, and silence around it. Nothing to mark.", ((1.0, 4.0), (5.5, 7.5)), ()),
    Example(
        "breath", "Good: a breath before the voice", "Breath, lips and consonants belong to the voice. Do not mark them.",
        ((1.5, 4.2), (5.6, 7.6)), (), breath=True, seed=2,
    ),
    Example(
        "plain", "Bad: the band where nobody sings", "From 4.5 to 6.5 s nobody sings, and yet you hear instruments. Mark that stretch.",
        ((0.8, 4.0),), ((4.5, 6.5),), seed=3,
    ),
    Example(
        "faint", "Bad, and easily missed", "Fainter, from 2.2 to 4.2 s, but it should be silent all the same. Mark it.",
        ((4.8, 7.5),), ((2.2, 4.2),), level_db=-13.0, seed=4,
    ),
)  # fmt: skip
PRACTICE = (
    Example("practice-1", "One plain leak", "Instruments where nobody sings.", ((0.6, 3.4),), ((4.4, 6.6),), length=8.0, seed=11),
    Example("practice-2", "Two leaks", "Before the voice, and after it.", ((3.6, 6.4),), ((0.8, 2.4), (7.2, 8.8)), length=10.0, seed=12),
    Example(
        "practice-3", "A breath, and nothing wrong", "Breaths belong to the voice, so there was nothing to mark.",
        ((1.6, 4.4), (6.0, 8.6)), (), length=10.0, breath=True, seed=13,
    ),
    Example("practice-4", "A faint leak", "Quieter than the voice, but to be heard.", ((5.4, 8.8),), ((1.6, 4.2),), -12.0, 10.0, seed=14),
    Example(
        "practice-5", "All together", "A breath is right, the band between the phrases is wrong.",
        ((1.4, 3.6), (6.6, 9.2)), ((4.2, 5.9), (10.0, 11.4)), -8.0, 12.0, breath=True, seed=15,
    ),
)  # fmt: skip
VARIANTS = 4
"""So many runs of the practice sound different from each other; then it begins anew."""


def practice(run: int) -> tuple[Example, ...]:
    """The clips of a run (from 1): no run can be passed by what the answers of the one before were.

    Each has other notes, and every second one turns its times round, so that what came last comes first.
    """
    n = (run - 1) % VARIANTS
    return tuple(_varied(example, n) for example in PRACTICE)


def _varied(example: Example, n: int) -> Example:
    if n == 0:
        return example

    def turned(spans: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple((round(example.length - end, 2), round(example.length - start, 2)) for start, end in reversed(spans))

    sung, leaks = (turned(spans) if n % 2 else spans for spans in (example.sung, example.leaks))
    return replace(example, name=f"{example.name}_{n}", sung=sung, leaks=leaks, seed=example.seed + 100 * n)


BY_NAME = {example.name: example for example in (*SHOWN, *(one for run in range(1, VARIANTS + 1) for one in practice(run)))}
OF_OTHERS = {
    "clean": ("Good: nothing else", "Nothing but {wording.the}, and silence around. Nothing to mark."),
    "breath": ("Good: a sound that rings out", "What rings out belongs to {wording.the}. Do not mark it."),
    "plain": (
        "Bad: other sounds where {wording.rests}",
        "From 4.5 to 6.5 s {wording.rests}, and yet you hear something. Mark that stretch.",
    ),
    "faint": ("Bad, and easily missed", "Fainter, from 2.2 to 4.2 s, but it should be silent all the same. Mark it."),
    "practice-1": ("One plain leak", "Other sounds where {wording.rests}."),
    "practice-2": ("Two leaks", "Before {wording.the}, and after."),
    "practice-3": ("A sound that rings out, and nothing wrong", "What rings out belongs to {wording.the}, so there was nothing to mark."),
    "practice-4": ("A faint leak", "Quieter than {wording.the}, but to be heard."),
    "practice-5": ("All together", "What rings out is right, what sounds between is wrong."),
}
"""Title and lesson where another stem than vocals is extracted."""
BAND = ("drums", "bass", "other")
DRAWS = 20


def sound(example: Example, stem: str = USUAL) -> tuple[Samples, Samples]:
    """Return what is extracted of an example and its mix, each (1, samples)."""
    for n_draw in range(DRAWS):  # of a few voices not every one leaks all through
        rng = np.random.default_rng([7, example.seed, *([n_draw] if n_draw else [])])
        try:
            return _drawn(example, stem, rng)
        except leak.NothingLeaks:
            continue
    raise AssertionError(f"{example.name} does not leak into {stem}")


def _drawn(example: Example, stem: str, rng: np.random.Generator) -> tuple[Samples, Samples]:
    extracted = np.zeros(round(example.length * RATE))
    for start, end in example.sung:
        _add(extracted, _phrase(stem, end - start, rng), start)
        if example.breath and stem == USUAL:
            _add(extracted, breath(rng), start - BREATH - 0.05)
        elif example.breath:
            _add(extracted, _ring(stem, rng), end - 0.05)
    rest = _rest(stem, example.length, rng)[None].astype(np.float32)
    true = extracted[None].astype(np.float32)
    return leak.leaky(true, rest, RATE, example.leaks, example.level_db, rng), true + rest


def _phrase(stem: str, seconds: float, rng: np.random.Generator) -> Floats:
    """What is extracted, playing for so long."""
    if stem == USUAL:
        return voice(seconds, rng)
    played = band(seconds, rng, BAND if stem == "accompaniment" else (stem,))
    return played * np.minimum(1, np.arange(len(played))[::-1] / (0.03 * RATE))


def _rest(stem: str, seconds: float, rng: np.random.Generator) -> Floats:
    """Everything else, all through."""
    if stem == "accompaniment":
        return 2 * (voice(seconds, rng) + voice(seconds, rng))
    played = band(seconds, rng, tuple(part for part in BAND if part != stem))
    return played if stem == USUAL else played + voice(seconds, rng)


def _ring(stem: str, rng: np.random.Generator) -> Floats:
    """The last sound of a phrase, which dies away for as long as a breath lasts."""
    time = np.arange(round((BREATH + 0.05) * RATE)) / RATE
    ends = np.minimum(1, np.minimum(time, time[::-1]) / 0.02)
    if stem == "drums":  # a cymbal
        return 0.06 * np.diff(rng.standard_normal(len(time) + 1)) * np.exp(-time / 0.12) * ends
    return 0.15 * _plucked(65.4 if stem == "bass" else 220.0, BREATH + 0.05)[: len(time)] * ends


def flac(samples: Samples) -> bytes:
    """Return (channels, samples) as a FLAC file."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples.T, -1, 1), RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def voice(seconds: float, rng: np.random.Generator) -> Floats:
    """Return (samples) of a singing voice: notes of a pentatonic scale with vibrato, a vowel each."""
    n = round(seconds * RATE)
    time = np.arange(n) / RATE
    notes = (time // NOTE).astype(int)
    pitch = np.array([SCALE[i] for i in rng.integers(0, len(SCALE), notes.max() + 1)], dtype=float)[notes]
    glide = np.convolve(pitch, np.ones(800) / 800, mode="same")
    frequency = 220 * 2 ** ((glide + 0.3 * np.sin(2 * np.pi * 5.5 * time)) / 12)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    vowels = np.array(VOWELS, dtype=float)[rng.integers(0, len(VOWELS), notes.max() + 1)][notes]
    sung = np.zeros(n)
    for k in range(1, 24):
        there = k * frequency
        weight = sum(np.exp(-(((there - vowels[:, f]) / (90 + 60 * f)) ** 2)) / (1 + f) for f in range(3)) + 0.05
        sung += np.where(there < RATE / 2.2, weight, 0) * np.sin(k * phase) / k**0.5
    within = time % NOTE / NOTE
    shape = np.minimum(1, np.minimum(within / 0.08, 1.0)) * (1 - 0.25 * within)
    ends = np.minimum(1, np.minimum(time, time[-1] - time) / 0.06)
    return 0.18 * sung * shape * ends / max(1e-9, float(np.sqrt((sung**2).mean()) * 2))


def breath(rng: np.random.Generator) -> Floats:
    """Return (samples) of air drawn in before a phrase."""
    n = round(BREATH * RATE)
    noise = np.diff(rng.standard_normal(n + 1))
    return 0.012 * noise * np.sin(np.linspace(0, np.pi, n)) ** 2


def band(seconds: float, rng: np.random.Generator, parts: tuple[str, ...] = BAND) -> Floats:
    """Return (samples) of drums, bass and plucked chords (the other instruments), as far as they are asked for, all through."""
    played = np.zeros(round(seconds * RATE) + RATE)
    roots = (110.0, 98.0, 130.8, 87.3)
    for beat in range(int(seconds / BEAT) + 1):
        at, root = beat * BEAT, roots[beat // 4 % len(roots)]
        if "drums" in parts:
            _add(played, _struck(rng, 90.0 if beat % 2 == 0 else 0.0), at)
        if "bass" in parts:
            _add(played, 0.12 * _plucked(root / 2, 0.5), at)
        for interval in (0, 4, 7, 12) if "other" in parts else ():
            _add(played, 0.06 * _plucked(2 * root * 2 ** (interval / 12), 0.9), at + (0.25 if interval == 12 else 0))
    return played[: round(seconds * RATE)]


def _struck(rng: np.random.Generator, pitch: float) -> Floats:
    time = np.arange(round(0.2 * RATE)) / RATE
    fading = np.exp(-time / 0.04)
    return 0.2 * fading * (np.sin(2 * np.pi * pitch * time * (1 + np.exp(-time / 0.02))) if pitch else 0.5 * rng.standard_normal(len(time)))


def _plucked(pitch: float, seconds: float) -> Floats:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * pitch * k * time) * np.exp(-time * (2 + k)) / k for k in range(1, 7)))


def _add(whole: Floats, part: Floats, start: float) -> None:
    """Add `part` to `whole` (which is changed) from `start` seconds on, as far as it reaches."""
    first = max(0, round(start * RATE))
    n = min(len(part), len(whole) - first)
    whole[first : first + n] += part[:n]


# ---------------------------------------------------------------- headphones


def volume_tone() -> Samples:
    """Return what people set their volume by: a phrase of the voice, as loud as clips are, on both sides (2, samples)."""
    phrase = voice(4.0, np.random.default_rng(5)).astype(np.float32)
    return np.stack([phrase, phrase])


def ear(side: str) -> Samples:
    """Return a tone in one ear only, `side` being "left" or "right": (2, samples)."""
    tone = _tone(440.0, 1.2)
    silent = np.zeros_like(tone)
    return np.stack([tone, silent] if side == "left" else [silent, tone])


def quietest_of_three(quiet: int, odd: int) -> Samples:
    """Return three low tones after each other, number `quiet` (0-2) softer, number `odd` with its sides in opposite phase: (2, samples).

    Over loudspeakers the two sides of the odd one cancel, and it seems the softest; over headphones it is as loud as ever
    (Woods et al. 2017, "Headphone screening", doi 10.3758/s13414-017-1361-2). Raises ValueError for one and the same.
    """
    if quiet == odd:
        raise ValueError(f"quiet and odd are both {quiet}; they must be different tones")
    tones = []
    for number in range(3):
        tone = _tone(200.0, 0.8) * (0.5 if number == quiet else 1.0)
        tones += [np.stack([tone, -tone if number == odd else tone]), np.zeros((2, round(0.35 * RATE)), dtype=np.float32)]
    return np.concatenate(tones, axis=1)


def _tone(pitch: float, seconds: float) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    ends = np.minimum(1, np.minimum(time, seconds - time) / 0.05)
    return (0.2 * ends * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def file(name: str, stem: str) -> bytes:
    """A file of an example: `plain-drums`, `plain-mix` and `plain-removed` as FLAC, `plain-picture` as PNG."""
    known, _, which = name.rpartition("-")
    extracted, mix = sound(BY_NAME[known], stem)
    if which == "picture":
        return spectrogram.png(extracted.T, RATE)
    return flac({"mix": mix, "removed": mix - extracted}.get(which, extracted))


if __name__ == "__main__":  # python -m annotation.core.first_visit_sounds drums plain-mix ...: a ZIP of these files on standard output
    with io.BytesIO() as made:
        with zipfile.ZipFile(made, "w") as files:
            for name in sys.argv[2:]:
                files.writestr(name, file(name, sys.argv[1]))
        sys.stdout.buffer.write(made.getvalue())
