"""What one adaptation changes on real songs, from several bases, beside what needs no learning, replay alone and true stems.

A base is adapted on marks as three people's consensus would set them (late, with misses, up to a budget in seconds), and base and child
are measured on songs that nobody marked (target), on the marked excerpts outside their marks, and, where leads were laid over songs, on
other kinds of leads, on plain songs (source) and on held voices. Songs take turns: with each seed others are marked, validate and are
tested on.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learner.core import checkpoint, metrics
from learner.core.bench import comparison, material, paper
from learner.core.bench.figures import supervised
from learner.core.bench.material import Base, Material, Measured, Samples, Sets, TooFewSongs
from learner.core.bench.real_material import Experiment, outside, prepare, rate_of
from learner.core.bench.rounds import vocals_of
from learner.core.bench.runs import Result, Run, Tell, finish
from learner.core.songs import Song
from learner.core.teaching.adapt import Diverged, NoMarks, NoReplay, adapt
from learner.core.teaching.continual import interpolate
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.presets import PRESETS
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.train import REAL, REAL_PRESET, train

WHOLE = "the whole child"
OUTSIDE = "outside"
BASE_STEPS = 1500
VOICE_DB = -10.0  # of the true voice in the base's output, at least


@dataclass(frozen=True)
class Trained:
    """Train a base on the source songs that are later replayed."""

    number: int
    experiment: Experiment
    folder: str
    steps: int = BASE_STEPS

    @property
    def key(self) -> str:
        return f"base-{self.number}"

    def work(self) -> Result:
        if self.experiment.source is None:
            raise TooFewSongs("To train a base, a folder of source songs is needed.")
        songs = paper.parts(self.experiment.source, self.experiment.sizes.excerpt, "source").replay
        course, config = replace(REAL, steps=self.steps), PRESETS[REAL_PRESET]
        saved = train(songs, out=Path(self.folder), seed=self.number, course=course, config=config)
        return {"path": str(saved.path), "hash": saved.hash}


@dataclass(frozen=True)
class Heard:
    """The songs of one base and seed, what the base makes of them, and what people marked."""

    songs: Material
    feedback: list[MarkedSong]
    estimates: dict[str, list[Samples]]  # domain -> songs
    pool: list[Samples]


@dataclass(frozen=True)
class Adaptation:
    """One base, one seed, one row of the table."""

    experiment: Experiment
    base: Base
    seed: int
    row: str
    recipe: Recipe | None = None  # None for the base, which is not adapted

    @property
    def key(self) -> str:
        return f"base{self.base.number}-seed{self.seed}-{self.row}".replace(" ", "-").replace(",", "").replace("%", "percent")

    def work(self) -> Result:
        heard = hear(self.experiment, self.base, self.seed)
        seconds = material.marked_seconds(heard.feedback)
        if self.recipe is None:
            return {"rows": trivial(heard), "heard_seconds": float(sum(e - s for song in heard.feedback for s, e in song.heard))}
        if not heard.feedback or not seconds:
            return {"failed": "the base leaves nothing to mark in these songs"}
        recipe, replay, feedback = self.recipe, heard.songs.replay, heard.feedback
        if self.row == comparison.WITHOUT:
            feedback = []
        elif self.row == comparison.CEILING:
            named = {song.song_name for song in feedback}
            recipe, replay = supervised(recipe, [song for song in heard.songs.pool if song.name in named], replay)
            feedback = []
        began, cpu, parent = time.monotonic(), time.process_time(), Path(self.base.path)
        with tempfile.TemporaryDirectory() as out:
            try:
                child = adapt(parent, feedback, replay, heard.songs.validation, recipe=recipe, seed=self.seed, out=Path(out))
            except (Diverged, NoMarks, NoReplay) as problem:
                return {"failed": str(problem) or type(problem).__name__}
            spent = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.monotonic() - began}
            rows = {self.row: measure(child.path, heard)}
            if self.row == comparison.OURS:
                whole = whole_child(parent, child.path, child.report["chosen"]["factor"], Path(out))
                rows[WHOLE] = measure(whole, heard) if whole != child.path else rows[self.row]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        more = {"report": child.report, "refused_because": child.refused_because, "marked_seconds": seconds, "peak_mb": memory}
        return {"rows": rows, "recipe": asdict(recipe), **spent, **more}


@lru_cache(maxsize=1)
def hear(experiment: Experiment, base: Base, seed: int) -> Heard:
    """Read the songs of one run, separate them by the base and mark them.

    A song in which nobody sings, or of which the base gives hardly any voice (`VOICE_DB`), is not tested on: there is none to keep, and
    what is left of so little moves any mean of dB.
    """
    parent = Path(base.path)
    songs = prepare(experiment, base, seed, rate_of(checkpoint.load(parent).sample_rate))
    feedback = material.consensus_marks(songs.pool, parent, experiment.seconds, seed)
    if experiment.poison:
        feedback = material.poisoned(feedback, songs.pool, experiment.poison, seed)
    tested: dict[str, list[Song]] = {}
    estimates: dict[str, list[Samples]] = {}
    for domain, some in songs.tested.items():
        for song, estimate in zip(some, material.estimates_of(parent, some), strict=True):
            kept = metrics.projection(estimate, vocals_of(song), song.sample_rate)
            if kept > 10 ** (VOICE_DB / 20):
                tested.setdefault(domain, []).append(song)
                estimates.setdefault(domain, []).append(estimate)
    return Heard(replace(songs, tested=tested), feedback, estimates, material.estimates_of(parent, songs.pool))


def measure(path: Path, heard: Heard) -> Sets:
    """A checkpoint's figures by domain and song."""
    estimates = {domain: material.estimates_of(path, some) for domain, some in heard.songs.tested.items()}
    return measured(estimates, material.estimates_of(path, heard.songs.pool), heard)


def measured(estimates: Mapping[str, Sequence[Samples]], pool: Sequence[Samples], heard: Heard) -> Sets:
    sets = {domain: material.measure(some, heard.estimates[domain], heard.songs.tested[domain]) for domain, some in estimates.items()}
    return sets | ({OUTSIDE: rest} if (rest := _outside(pool, heard)) else {})


def _outside(estimates: Sequence[Samples], heard: Heard) -> Measured:
    """The figures of the marked excerpts on what nobody marked of them."""
    marked = {song.song_name: song.marks for song in heard.feedback if song.marks}
    cut: list[tuple[Song, Samples, Samples]] = []
    for song, estimate, parent in zip(heard.songs.pool, estimates, heard.pool, strict=True):
        if song.name in marked:
            rest = outside(song, marked[song.name])
            cut.append((_only(song, rest), estimate[:, rest], parent[:, rest]))
    if not cut:
        return {}
    songs, own, parents = zip(*cut, strict=True)
    return material.measure(own, parents, songs)


def _only(song: Song, which: NDArray[np.bool_]) -> Song:
    assert song.vocals is not None and song.accompaniment is not None
    return Song(song.name, song.sample_rate, *(stem[:, which] for stem in (song.mixture, song.vocals, song.accompaniment)))


def trivial(heard: Heard) -> dict[str, Sets]:
    """The base and what needs no learning, as in `material.measure_trivial`."""
    gains = [(estimate, song) for estimate, song in zip(heard.pool, heard.songs.pool, strict=True)]
    gain = np.float32(metrics.best_constant_gain([e for e, _ in gains], [vocals_of(song) for _, song in gains]))

    def row(change: Callable[[Samples, Song], Samples]) -> Sets:
        tested = heard.songs.tested
        some = {d: [change(e, song) for e, song in zip(own, tested[d], strict=True)] for d, own in heard.estimates.items()}
        return measured(some, [change(e, song) for e, song in gains], heard)

    return {
        "base": row(lambda estimate, _: estimate),
        "silence": row(lambda estimate, _: np.zeros_like(estimate)),
        "mixture": row(lambda _, song: song.mixture),
        "base, best gain": row(lambda estimate, _: gain * estimate),
        "silence in true rests": row(material.silenced),
    }


def whole_child(parent: Path, child: Path, factor: float, out: Path) -> Path:
    """Go on from the parent through a child that went `factor` of the way, to the way's end."""
    if factor == 1:
        return child
    separator = checkpoint.load(parent)
    separator.load_state_dict(interpolate(separator.state_dict(), checkpoint.load(child).state_dict(), 1 / factor))
    return checkpoint.save(separator, out, recipe={}, parent=None).path


def run_real(
    experiment: Experiment,
    bases: Sequence[Base],
    recipe_of: Callable[[Base], Recipe],
    *,
    seeds: Sequence[int],
    out: Path,
    workers: int,
    extra: Mapping[str, Callable[[Base], Recipe]] | None = None,
    quick: bool = False,
    tell: Tell = lambda *_: None,
) -> dict[str, Result]:
    """Do all runs that are not in `out` yet; results by key. `quick` leaves out replay alone and the supervised ceiling."""
    named = (comparison.OURS,) if quick else (comparison.OURS, comparison.WITHOUT, comparison.CEILING)
    rows = dict.fromkeys(named, recipe_of) | dict(extra or {})
    runs: list[Run] = []
    for base in bases:
        for seed in seeds:
            runs.append(Adaptation(experiment, base, seed, "base"))
            runs += [Adaptation(experiment, base, seed, row, recipe(base)) for row, recipe in rows.items()]
    return finish(runs, out, workers=workers, tell=tell)


def trained(experiment: Experiment, n: int, *, out: Path, steps: int, workers: int, tell: Tell) -> list[Base]:
    """`n` bases trained on the source songs."""
    trainings = [Trained(number, experiment, str(out / "bases"), steps) for number in range(1, n + 1)]
    found = finish(trainings, out / "bases", workers=workers, tell=tell)
    return [Base(one.number, found[one.key]["path"], found[one.key]["hash"]) for one in trainings]
