"""Real songs of one experiment, in turns: excerpts to mark, to validate and to test on, with leads over them where that is the shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from learner.core import audio, metrics
from learner.core.bench import paper
from learner.core.bench.leads import Leads, Recordings, SoundFont
from learner.core.bench.material import Base, Material, Samples, TooFewSongs, generated, training_songs
from learner.core.bench.material import Sizes as GeneratedSizes
from learner.core.songs import Song, SongFiles, scan
from learner.core.songs.streaming import AnySong, stream
from learner.core.teaching.train import BASE

Shift = Literal["songs", "bowed", "blown", "recorded"]  # what the base has not met: the songs as they are, or leads over them

RATE = 22_050  # at most
PARTS = 5  # a fifth of the songs is tested on, a fifth validates, the others are marked
BLOCKS = 4  # of an excerpt: voice and lead take turns
LEVELS_DB = (0.0, 3.0, 6.0)  # of a lead against the band
VOICE_DB = -3.0  # of a voice against the band, at least: some songs bury theirs
FADE = 0.05  # seconds in which a voice is faded out and in
SUNG = {"songs": (0.2, 0.8)}  # share of a good excerpt in which somebody sings; of the other shifts:
MOSTLY_SUNG = (0.5, 1.0)


@dataclass(frozen=True)
class Sizes:
    """Excerpts of each experiment."""

    excerpt: float = 20.0  # seconds
    marked: int = 6
    validation: int = 3
    target: int = 6
    plain: int = 3  # of songs as they are, and of source songs
    other: int = 2  # of other kinds of leads
    replayed: int = 5  # mixes that stand for the past where the base's own songs are not known


@dataclass(frozen=True)
class Sounds:
    """Files that leads and held voices are made of; a path is known by its name."""

    marked: tuple[str, ...] = ()  # SoundFont, or recordings, heard in marked songs
    tested: tuple[str, ...] = ()  # another SoundFont, or other recordings
    voices: tuple[str, ...] = ()  # recordings of somebody who sings alone


@dataclass(frozen=True)
class Experiment:
    """What all runs of one table share but base and seed."""

    folder: str  # of songs with stems
    names: tuple[str, ...]  # of those songs
    shift: Shift = "songs"
    sounds: Sounds = field(default_factory=Sounds)
    known_by: tuple[str, ...] = ()  # hashes of those files
    source: str | None = None  # folder of songs with stems that the base knows
    sizes: Sizes = field(default_factory=Sizes)
    seconds: float = 45.0  # marked
    poison: float = 0.0  # of the marked seconds, 0 ... 1: that lie where somebody sings

    def rotation(self, seed: int) -> dict[str, list[str]]:
        """Names of the songs that are tested on, that validate and that are marked; seed 1, 2 ... turn through them.

        Where source songs are known they validate, and none of these need to.
        """
        least = 2 if self.source else 3
        if len(self.names) < least:
            n, what = len(self.names), "to mark and to test" if self.source else "to mark, validate and test"
            raise TooFewSongs(f"{self.folder} has {n} songs with stems; at least {least} are needed: {what}.")
        n_parts = min(PARTS, len(self.names))
        turned = {part: [name for at, name in enumerate(self.names) if (at - seed + 1) % n_parts == part] for part in range(n_parts)}
        validation = [] if self.source else turned[1]
        marked = [name for part in range(1 if self.source else 2, n_parts) for name in turned[part]]
        return {"tested": turned[0], "validation": validation, "marked": marked}


def of_folder(folder: Path, **settings: object) -> Experiment:
    """An experiment on the songs with stems in a folder. Raises TooFewSongs."""
    experiment = Experiment(str(folder), tuple(files.name for files in scan(folder).songs if files.has_stems), **settings)  # type: ignore[arg-type]
    experiment.rotation(1)
    return experiment


def rate_of(base_rate: int) -> int:
    """At which songs are heard: no more than the base hears."""
    return min(base_rate, RATE)


def prepare(experiment: Experiment, base: Base, seed: int, sample_rate: int) -> Material:
    """All songs of one run. Raises TooFewSongs, BadSong, BadAudio, NoPlayer."""
    generator, sizes = np.random.default_rng([seed, 11]), experiment.sizes
    names, taken = experiment.rotation(seed), set[tuple[str, float]]()

    def some(part: str, n: int) -> list[Song]:
        found = excerpts(experiment, names[part], n, sample_rate, generator, taken)
        return found if experiment.shift == "songs" else [audible(song) for song in found]

    pool, validation = some("marked", sizes.marked), some("validation", sizes.validation)
    target, gain = some("tested", sizes.target), validation
    tested: dict[str, list[Song]] = {"target": target}
    if experiment.shift != "songs":
        half = len(target) // 2
        marked, other_set, others = leads(experiment)
        tested = {
            "target": [over(song, marked, "near", generator) for song in target[:half]]
            + [over(song, other_set, "far", generator) for song in target[half:]],
            "other kinds": [over(song, others, "other", generator) for song in some("tested", sizes.other)],
        }
        pool, gain = ([over(song, marked, "lead", generator) for song in part] for part in (pool, validation))
    if voices := [held(Path(path), sample_rate) for path in experiment.sounds.voices]:
        tested["held voices"] = voices
    known = past(experiment, base, seed, sample_rate)
    if known is None:  # the base's own songs are not known: what it makes of mixes stands for them, and nobody has stems
        mixes = [mix(song) for song in some("marked", sizes.replayed)]
        if experiment.shift != "songs":
            tested["source"] = some("tested", sizes.plain)
        return Material(mixes, pool, [mix(song) for song in validation], gain, _not_empty(tested))
    replay, more_validation, source = known
    return Material(replay, pool, [*validation, *more_validation], gain, _not_empty(tested | {"source": source}))


def _not_empty(tested: Mapping[str, list[Song]]) -> dict[str, list[Song]]:
    return {domain: songs for domain, songs in tested.items() if songs}


def past(experiment: Experiment, base: Base, seed: int, sample_rate: int) -> tuple[Sequence[AnySong], list[Song], list[Song]] | None:
    """What the base learnt from, to replay; other songs of that kind to validate and to test on. None where nobody knows."""
    sizes = experiment.sizes
    if experiment.source:
        known = paper.parts(experiment.source, sizes.excerpt, "source")
        return known.replay, known.validation[: sizes.validation], known.tested[: sizes.plain]
    if base.path != str(BASE):
        return None
    small = GeneratedSizes(
        replay=1, pool=0, validation=sizes.validation, gain=0, target=0, source=sizes.plain, bystander=0, duration=sizes.excerpt
    )
    shipped = Base.at()
    made = generated(seed, shipped, small)
    return training_songs(shipped, GeneratedSizes.replay), made.validation, made.tested["source"]


def excerpts(
    experiment: Experiment, names: Sequence[str], n: int, sample_rate: int, generator: np.random.Generator, taken: set[tuple[str, float]]
) -> list[Song]:
    """`n` excerpts of these songs in turn, none of which was taken, first those in which voice and rest are both heard."""
    least, most = SUNG.get(experiment.shift, MOSTLY_SUNG)
    found: list[Song] = []
    order = {name: _candidates(experiment, name, least, most, generator) for name in names}
    while len(found) < n and any(order.values()):
        for name in names:
            while order[name] and (name, order[name][0]) in taken:
                order[name].pop(0)
            if order[name] and len(found) < n:
                start = order[name].pop(0)
                taken.add((name, start))
                found.append(_excerpt(experiment, name, start, sample_rate))
    return found


def _candidates(experiment: Experiment, name: str, least: float, most: float, generator: np.random.Generator) -> list[float]:
    """Where excerpts of a song may start, good ones first, otherwise by chance."""
    shares = _sung(experiment.folder, name, experiment.sizes.excerpt)
    off = {start: max(0.0, least - share, share - most) for start, share in shares.items()}
    drawn = [list(shares)[at] for at in generator.permutation(len(shares))]
    return sorted(drawn, key=lambda start: round(off[start], 1))


@lru_cache(maxsize=64)
def _sung(folder: str, name: str, seconds: float) -> dict[float, float]:
    """The share of each whole excerpt of a song in which somebody sings, by its start."""
    vocals = stream(_files(folder)[name]).vocals
    assert vocals is not None
    duration, regions = vocals.n_samples / vocals.sample_rate, metrics.active_regions(vocals.read(mono=True), vocals.sample_rate)
    starts = np.arange(0, max(duration - seconds, 0) + 0.1, seconds).tolist()
    return {at: sum(max(0.0, min(b, at + seconds) - max(a, at)) for a, b in regions) / seconds for at in starts}


@lru_cache(maxsize=2)
def _files(folder: str) -> dict[str, SongFiles]:
    return {files.name: files for files in scan(Path(folder)).songs if files.has_stems}


def _excerpt(experiment: Experiment, name: str, start: float, sample_rate: int) -> Song:
    song, seconds = stream(_files(experiment.folder)[name]), experiment.sizes.excerpt
    first, last = round(start * sample_rate), round((start + seconds) * sample_rate)
    vocals, accompaniment = (stem.read(first, last, sample_rate, mono=True) for stem in (song.vocals, song.accompaniment) if stem)
    return Song(f"{name} from {start:g} s", sample_rate, vocals + accompaniment, vocals, accompaniment)


def mix(song: Song) -> Song:
    """The same without its stems."""
    return Song(song.name, song.sample_rate, song.mixture)


# ---- leads


def leads(experiment: Experiment) -> tuple[Leads, Leads, Leads]:
    """Those that are marked, the same kind from other recordings, and other kinds."""
    sounds = experiment.sounds
    if experiment.shift == "recorded":
        marked, tested = (Recordings([Path(path) for path in paths]) for paths in (sounds.marked, sounds.tested))
        return marked, tested, tested
    other: Mapping[str, str] = {"bowed": "blown", "blown": "bowed"}
    one, another = Path(sounds.marked[0]), Path(sounds.tested[0])
    return SoundFont(one, experiment.shift), SoundFont(another, experiment.shift), SoundFont(another, other[experiment.shift])


def audible(song: Song) -> Song:
    """The same with the voice brought to `VOICE_DB` where it lies lower; silence stays silence."""
    assert song.vocals is not None and song.accompaniment is not None
    sung = metrics.samples_in(metrics.active_regions(song.vocals, song.sample_rate), song.vocals.shape[1], song.sample_rate)
    if not sung.any():
        return song
    wanted = 10 ** (VOICE_DB / 20) * _rms(song.accompaniment[:, sung])
    vocals = song.vocals * np.float32(max(1.0, wanted / max(_rms(song.vocals[:, sung]), 1e-6)))
    return _within_scale(song.name, song.sample_rate, vocals, song.accompaniment)


def over(song: Song, player: Leads, label: str, generator: np.random.Generator, blocks: int = BLOCKS) -> Song:
    """A song whose voice is muted in every other block, where a lead plays over the band at one of the stated levels."""
    assert song.vocals is not None and song.accompaniment is not None
    vocals, band, rate = song.vocals, song.accompaniment, song.sample_rate
    edges = np.linspace(0, vocals.shape[1], blocks + 1).astype(int)
    voice, lead = np.ones(vocals.shape[1], np.float32), np.zeros(vocals.shape[1], np.float32)
    first = int(generator.integers(2))
    for block in range(first, blocks, 2):
        start, end = edges[block], edges[block + 1]
        phrase = player.phrase((end - start) / rate, rate, generator)[: end - start]
        gain = 10 ** (float(generator.choice(LEVELS_DB)) / 20) * _rms(band[:, start:end]) / max(_rms(phrase), 1e-6)
        lead[start : start + len(phrase)] = gain * phrase
        voice[start:end] = 0
    n_fade = round(FADE * rate)
    faded = np.convolve(voice, np.ones(n_fade) / n_fade, mode="same").astype(np.float32)
    return _within_scale(f"{label}: {song.name}", rate, vocals * faded, band + lead)


def _within_scale(name: str, sample_rate: int, vocals: Samples, accompaniment: Samples) -> Song:
    scale = np.float32(min(1.0, 0.98 / max(float(np.abs(vocals + accompaniment).max()), 1e-6)))
    vocals, accompaniment = scale * vocals, scale * accompaniment
    return Song(name, sample_rate, vocals + accompaniment, vocals, accompaniment)


def held(path: Path, sample_rate: int) -> Song:
    """A voice alone. Raises BadAudio."""
    voice: Samples = audio.read(path, sample_rate).samples.mean(axis=0, keepdims=True)
    return Song(path.stem, sample_rate, voice, voice, np.zeros_like(voice))


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def outside(song: Song, marks: Sequence[tuple[float, float, float]]) -> NDArray[np.bool_]:
    """Which samples of a marked song lie outside its marks, (samples,)."""
    return ~metrics.samples_in([(start, end) for start, end, _ in marks], song.mixture.shape[1], song.sample_rate)
