"""What it costs to measure what the sound says of a track, beside separating it: `python -m learner.core.bench.signals`.

By turns on one core, separators of random weights on the same noise in stereo at 44.1 kHz: separation alone, separation with the signals
that come with it, and what takes passes of its own. Figures are CPU seconds of the quickest turn, so that other work on the machine counts
less. "In all" is what a large pool costs, where a costly separator looks again at a share of the clips (`Separator.dear_share`).
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from learner.core.choosing.signals import measure, measure_dearly
from learner.core.separate import separate
from learner.core.separators import MissingExtra, Separator, build
from learner.core.teaching.presets import PRESETS

RATE = 44_100
TURNS = 5
SUBJECTS: dict[str, tuple[float, Callable[[], Separator]]] = {  # seconds of sound, what is measured
    "small-16k (the shipped base)": (60.0, lambda: build("unet", PRESETS["small-16k"])),
    "small-44k, stereo": (60.0, lambda: build("unet", PRESETS["small-44k"] | {"channels": 2})),
    "Spleeter's pair": (20.0, lambda: build("spleeter", {"sample_rate": 22_050, "n_fft": 2048, "hop": 512})),
    "Open-Unmix": (40.0, lambda: build("openunmix", {})),
    "HDemucs": (12.0, lambda: build("hdemucs", {})),
    "HTDemucs": (12.0, lambda: build("htdemucs", {})),
}
LOOKED_AGAIN = 10.0  # seconds, a clip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m learner.core.bench.signals", description="Time of signals beside separation.")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=list(SUBJECTS), choices=list(SUBJECTS), help="some of the rows")
    options = parser.parse_args()
    torch.set_num_threads(1)
    columns = "separation", "with signals", "another look", "in all / separation", "in all / duration"
    table = Table("separator", *columns, box=None, header_style="bold")
    for name in options.only:
        seconds, make = SUBJECTS[name]
        try:
            separator = make().eval()
        except MissingExtra as missing:
            table.add_row(name, str(missing))
            continue
        table.add_row(name, *(f"{figure:.3f}" for figure in _figures(separator, seconds)))
    Console(width=130).print("CPU seconds for a second of sound, on one core")
    Console(width=130).print(table)


def _figures(separator: Separator, seconds: float) -> list[float]:
    """CPU seconds a second of sound: of separation, with signals, of another look; then the cost in all, by separation and duration."""
    mix = (0.1 * np.random.default_rng(0).standard_normal((2, round(seconds * RATE)))).astype(np.float32)
    clip = mix[:, : round(LOOKED_AGAIN * RATE)]
    ways: dict[str, tuple[float, Callable[[], object]]] = {
        "alone": (seconds, lambda: separate(separator, mix, RATE)),
        "signals": (seconds, lambda: measure(separator, [mix], RATE)),
        "again": (LOOKED_AGAIN, lambda: measure_dearly(separator, clip, RATE, 0)),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, (length, work) in ways.items():
            began = time.process_time()
            work()
            taken[name].append((time.process_time() - began) / length)
    alone, signals, again = (min(taken[name]) for name in ways)
    in_all = signals + separator.dear_share * again
    return [alone, signals, again, in_all / alone, in_all]


if __name__ == "__main__":
    main()
