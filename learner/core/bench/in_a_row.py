"""Rounds in a row, as a campaign has them: does what a round teaches add up, and does what the base knew last?

In every round a few clips are marked as three people's consensus would mark the current checkpoint's estimates; it is adapted on all
marks so far; the gate, with songs of its own, lets the child take its place, or the parent stays.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from learner.core import checkpoint, metrics
from learner.core.bench import material
from learner.core.bench.comparison import Figure
from learner.core.bench.figures import BASE_STEPS, Setting, from_all_bases
from learner.core.bench.material import Base, Material
from learner.core.bench.rounds import CLIP, N_CLIPS, mark
from learner.core.bench.runs import Result, Run, Tell, with_nan, write_whole
from learner.core.bench.tables import FALSE_POSITIVES
from learner.core.files.plain import plain
from learner.core.judging import gate
from learner.core.judging.evidence import Evidence, judge
from learner.core.separate import separate
from learner.core.teaching.adapt import Diverged, NoMarks, adapt
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.recipe import Recipe, next_strength

LEAST_PROMOTED = 0.5  # of the rounds
SOURCE = ("song_sdr", "sdr_mean", "sdr_median")


@dataclass(frozen=True)
class Rounds:
    """All rounds of one base and seed. Their checkpoints and the state between rounds lie in `folder`."""

    setting: Setting
    recipe: Recipe
    base: Base
    seed: int
    rounds: int
    folder: str

    @property
    def key(self) -> str:
        return f"rounds-base{self.base.number}-seed{self.seed}"

    def work(self) -> Result:
        songs = self.setting.material(self.base, self.seed)
        home = Path(self.folder) / self.key
        state = self._begun(home)
        for number in range(len(state["rounds"]), self.rounds):
            state["rounds"].append(self._round(number, state, songs, home))
            write_whole(home / "state.json", json.dumps(plain(state)) + "\n")
        return {"before": self._measured(Path(self.base.path), songs), "rounds": state["rounds"]}

    def _begun(self, home: Path) -> dict[str, Any]:
        """What is left of a run that was stopped between two rounds, if it was this very one."""
        home.mkdir(parents=True, exist_ok=True)
        this = json.loads(json.dumps([asdict(self.setting), asdict(self.recipe), self.base.hash, self.seed], default=str))
        path = home / "state.json"
        if path.exists():
            state: dict[str, Any] = with_nan(json.loads(path.read_text(encoding="utf-8")))
            if state["of"] == this and len(state["rounds"]) <= self.rounds:
                return state
        return {"of": this, "current": self.base.path, "marked": {}, "rounds": [], "strength": self.recipe.strength}

    def _round(self, number: int, state: dict[str, Any], songs: Material, home: Path) -> Result:
        """Mark, adapt, let through or not; changes `state`."""
        parent, base = Path(state["current"]), Path(self.base.path)
        self._mark(number, state["marked"], parent, songs)
        feedback = [
            MarkedSong(songs.pool[int(i)].name, songs.pool[int(i)].sample_rate, songs.pool[int(i)].mixture, of["marks"], of["heard"])
            for i, of in state["marked"].items()
        ]
        recipe = replace(self.recipe, strength=state["strength"])
        told: Result = {"marked_seconds": material.marked_seconds(feedback), "promoted": False, "strength": recipe.strength}
        try:
            child = adapt(parent, feedback, songs.replay, songs.validation, recipe=recipe, seed=self.seed + number, out=home, base=base)
        except (Diverged, NoMarks) as problem:
            return told | {"failed": str(problem) or type(problem).__name__}
        gate_songs = material.gate_songs(self.seed) | ({"target": songs.gain} if self.setting.songs else {})
        verdict = judge(parent, child.path, Evidence(gate_songs), base=None if parent == base else base)
        promoted = not child.refused_because and verdict.promote
        if promoted:
            state["current"] = str(child.path)
        state["strength"] = next_strength(recipe.strength, promoted=promoted, costly=verdict.costly)
        told |= {
            "promoted": promoted,
            "refused_because": child.refused_because,
            "verdict": verdict.reasons,
            "chosen": child.report["chosen"],
        }
        return told | self._measured(child.path, songs)

    def _mark(self, number: int, marked: dict[str, Any], parent: Path, songs: Material) -> None:
        """Add the marks of this round's clips to `marked`."""
        clips = [(index, start) for index, song in enumerate(songs.pool) for start in np.arange(0, max(song.duration - CLIP / 2, 1), CLIP)]
        order = np.random.default_rng([self.seed, 7]).permutation(len(clips))
        generator = np.random.default_rng([self.seed, 7, number])
        separator = checkpoint.load(parent)
        for at in order[number * N_CLIPS : (number + 1) * N_CLIPS]:
            index, start = clips[at]
            song = songs.pool[index]
            clip = (float(start), float(min(start + CLIP, song.duration)))
            estimate = separate(separator, song.mixture, song.sample_rate)
            known = marked.setdefault(str(index), {"marks": [], "heard": []})
            known["marks"] += [list(m) for m in mark(song, estimate, clip, generator)]
            known["heard"].append(list(clip))

    def _measured(self, path: Path, songs: Material) -> Result:
        """Means over the tested songs of each domain; false positives also at the base's voice level."""
        sets = material.measure_child(path, Path(self.base.path), songs.tested)
        figures = {}
        for domain, by_song in sets.items():
            of_songs = [song["figures"] for song in by_song.values()]
            at_level = float(np.mean([song[gate.AT_PARENT_VOICE] for song in of_songs]))
            medians = float(np.mean([song["sdr_median"] for song in of_songs]))
            figures[domain] = metrics.summary(of_songs) | {gate.AT_PARENT_VOICE: at_level, "sdr_median": medians}
        return {"figures": figures}


def lines_of(results: Mapping[str, Result]) -> list[Figure]:
    """The lines of the table on rounds in a row: means over bases and seeds, the worst of them for what must never happen."""
    runs = [result for result in results.values() if "rounds" in result]
    if not runs:
        return []
    promoted = [sum(r["promoted"] for r in run["rounds"]) for run in runs]
    against_first, lost = [], []
    for run in runs:
        measured = [r for r in run["rounds"] if "figures" in r]
        passed = [r for r in measured if r["promoted"]]
        if measured and passed:
            first, last = (r["figures"]["target"][FALSE_POSITIVES] for r in (measured[0], passed[-1]))
            against_first.append(100 * (last / first - 1) if first else 0.0)
        before = run["before"]["figures"]["source"]
        lost.append(max([before[f] - r["figures"]["source"][f] for r in passed for f in SOURCE], default=0.0))
    n_rounds = max(len(run["rounds"]) for run in runs)

    def line(name: str, values: list[float], value: float, threshold: float, unit: str, *, least: bool) -> Figure:
        return Figure(name, value, min(values, default=np.nan), max(values, default=np.nan), threshold, threshold, unit, least)

    return [
        line(
            f"promoted of {n_rounds} rounds",
            list(map(float, promoted)),
            float(np.mean(promoted)),
            LEAST_PROMOTED * n_rounds,
            "",
            least=True,
        ),
        line(
            "false positives of the last promoted child against round 1's",
            against_first,
            float(np.mean(against_first)) if against_first else float("nan"),
            -25,
            "%",
            least=False,
        ),
        line("most that a promoted child lost on source songs against the base", lost, max(lost), 0.5, "dB", least=False),
    ]


def enough_songs(setting: Setting, n_rounds: int) -> Setting:
    """As many songs in the pool as the rounds' clips need."""
    clips = max(1, round(setting.sizes.duration / CLIP))
    return replace(setting, sizes=replace(setting.sizes, pool=-(-n_rounds * N_CLIPS // clips)))


def run_rounds(
    setting: Setting,
    recipe: Recipe,
    n_rounds: int,
    *,
    base: Base,
    bases: int,
    seeds: Sequence[int],
    out: Path,
    workers: int,
    tell: Tell = lambda *_: None,
) -> dict[str, Result]:
    """Rounds in a row from every base and seed that are not in `out` yet; results by key."""
    setting = enough_songs(setting, n_rounds)

    def runs_from(base: Base) -> list[Run]:
        return [Rounds(setting, recipe, base, seed, n_rounds, str(out / "rounds")) for seed in seeds]

    return from_all_bases(runs_from, setting, base=base, bases=bases, base_steps=BASE_STEPS, out=out, workers=workers, tell=tell)
