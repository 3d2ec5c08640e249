"""Pools to choose from: songs with stems under several shifts, what a base's signals say of them, and where it truly leaks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learner.core import audio, checkpoint, metrics
from learner.core.bench.leads import Leads, Recordings, SoundFont
from learner.core.bench.material import FIRST_SEED, Base, Samples
from learner.core.bench.real_material import RATE, audible, over
from learner.core.bench.rounds import vocals_of
from learner.core.bench.runs import Result
from learner.core.choosing import signals
from learner.core.choosing.signals import Signals
from learner.core.songs import Song, scan
from learner.core.songs.instruments import SAMPLE_RATE
from learner.core.songs.streaming import stream
from learner.core.songs.synth import make_song

STRETCH = 30.0  # seconds: real songs are cut into tracks of that length; a whole song is one album of them
DURATION = 30.0  # seconds of a generated song
N_SONGS = 30  # generated ones of a pool
NARROW_HZ, NOISE_DBFS = 7000, -38.0  # sample rate of a narrow recording; noise over a noisy one
CHOIR_DB, CHOIR_SHIFTS = -4.0, (0.0, 0.011, 0.023)  # of the choir against the song's own voice; seconds
GENERATED = ("mixed pool", "foreign leads", "choir", "noisy or narrow", "near-duplicates")
REAL = PLAIN, LEADS, MIXED = ("songs", "leads over songs", "mixed songs")


@dataclass(frozen=True)
class Sounds:
    """What leads are made of."""

    recordings: tuple[str, ...] = ()
    soundfont: str = ""


@dataclass(frozen=True)
class Pool:
    """One pool under one base."""

    shift: str
    base: Base
    folder: str = ""  # of real songs; empty: generated ones
    names: tuple[str, ...] = ()  # of these songs
    sounds: Sounds = Sounds()
    n_songs: int = N_SONGS  # generated
    seconds: float = 300.0  # of a real song, at most
    source: str = ""  # folder of songs with stems that the base knows, where it is there: they are what learning curves replay

    @property
    def key(self) -> str:
        return f"base{self.base.number}-{self.shift}".replace(" ", "-")


@dataclass(frozen=True)
class Track:
    """One track of a pool."""

    name: str
    group: int  # album
    signals: Signals
    leaks: NDArray[np.bool_]  # (frames,) whether it truly leaks there
    at: tuple[int, int] = (0, 0)  # which of the pool's `hearings`, and which stretch of that song


@dataclass(frozen=True)
class Hearing:
    """Separate and measure one song of a pool; its signals and truth are kept beside the result."""

    pool: Pool
    song: int
    folder: str  # for the files

    @property
    def key(self) -> str:
        return f"{self.pool.key}-song{self.song}"

    def work(self) -> Result:
        song, group = song_of(self.pool, self.song)
        separator = checkpoint.load(Path(self.pool.base.path))
        blocks: list[Samples] = []
        found = signals.measure(separator, [song.mixture], song.sample_rate, dear=True, seed=self.song, sink=blocks.append)
        estimate = np.concatenate(blocks, axis=1)
        leaks = metrics.false_positive_regions(estimate, vocals_of(song), song.sample_rate)
        found.save(Path(self.folder) / f"{self.key}.npz")
        return {"name": song.name, "group": group, "leaks": leaks, "seconds": song.duration}


def tracks_of(pool: Pool, results: dict[str, Result], folder: Path) -> list[Track]:
    """All tracks of a pool; real songs in stretches. `results` are those of its `Hearing`s."""
    found = []
    for at, one in enumerate(hearings(pool, folder)):
        whole, kept = signals.load(folder / f"{one.key}.npz"), results[one.key]
        leaks = np.zeros(whole.n_frames, dtype=bool)
        for start, end in kept["leaks"]:
            leaks[round(start * 10) : round(end * 10)] = True
        for number, (part, truth) in enumerate(_stretches(whole, leaks) if pool.folder else [(whole, leaks)]):
            if pool.shift == MIXED and number % 2 == int(at < len(pool.names)):
                continue  # every other stretch of a song has leads
            found.append(Track(f"{kept['name']} {number}", int(kept["group"]), part, truth, (at, number)))
    return found


def _stretches(whole: Signals, leaks: NDArray[np.bool_]) -> Iterator[tuple[Signals, NDArray[np.bool_]]]:
    n = round(STRETCH * 10)
    for at in range(0, whole.n_frames - n + 1, n):
        columns = {name: column[at : at + n] for name, column in whole.columns.items()}
        yield Signals(columns, whole.embedding[at // 10 : (at + n) // 10]), leaks[at : at + n]


def sounds_of(pool: Pool, tracks: Sequence[Track]) -> list[Song]:
    """The songs, or stretches of songs, that tracks of a pool are, in the order of the tracks."""
    every = hearings(pool, Path())
    found: dict[tuple[int, int], Song] = {}
    for at in sorted({track.at[0] for track in tracks}):
        song, _ = song_of(every[at].pool, every[at].song)
        for track in tracks:
            if track.at[0] == at:
                found[track.at] = _stretch(song, track) if pool.folder else song
    return [found[track.at] for track in tracks]


def _stretch(song: Song, track: Track) -> Song:
    n = round(STRETCH * song.sample_rate)
    cut = slice(track.at[1] * n, (track.at[1] + 1) * n)
    return Song(track.name, song.sample_rate, song.mixture[:, cut], vocals_of(song)[:, cut], _rest_of(song)[:, cut])


def hearings(pool: Pool, folder: Path) -> list[Hearing]:
    """One a song; those of the mixed pool are those of the two that it is mixed of."""
    if pool.shift == MIXED:
        return [one for shift in REAL[:2] for one in hearings(replace(pool, shift=shift), folder)]
    return [Hearing(pool, at, str(folder)) for at in range(len(pool.names) or pool.n_songs)]


def song_of(pool: Pool, at: int) -> tuple[Song, int]:
    """The song of that number, and its album."""
    if not pool.folder:
        return generated(pool.shift, at), at if pool.shift != "near-duplicates" else at // 2
    rate = min(checkpoint.about(Path(pool.base.path)).sample_rate, RATE)
    song = real(pool.folder, pool.names[at], rate, pool.seconds)
    return (with_leads(song, pool.sounds, np.random.default_rng([at, 5])) if pool.shift == LEADS else song), at


# ---- real songs


@lru_cache(maxsize=1)
def real(folder: str, name: str, sample_rate: int, seconds: float) -> Song:
    """The middle of a song."""
    files = {one.name: one for one in scan(Path(folder)).songs if one.has_stems}[name]
    song = stream(files)
    assert song.vocals is not None and song.accompaniment is not None
    duration = min(stem.n_samples / stem.sample_rate for stem in (song.vocals, song.accompaniment))
    first = max(0.0, (duration - seconds) / 2)
    span = round(first * sample_rate), round(min(first + seconds, duration) * sample_rate)
    vocals, accompaniment = (stem.read(*span, sample_rate, mono=True) for stem in (song.vocals, song.accompaniment))
    return Song(name, sample_rate, vocals + accompaniment, vocals, accompaniment)


def with_leads(song: Song, sounds: Sounds, generator: np.random.Generator) -> Song:
    """A song in which leads take turns with its voice, another lead in each stretch."""
    kinds: list[Callable[[], Leads]] = [lambda: Recordings([Path(path) for path in sounds.recordings])] if sounds.recordings else []
    if sounds.soundfont:
        kinds += [lambda: SoundFont(Path(sounds.soundfont), "bowed"), lambda: SoundFont(Path(sounds.soundfont), "blown")]
    if not kinds:
        raise audio.BadAudio("Leads over songs need recordings (--leads) or a SoundFont (--soundfont).")
    song, n = audible(song), round(STRETCH * song.sample_rate)
    parts = []
    for at in range(0, vocals_of(song).shape[1], n):
        stems = (song.mixture, song.vocals, song.accompaniment)
        part = Song(song.name, song.sample_rate, *(stem[:, at : at + n] for stem in stems if stem is not None))
        player = kinds[int(generator.integers(len(kinds)))]().one(generator)
        parts.append(over(part, player, "lead", generator) if part.duration > STRETCH / 2 else part)
    vocals, accompaniment = (np.concatenate([stem(part) for part in parts], axis=1) for stem in (vocals_of, _rest_of))
    return Song(f"{song.name} with leads", song.sample_rate, vocals + accompaniment, vocals, accompaniment)


def _rest_of(song: Song) -> Samples:
    assert song.accompaniment is not None
    return song.accompaniment


# ---- generated songs


def generated(shift: str, at: int) -> Song:
    """Song `at` of a shift; no other benchmark has it."""
    seed = FIRST_SEED + 900_000 + at
    if shift == "foreign leads":
        return make_song(seed, "target", DURATION)
    if shift == "choir":
        song = make_song(seed, "source", DURATION)
        return _with(song, _choir(make_song(seed + 500, "source", DURATION)), song.name) if at % 2 else song
    if shift == "near-duplicates":  # a song and the same, remastered
        song = make_song(FIRST_SEED + 900_000 + at // 2, "target" if at // 2 % 2 else "source", DURATION)
        return _with(song, _noise(song, at, -50.0), f"{song.name} again") if at % 2 else song
    song = make_song(seed, "target" if at % 2 else "source", DURATION)
    if shift == "noisy or narrow" and at % 4 >= 2:
        return _with(song, _noise(song, at, NOISE_DBFS), song.name) if at % 8 >= 4 else _narrow(song)
    return song


def _choir(song: Song) -> Samples:
    """Another song's voice, three times a little apart."""
    voice = vocals_of(song)
    shifted = [np.roll(voice, round(shift * song.sample_rate), axis=1) for shift in CHOIR_SHIFTS]
    return np.asarray(10 ** (CHOIR_DB / 20) / np.sqrt(len(shifted)) * sum(shifted), dtype=np.float32)


def _noise(song: Song, seed: int, dbfs: float) -> Samples:
    noise = np.random.default_rng([seed, 3]).normal(size=song.mixture.shape)
    return np.asarray(10 ** (dbfs / 20) * noise, dtype=np.float32)


def _with(song: Song, more: Samples, name: str) -> Song:
    """A song with more in its accompaniment."""
    rest = _rest_of(song) + more
    return Song(name, song.sample_rate, vocals_of(song) + rest, vocals_of(song), rest)


def _narrow(song: Song) -> Song:
    def cut(stem: Samples) -> Samples:
        low = audio.resample(audio.resample(stem, SAMPLE_RATE, NARROW_HZ), NARROW_HZ, SAMPLE_RATE)
        return np.asarray(np.pad(low, ((0, 0), (0, max(0, stem.shape[1] - low.shape[1]))))[:, : stem.shape[1]], dtype=np.float32)

    vocals, rest = cut(vocals_of(song)), cut(_rest_of(song))
    return Song(song.name, song.sample_rate, vocals + rest, vocals, rest)


def leak_of(track: Track, start: float, end: float) -> float:
    """True false-positive seconds of a stretch."""
    return float(track.leaks[round(start * 10) : round(end * 10)].sum()) / 10


def spans(track: Track, length: float) -> list[tuple[float, float]]:
    """The clips of a track, seconds; a rest is left out."""
    return [(at * length, (at + 1) * length) for at in range(int(len(track.leaks) / 10 / length + 1e-6))]
