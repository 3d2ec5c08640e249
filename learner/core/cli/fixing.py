"""`fix`: one song and its marks; its vocals and accompaniment before and after."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from learner.core import audio, metrics, songs
from learner.core.bases import base_file
from learner.core.cli.marks import Mark, of_one_song
from learner.core.cli.output import in_seconds, in_steps, progress_bar, say_bad, say_notes
from learner.core.cli.reading import checked_song, use_threads
from learner.core.cli.separating import mixture_of, rest_of
from learner.core.files import names

if TYPE_CHECKING:
    from learner.core.songs import Song

FELL_DB = 6.0  # by which a frame beside the marks fell, to be told of
HEARD_DB = -30.0  # of the loudest second, from which on a frame counts as heard
BEFORE, AFTER = "before", "after"


def fix_song(options: argparse.Namespace) -> int:
    files = songs.mix_of(songs.of_file(options.song))
    infos = songs.check(files)
    marks, heard = of_one_song(options.marks, files.name, infos["mixture"].duration)
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.teaching import one_song
    from learner.core.teaching.feedback import MarkedSong

    with progress_bar("fetching", "MB") as tell:
        base = base_file(options.base, Path("checkpoints"), tell)
    about = checkpoint.about(base)
    song = songs.load(files, about.sample_rate)
    marked = MarkedSong(song.name, song.sample_rate, song.mixture, marks, heard)
    others = _others(options.songs, about.sample_rate)
    options.out.mkdir(parents=True, exist_ok=True)
    # What fails leaves nothing behind: all is made in here, and put into place at the end.
    with tempfile.TemporaryDirectory(dir=options.out, prefix=".fix-") as made:
        scratch = Path(made)
        with progress_bar("adapting", "steps") as tell:
            adapted = one_song.fit(base, marked, others, changes=options.recipe, seed=options.seed, out=scratch, progress=in_steps(tell))
        with mixture_of(files) as mix:
            for when, weights in ((BEFORE, base), (AFTER, adapted.path)):
                stem = scratch / when / f"{about.stem}.flac"
                with progress_bar(f"separating ({when})", "s") as tell:
                    info = separate_into(weights, mix, stem, in_seconds(tell))
        before, after = (_levels(_written(scratch / when, about.stem)) for when in (BEFORE, AFTER))
        change = changed(before, after, marks)
        text = report(files.name, options.base, marks, change, adapted.report, adapted.refused_because)
        (scratch / "report.txt").write_text(text, encoding="utf-8")
        home = options.out / names.fitting(files.name)
        _put(scratch, home)
        if options.checkpoint:
            checkpoint.write_whole(options.checkpoint, adapted.path.read_bytes())
    say_notes([*songs.notes(files, infos), *(songs.Note(options.song, note) for note in info.notes)])
    if adapted.refused_because:
        print(f"Not fit to be used: {adapted.refused_because}.", file=sys.stderr)
    print(f"{text}\n{home}: {BEFORE}/ and {AFTER}/" + (f"\n{options.checkpoint}" if options.checkpoint else ""))
    return 0


def separate_into(weights: Path, mix: Path, stem: Path, tell: Callable[[float, float], None]) -> audio.Info:
    """Write what a checkpoint makes of a mix, and the rest beside it."""
    from learner.core import checkpoint
    from learner.core.separate import separate_file

    separator = checkpoint.load(weights)
    return separate_file(separator, mix, stem, tell, rest=stem.with_name(rest_of(separator.stem)))


def _others(folder: Path | None, sample_rate: int) -> list[Song]:
    """The songs of a folder as mixes, which are to stay as they are; what cannot be used is named."""
    if folder is None:
        return []
    found, bad = songs.scan(folder)
    others = []
    for files in found:
        try:
            others.append(checked_song(songs.mix_of(files) if files.mixture else files, sample_rate))
        except songs.BadSong as error:
            bad.append(songs.Bad(error.path, str(error)))
    say_bad(bad)
    return [songs.Song(song.name, song.sample_rate, song.mixture) for song in others]


def _put(made: Path, home: Path) -> None:
    """Put the results into the song's folder, in the place of an earlier run's."""
    home.mkdir(parents=True, exist_ok=True)
    for when in (BEFORE, AFTER):
        shutil.rmtree(home / when, ignore_errors=True)
        (made / when).replace(home / when)
    (made / "report.txt").replace(home / "report.txt")


# ---- what changed


@dataclass(frozen=True)
class Change:
    """What the stem lost from before to after."""

    marks_db: float  # level on the marks
    elsewhere_db: float  # level beside them
    fell: list[metrics.Region]  # stretches beside the marks that were heard and fell by `FELL_DB` or more; seconds


def changed(before: NDArray[np.float64], after: NDArray[np.float64], marks: Sequence[Mark]) -> Change:
    """Compare the levels (dBFS) of frames of 0.1 s."""
    rate = 10  # frames a second
    n = min(len(before), len(after))
    before, after = before[:n], after[:n]
    inside = metrics.samples_in([(start, end) for start, end, _ in marks], n, rate)
    heard = before > max(metrics.SILENCE_DBFS, before.max(initial=-np.inf) + HEARD_DB)
    fell = heard & ~inside & (before - after >= FELL_DB)
    return Change(_level(after[inside]) - _level(before[inside]), _level(after[~inside]) - _level(before[~inside]), _runs(fell))


def _level(levels: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (levels / 10)) + 1e-12)) if len(levels) else float("nan")


def _runs(frames: NDArray[np.bool_]) -> list[metrics.Region]:
    """Runs of frames in seconds, gaps of up to half a second closed, without those shorter than that."""
    at = np.flatnonzero(frames) / 10
    runs: list[list[float]] = []
    for start in at.tolist():
        if runs and start - runs[-1][1] <= 0.5:
            runs[-1][1] = start + 0.1
        else:
            runs.append([start, start + 0.1])
    return [(start, end) for start, end in runs if end - start >= 0.5]


def _levels(path: Path) -> NDArray[np.float64]:
    rate = audio.header(path)[1]
    return np.concatenate([metrics.frame_levels(block, rate) for block in audio.blocks(path, 100 * round(rate / 10))])


def _written(folder: Path, stem: str) -> Path:
    """Where a stem was written: a FLAC, or a float WAV where it is over full scale."""
    return next(path for ending in (".flac", ".wav") if (path := folder / f"{stem}{ending}").exists())


def report(name: str, base: str, marks: Sequence[Mark], change: Change, adapted: dict[str, object], refused_because: str) -> str:
    """What was taken away, what was kept, how far the child went and what held it back; some lines."""
    chosen = adapted["chosen"]
    assert isinstance(chosen, dict)
    seconds = sum(end - start for start, end, _ in marks)
    lines = [f"{name}, {len(marks)} marks of {seconds:.1f} s in all, base {base}"]
    if refused_because:
        lines.append(f"NOT FIT TO BE USED: {refused_because}.")
    lines.append(f"On the marks: {change.marks_db:+.1f} dB. Elsewhere: {change.elsewhere_db:+.1f} dB.")
    if change.fell:
        where = ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in change.fell)
        lines.append(
            f"Elsewhere {sum(e - s for s, e in change.fell):.1f} s fell by {FELL_DB:g} dB or more; listen whether that was bleed: {where}."
        )
    else:
        lines.append(f"Elsewhere nothing fell by {FELL_DB:g} dB or more.")
    kept = [
        f"{what} {value:+.2f} dB"
        for what, value in (
            ("the voice beside the marks", chosen["kept_db"]),
            ("voices over its band", chosen["past_db"]),
        )
        if isinstance(value, float) and np.isfinite(value)
    ]
    lines.append(f"Kept: {'; '.join(kept) or 'nothing that could be measured'}.")
    lines.append(str(adapted["held_back"]))
    return "\n".join(lines) + "\n"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
