"""The experiment of Gupta et al. (2025, arXiv 2512.02432), section by section as far as it is known, and our default recipe beside it.

{zero-vocal-targets, synthetic-tracks, our default} x share of exemplars replayed {0, 10, 50, 100 %} x {same domain, shifted domain},
each from the same base, and all measured on target and source songs that nobody marked. In the same domain the marked songs are source
songs that the base has not heard; in the shifted one they are target songs. Simulated people mark what the base gets wrong: every
stretch of 0.2 s and more in which nobody sings and the estimate sounds as if somebody did, without noise.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from learner.core import metrics
from learner.core.bench import material
from learner.core.bench.material import Base, Material, Sizes, TooFewSongs
from learner.core.bench.rounds import vocals_of
from learner.core.bench.runs import Result, Run, Tell, finish
from learner.core.songs import Song, SongFiles, scan
from learner.core.songs.splits import published, split
from learner.core.songs.streaming import AnySong, stream
from learner.core.teaching.adapt import Diverged, NoMarks, adapt
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.train import Course, train

Algorithm = Literal["zero-vocal-targets", "synthetic-tracks", "our default"]
Domain = Literal["source", "target"]

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SHARES = (0.0, 0.1, 0.5, 1.0)  # of the replay songs
MARKED: dict[Domain, str] = {"source": "same domain", "target": "shifted domain"}
FULL = Sizes(pool=8, validation=6, gain=3, target=5, source=5, bystander=0)
QUICK = Sizes(pool=6, validation=4, gain=2, target=3, source=3, bystander=0, duration=20.0)
QUICK_STEPS = 40
SOURCE_POOL = 3  # times as many songs are heard in the same domain
BASE_STEPS = 1200  # of a base that is trained on a folder of songs


@dataclass(frozen=True)
class Folders:
    """Where the songs of a domain come from: None for generated ones, else a folder of songs with stems."""

    source: str | None = None
    target: str | None = None
    excerpt: float = 30.0  # seconds from the middle of each song in a folder


@dataclass(frozen=True)
class Setting:
    """What all runs of one experiment share."""

    recipe: Recipe = field(default_factory=Recipe.default)  # our default
    steps: int | None = None  # of every algorithm, where not the recipe's own
    folders: Folders = field(default_factory=Folders)
    sizes: Sizes = FULL
    shares: tuple[float, ...] = SHARES


@dataclass(frozen=True)
class Parts:
    """A folder's songs in four lists that share no artist."""

    replay: list[AnySong]
    validation: list[Song]
    pool: list[Song]
    tested: list[Song]


@dataclass(frozen=True)
class TrainedOnFolder:
    """The base for a folder of source songs: trained on the part of it that is later replayed."""

    setting: Setting
    steps: int
    folder: str

    @property
    def key(self) -> str:
        return "base-of-folder"

    def work(self) -> Result:
        assert self.setting.folders.source is not None
        songs = parts(self.setting.folders.source, self.setting.folders.excerpt, "source")
        saved = train(songs.replay, out=Path(self.folder), course=Course(steps=self.steps))
        return {"path": str(saved.path), "hash": saved.hash}


@dataclass(frozen=True)
class OneAdaptation:
    """One algorithm at one share of exemplars, on marks in one domain, for one seed; or, without an algorithm, what needs none."""

    setting: Setting
    base: Base
    seed: int
    marked: Domain
    algorithm: Algorithm | None = None
    share: float = 0.0

    @property
    def key(self) -> str:
        what = f"{self.algorithm}-{round(100 * self.share):03d}".replace(" ", "-") if self.algorithm else "base"
        return f"seed{self.seed}-{self.marked}-{what}"

    @property
    def recipe(self) -> Recipe:
        if self.algorithm == "our default":
            recipe = self.setting.recipe
            # Without replay there are still voices to lay over artificial accompaniments.
            recipe = replace(recipe, replay_share=self.share) if self.share else replace(recipe, replay_share=1.0, replay_patches=0)
        else:
            assert self.algorithm is not None
            recipe = Recipe.paper(self.algorithm, self.share)
        return replace(recipe, steps=self.setting.steps) if self.setting.steps else recipe

    def work(self) -> Result:
        songs = experiment_songs(self.setting, self.seed, self.marked, self.base)
        parent = Path(self.base.path)
        if self.algorithm is None:
            return {"rows": material.measure_trivial(parent, songs), "frames": frames(parent, songs)}
        feedback = material.true_marks(songs.pool, parent)
        if not feedback:  # `adapt` would take it for replay without feedback
            return {"failed": "the base leaves nothing to mark in these songs"}
        began = time.process_time()
        with tempfile.TemporaryDirectory() as out:
            try:
                child = adapt(parent, feedback, songs.replay, songs.validation, recipe=self.recipe, seed=self.seed, out=Path(out))
            except (Diverged, NoMarks) as problem:
                return {"failed": str(problem) or (type(problem).__doc__ or "")}
            spent = time.process_time() - began
            rows = {"child": material.measure_child(child.path, parent, songs.tested)}
            after = frames(child.path, songs)
        told = {"marked_seconds": material.marked_seconds(feedback), "cpu_seconds": spent, "refused_because": child.refused_because}
        return {"rows": rows, "frames": after, "chosen": child.report["chosen"], **told}


def run_paper(
    setting: Setting,
    *,
    base: Base | None,
    seeds: Sequence[int],
    out: Path,
    workers: int,
    base_steps: int = BASE_STEPS,
    tell: Tell = lambda *_: None,
) -> dict[str, Result]:
    """Do all runs that are not in `out` yet; results by key.

    `base` is the shipped one where source songs are generated; for a folder of them it may be None, and one is trained.
    """
    if base is None:
        training = TrainedOnFolder(setting, base_steps, str(out / "bases"))
        found = finish([training], out, workers=1, tell=tell)[training.key]
        base = Base(1, found["path"], found["hash"])
    return finish(runs(setting, base, seeds), out, workers=workers, tell=tell)


def runs(setting: Setting, base: Base, seeds: Sequence[int]) -> list[Run]:
    """Sorted so that a worker seldom needs other songs."""
    found: list[Run] = []
    for seed in seeds:
        for marked in MARKED:
            found.append(OneAdaptation(setting, base, seed, marked))
            found += [OneAdaptation(setting, base, seed, marked, algorithm, share) for algorithm in ALGORITHMS for share in setting.shares]
    return found


def experiment_songs(setting: Setting, seed: int, marked: Domain, base: Base) -> Material:
    """The songs of one run. Raises TooFewSongs, BadSong."""
    sizes = setting.sizes
    if marked == "source":  # where the base leaves few false positives, so that many songs must be heard
        sizes = replace(sizes, pool=SOURCE_POOL * sizes.pool)
    made = material.generated(seed, base, sizes, marked)
    folders: Mapping[Domain, str | None] = {"source": setting.folders.source, "target": setting.folders.target}
    real = {domain: parts(folder, setting.folders.excerpt, domain) for domain, folder in folders.items() if folder}
    tested: dict[str, list[Song]] = {domain: real[domain].tested if domain in real else made.tested[domain] for domain in folders}
    songs = replace(made, tested=tested)
    if "source" in real:
        songs = replace(songs, replay=real["source"].replay, validation=real["source"].validation)
    if marked in real:
        songs = replace(songs, pool=real[marked].pool, gain=real[marked].validation)
    return songs


@lru_cache(maxsize=2)
def parts(folder: str, excerpt: float, domain: Domain) -> Parts:
    """Divide a folder's songs by artist, always the same way, MUSDB18 as published.

    Half of the source songs are replayed (and train the base), none of the target ones; they stay on disk. The others are marked,
    validated and tested on, each by its middle. Raises TooFewSongs, BadSong.
    """
    files = [files for files in scan(Path(folder)).songs if files.has_stems]
    shares = {"replay": 0.5, "validation": 0.1, "pool": 0.2, "tested": 0.2}
    if domain == "target":
        shares = {"replay": 0.0, "validation": 0.2, "pool": 0.4, "tested": 0.4}
    if files and all(published(song) for song in files):
        by = split(files)
        if domain == "source":
            divided = {"replay": by["train"], "validation": by["validation"], **_by_artist(by["test"], {"pool": 0.5, "tested": 0.5})}
        else:
            divided = {"replay": [], "validation": by["validation"], "pool": by["train"], "tested": by["test"]}
    else:
        divided = _by_artist(files, shares)
    if empty := [name for name, share in shares.items() if share and not divided[name]]:
        raise TooFewSongs(f"{folder} has {len(files)} songs with stems: by artist, none is left to be used for {', '.join(empty)}.")
    replay: list[AnySong] = [stream(song) for song in divided.pop("replay")]
    return Parts(replay, **{name: [_middle(song, excerpt) for song in songs] for name, songs in divided.items()})


def _by_artist(files: Sequence[SongFiles], shares: Mapping[str, float]) -> dict[str, list[SongFiles]]:
    """Give each artist's songs to the part that is furthest behind its share."""
    divided: dict[str, list[SongFiles]] = {name: [] for name in shares}
    artists = sorted({song.artist for song in files})
    for at in np.random.default_rng(0).permutation(len(artists)):
        behind = max(shares, key=lambda name: shares[name] - len(divided[name]) / len(files))
        divided[behind] += [song for song in files if song.artist == artists[at]]
    return divided


def _middle(files: SongFiles, seconds: float) -> Song:
    """The middle of a song, as long as that, in one channel."""
    song, rate = stream(files), material.SAMPLE_RATE
    n_samples = song.mixture.length(rate)
    n = min(round(seconds * rate), n_samples)
    start = (n_samples - n) // 2
    assert song.vocals is not None and song.accompaniment is not None
    stems = (song.mixture, song.vocals, song.accompaniment)
    return Song(files.name, rate, *(stem.read(start, start + n, rate, mono=True) for stem in stems))


def frames(path: Path, songs: Material) -> dict[str, list[float]]:
    """Of the first tested target song, second by second: SDR where somebody sings, and the estimate's level in dBFS where nobody does."""
    song = songs.tested["target"][0]
    vocals = vocals_of(song)
    estimate = material.estimates_of(path, [song])[0]
    sdr = metrics.active_frame_sdr(estimate, vocals, song.sample_rate)
    seconds = estimate[:, : sdr.size * song.sample_rate].reshape(len(estimate), sdr.size, -1)
    level = 10 * np.log10(np.maximum(np.square(seconds, dtype=np.float64).mean(axis=(0, 2)), 1e-12))
    return {"sdr": sdr.tolist(), "rest_dbfs": np.where(np.isnan(sdr), level, np.nan).tolist()}


__all__ = ["ALGORITHMS", "FULL", "MARKED", "QUICK", "QUICK_STEPS", "SHARES", "Folders", "OneAdaptation", "Setting", "run_paper"]
