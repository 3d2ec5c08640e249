"""`train`, `import`, `separate` and `evaluate`."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.table import Table

from learner.core import audio, metrics, songs
from learner.core.bench.tables import COLUMNS
from learner.core.cli.output import ABSENT, console, in_seconds, in_steps, label_of, progress_bar, say_bad, say_notes, write_json
from learner.core.cli.reading import base_or, checked_song, open_songs, recordings_in, use_threads
from learner.core.files import names, writing
from learner.core.files.room import NO_ROOM
from learner.core.judging import gate
from learner.core.separators.presets import PRESETS
from learner.core.songs import Song


def train_separator(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core.teaching.train import BASE, base_songs, train

    given = {name: value for name in ("steps", "batch", "rate") if (value := getattr(options, name)) is not None}
    is_base = not (options.folder or options.out or options.preset or options.channels or options.stem)
    config = PRESETS[options.preset or "small-16k"] | {name: value for name in ("channels", "stem") if (value := getattr(options, name))}
    stem = options.stem or "vocals"
    if not options.folder and stem != "vocals":
        raise audio.BadAudio(f"To learn {stem}, name a folder of songs that have it; generated songs teach vocals alone.")
    with_stems = open_songs(options.folder, config["sample_rate"], stem, options.part or "not held out") if options.folder else base_songs()
    out = options.out or (BASE.parent if is_base else Path("checkpoints"))
    with progress_bar("training", "steps") as tell:
        saved = train(with_stems, out=out, seed=options.seed, config=config, progress=in_steps(tell), **given)
    path = saved.path
    if is_base:
        path = saved.path.replace(BASE)
    print(f"{path}\nsha256 {saved.hash}")
    return 0


def separate_recordings(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.separate import separate_file

    separator = checkpoint.load(base_or(options.checkpoint), options.device)
    rest = {"vocals": "accompaniment.flac", "accompaniment": "vocals.flac"}.get(separator.stem, "rest.flac") if options.rest else None
    found, bad = recordings_in(options.recordings)
    notes: list[songs.Note] = []
    n_done = 0
    for files in found:
        home = options.out / names.fitting(files.name)
        source = next(iter(files.stems.values()))
        with progress_bar(files.name, "s") as tell:
            try:
                with _mixture(files) as path:
                    target = home / f"{separator.stem}.flac"
                    info = separate_file(separator, path, target, in_seconds(tell), rest=home / rest if rest else None)
                notes += [songs.Note(source, text) for text in info.notes]
                n_done += 1
            except audio.BadAudio as error:
                bad.append(songs.Bad(getattr(error, "path", source), str(error)))
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise
                bad.append(songs.Bad(source, f"It cannot be read, or {names.readable(home)} cannot be written: {error.strerror}."))
    say_notes(notes)
    say_bad(bad)
    print(f"{n_done} of {len(found)} recordings in {options.out}")
    return 0 if n_done else 1


@contextmanager
def _mixture(files: songs.SongFiles) -> Iterator[Path]:
    """The file of a song's mix, or one made for the while where the mix lies in its stems or a packed file. Raises BadSong."""
    if files.mixture and not files.packing:
        yield files.mixture
        return
    song = checked_song(songs.mix_of(files) if files.mixture else files)
    with tempfile.TemporaryDirectory() as folder:
        yield writing.write(Path(folder) / "mixture.flac", song.mixture, song.sample_rate)


def import_weights_of(options: argparse.Namespace) -> int:
    from learner.core.separators.importing import import_weights

    config = options.config | {"stem": options.stem}
    saved = import_weights(options.weights, architecture=options.architecture, config=config, out=options.out)
    if saved.prefix:
        print(f"taken from under {names.readable(saved.prefix)}")
    if saved.passed_over:
        print(f"passed over, since the network has no such part: {', '.join(map(names.readable, saved.passed_over))}")
    print(f"{saved.path}\nsha256 {saved.hash}")
    return 0


def evaluate_checkpoints(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.separate import separate

    paths = options.checkpoint or [base_or(None)]
    separators = {label_of(path, paths): checkpoint.load(path) for path in paths}
    first = next(iter(separators.values()))
    pieces = open_songs(options.folder, first.sample_rate, first.stem, options.part)
    figures: dict[str, dict[str, dict[str, float]]] = {name: {} for name in ("silence", "mixture", *separators)}
    with progress_bar("measuring", "songs") as tell:
        for done, piece in enumerate(pieces, start=1):
            song = piece if isinstance(piece, Song) else piece.load(first.sample_rate)
            assert song.vocals is not None
            estimates = {"silence": np.zeros_like(song.mixture), "mixture": song.mixture}
            estimates |= {name: separate(separator, song.mixture, song.sample_rate) for name, separator in separators.items()}
            reference = estimates[next(iter(separators))]
            for name, estimate in estimates.items():
                figures[name][song.name] = gate.measure_song(estimate, song.vocals, song.mixture, song.sample_rate, reference)
            tell(done, len(pieces), song.name)
    summaries = {name: _summary(list(by_song.values())) for name, by_song in figures.items()}
    table = Table("estimate", *COLUMNS.values(), box=None, header_style="bold")
    for name, summary in summaries.items():
        table.add_row(name, *(ABSENT if math.isnan(summary[column]) else f"{summary[column]:.2f}" for column in COLUMNS))
    console().print(table)
    print(f"{len(pieces)} songs; means over songs, SDR median: median over songs. Silence always has an SDR of 0 dB.")
    if options.json:
        write_json(options.json, {name: {"summary": summaries[name], "songs": figures[name]} for name in figures})
    return 0


def _summary(by_song: list[dict[str, float]]) -> dict[str, float]:
    at_level = float(np.mean([song[gate.AT_PARENT_VOICE] for song in by_song]))
    return metrics.summary(by_song) | {gate.AT_PARENT_VOICE: at_level}
