"""One song at hand: a base is fitted to a song by three marks in it, and measured on the rest of that same song, as `fix` does it."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from learner.core import checkpoint, metrics
from learner.core.bench import comparison, material, real, real_report, report
from learner.core.bench.comparison import OURS, Figure, Table
from learner.core.bench.material import Base, Material, TooFewSongs
from learner.core.bench.real import OUTSIDE, WHOLE, Heard, measure, trivial, whole_child
from learner.core.bench.real_material import Experiment, audible, excerpts, held, leads, mix, over, rate_of
from learner.core.bench.rounds import mark, vocals_of
from learner.core.bench.runs import Result, Tell, finish, write_whole
from learner.core.bench.tables import FALSE_POSITIVES, comma_separated, markdown
from learner.core.files.plain import plain
from learner.core.judging import gate
from learner.core.songs import Song
from learner.core.teaching import one_song
from learner.core.teaching.adapt import Diverged, NoMarks, NoReplay
from learner.core.teaching.feedback import Mark, MarkedSong

LENGTH = 60.0  # seconds of the song
BLOCK = 5.0  # seconds in which voice and lead take turns
N_MARKS, SHORTEST, LONGEST = 3, 3.0, 5.0  # marks, and their seconds
ONE_MARK = 0.8  # seconds between false positives that are one to a listener
WITH_OTHERS = "ours, with other songs that must stay"
COLUMNS = (
    *((heading, OUTSIDE, figure) for heading, domain, figure in comparison.COLUMNS if domain == "target"),
    ("held voices song SDR", "held voices", "song_sdr"),
)


@dataclass(frozen=True)
class OneSong:
    """One base, one song, one row of the table."""

    experiment: Experiment
    base: Base
    seed: int
    row: str
    changes: str | None = None  # to the recipe, as JSON; None for the base, which is not adapted

    @property
    def key(self) -> str:
        return f"base{self.base.number}-seed{self.seed}-{self.row}".replace(" ", "-").replace(",", "")

    def work(self) -> Result:
        heard = hear(self.experiment, self.base, self.seed)
        (song,) = heard.feedback
        seconds = material.marked_seconds(heard.feedback)
        if self.changes is None:
            return {"rows": trivial(heard), "song": song.song_name, "marks": [list(one) for one in song.marks]}
        others = [one for one in heard.songs.replay if isinstance(one, Song)] if self.row == WITH_OTHERS else []
        began, cpu, parent = time.monotonic(), time.process_time(), Path(self.base.path)
        with tempfile.TemporaryDirectory() as out:
            try:
                child = one_song.fit(parent, song, others, changes=json.loads(self.changes), seed=self.seed, out=Path(out))
            except (Diverged, NoMarks, NoReplay) as problem:
                return {"failed": str(problem) or type(problem).__name__}
            spent = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.monotonic() - began}
            rows = {self.row: measure(child.path, heard)}
            if self.row == OURS:
                rows[WHOLE] = measure(whole_child(parent, child.path, child.report["chosen"]["factor"], Path(out)), heard)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        more = {"report": child.report, "refused_because": child.refused_because, "marked_seconds": seconds, "peak_mb": memory}
        return {"rows": rows, **spent, **more}


@lru_cache(maxsize=1)
def hear(experiment: Experiment, base: Base, seed: int) -> Heard:
    """The song of one run, what the base makes of it, its three marks, and excerpts of the other songs.

    With each seed it is another song, of which the base gives the voice, and where leads leak. Raises TooFewSongs.
    """
    parent = Path(base.path)
    separator = checkpoint.load(parent)
    rate, names = rate_of(separator.sample_rate), experiment.names
    long = replace(experiment, sizes=replace(experiment.sizes, excerpt=LENGTH))
    generator, taken = np.random.default_rng([seed, 13]), set[tuple[str, float]]()
    for turn in range(2 * len(names)):
        name = names[(seed - 1 + turn) % len(names)]
        for plain_song in excerpts(long, [name], 1, rate, generator, taken):
            song = plain_song
            if experiment.shift != "songs":
                player = leads(experiment)[seed % 2].one(generator)
                song = over(audible(song), player, "lead", generator, blocks=round(LENGTH / BLOCK))
            (estimate,) = material.estimates_of(parent, [song])
            marks = three_marks(song, estimate, generator)
            given = metrics.projection(estimate, vocals_of(song), rate) > 10 ** (real.VOICE_DB / 20)
            if given and len(marks) == N_MARKS:
                others = [mix(one) for other in names if other != name for one in excerpts(experiment, [other], 1, rate, generator, taken)]
                voices = [held(Path(path), rate) for path in experiment.sounds.voices]
                tested = {"held voices": voices} if voices else {}
                feedback = [MarkedSong(song.name, rate, song.mixture, marks, [(0.0, song.duration)])]
                estimates = {domain: material.estimates_of(parent, some) for domain, some in tested.items()}
                return Heard(Material(others, [song], [], [song], tested), feedback, estimates, [estimate])
    raise TooFewSongs("In none of these songs does the base give the voice and leave three false positives to mark.")


def three_marks(song: Song, estimate: material.Samples, generator: np.random.Generator) -> list[Mark]:
    """Three of the longer false positives of a song, of 3 to 5 s of which one is marked; fewer where there are not so many."""
    heard: list[list[float]] = []
    for start, end, _ in sorted(mark(song, estimate, (0.0, song.duration), generator)):
        if heard and start - heard[-1][1] < ONE_MARK:
            heard[-1][1] = end
        else:
            heard.append([start, end])
    long = [one for one in heard if one[1] - one[0] >= SHORTEST]
    marks: list[Mark] = []
    for at in sorted(generator.permutation(len(long))[:N_MARKS]):
        start, end = long[at]
        length = min(end - start, float(generator.uniform(SHORTEST, LONGEST)))
        begin = float(generator.uniform(start, end - length))
        marks.append((begin, begin + length, 1.0))
    return marks


def run_one_song(
    experiment: Experiment,
    bases: Sequence[Base],
    rows: Mapping[str, Mapping[str, Any]],
    *,
    seeds: Sequence[int],
    out: Path,
    workers: int,
    tell: Tell = lambda *_: None,
) -> dict[str, Result]:
    """Do all runs that are not in `out` yet; results by key. `rows` have the changes to the default recipe."""
    runs = []
    for base in bases:
        for seed in seeds:
            runs.append(OneSong(experiment, base, seed, "base"))
            runs += [OneSong(experiment, base, seed, row, json.dumps(changes, sort_keys=True)) for row, changes in rows.items()]
    return finish(runs, out, workers=workers, tell=tell)


def lines_of(table: Table, row: str) -> list[Figure]:
    """What is to be reached in the marked song outside its marks, of one row."""

    def change(figure: str) -> tuple[float, float, float]:
        return table.compare(OUTSIDE, figure, (row, "base"), lambda child, base: child - base)

    def percent(figure: str) -> tuple[float, float, float]:
        return table.compare(OUTSIDE, figure, (row, "base"), lambda child, base: 100 * (child / base - 1))

    held_voices = table.compare("held voices", "song_sdr", (row,), lambda own: own)
    found = [
        Figure("false-positive seconds per minute", *percent(FALSE_POSITIVES), -40, -70, "%", False),
        Figure("the same at equal voice level", *percent(gate.AT_PARENT_VOICE), -40, -70, "%", False),
        Figure("true voice kept", *change("voice_kept_db"), -0.2, 0, "dB", True),
        Figure("song SDR", *change("song_sdr"), 0, 1, "dB", True),
        Figure("SI-SDR", *change("si_sdr"), 0, 1, "dB", True),
        Figure("held voices' song SDR", *held_voices, 30, 35, "dB", True),
    ]
    return [line for line in found if not np.isnan(line.value)]


def write(experiment: Experiment, names: Mapping[int, str], results: Mapping[str, Result], out: Path) -> str:
    """Write one_song.md, .csv and .json into `out`; return the Markdown. `names` are the bases', by number."""
    table = Table(results)
    text = (
        f"**One song at hand.** {real_report.shift_in_words(experiment)} Three marks in one song of {LENGTH:g} s; the figures are of the "
    )
    text += "rest of that song. Means over bases and songs, 95 % intervals by paired bootstrap over 10 s segments within runs.\n"
    lines: dict[str, list[Figure]] = {}
    for number, name in names.items():
        own = Table({key: result for key, result in results.items() if key.startswith(f"base{number}-")})
        for row in (OURS, WHOLE):
            if found := lines_of(own, row):
                lines[f"{name}: {row}"] = found
                text += f"\n**{name}**, {row}:\n\n" + report.line_table(found)
    headings = ["row (change against base)", *(heading for heading, _, _ in COLUMNS)]
    beside = comparison.rows_beside(table, COLUMNS)
    text += "\n" + markdown(headings, beside) + real_report.how_far(results)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "one_song.md", text)
    write_whole(out / "one_song.csv", comma_separated(headings, beside))
    content = {
        "figures": {name: [asdict(line) | {"passes": line.passes} for line in found] for name, found in lines.items()},
        "rows": [dict(zip(headings, cells, strict=True)) for cells in beside],
    }
    write_whole(out / "one_song.json", json.dumps(plain(content), indent=1) + "\n")
    return text
