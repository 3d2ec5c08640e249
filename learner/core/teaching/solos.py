"""Held notes of a voice that sings alone, generated: what a child that learnt that all sustained sounds are leads would mute.

Of another stem, a few bars of it alone.
"""

from functools import lru_cache

import numpy as np

from learner.core.songs import Song, parts
from learner.core.songs import instruments as play

SECONDS = 4.0
HELD = ((50, "a", 1.0), (57, "o", 1.0), (64, "a", 1.13), (69, "e", 1.13))  # MIDI note, vowel, size of the formants (male 1)
VIBRATO_HZ, VIBRATO_SEMITONES = 5.6, 0.35
LEVEL = 0.1  # root mean square


def alone(stem: str) -> list[Song]:
    """Songs in which nothing but the stem sounds, which a separator of it is to let through."""
    return voices() if stem == "vocals" else parts.alone(stem)


@lru_cache(maxsize=1)
def voices() -> list[Song]:
    """One song for each held note; nothing but the voice in it."""
    generator = np.random.default_rng(0)
    n = round(SECONDS * play.SAMPLE_RATE)
    frames = play.n_control(n)
    seconds = np.arange(frames) / play.CONTROL_RATE
    found = []
    for midi, vowel, scale in HELD:
        vibrato = VIBRATO_SEMITONES * np.clip(seconds - 0.3, 0, 1) * np.sin(2 * np.pi * VIBRATO_HZ * seconds)
        drift = 0.25 * play.smooth(generator.standard_normal(frames), 0.15)
        excitation = play.saw(play.to_samples(play.hertz(midi + vibrato + drift), n)) + 0.03 * generator.standard_normal(n, np.float32)
        voice = play.shape(excitation, play.formants(np.tile(play.VOWELS[vowel], (frames, 1)), tilt=1.05, scale=scale))
        voice = play.room(voice, generator, seconds=0.6, wet=0.15)
        alone = (voice * np.float32(LEVEL / np.sqrt(np.mean(np.square(voice)))))[None]
        found.append(Song(f"held {vowel} at {midi}", play.SAMPLE_RATE, alone, alone, np.zeros_like(alone)))
    return found
