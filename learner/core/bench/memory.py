"""How much memory training on a big corpus takes: 150 songs of 4 minutes, read from disk by stretches.

    python -m learner.core.bench.memory

Writes a few generated songs (stereo, 44.1 kHz, 16 bit) and links them to many folders, trains the small U-Net on them through the
command line, and prints the peak of the process's resident memory.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from learner.core import cli

RATE = 44_100
ASKED = 3.0  # GB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=150)
    parser.add_argument("--distinct", type=int, default=4, help="songs that are really written; the others are links to them")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch) / "songs"
        write(corpus, options.songs, options.distinct, round(60 * options.minutes))
        began = time.monotonic()
        failed = cli.main(["train", str(corpus), "--out", str(Path(scratch) / "out"), "--steps", str(options.steps)])
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    print(
        f"{options.songs} songs of {options.minutes:g} minutes, {options.steps} steps in {time.monotonic() - began:.0f} s: "
        f"peak memory {peak:.2f} GB (asked: at most {ASKED:g} GB)"
    )
    return failed or int(peak > ASKED)


def write(corpus: Path, n_songs: int, n_distinct: int, seconds: int) -> None:
    """Write noise as `mixture` and `vocals`, a second at a time, and link it to as many folders as there shall be songs."""
    for number in range(n_songs):
        home = corpus / f"Band {number} - Song"
        home.mkdir(parents=True)
        for stem in ("mixture", "vocals"):
            path = home / f"{stem}.wav"
            if number >= n_distinct:
                os.link(corpus / f"Band {number % n_distinct} - Song" / path.name, path)
                continue
            rng = np.random.default_rng([number, stem == "vocals"])
            with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
                for _ in range(seconds):
                    file.write(rng.uniform(-0.3, 0.3, (RATE, 2)))


if __name__ == "__main__":
    sys.exit(main())
