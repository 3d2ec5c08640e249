"""The sounds of a listening test: two estimates of one song measured against each other, and their clips as Ogg, brought to one level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.core.differing import difference, turned_down
from annotation.core.loudness import Weighting, gated, hop_powers
from annotation.files import previews, sounds
from annotation.files.sounds import Samples
from annotation.files.storage import local
from annotation.models import Estimate, ListeningClip, Stem
from annotation.models.tracks import Track

PART = 30.0  # seconds that are read at once
SOUNDS = ("checkpoint", "other", "mix")
FADE = 0.01  # seconds at both ends of a clip, so that none clicks


@dataclass(frozen=True)
class Compared:
    """Two estimates of a song: gains in dB that bring them to one level, and how loud their difference and the louder one are, per hop."""

    gains: tuple[float, float]
    apart: NDArray[np.float64]
    sounds: NDArray[np.float64]


def compared(track: Track, checkpoint: str, other: str) -> Compared:
    """Measure both estimates of a whole song. Raises `Estimate.DoesNotExist`."""
    keys = [estimate_of(track, one).file for one in (checkpoint, other)]
    weigh: list[Weighting] = []
    loud: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    powers: list[list[NDArray[np.float64]]] = [[], [], []]
    for first, second, rate in _parts(keys, track.duration):
        weigh = weigh or [Weighting(rate, first.shape[1]), Weighting(rate, second.shape[1])]
        for hops, one, samples in zip(loud, weigh, (first, second), strict=True):
            hops.append(hop_powers(one(samples), rate))
        a, b = (samples.mean(axis=1, keepdims=True, dtype=np.float64) for samples in (first, second))
        of_first, of_second = hop_powers(a, rate), hop_powers(b, rate)
        both = (hop_powers(a + b, rate) - of_first - of_second) / 2
        for kind, values in zip(powers, (of_first, of_second, both), strict=True):
            kind.append(values)
    gains = turned_down(*(gated(np.concatenate(hops)) for hops in loud))
    of_first, of_second, both = (np.concatenate(kind) for kind in powers)
    return Compared(gains, difference(of_first, of_second, both, gains), np.maximum(of_first, of_second))


def _parts(keys: list[str], duration: float) -> Iterator[tuple[Samples, Samples, int]]:
    """Both, part by part, of one length. Estimates of a song have its rate."""
    for start in np.arange(0.0, duration, PART):
        (first, rate), (second, _) = (sounds.read(local(key), float(start), float(start) + PART) for key in keys)
        if n := min(len(first), len(second)):
            yield first[:n], second[:n], rate


def estimate_of(track: Track, checkpoint: str) -> Estimate:
    """What a checkpoint extracted from a song. Raises `Estimate.DoesNotExist`."""
    return Estimate.objects.get(track=track, stem=track.campaign.stem, checkpoint=checkpoint)


def sound(clip: ListeningClip, which: str) -> bytes:
    """A clip as Ogg: `which` of `SOUNDS`. Made when it is not there, its name and its address no one's but this site's.

    Raises `Estimate.DoesNotExist` or `Stem.DoesNotExist`. Where one of the three is over full scale, all are turned down alike.
    """
    assert clip.start is not None and clip.end is not None

    def samples(kind: str) -> tuple[Samples, int]:
        key = Stem.objects.get(track=clip.track_id, name="mixture").file
        if kind != "mix":
            key = estimate_of(clip.track, clip.test.checkpoint if kind == "checkpoint" else clip.test.other).file
        gain = {"checkpoint": clip.gain, "other": clip.other_gain, "mix": 0.0}[kind]
        found, rate = sounds.read(local(key), clip.start or 0.0, clip.end)
        return found * np.float32(10 ** (gain / 20)), rate

    def make(target: Path) -> None:
        all_of_it = {kind: samples(kind) for kind in SOUNDS}
        peak = max(1.0, *(float(np.abs(one).max(initial=0.0)) for one, _ in all_of_it.values()))
        found, rate = all_of_it[which]
        previews.encode(target, _faded(found / peak, rate), rate)

    return previews.kept(f"{clip.track_id}-listening-{clip.pk}-{which}.ogg", make)


def _faded(samples: Samples, rate: int) -> Samples:
    n = min(round(FADE * rate), len(samples) // 2)
    ramp = np.ones(len(samples), dtype=np.float32)
    ramp[:n] = np.linspace(0, 1, n, endpoint=False)
    ramp[len(ramp) - n :] = ramp[:n][::-1]
    return samples * ramp[:, None]
