"""`evaluate`: checkpoints on songs with stems, beside silence and the mixture."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from learner.core import metrics
from learner.core.bench.tables import COLUMNS
from learner.core.cli.output import ABSENT, console, label_of, progress_bar, write_json
from learner.core.cli.reading import base_or, open_songs, use_threads
from learner.core.judging import gate
from learner.core.judging.stem_words import said_of
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong

if TYPE_CHECKING:
    from learner.core.separators import Separator

COST = "cpu_seconds_per_minute"


@dataclass
class Measured:
    """What one separator, or silence or the mixture, makes of songs."""

    songs: dict[str, dict[str, float]]
    cpu_seconds: float = math.nan
    minutes: float = 0.0

    @property
    def summary(self) -> dict[str, float]:
        by_song = list(self.songs.values())
        at_level = float(np.mean([song[gate.AT_PARENT_VOICE] for song in by_song]))
        return metrics.summary(by_song) | {gate.AT_PARENT_VOICE: at_level, COST: self.cpu_seconds / self.minutes}


def evaluate_checkpoints(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.checkpoint import BadCheckpoint

    paths = options.checkpoint or [base_or(None)]
    separators = {label_of(path, paths): checkpoint.load(path) for path in paths}
    first = next(iter(separators.values()))
    for name, separator in separators.items():
        if separator.stem != first.stem:
            raise BadCheckpoint(
                f"{name} extracts {separator.stem}, {next(iter(separators))} {first.stem}: checkpoints of one stem are compared."
            )
    pieces = open_songs(options.folder, first.sample_rate, first.stem, options.part)
    with progress_bar("measuring", "songs") as tell:
        found = measure(separators, pieces, tell)
    show(found, first.stem)
    if options.json:
        write_json(options.json, {name: {"summary": one.summary, "songs": one.songs} for name, one in found.items()})
    return 0


def measure(
    separators: Mapping[str, Separator], pieces: Sequence[AnySong], tell: Callable[[int, int, str], None] = lambda *_: None
) -> dict[str, Measured]:
    """Silence, the mixture and what each separator makes of songs with stems; the first one's voice level is everybody's."""
    from learner.core.separate import separate

    first = next(iter(separators.values()))
    found = {"silence": Measured({}), "mixture": Measured({})} | {name: Measured({}, 0.0) for name in separators}
    for done, piece in enumerate(pieces, start=1):
        song = piece if isinstance(piece, Song) else piece.load(first.sample_rate)
        assert song.vocals is not None
        estimates = {"silence": np.zeros_like(song.mixture), "mixture": song.mixture}
        for name, separator in separators.items():
            began = time.process_time()
            estimates[name] = separate(separator, song.mixture, song.sample_rate)
            found[name].cpu_seconds += time.process_time() - began
        reference = estimates[next(iter(separators))]
        for name, estimate in estimates.items():
            found[name].songs[song.name] = gate.measure_song(estimate, song.vocals, song.mixture, song.sample_rate, reference)
            found[name].minutes += song.duration / 60
        tell(done, len(pieces), song.name)
    return found


def show(found: Mapping[str, Measured], stem: str) -> None:
    columns = {**COLUMNS, COST: "CPU s/min"}
    table = Table("estimate", *(said_of(stem, heading) for heading in columns.values()), box=None, header_style="bold")
    for name, one in found.items():
        summary = one.summary
        table.add_row(name, *(ABSENT if math.isnan(summary[column]) else f"{summary[column]:.2f}" for column in columns))
    console().print(table)
    n_songs = max(len(one.songs) for one in found.values())
    print(f"{n_songs} songs; means over songs, SDR median: median over songs. Silence always has an SDR of 0 dB.")
