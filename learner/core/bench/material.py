"""What the benchmarks share: songs of an experiment, simulated people who mark them, and the measuring of a checkpoint on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.core import checkpoint, metrics
from learner.core.audio import BadAudio
from learner.core.bench import intervals
from learner.core.bench.rounds import CLIP, mark, vocals_of
from learner.core.judging import gate
from learner.core.separate import separate
from learner.core.songs import Song, load, scan
from learner.core.songs.streaming import AnySong
from learner.core.songs.synth import Domain, make_song
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.train import BASE, BASE_DURATION, BASE_SEEDS

Samples = NDArray[np.float32]
Measured = dict[str, dict[str, Any]]  # "figures" of one song, and the sums of its "segments"
Sets = dict[str, dict[str, Measured]]  # domain -> song

SAMPLE_RATE = 16_000
FIRST_SEED = 100_000  # of generated songs; nothing else that is shipped or demonstrated draws from here on
N_GATE = 6  # songs of each domain that the gate sees
WRONG, AGREED = 2.0, 0.8  # seconds of a wrong mark at most, and its probability, which is about that of true ones
OTHER_BASES = 300_000  # first seed of the songs that bases 2, 3 ... learn from


class TooFewSongs(BadAudio):
    """There are not enough songs with stems in a folder for this experiment."""


@dataclass(frozen=True)
class Sizes:
    """How many songs, and how long, an experiment takes."""

    replay: int = len(BASE_SEEDS)
    pool: int = 20
    validation: int = 12
    gain: int = 4  # songs on which the best constant gain is chosen, of the tested domain
    target: int = 8
    source: int = 8
    bystander: int = 6
    duration: float = 30.0  # seconds


@dataclass(frozen=True)
class Material:
    """The songs of one run; no song is in two of these lists."""

    replay: Sequence[AnySong]
    pool: list[Song]  # to be marked
    validation: list[Song]
    gain: list[Song]
    tested: Mapping[str, list[Song]] = field(default_factory=dict)  # domain -> songs that nothing was chosen or trained on


@dataclass(frozen=True)
class Base:
    """A checkpoint to begin with, and the generated songs that it was trained on."""

    number: int = 1  # 1 is the shipped one
    path: str = str(BASE)
    hash: str = ""

    @classmethod
    def at(cls, path: Path = BASE) -> "Base":
        """Base number 1, trained on the shipped base's songs. Raises FileNotFoundError."""
        return cls(1, str(path), checkpoint.file_hash(path))

    @property
    def seeds(self) -> range:
        if self.number == 1:
            return range(BASE_SEEDS[0], BASE_SEEDS[0] + len(BASE_SEEDS))
        first = OTHER_BASES + 1000 * self.number
        return range(first, first + len(BASE_SEEDS))


@lru_cache(maxsize=2)
def training_songs(base: Base, n: int) -> list[Song]:
    """The first `n` of the songs that a base learnt from."""
    return [make_song(seed, "source", BASE_DURATION) for seed in base.seeds[:n]]


def generated(seed: int, base: Base, sizes: Sizes, marked: Domain = "target") -> Material:
    """Generated songs of one seed, of which those of the domain `marked` are to be marked; the base has heard none of them."""
    return replace(_generated(seed, sizes, marked), replay=training_songs(base, sizes.replay))


@lru_cache(maxsize=1)
def _generated(seed: int, sizes: Sizes, marked: Domain) -> Material:
    """All but the songs to replay."""
    first = FIRST_SEED + 1000 * seed

    def some(domain: Domain, offset: int, n: int, duration: float = sizes.duration) -> list[Song]:
        return [make_song(first + offset + i, domain, duration) for i in range(n)]

    tested = {
        "target": some("target", 300, sizes.target),
        "source": some("source", 300, sizes.source),
        "bystander": some("bystander", 300, sizes.bystander),
    }
    return Material(
        replay=[],
        pool=some(marked, 0, sizes.pool),
        validation=some("source", 100, sizes.validation, sizes.duration / 2),
        gain=some(marked, 200, sizes.gain),
        tested={domain: songs for domain, songs in tested.items() if songs},
    )


@lru_cache(maxsize=1)
def gate_songs(seed: int) -> dict[str, list[Song]]:
    """Generated songs for the gate alone, by domain."""
    first = FIRST_SEED + 1000 * seed + 400
    domains: tuple[Domain, ...] = ("source", "target")
    return {domain: [make_song(first + i, domain, 20.0) for i in range(N_GATE)] for domain in domains}


@dataclass(frozen=True)
class RealSongs:
    """A folder of songs with stems, and which of them (by name) are marked, validated and tested on."""

    folder: str
    marked: tuple[str, ...]
    validation: tuple[str, ...]
    tested: tuple[str, ...]


@lru_cache(maxsize=1)
def real(songs: RealSongs, seed: int, base: Base, sizes: Sizes) -> Material:
    """Real songs to mark and to test on; replay, source and bystander songs are generated. Raises TooFewSongs, BadSong."""
    if not (songs.marked and songs.validation and songs.tested):
        raise TooFewSongs("Real songs must be named: at least one each to be marked, to validate and to be tested on.")
    known = {files.name: files for files in scan(Path(songs.folder)).songs if files.has_stems}
    if absent := sorted({*songs.marked, *songs.validation, *songs.tested} - known.keys()):
        raise TooFewSongs(f"{songs.folder} has no song with stems called {', '.join(absent)}; there are {', '.join(known) or 'none'}.")
    parts = {name: [as_mono(load(known[n], SAMPLE_RATE)) for n in getattr(songs, name)] for name in ("marked", "validation", "tested")}
    made = generated(seed, base, replace(sizes, pool=0, gain=0, target=0))
    return Material(
        replay=made.replay,
        pool=parts["marked"],
        validation=[*made.validation, *parts["validation"]],
        gain=parts["validation"],
        tested={"target": parts["tested"], **made.tested},
    )


def as_mono(song: Song) -> Song:
    """The mean of a song's channels."""
    assert song.vocals is not None and song.accompaniment is not None
    stems = {name: getattr(song, name).mean(0, keepdims=True) for name in ("mixture", "vocals", "accompaniment")}
    return replace(song, **stems)


# ---- people


def consensus_marks(songs: Sequence[Song], parent: Path, seconds: float, seed: int) -> list[MarkedSong]:
    """What three people's consensus marks in clips of the parent's estimates, drawn at random until `seconds` are marked."""
    generator = np.random.default_rng([seed, 7])
    separator = checkpoint.load(parent)
    clips = [(index, start) for index, song in enumerate(songs) for start in np.arange(0, song.duration - CLIP / 2, CLIP).tolist()]
    clips = clips or [(index, 0.0) for index in range(len(songs))]
    estimates: dict[int, Samples] = {}
    marked: dict[int, MarkedSong] = {}
    n_marked = 0.0
    for at in generator.permutation(len(clips)):
        if n_marked >= seconds:
            break
        index, start = clips[at]
        song = songs[index]
        if index not in estimates:
            estimates[index] = separate(separator, song.mixture, song.sample_rate)
        clip = (float(start), float(min(start + CLIP, song.duration)))
        marks = mark(song, estimates[index], clip, generator)
        n_marked += sum(end - begin for begin, end, _ in marks)
        known = marked.get(index, MarkedSong(song.name, song.sample_rate, song.mixture, [], []))
        marked[index] = replace(known, marks=[*known.marks, *marks], heard=[*known.heard, clip])
    return list(marked.values())


def poisoned(feedback: Sequence[MarkedSong], songs: Sequence[Song], share: float, seed: int) -> list[MarkedSong]:
    """The same with marks on stretches of what people heard in which somebody sings, until they are `share` (under 1) of all seconds."""
    generator, named = np.random.default_rng([seed, 13]), {song.name: song for song in songs}
    wanted = marked_seconds(feedback) * share / (1 - share)
    sung: list[tuple[int, float, float]] = []
    for index, one in enumerate(feedback):
        song = named[one.song_name]
        for first, last in metrics.active_regions(vocals_of(song), song.sample_rate):
            for start, end in one.heard:
                times = np.arange(max(first, start), min(last, end) - WRONG / 2, WRONG).tolist()
                sung += [(index, time, min(time + WRONG, last, end)) for time in times]
    found = [list(one.marks) for one in feedback]
    for at in generator.permutation(len(sung)):
        index, start, end = sung[at]
        if wanted > 0 and not any(first < end and start < last for first, last, _ in found[index]):
            found[index].append((start, end, AGREED))
            wanted -= end - start
    return [replace(one, marks=sorted(marks)) for one, marks in zip(feedback, found, strict=True)]


def true_marks(songs: Sequence[Song], parent: Path) -> list[MarkedSong]:
    """Noise-free marks: every false positive of the parent's estimate that lasts 0.2 s, in songs heard from end to end.

    Songs without any are left out.
    """
    separator = checkpoint.load(parent)
    marked = []
    for song in songs:
        estimate = separate(separator, song.mixture, song.sample_rate)
        regions = metrics.false_positive_regions(estimate, vocals_of(song), song.sample_rate)
        marks = [(start, end, 1.0) for start, end in regions if end - start >= 0.2]
        if marks:
            marked.append(MarkedSong(song.name, song.sample_rate, song.mixture, marks, [(0.0, song.duration)]))
    return marked


def marked_seconds(feedback: Sequence[MarkedSong]) -> float:
    return float(sum(end - start for song in feedback for start, end, _ in song.marks))


# ---- measuring


def estimates_of(path: Path, songs: Sequence[Song]) -> list[Samples]:
    separator = checkpoint.load(path)
    return [separate(separator, song.mixture, song.sample_rate) for song in songs]


def measure(estimates: Sequence[Samples], parents: Sequence[Samples], songs: Sequence[Song]) -> dict[str, Measured]:
    """All figures of each song, false positives also at the voice level of the parent's estimates, and the sums of its segments."""
    measured: dict[str, Measured] = {}
    for song, estimate, parent in zip(songs, estimates, parents, strict=True):
        vocals, rate = vocals_of(song), song.sample_rate
        at_level = metrics.equal_voice_level(estimate, vocals, parent)
        measured[song.name] = {
            "figures": gate.measure_song(estimate, vocals, song.mixture, rate, parent),
            "segments": intervals.sums(estimate, vocals, at_level, rate),
        }
    return measured


def measure_child(child: Path, parent: Path, tested: Mapping[str, Sequence[Song]]) -> Sets:
    return {domain: measure(estimates_of(child, songs), estimates_of(parent, songs), songs) for domain, songs in tested.items()}


def measure_trivial(parent: Path, material: Material) -> dict[str, Sets]:
    """The parent and what needs no learning: silence, the mixture, one gain for all, and silence where the truth is silent."""
    gain = metrics.best_constant_gain(estimates_of(parent, material.gain), [vocals_of(song) for song in material.gain])
    rows: dict[str, Sets] = {}
    for domain, songs in material.tested.items():
        estimates = estimates_of(parent, songs)
        variants = {
            "base": estimates,
            "silence": [np.zeros_like(e) for e in estimates],
            "mixture": [song.mixture for song in songs],
            "base, best gain": [np.float32(gain) * e for e in estimates],
            "silence in true rests": [silenced(e, song) for e, song in zip(estimates, songs, strict=True)],
        }
        for row, variant in variants.items():
            rows.setdefault(row, {})[domain] = measure(variant, estimates, songs)
    return rows


def silenced(estimate: Samples, song: Song) -> Samples:
    """The estimate with silence where nobody sings: the most that muting can give."""
    out = estimate.copy()
    for start, end in metrics.silent_regions(vocals_of(song), song.sample_rate):
        out[:, round(start * song.sample_rate) : round(end * song.sample_rate)] = 0
    return out
