"""The benchmark "figures": what one adaptation by the default recipe changes on songs that nobody marked, and what it costs.

Every run begins at one of several bases, on songs of one seed: about 140 s are marked as three people's consensus would mark them, the
base is adapted, and parent and child are measured on target songs (the marked domain), source songs (what the base learnt from) and
bystander songs (neither). Beside the child stand what needs no learning (silence, the mixture, the base at its best constant gain,
silence where the truth is silent), replay without feedback, and the supervised ceiling: the same steps with the true stems of the
marked songs.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from learner.core.bench import comparison, material
from learner.core.bench.material import Base, Material, RealSongs, Sizes
from learner.core.bench.runs import Result, Run, Tell, finish
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching.adapt import Diverged, NoMarks, adapt
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.train import Course, train

BASE_STEPS = 2000


@dataclass(frozen=True)
class Trained:
    """Train base number 2, 3 ... as the shipped one was trained, on other songs."""

    number: int
    folder: str
    steps: int = BASE_STEPS
    n_songs: int = Sizes.replay

    @property
    def key(self) -> str:
        return f"base-{self.number}"

    def work(self) -> Result:
        songs = material.training_songs(Base(self.number), self.n_songs)
        saved = train(songs, out=Path(self.folder), seed=self.number, course=Course(steps=self.steps))
        return {"path": str(saved.path), "hash": saved.hash}


@dataclass(frozen=True)
class Setting:
    """What all runs of one benchmark share, whatever their recipe."""

    songs: RealSongs | None = None  # None: generated songs
    sizes: Sizes = field(default_factory=Sizes)
    seconds: float = 140.0  # marked

    def material(self, base: Base, seed: int) -> Material:
        if self.songs:
            return material.real(self.songs, seed, base, self.sizes)
        return material.generated(seed, base, self.sizes)


@dataclass(frozen=True)
class OneAdaptation:
    """One base, one seed, one row of the table."""

    setting: Setting
    base: Base
    seed: int
    row: str
    recipe: Recipe | None = None  # None for the base, which is not adapted

    @property
    def key(self) -> str:
        return f"base{self.base.number}-seed{self.seed}-{self.row}".replace(" ", "-").replace(",", "").replace("%", "percent")

    def work(self) -> Result:
        songs = self.setting.material(self.base, self.seed)
        parent = Path(self.base.path)
        if self.recipe is None:
            return {"rows": material.measure_trivial(parent, songs)}
        feedback = material.consensus_marks(songs.pool, parent, self.setting.seconds, self.seed)
        seconds = material.marked_seconds(feedback)
        recipe, replay = self.recipe, songs.replay
        if self.row == comparison.SPARING:
            recipe = replace(recipe, replay_share=0.1)
        elif self.row == comparison.WITHOUT:
            feedback = []
        elif self.row == comparison.CEILING:
            named = {song.song_name for song in feedback}
            recipe, replay = supervised(recipe, [song for song in songs.pool if song.name in named], replay)
            feedback = []
        began, cpu = time.monotonic(), time.process_time()
        with tempfile.TemporaryDirectory() as out:
            try:
                child = adapt(parent, feedback, replay, songs.validation, recipe=recipe, seed=self.seed, out=Path(out))
            except (Diverged, NoMarks) as problem:
                return {"failed": str(problem) or type(problem).__name__}
            spent = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.monotonic() - began}
            rows = {self.row: material.measure_child(child.path, parent, songs.tested)}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        more = {"chosen": child.report["chosen"], "refused_because": child.refused_because, "marked_seconds": seconds, "peak_mb": memory}
        return {"rows": rows, "recipe": asdict(recipe), **spent, **more}


def supervised(recipe: Recipe, marked: Sequence[Song], replay: Sequence[AnySong]) -> tuple[Recipe, list[AnySong]]:
    """The ceiling's recipe and songs: patches of the marked songs' true stems take the feedback's place, in the feedback's share.

    All patches are drawn as replay is, so the marked songs are repeated until they make the share of each step that feedback
    makes otherwise. Truth is known everywhere, so nothing holds the weights back, errors of both signs count alike, and the last step is
    taken as it is.
    """
    share = recipe.new_patches / max(1, recipe.replay_patches)
    repeats = max(1, round(share * len(replay) / len(marked)))
    changed = replace(
        recipe,
        replay_patches=recipe.new_patches + recipe.replay_patches,
        replay_share=1.0,
        keep_past=0.0,
        missing=1.0,
        factors=(1.0,),
        keep_every=recipe.steps,
        ewc=0.0,
        l2_sp=0.0,
        lora_rank=0,
        memory="",
        stored_outputs=0.0,
        patience=0,
    )
    return changed, [*(song for song in marked for _ in range(repeats)), *replay]


def run_figures(
    setting: Setting,
    recipe: Recipe,
    *,
    base: Base,
    bases: int,
    seeds: Sequence[int],
    out: Path,
    workers: int,
    extra: Mapping[str, Recipe] | None = None,
    base_steps: int = BASE_STEPS,
    tell: Tell = lambda *_: None,
) -> dict[str, Result]:
    """Do all runs that are not in `out` yet, from `base` and from `bases` - 1 others that are trained first; results by key."""
    rows: list[tuple[str, Recipe | None]] = [("base", None)]
    rows += [(row, recipe) for row in (comparison.OURS, comparison.CEILING, comparison.WITHOUT, comparison.SPARING)]
    rows += (extra or {}).items()

    def adaptations(base: Base) -> list[Run]:
        return [OneAdaptation(setting, base, seed, row, recipe) for seed in seeds for row, recipe in rows]

    return from_all_bases(adaptations, setting, base=base, bases=bases, base_steps=base_steps, out=out, workers=workers, tell=tell)


def from_all_bases(
    runs_from: Callable[[Base], list[Run]],
    setting: Setting,
    *,
    base: Base,
    bases: int,
    base_steps: int,
    out: Path,
    workers: int,
    tell: Tell,
) -> dict[str, Result]:
    """Do the runs from `base` and from `bases` - 1 others, which are trained first where they are not in `out`; results by key."""
    trainings = [Trained(number, str(out / "bases"), base_steps, setting.sizes.replay) for number in range(2, bases + 1)]
    # The first base's runs go beside the training of the others, whose own runs must wait.
    trained = finish([*trainings, *runs_from(base)], out, workers=workers, tell=tell)
    others = [Base(t.number, trained[t.key]["path"], trained[t.key]["hash"]) for t in trainings]
    results = finish([run for other in others for run in runs_from(other)], out, workers=workers, tell=tell) if others else {}
    return {run.key: trained[run.key] for run in runs_from(base)} | results
