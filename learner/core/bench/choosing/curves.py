"""Learning curves: what adapting to the clips that each way of choosing found does to songs that nobody marked.

Every point adapts the base anew to all clips marked so far, by the product's `adapt`, and measures the false positives of held-out
songs at the base's voice level. A child that adaptation itself refuses is not promoted: there the point is the base's. Strategies choose
by what the base's signals say of the clips; nothing is scored again between rounds.

Three limits stand beside the strategies: the clips that truly leak most (the one-shot oracle), the greedy oracle, and all clips. The
greedy oracle (as in Werner et al. 2024, arXiv 2408.00426) sees the held-out songs: clip by clip it adds the one of a few candidates after
which they leak least.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from learner.core import checkpoint, metrics
from learner.core.bench import material as benches
from learner.core.bench import paper
from learner.core.bench.choosing.finding import ORACLE, ROWS, Table, kept_tracks
from learner.core.bench.choosing.material import STRETCH, Pool, Track, sounds_of
from learner.core.bench.material import Samples, TooFewSongs, estimates_of, training_songs
from learner.core.bench.real import VOICE_DB
from learner.core.bench.real_material import mix
from learner.core.bench.rounds import level_false_positives, vocals_of
from learner.core.bench.runs import Result
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching.adapt import Diverged, MarkedSong, NoMarks, adapt
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.train import BASE

GREEDY, ALL = "greedy oracle", "all clips"
LIMITS = (ORACLE, GREEDY)
SHOWN = ("random", "leak-aware", "expected")
HELD_OUT = 1 / 3  # of the albums


@dataclass(frozen=True)
class Sizes:
    """How much one curve takes."""

    shares: tuple[float, ...] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)  # of the clips, after which is adapted and measured
    tracks: int = 16  # whose clips may be chosen, at most
    held: int = 8  # tracks that are measured, at most
    replay: int = 12  # songs, where the base's own are known; otherwise mixes, a fifth as many
    validation: int = 4  # songs
    searched: float = 3 / 16  # of the clips, that the greedy oracle tries one by one; the rest follows by true leak
    candidates: int = 3  # tried for each of them: half, rounded up, leak most; the others are drawn in proportion to their leak
    search_steps: int = 20  # of an adaptation that is tried

    @classmethod
    def changed(cls, differs: dict[str, Any]) -> "Sizes":
        """The default with what differs from it, as JSON gives it. Raises ValueError for what it does not have."""
        if unknown := differs.keys() - cls.__dataclass_fields__.keys():
            raise ValueError(f"sizes have {', '.join(sorted(unknown))}; there are {', '.join(cls.__dataclass_fields__)}")
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in differs.items()}
        return cls(**plain)


@dataclass(frozen=True)
class Curve:
    """One row on one pool; a seed draws what is held out, what may be chosen, people's marks, and what strategies and `adapt` draw."""

    pool: Pool
    seed: int
    row: str
    folder: str  # of the kept signals
    recipe: Recipe
    sizes: Sizes = field(default_factory=Sizes)
    length: float = 15.0  # seconds of a clip
    per_track: int = 2

    @property
    def key(self) -> str:
        return f"curve-{self.pool.key}-seed{self.seed}-{self.row}".replace(" ", "-").replace(",", "").replace("+", "and")

    def work(self) -> Result:
        world = world_of(self.pool, self.seed, self.folder, self.sizes, self.length)
        n = len(world.table.clips)
        steps = sorted({max(1, round(share * n)) for share in self.sizes.shares})
        if self.row == ALL:
            steps = [n]
        order = self._order(world, steps)
        leak = [world.leak_after(order[:step], self.recipe, self.seed) for step in steps]
        minutes = [len(order[:step]) * self.length / 60 for step in steps]
        found = [float(world.table.truth[order[:step]].sum()) for step in steps]
        return {"minutes": minutes, "leak": leak, "found": found, "base": world.base, "clips": n, "pool": n * self.length / 60}

    def _order(self, world: "World", steps: Sequence[int]) -> list[int]:
        """Clips in the order in which people hear them, as many as the last step."""
        table, every = world.table, np.arange(len(world.table.clips))
        if self.row == ALL:
            return every.tolist()
        by_leak = [int(at) for at in np.argsort(-table.truth, kind="stable")]
        if self.row == ORACLE:
            return by_leak
        if self.row == GREEDY:
            taken = self._searched(world)
            return [*taken, *(at for at in by_leak if at not in taken)]
        row = next(row for row in ROWS if row.name == self.row)
        generator, heard = np.random.default_rng([self.seed, 19]), list[int]()
        for step in steps:
            heard += table.choose(row, heard, step - len(heard), self.per_track, generator, self.seed)[0]
        return heard

    def _searched(self, world: "World") -> list[int]:
        generator = np.random.default_rng([self.seed, 31])
        quick = replace(self.recipe, steps=min(self.recipe.steps, self.sizes.search_steps))
        truth, taken = world.table.truth, list[int]()
        for _ in range(round(self.sizes.searched * len(truth))):
            left = np.setdiff1d(np.arange(len(truth)), taken)
            left = left[np.argsort(-truth[left], kind="stable")]
            n = min(self.sizes.candidates, len(left))
            first, rest = left[: (n + 1) // 2], left[(n + 1) // 2 :]
            weight = truth[rest] + 0.01
            drawn = generator.choice(rest, n - len(first), replace=False, p=weight / weight.sum()) if n > len(first) else rest[:0]
            tried = [int(at) for at in [*first, *drawn]]
            after = [world.leak_after([*taken, at], quick, self.seed) for at in tried]
            taken.append(tried[int(np.argmin(after))])
        return taken


@dataclass(frozen=True)
class World:
    """What all rows of one pool and seed share."""

    table: Table
    sounds: list[Song]  # of the table's tracks
    parent: Path
    replay: Sequence[AnySong]
    validation: list[Song]
    held: list[Song]
    estimates: list[Samples]  # the base's, of the held-out songs
    base: float  # their false-positive seconds per minute

    def leak_after(self, clips: Sequence[int], recipe: Recipe, seed: int) -> float:
        """False-positive seconds per minute of the held-out songs, at the base's voice level, once the base has learnt from clips."""
        marked: dict[int, MarkedSong] = {}
        for at in sorted(clips):
            which, span = self.table.own[at]
            song = self.sounds[which]
            known = marked.get(which, MarkedSong(song.name, song.sample_rate, song.mixture, [], []))
            marked[which] = replace(known, marks=[*known.marks, *self.table.marks(at, seed)], heard=[*known.heard, span])
        with tempfile.TemporaryDirectory() as out:
            try:
                feedback = list(marked.values())
                child = adapt(self.parent, feedback, self.replay, self.validation, recipe=recipe, seed=seed, out=Path(out))
            except (NoMarks, Diverged):
                return self.base
            if child.refused_because and not child.doubt:
                return self.base
            return level_false_positives(estimates_of(child.path, self.held), self.estimates, self.held)


@lru_cache(maxsize=1)
def world_of(pool: Pool, seed: int, folder: str, sizes: Sizes, length: float) -> World:
    """Draw the tracks of a run, and read and separate what is heard of them. Raises TooFewSongs."""
    generator = np.random.default_rng([seed, 37])
    tracks = kept_tracks(pool, folder)
    albums = generator.permutation(sorted({track.group for track in tracks})).tolist()
    if len(albums) < 2:
        raise TooFewSongs("A learning curve needs two songs with stems at least: one to mark and one to hold out.")
    apart = set(albums[: max(1, round(HELD_OUT * len(albums)))])

    def drawn(some: Sequence[Track]) -> list[Track]:
        return [some[at] for at in generator.permutation(len(some))]

    parent = Path(pool.base.path)
    held, estimates = _audible(pool, drawn([track for track in tracks if track.group in apart]), sizes.held, parent)
    rest = drawn([track for track in tracks if track.group not in apart])
    replay: Sequence[AnySong]
    if pool.source:
        known = paper.parts(pool.source, STRETCH, "source")
        replay, validation = known.replay[: sizes.replay], known.validation[: sizes.validation]
    elif pool.folder and pool.base.path != str(BASE):  # the base's own songs are not known: what it makes of mixes stands for them
        n = max(1, sizes.replay // 5)
        kept, rest = rest[: n + sizes.validation], rest[n + sizes.validation :]
        mixes = [mix(song) for song in sounds_of(pool, kept)]
        replay, validation = mixes[:n], mixes[n:]
    else:
        small = benches.Sizes(pool=0, gain=0, target=0, source=0, bystander=0, validation=sizes.validation)
        replay, validation = training_songs(pool.base, sizes.replay), benches.generated(seed, pool.base, small).validation
    table = Table.of(rest[: sizes.tracks], length)
    if not len(table.clips):
        raise TooFewSongs("Too few songs are left to choose from, once some are held out and some are replayed.")
    base = level_false_positives(estimates, estimates, held)
    return World(table, sounds_of(pool, table.tracks), parent, replay, validation, held, estimates, base)


def _audible(pool: Pool, tracks: Sequence[Track], n: int, parent: Path) -> tuple[list[Song], list[Samples]]:
    """Of these tracks the first `n` in which somebody sings and the base gives the voice, and its estimates; if there are none, all."""
    songs = sounds_of(pool, tracks[: 2 * n])
    both = list(zip(songs, estimates_of(parent, songs), strict=True))
    clear = [(s, e) for s, e in both if metrics.projection(e, vocals_of(s), s.sample_rate) > 10 ** (VOICE_DB / 20)]
    chosen = (clear or both)[:n]
    return [song for song, _ in chosen], [estimate for _, estimate in chosen]


def curves(
    pools: Sequence[Pool], seeds: Sequence[int], rows: Sequence[str], changes: dict[str, Any], folder: Path, sizes: Sizes
) -> list[Curve]:
    """Every row, and all clips, on every pool; recipes are the product's for the base and the songs, made short, with changes."""
    found = []
    for pool in pools:
        architecture = checkpoint.about(Path(pool.base.path)).architecture
        few = short(Recipe.default_for(architecture, real_songs=bool(pool.folder)))
        recipe = Recipe.changed(few | changes, architecture, real_songs=bool(pool.folder))
        found += [Curve(pool, seed, row, str(folder), recipe, sizes) for seed in seeds for row in (ALL, *rows)]
    return found


def short(recipe: Recipe) -> dict[str, Any]:
    """Fewer and smaller steps: a curve takes dozens of adaptations, held against each other alone.

    One place nearer the parent is weighed besides: so short a course is uneven, and a child that is refused leaves a hole in a curve.
    """
    few = {"steps": 40, "n_frames": 64, "replay_patches": 3}
    factors = (min(recipe.factors) / 2, *recipe.factors)
    return {name: min(most, getattr(recipe, name)) for name, most in few.items()} | {"keep_every": 0, "factors": factors}
