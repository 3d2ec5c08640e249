"""`evaluate`: checkpoints on songs with stems, beside silence and the mixture."""

from __future__ import annotations

import argparse
import math

import numpy as np
from rich.table import Table

from learner.core import metrics
from learner.core.bench.tables import COLUMNS
from learner.core.cli.output import ABSENT, console, label_of, progress_bar, write_json
from learner.core.cli.reading import base_or, open_songs, use_threads
from learner.core.judging import gate
from learner.core.songs import Song
from learner.core.songs.stem_words import said_of


def evaluate_checkpoints(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.checkpoint import BadCheckpoint
    from learner.core.separate import separate

    paths = options.checkpoint or [base_or(None)]
    separators = {label_of(path, paths): checkpoint.load(path) for path in paths}
    first = next(iter(separators.values()))
    for name, separator in separators.items():
        if separator.stem != first.stem:
            raise BadCheckpoint(
                f"{name} extracts {separator.stem}, {next(iter(separators))} {first.stem}: checkpoints of one stem are compared."
            )
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
    table = Table("estimate", *(said_of(first.stem, heading) for heading in COLUMNS.values()), box=None, header_style="bold")
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
