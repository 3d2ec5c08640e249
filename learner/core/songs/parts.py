"""Generated songs of which any stem is to be taken out: drums, bass, the other instruments, or all three together.

For vocals they are `synth`'s own. For another stem they have `synth`'s singer over a small band, whose stem rests for some bars, as
nobody's drums do on generated songs for singers. **target** songs have, in these rests, what a model that has only heard 'source' may
take for the stem: shakers that no kit has for drums, a low brass for the bass, a whistle for other instruments.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from learner.core.audio import write_flac
from learner.core.songs import TARGETS, Song, synth
from learner.core.songs import instruments as play
from learner.core.songs.instruments import SAMPLE_RATE, Samples
from learner.core.songs.synth import DOMAINS, NOISE_FLOOR_DBFS, PEAK, PENTATONIC, TEMPO, Domain

Spans = list[tuple[float, float]]
BAND = {"drums": 0.09, "bass": 0.07, "other": 0.07}  # part: its root mean square where it plays
ROOTS = (0, 5, 7, 0)  # semitones of the bars over the key
ALIKE = 0.12  # the same of what sounds like the stem


def make_song(seed: int, domain: Domain, duration: float = 30.0, stem: str = "vocals") -> Song:
    """Return the song of this seed, domain and stem, named `<domain>-<seed>`; its `vocals` are the stem. Lasts 4 s at least."""
    sung = synth.make_song(seed, domain, duration)
    if stem == "vocals":
        return sung
    generator = np.random.default_rng([seed, DOMAINS.index(domain), TARGETS.index(stem)])
    assert sung.vocals is not None
    n = sung.vocals.shape[1]
    beat = 60 / generator.uniform(*TEMPO[domain])
    playing = _playing(n / SAMPLE_RATE, 4 * beat, generator)
    rests = [(end, start) for (_, end), (start, _) in zip(playing, [*playing[1:], (n / SAMPLE_RATE, 0.0)], strict=True)]
    key = int(generator.integers(48, 56))
    own = BAND if stem == "accompaniment" else (stem,)
    everywhere = [(0.0, n / SAMPLE_RATE)]
    parts = {name: _part(name, n, beat, key, playing if name in own else everywhere, generator) for name in BAND}
    target = np.sum([parts.pop(name) for name in own], axis=0)
    rest = np.sum([sung.vocals[0], *parts.values()], axis=0)
    if domain == "target":
        rest = rest + _alike(stem, n, beat, key, rests, generator)
    return _mixed(sung.name, target, rest, generator)


@lru_cache(maxsize=len(TARGETS))
def alone(stem: str, seconds: float = 4.0) -> list[Song]:
    """Songs in which nothing but the stem sounds, all through."""
    n, found = round(seconds * SAMPLE_RATE), []
    for seed in range(3):
        generator = np.random.default_rng([seed, TARGETS.index(stem)])
        names = BAND if stem == "accompaniment" else (stem,)
        sounding = np.sum([_part(name, n, 0.5, 50 + seed, [(0.0, seconds)], generator) for name in names], axis=0)
        samples = np.asarray(sounding, np.float32)[None]
        found.append(Song(f"{stem} alone {seed}", SAMPLE_RATE, samples, samples, np.zeros_like(samples)))
    return found


def write_songs(folder: Path, domain: Domain, seeds: Iterable[int], duration: float = 30.0, stem: str = "vocals") -> list[Path]:
    """Write a folder `<domain>-<seed>` with mixture and stem (of vocals also the accompaniment), FLAC of 16 bits; return the folders."""
    if stem == "vocals":
        return synth.write_songs(folder, domain, seeds, duration)
    written = []
    for seed in seeds:
        song = make_song(seed, domain, duration, stem)
        assert song.vocals is not None
        home = folder / song.name
        home.mkdir(parents=True, exist_ok=True)
        for name, samples in (("mixture", song.mixture), (stem, song.vocals)):
            write_flac(home / f"{name}.flac", samples, song.sample_rate)
        written.append(home)
    return written


def _playing(duration: float, bar: float, generator: np.random.Generator) -> Spans:
    """Where the stem plays: for two bars or three, and then rests for one or two."""
    spans, now = [], float(generator.uniform(0, bar))
    while now < duration - 0.5:
        end = min(duration, now + bar * float(generator.integers(2, 4)) / 2)
        spans.append((now, end))
        now = end + bar * float(generator.integers(2, 4)) / 2
    return spans or [(0.0, duration / 2)]


def _part(name: str, n: int, beat: float, key: int, spans: Spans, generator: np.random.Generator) -> Samples:
    """A part of the band where it plays, at its level: (samples)."""
    track = np.zeros(n, dtype=np.float32)
    kit = play.drum_kit(generator, brushes=False)
    strings: dict[int, Samples] = {}
    for number in range(int(n / SAMPLE_RATE / (beat / 2))):
        time = number * beat / 2
        if not any(start - 1e-6 <= time < end - 0.1 for start, end in spans):
            continue
        root = key + ROOTS[number // 8 % 4]
        if name == "drums":
            sounds = [kit["k" if number % 4 == 0 else "s" if number % 4 == 2 else "h"], kit["h"]]
        elif name == "bass":
            sounds = [_string(strings, root - 12, beat, generator)]
        else:
            sounds = [0.5 * _string(strings, root + 12 + step, 2 * beat, generator) for step in (0, 4, 7)] if number % 2 == 0 else []
        for sound in sounds:
            place = track[int(time * SAMPLE_RATE) :][: len(sound)]
            place += sound[: len(place)] * np.float32(generator.uniform(0.8, 1.0))
    return _at_level(track, BAND[name])


def _string(known: dict[int, Samples], midi: int, seconds: float, generator: np.random.Generator) -> Samples:
    if midi not in known:
        known[midi] = play.pluck(midi, seconds, generator)
    return known[midi]


def _alike(stem: str, n: int, beat: float, key: int, rests: Spans, generator: np.random.Generator) -> Samples:
    """What sounds like the stem, where that rests, and is none of it: (samples)."""
    track = np.zeros(n, dtype=np.float32)
    for start, end in rests:
        for time in np.arange(start + 0.1, end - 0.2, beat / 4 if stem == "drums" else beat):
            if stem == "drums":
                noise = generator.standard_normal(2400).astype(np.float32) * np.exp(-np.arange(2400) / 900).astype(np.float32)
                sound = noise + np.pad(play.struck(90, 0.075, (1, 0.3), decay=40.0), (0, 1200))
            else:
                midi = key - 12 if stem == "bass" else key + 24 + PENTATONIC[generator.integers(5)]
                hz = np.full(int(0.9 * beat * SAMPLE_RATE), play.hertz(np.array(float(midi))), dtype=np.float32)
                sound = play.sines(hz, (1, 0.5, 0.3, 0.2) if stem == "bass" else (1, 0.1)) * np.hanning(len(hz)).astype(np.float32)
            place = track[int(time * SAMPLE_RATE) :][: len(sound)]
            place += sound[: len(place)]
    return _at_level(track, ALIKE)


def _at_level(track: Samples, level: float) -> Samples:
    sounding = np.abs(track) > 1e-3 * max(1e-6, float(np.abs(track).max()))
    return track * np.float32(level / np.sqrt(np.mean(track[sounding] ** 2))) if sounding.any() else track


def _mixed(name: str, target: Samples, rest: Samples, generator: np.random.Generator) -> Song:
    """Add the noise floor, scale to `PEAK`; on a grid of 16 bits the sum is exact, and FLAC files give back what was made."""
    scale, floor, grid = PEAK * 0.99 / float(np.abs(target + rest).max()), 10 ** (NOISE_FLOOR_DBFS / 20), 32768
    scale = min(scale, *(PEAK * 0.99 / float(np.abs(one).max()) for one in (target, rest)))
    noisy = [one * scale + floor * generator.standard_normal(len(one)) for one in (target, rest)]
    stem, others = (np.asarray(np.round(one * grid) / grid, dtype=np.float32)[None] for one in noisy)
    return Song(name, SAMPLE_RATE, stem + others, stem, others)
