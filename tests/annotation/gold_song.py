"""A campaign with one song whose stems are known, for tests of gold tasks and first visits. Generated audio, real rows."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from annotation import services
from annotation.models import Campaign, Task, Track

RATE, DURATION = 8_000, 120.0
CHECKPOINT = "c" * 64


@cache
def song() -> dict[str, bytes]:
    """Its files; the voice sings every other 4 s, the band plays all through."""
    seconds = np.arange(int(RATE * DURATION)) / RATE
    voice = 0.2 * sum(np.sin(2 * np.pi * 220 * k * seconds) / k for k in range(1, 6)) * (seconds % 8 < 4)
    band = 0.2 * sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (110, 330, 495))
    band += 0.03 * np.random.default_rng(0).standard_normal(len(seconds))
    files = {}
    for name, samples in {"vocals": voice, "mixture": voice + band, "estimate": voice + 0.05 * band}.items():
        file = io.BytesIO()
        soundfile.write(file, (0.5 * samples).astype(np.float32), RATE, format="FLAC")
        files[name] = file.getvalue()
    return files


def separated(mixture: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a separator that knows this song's voice extracts: its harmonics, and a little of everything else."""
    spectrum = np.fft.rfft(mixture)
    frequency = np.fft.rfftfreq(mixture.shape[1], 1 / sample_rate)
    of_voice = (np.abs(frequency - 220 * np.round(frequency / 220)) < 20) & (frequency > 200) & (frequency < 1120)
    return np.fft.irfft(spectrum * np.where(of_voice, 1.0, 0.02), mixture.shape[1]).astype(np.float32)


def campaign_with_song(folder: Path, n_pool: int = 6, **rules: Any) -> Campaign:
    """A campaign with that song in its pool, of which `n_pool` clips are open tasks."""
    rules = {"name": "Gold", "slug": "gold", "min_overlap": 3, "max_overlap": 5, "clip_seconds": 10.0, **rules}
    campaign = services.create_campaign(**rules)
    for name, file in song().items():
        (folder / f"{name}.flac").write_bytes(file)
    track = services.add_track(
        campaign=campaign,
        name="song",
        use="pool",
        domain="target",
        stems=[services.NewStem(name, folder / f"{name}.flac") for name in ("mixture", "vocals")],
        fingerprint="ab" * 32,
        duration=DURATION,
        sample_rate=RATE,
        channels=1,
    )
    services.keep_estimate(track=track, stem="vocals", checkpoint=CHECKPOINT, file=folder / "estimate.flac")
    open_pool(campaign, track, n_pool)
    return campaign


def open_pool(campaign: Campaign, track: Track, n: int, golds: Any = ()) -> list[Task]:
    """The next `n` clips of the song."""
    first = Task.objects.filter(campaign=campaign, kind="pool").count()
    clips = [
        services.Clip(track=track, start=10.0 * k, end=10.0 * k + 10, arm="random", chance=0.5, reason="drawn")
        for k in range(first, first + n)
    ]
    return services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips, golds=golds)
