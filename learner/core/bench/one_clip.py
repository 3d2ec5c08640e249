"""What one clip's marks change in it, and how long that takes: `python -m learner.core.bench.one_clip SONGS` (`teaching/one_clip.py`).

Of each song with stems the 15 s are taken in which the base leaks most while somebody also sings. Their false positives are marked, by
the truth: all of them, and then every second one alone, which shows how far the others follow. One thread.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from learner.core import checkpoint, metrics, songs
from learner.core.audio import Samples
from learner.core.bases import SHIPPED, base_file
from learner.core.separate import separate
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.one_clip import fit_clip

CLIP = 15.0  # seconds
STEP = 5.0  # seconds between two clips that are looked at
SHORTEST = 0.4  # seconds of a mark
LEAKING, SUNG = 1.0, 3.0  # seconds that a clip must have of both
Span = tuple[float, float]


@dataclass(frozen=True)
class Clip:
    """15 s of a song, (channels, samples) each, and where the base leaks."""

    name: str
    rate: int
    mixture: Samples
    vocals: Samples
    leaks: list[Span]  # seconds of the clip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m learner.core.bench.one_clip", description=__doc__.partition("\n")[0])
    parser.add_argument("songs", type=Path, help="folder of songs with stems")
    parser.add_argument("--base", default=SHIPPED, metavar="NAME-OR-FILE", help="default: shipped")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base = base_file(options.base, Path("checkpoints"))
    table = Table("song", "marks", "seconds", "on the marks", "unmarked leaks", "true voice", "sung SDR", "CPU s", "s (load)", box=None)
    for files in songs.scan(options.songs)[0]:
        clip = leaking_clip(songs.load(files), base)
        if clip is None:
            table.add_row(files.name, "does not leak while somebody also sings", *[""] * 7)
            continue
        for marks in (clip.leaks, clip.leaks[::2]) if len(clip.leaks) > 1 else (clip.leaks,):
            table.add_row(*row(clip, marks, base))
    Console(width=130).print(table)


def leaking_clip(song: songs.Song, base: Path) -> Clip | None:
    """Where the base leaks most; None: nowhere for `LEAKING` seconds beside `SUNG` that are sung."""
    assert song.vocals is not None
    rate, estimate = song.sample_rate, separate(checkpoint.load(base), song.mixture, song.sample_rate)
    wrong, sung = metrics.false_positive_regions(estimate, song.vocals, rate), metrics.active_regions(song.vocals, rate)
    best: tuple[float, float, list[Span]] | None = None
    for start in np.arange(0, song.duration - CLIP, STEP).tolist():
        leaks, voice = ([(max(s, start) - start, min(e, start + CLIP) - start) for s, e in some if s < start + CLIP and e > start]
                        for some in (wrong, sung))  # fmt: skip
        leaks = [(s, e) for s, e in leaks if e - s >= SHORTEST]
        found = length(leaks), start, leaks
        if found[0] >= LEAKING and length(voice) >= SUNG and (best is None or found[0] > best[0]):
            best = found
    if best is None:
        return None
    _, start, leaks = best
    cut = slice(round(start * rate), round((start + CLIP) * rate))
    return Clip(song.name, rate, song.mixture[:, cut], song.vocals[:, cut], leaks)


def row(clip: Clip, marks: Sequence[Span], base: Path) -> list[str]:
    before = separate(checkpoint.load(base), clip.mixture, clip.rate)
    began, cpu = time.monotonic(), time.process_time()
    song = MarkedSong(clip.name, clip.rate, clip.mixture, [(*mark, 1.0) for mark in marks], [(0.0, CLIP)])
    after = fit_clip(checkpoint.load(base), song)
    wall, spent = time.monotonic() - began, time.process_time() - cpu
    assert after is not None
    sung = metrics.samples_in(metrics.active_regions(clip.vocals, clip.rate), clip.vocals.shape[1], clip.rate)
    voice = [metrics.projection(one, clip.vocals, clip.rate) for one in (before, after)]
    sdr = [metrics.mdx_sdr((clip.vocals[:, sung] ** 2).sum(), ((clip.vocals - one)[:, sung] ** 2).sum()) for one in (before, after)]
    others = [leak for leak in clip.leaks if leak not in marks]
    return [
        clip.name,
        str(len(marks)),
        f"{length(marks):.1f}",
        change(before, after, marks, clip.rate),
        change(before, after, others, clip.rate) if others else "",
        f"{20 * np.log10(max(voice[1], 1e-6) / max(voice[0], 1e-6)):+.1f} dB",
        f"{float(sdr[1] - sdr[0]):+.1f} dB",
        f"{spent:.1f}",
        f"{wall:.1f} ({os.getloadavg()[0]:.1f} of {os.cpu_count()})",
    ]


def change(before: Samples, after: Samples, spans: Sequence[Span], rate: int) -> str:
    """Of the level over some stretches, in dB."""
    inside = metrics.samples_in(spans, before.shape[1], rate)
    return f"{metrics.level_dbfs(after[:, inside]) - metrics.level_dbfs(before[:, inside]):+.1f} dB"


def length(spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in spans)


if __name__ == "__main__":
    main()
