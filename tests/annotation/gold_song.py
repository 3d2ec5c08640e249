"""A campaign with one song whose stems are known, for tests of gold tasks and first visits. Generated audio, real rows."""

from functools import cache
from typing import Any

import numpy as np

from annotation.models import Campaign, Task, Track
from tests import worlds

RATE, DURATION = 8_000, 120.0
CLIP = 10.0  # seconds


@cache
def song() -> dict[str, bytes]:
    """Its files; the voice sings every other 4 s, the band plays all through."""
    seconds = np.arange(int(RATE * DURATION)) / RATE
    voice = 0.2 * sum(np.sin(2 * np.pi * 220 * k * seconds) / k for k in range(1, 6)) * (seconds % 8 < 4)
    band = 0.2 * sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (110, 330, 495))
    band += 0.03 * np.random.default_rng(0).standard_normal(len(seconds))
    sounds = {"vocals": voice, "mixture": voice + band, "estimate": voice + 0.05 * band}
    return {name: worlds.flac(0.5 * samples, RATE) for name, samples in sounds.items()}


def separated(mixture: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a separator that knows this song's voice extracts: its harmonics, and a little of everything else."""
    spectrum = np.fft.rfft(mixture)
    frequency = np.fft.rfftfreq(mixture.shape[1], 1 / sample_rate)
    of_voice = (np.abs(frequency - 220 * np.round(frequency / 220)) < 20) & (frequency > 200) & (frequency < 1120)
    return np.fft.irfft(spectrum * np.where(of_voice, 1.0, 0.02), mixture.shape[1]).astype(np.float32)


def campaign_with_song(n_pool: int = 6, **rules: Any) -> Campaign:
    """Campaign "gold" with that song in its pool, of which `n_pool` clips are open tasks."""
    campaign = worlds.campaign("gold", **{"min_overlap": 3, "max_overlap": 5, "clip_seconds": CLIP, **rules})
    stems = {name: song()[name] for name in ("mixture", "vocals")}
    track = worlds.song(campaign, stems, song()["estimate"], fingerprint="ab" * 32)
    if n_pool:
        open_pool(track, n_pool)
    return campaign


def open_pool(track: Track, n: int, golds: Any = ()) -> list[Task]:
    """The next `n` clips of the song."""
    first = Task.objects.filter(campaign=track.campaign, kind="pool").count()
    return worlds.opened([worlds.clip(track, CLIP * k, CLIP * (k + 1)) for k in range(first, first + n)], golds=golds)
