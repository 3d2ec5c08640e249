"""A simulated sound for a crowd's truth: how loud the extracted vocals and the mix are, frame by frame, so that it is no oracle.

What is heard besides bleed is simulated as well, since only people can tell it from bleed: voice that was rightly extracted (up to
half of a clip, some of it right beside bleed, where the level says nothing of the edge), short sounds that nobody would mark, and a
residue everywhere, which rises and falls and is at times as loud as faint bleed. Bleed has pauses inside, comes within 0.02-0.2 s and
goes within 0.03-0.5 s, some 0.05 s beside the place where people hear it begin or end. So much of each as was measured on real
songs: see docs/consensus.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotation.core.regions import FRAME, Region, frame_count, merge, subtract

Floats = NDArray[np.float64]

HOP = 0.01  # seconds
RESIDUE = (-64.0, 7.0)  # dBFS: mean over clips, standard deviation
BLEED = (-38.0, -18.0)  # dBFS
FAINT, FAINT_DB = 0.08, (3.0, 10.0)  # share of bleed that is faint, and how far it lies over the residue
VOICE = (-30.0, -14.0)  # dBFS
MOST_VOICE = 0.5  # of a clip
TOUCHES = 0.08  # chance that voice ends where bleed begins, and that it begins where bleed ends
BESIDE = 0.05  # seconds, standard deviation of where the level changes around an edge that is heard
SHORT_SOUNDS = 30.0  # a minute
COME, GO = (0.02, 0.2), (0.03, 0.5)  # seconds


def levels(truth: Sequence[Region], duration: float, rng: np.random.Generator) -> Floats:
    """Return (frames of `FRAME`, 2): levels of the extracted vocals and of the mix in dBFS."""
    n = round(duration / HOP)
    residue = rng.normal(*RESIDUE)
    floor = residue + 4.0 * _drift(rng, n, 0.3) + 2.0 * _drift(rng, n, 2.0)
    power = 10 ** (floor / 10)
    bleed = merge(truth)
    for region in bleed:
        faint = rng.random() < FAINT
        loud = residue + rng.uniform(*FAINT_DB) if faint else rng.uniform(*BLEED)
        start, end = rng.normal(region, BESIDE)
        power += _sound(rng, n, start, max(end, start + 0.1), loud, notes=(0.2, 1.2))
    for region in _voice(bleed, duration, rng):
        power += _sound(rng, n, region.start, region.end, rng.uniform(*VOICE), notes=(0.1, 0.5))
    for start in rng.uniform(0, duration, rng.poisson(SHORT_SOUNDS * duration / 60)):
        power += _sound(rng, n, start, start + rng.uniform(0.03, 0.2), rng.uniform(*BLEED) - 6, notes=(1.0, 1.0))
    mix = power + 10 ** ((rng.uniform(-22, -12) + 2.0 * _drift(rng, n, 0.2)) / 10)
    n_frames, per_frame = frame_count(duration, FRAME), round(FRAME / HOP)
    both = np.stack([power, mix])[:, : n_frames * per_frame]
    both = np.pad(both, ((0, 0), (0, n_frames * per_frame - both.shape[1])), mode="edge").reshape(2, n_frames, per_frame).mean(axis=2)
    return np.ascontiguousarray(10 * np.log10(both).T)


def _voice(bleed: Sequence[Region], duration: float, rng: np.random.Generator) -> list[Region]:
    """Phrases outside of bleed, a quarter of a second away or touching it."""
    phrases = []
    for region in bleed:
        if rng.random() < TOUCHES:
            phrases.append(Region(region.start - rng.uniform(1.0, 4.0), region.start - rng.uniform(0, 0.1)))
        if rng.random() < TOUCHES:
            phrases.append(Region(region.end + rng.uniform(0, 0.1), region.end + rng.uniform(1.0, 4.0)))
    wanted, at = rng.uniform(0, MOST_VOICE), rng.uniform(0, 3.0)
    while at < duration and wanted > 0.05:
        length = rng.uniform(1.0, 5.0)
        phrases += subtract([(at, at + length)], [(region.start - 0.25, region.end + 0.25) for region in bleed])
        at += length / wanted
    return merge(subtract(phrases, bleed))


def _sound(rng: np.random.Generator, n: int, start: float, end: float, loud: float, notes: tuple[float, float]) -> Floats:
    """Return (n) the power of a sound from `start` to `end`: its notes differ in level, with dips between them."""
    time = (np.arange(n) + 0.5) * HOP
    come, go = rng.uniform(*COME), min(rng.uniform(*GO), end - start)
    db = np.full(n, loud)
    at = start
    while at < end:
        db[time >= at] = loud + rng.normal(0, 3.0)
        at += rng.uniform(*notes)
        if at < end - 0.15:
            db -= rng.uniform(0, 20) * np.exp(-0.5 * ((time - at) / rng.uniform(0.015, 0.06)) ** 2)
    # 6 dB down at both ends; it comes straight and goes as an echo does.
    rise = np.clip((time - start) / come + 0.5, 0, 1)
    db -= 24 / go * np.maximum(0, time - (end - go / 4))
    return np.asarray(rise**2 * 10 ** (db / 10))


def _drift(rng: np.random.Generator, n: int, seconds: float) -> Floats:
    """Return (n) smooth noise of deviation 1 that forgets itself in so many seconds."""
    width = max(1, round(seconds / HOP))
    noise = np.convolve(rng.standard_normal(n + 2 * width), np.hanning(2 * width + 1), "same")[width : width + n]
    return np.asarray(noise / max(noise.std(), 1e-9))
