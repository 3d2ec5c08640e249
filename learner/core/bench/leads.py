"""Leads that a model may take for a voice: recordings of instruments, generated ones, or phrases played by sampled ones (SoundFonts)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learner.core import audio
from learner.core.audio import BadAudio
from learner.core.songs import synth
from learner.core.songs.instruments import SAMPLE_RATE

Samples = NDArray[np.float32]  # (samples,)

# General MIDI programs, counted from 0, and the notes that each kind plays
KINDS = {
    "bowed": (40, 41, 42, 48),  # violin, viola, cello, string section
    "blown": (69, 75, 77, 79),  # English horn, pan flute, shakuhachi, ocarina
}
LOWEST, HIGHEST = 55, 76  # MIDI notes of phrases, where voices lie too
SCALE = (0, 2, 4, 7, 9)  # semitones over the key
NOTE = (0.35, 1.3)  # seconds
VIBRATO_HZ, VIBRATO_SEMITONES, VIBRATO_AFTER = 5.5, 0.3, 0.25
STEP = 0.02  # seconds between changes of pitch
SHORTEST = 4.0  # seconds that can be generated
FADE = 0.02  # seconds at both ends of a phrase


class NoPlayer(ImportError):
    """tinysoundfont, which plays SoundFonts, is not installed: pip install --no-deps tinysoundfont."""

    def __str__(self) -> str:
        return str(self.__doc__)


class Leads(Protocol):
    """Plays phrases of one or more instruments."""

    def phrase(self, seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
        """Return (samples,) of a phrase, at a level of its own."""

    def one(self, generator: np.random.Generator) -> "Leads":
        """One of the instruments alone, for songs that have one lead."""


class Recordings:
    """Phrases made of recordings of single instruments: a short one is played note by note, a longer one as it is, in some key.

    Raises BadAudio.
    """

    def __init__(self, paths: Sequence[Path]):
        self.paths = sorted(paths)
        if not self.paths:
            raise BadAudio("No recordings of leads were given.")

    def phrase(self, seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
        sound = _recording(self.paths[int(generator.integers(len(self.paths)))], sample_rate)
        made: list[Samples] = []
        wanted = round(seconds * sample_rate)
        while sum(map(len, made)) < wanted:
            shift = int(generator.choice(SCALE)) - 4
            piece = _at_pitch(sound, shift)
            if len(sound) < 3 * sample_rate:
                piece = piece[: round(float(generator.uniform(*NOTE)) * sample_rate)]
            made.append(_faded(piece, sample_rate))
        return _faded(np.concatenate(made)[:wanted], sample_rate)

    def one(self, generator: np.random.Generator) -> "Recordings":
        return Recordings([self.paths[int(generator.integers(len(self.paths)))]])


class Generated:
    """Phrases of the leads that generated songs have, one kind at a time."""

    def __init__(self, *kinds: str):
        self.kinds = kinds or synth.LEADS

    def phrase(self, seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
        plan = replace(synth.plan_of("target", max(seconds, SHORTEST), generator), phrases=[])
        played = synth.lead(plan, generator, str(generator.choice(self.kinds)))
        resampled: Samples = audio.resample(played[None], SAMPLE_RATE, sample_rate)[0]
        return _faded(resampled[: round(seconds * sample_rate)], sample_rate)

    def one(self, generator: np.random.Generator) -> "Generated":
        return Generated(str(generator.choice(self.kinds)))


class SoundFont:
    """Phrases with vibrato, played by the instruments of one kind. Raises NoPlayer, BadAudio."""

    def __init__(self, path: Path, kind: str):
        self.path, self.kind = path, kind
        self.programs: tuple[int, ...] = KINDS[kind]
        if not path.is_file():
            raise BadAudio(f"There is no SoundFont {path}.")

    def phrase(self, seconds: float, sample_rate: int, generator: np.random.Generator) -> Samples:
        player, font = _player(str(self.path), sample_rate)
        player.program_select(0, font, 0, int(generator.choice(self.programs)))
        player.pitchbend_range(0, 2.0)
        made: list[Samples] = []
        key = int(generator.integers(LOWEST, LOWEST + 5))
        notes = [note for note in range(LOWEST, HIGHEST) if (note - key) % 12 in SCALE]
        at = int(generator.integers(len(notes)))
        while sum(map(len, made)) < seconds * sample_rate:
            at = int(np.clip(at + generator.integers(-2, 3), 0, len(notes) - 1))
            made += _note(player, notes[at], float(generator.uniform(*NOTE)), sample_rate)
        player.sounds_off(0)
        return _faded(np.concatenate(made)[: round(seconds * sample_rate)], sample_rate)

    def one(self, generator: np.random.Generator) -> "SoundFont":
        alone = SoundFont(self.path, self.kind)
        alone.programs = (int(generator.choice(self.programs)),)
        return alone


def _note(player: Any, note: int, seconds: float, sample_rate: int) -> list[Samples]:
    player.noteon(0, note, 100)
    made = []
    for step in range(math.ceil(seconds / STEP)):
        late = max(0.0, step * STEP - VIBRATO_AFTER)
        bend = VIBRATO_SEMITONES * min(1.0, late / 0.3) * math.sin(2 * math.pi * VIBRATO_HZ * step * STEP)
        player.pitchbend(0, round(8192 + 8191 * bend / 2))
        stereo = np.frombuffer(player.generate(round(STEP * sample_rate)), np.float32).reshape(-1, 2)
        made.append(stereo.mean(axis=1))
    player.noteoff(0, note)
    return made


@lru_cache(maxsize=2)
def _player(path: str, sample_rate: int) -> tuple[Any, int]:
    try:
        import tinysoundfont
    except ImportError as missing:
        raise NoPlayer from missing
    player = tinysoundfont.Synth(samplerate=sample_rate)
    try:
        return player, player.sfload(path)
    except Exception as problem:  # the package raises what it likes
        raise BadAudio(f"{path} is no SoundFont that can be played: {problem}") from problem


@lru_cache(maxsize=32)
def _recording(path: Path, sample_rate: int) -> Samples:
    """The mean of its channels, without the silence before and after."""
    samples = audio.read(path, sample_rate).samples.mean(axis=0)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    if not loud.size:
        raise BadAudio(f"{path} is silent.")
    trimmed: Samples = samples[loud[0] : loud[-1] + 1].astype(np.float32)
    return trimmed


def _at_pitch(sound: Samples, semitones: int) -> Samples:
    """Played faster or slower."""
    n = round(len(sound) / 2 ** (semitones / 12))
    played: Samples = np.interp(np.linspace(0, len(sound) - 1, n), np.arange(len(sound)), sound).astype(np.float32)
    return played


def _faded(samples: Samples, sample_rate: int) -> Samples:
    n = min(round(FADE * sample_rate), len(samples) // 2)
    out: Samples = samples.copy()
    out[:n] *= np.linspace(0, 1, n, dtype=np.float32)
    out[len(out) - n :] *= np.linspace(1, 0, n, dtype=np.float32)
    return out
