"""How fast and how large separation is: `python -m learner.core.bench.separation`.

Sets the small U-Nets and Spleeter's pair beside Open-Unmix at its published size, all of random weights, on one core and the same minute
of stereo at 44.1 kHz, by turns; figures are CPU seconds of the quickest turn, so that other work on the machine counts less. The U-Nets
at 16 kHz give the same minute at 44.1 kHz, of which they hear what lies under 8 kHz; resampling there and back is in their figures, but
what lies above is lost, as Open-Unmix's published models lose what lies above 16 kHz. Open-Unmix comes three times: its network for the
voice alone as our adapter runs it, in pieces; the same in the package's own separator, without its Wiener filter, the minute at once; and
that separator with the four networks and the filter, as it is by default. Then the peak memory of a process that separates a file of one
minute, and of one of twenty (Linux only).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from rich.console import Console
from rich.table import Table

from learner.core.audio import Samples
from learner.core.separate import separate, separate_file
from learner.core.separators import Separator, build
from learner.core.teaching.presets import PRESETS

RATE = 44_100
MINUTES = (1, 20)
TURNS = 5
OPEN_UNMIX = "Open-Unmix, the voice alone"
SUBJECTS: dict[str, Callable[[], Separator]] = {
    OPEN_UNMIX: lambda: build("openunmix", {}),
    "Spleeter's pair": lambda: build("spleeter", {}),
    "small-44k, stereo": lambda: build("unet", PRESETS["small-44k"] | {"channels": 2}),
    "small-44k, channel by channel": lambda: build("unet", PRESETS["small-44k"]),
    "small-16k, stereo": lambda: build("unet", PRESETS["small-16k"] | {"channels": 2}),
    "small-16k, channel by channel (the shipped base)": lambda: build("unet", PRESETS["small-16k"]),
}
MEASURED = "small-44k, stereo"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m learner.core.bench.separation", description="Time and memory of separation.")
    parser.add_argument("--peak", type=Path, metavar="FILE", help="separate this file alone and print the peak memory, MB")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.peak:
        separate_file(SUBJECTS[MEASURED](), options.peak, options.peak.with_suffix(".stem.flac"))
        # Not ru_maxrss, which begins with that of the process that started this one.
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(int(line.split()[1]) / 1024)
        return
    console = Console(width=110)
    console.print(_speed())
    console.print(_memory())


def _speed() -> Table:
    minute = _sound(60 * RATE, 0)
    separators = {name: make().eval() for name, make in SUBJECTS.items()}
    taken: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    for _ in range(TURNS):
        for name, separator in separators.items():
            began = time.process_time()
            separate(separator, minute, RATE)
            taken[name].append(time.process_time() - began)
    best = {name: min(seconds) for name, seconds in taken.items()}
    voice = min(_whole_open_unmix(minute, ("vocals",), niter=0) for _ in range(TURNS))
    whole = _whole_open_unmix(minute, ("vocals", "drums", "bass", "other"), niter=1)
    load = f"one minute of stereo (load {os.getloadavg()[0]:.1f} of {os.cpu_count()})"
    table = Table(load, "CPU s", "x Open-Unmix", "x its own, voice", "x its own, all", box=None, header_style="bold")
    own = {"Open-Unmix's own separator, four stems": whole, "Open-Unmix's own separator, the voice alone": voice}
    for name, seconds in (own | best).items():
        table.add_row(name, f"{seconds:.3f}", *(f"{other / seconds:.1f}" for other in (best[OPEN_UNMIX], voice, whole)))
    return table


def _whole_open_unmix(minute: Samples, stems: tuple[str, ...], niter: int) -> float:
    """CPU seconds of the package's own separator; `niter` is of its Wiener filter."""
    from openunmix.model import OpenUnmix
    from openunmix.model import Separator as Whole

    models = {stem: OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, max_bin=1487) for stem in stems}
    separator = Whole(models, niter=niter, sample_rate=float(RATE)).eval()
    began = time.process_time()
    with torch.no_grad():
        separator(torch.from_numpy(minute)[None])
    return time.process_time() - began


def _memory() -> Table:
    table = Table("minutes", f"peak memory of {MEASURED}, MB", "seconds", box=None, header_style="bold")
    for minutes in MINUTES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mix.flac"
            with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16", format="FLAC") as file:
                for minute in range(minutes):
                    file.write(_sound(60 * RATE, minute).T)
            began = time.monotonic()
            command = [sys.executable, "-m", "learner.core.bench.separation", "--peak", str(path)]
            peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            table.add_row(str(minutes), f"{peak:.0f}", f"{time.monotonic() - began:.1f}")
    return table


def _sound(n_samples: int, seed: int) -> Samples:
    """Noise in two channels, (2, samples)."""
    return (0.1 * np.random.default_rng(seed).standard_normal((2, n_samples))).astype(np.float32)


if __name__ == "__main__":
    main()
