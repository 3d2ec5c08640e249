"""Write museval.json: what museval 0.4.1 (BSSEval v4, 1 s frames) gives for short generated songs.

    pip install -e '.[bench]' && python -m tests.data.make_museval_scores

The test beside `learner.core.metrics` makes the same songs again, so the songs themselves are not stored.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

RATE = 8000
SCORES = Path(__file__).with_name("museval.json")


class Case(NamedTuple):
    """Vocals, accompaniment and estimate, each (channels, samples)."""

    vocals: np.ndarray
    accompaniment: np.ndarray
    estimate: np.ndarray


def cases() -> dict[str, Case]:
    """The same songs every time."""
    made = {
        "mono": _leaky(_song(1, 4.5, channels=1)),
        "stereo": _leaky(_song(2, 5.0, channels=2)),
        "shorter than a frame": _leaky(_song(3, 0.6, channels=2)),
        "exactly a frame": _leaky(_song(4, 1.0, channels=1)),
    }
    # The reference rests from 1 to 3 s and all but rests (-128 dBFS) from 4 to 6 s; the estimate rests from 6 to 7 s.
    vocals, accompaniment, _ = _song(5, 8.3, channels=2)
    vocals[:, RATE : 3 * RATE] = 0
    vocals[:, 4 * RATE : 6 * RATE] *= 3e-6
    made["rests"] = _leaky(Case(vocals, accompaniment, vocals))
    made["rests"].estimate[:, 6 * RATE : 7 * RATE] = 0
    # Filters are forgiven in ISR and SAR, never in SDR: a late, dull and quiet estimate, no leak at all.
    vocals, accompaniment, _ = _song(6, 3.2, channels=2)
    late = np.roll(vocals, 5, axis=1)
    made["filtered"] = Case(vocals, accompaniment, 0.3 * (late + np.roll(late, 1, axis=1)))
    # One channel of the voice against the other: museval takes their sum for the level and hears nothing.
    vocals, accompaniment, _ = _song(7, 2.0, channels=2)
    vocals[1, :RATE] = -vocals[0, :RATE]
    made["opposite channels"] = _leaky(Case(vocals, accompaniment, vocals))
    vocals, accompaniment, _ = _song(8, 3.0, channels=2)
    made["nearly perfect"] = Case(vocals, accompaniment, vocals + 1e-4 * accompaniment)
    made["only leak"] = Case(vocals, accompaniment, accompaniment)
    return made


def _song(seed: int, seconds: float, channels: int) -> Case:
    """Noise whose level wanders, for both; the estimate is the vocals."""
    generator = np.random.default_rng(seed)
    shape = (channels, round(seconds * RATE))
    wander = np.linspace(0, 2 * np.pi * seconds / 3, shape[1])
    vocals = 0.1 * (1.2 + np.sin(wander)) * generator.normal(size=shape)
    return Case(vocals, 0.1 * (1.2 + np.cos(wander)) * generator.normal(size=shape), vocals)


def _leaky(song: Case) -> Case:
    """The vocals a little quieter, with some accompaniment in them."""
    return song._replace(estimate=0.9 * song.vocals + 0.25 * song.accompaniment)


def _scores(case: Case) -> list[float | None]:
    from learner.core.bench.metrics import museval_sdr

    sdr = museval_sdr(case.estimate, case.vocals, case.vocals + case.accompaniment, RATE)
    return [None if np.isnan(score) else float(score) for score in sdr]


if __name__ == "__main__":
    sdr = {name: _scores(case) for name, case in cases().items()}
    SCORES.write_text(json.dumps({"museval": version("museval"), "sdr": sdr}, indent=1) + "\n", encoding="utf-8")
    print(f"{SCORES}: {sum(map(len, sdr.values()))} frames of {len(sdr)} songs")
