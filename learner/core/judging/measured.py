"""What a checkpoint does on the gate's evidence, and how that is measured."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from learner.core import metrics
from learner.core.metrics import Audio, Region

Figures = Mapping[str, float]  # what `metrics.evaluate` returns, and AT_PARENT_VOICE
AT_PARENT_VOICE = "false_positive_seconds_per_minute_at_parent_voice"
LEAK, ACCEPTED = "leak_dbfs", "accepted_dbfs"  # metrics of a kept-apart clip: on its marks, and in what people let pass


@dataclass(frozen=True)
class MarkLeak:
    """The level of an estimate on one kept-apart mark."""

    track: str  # the clip that it lies in
    seconds: float  # length of the mark
    leak_dbfs: float
    random_clip: bool  # the clip was chosen at random, not by the parent's scores


@dataclass(frozen=True)
class Measured:
    """What one checkpoint does on the gate's evidence. Parent and child are measured on the same songs, marks and stretches."""

    songs: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)  # domain (source | target) -> song -> figures
    marks: Mapping[str, MarkLeak] = field(default_factory=dict)  # mark -> leak
    accepted_dbfs: Mapping[str, float] = field(default_factory=dict)  # kept-apart clip -> `accepted_level` of its estimate
    accepted_seconds: Mapping[str, float] = field(default_factory=dict)  # kept-apart clip -> how long that is
    weights: Mapping[str, float] = field(default_factory=dict)  # kept-apart clip -> how much it counts, by `active_testing.weights`

    def weight(self, clip: str) -> float:
        """How much a kept-apart clip counts; 1 where nothing is known of its chance."""
        return self.weights.get(clip, 1.0)


def join(parts: Iterable[Measured]) -> Measured:
    """What one checkpoint does on pieces of the evidence, each measured by itself, as one."""
    songs: dict[str, dict[str, Figures]] = {}
    marks: dict[str, MarkLeak] = {}
    accepted: dict[str, float] = {}
    seconds: dict[str, float] = {}
    weights: dict[str, float] = {}
    for part in parts:
        for domain, known in part.songs.items():
            songs.setdefault(domain, {}).update(known)
        marks.update(part.marks)
        accepted.update(part.accepted_dbfs)
        seconds.update(part.accepted_seconds)
        weights.update(part.weights)
    return Measured(songs, marks, accepted, seconds, weights)


def measure_song(estimate: Audio, vocals: Audio, mixture: Audio, sample_rate: int, parent_estimate: Audio) -> dict[str, float]:
    """Measure a gate song for `Measured.songs`: `metrics.evaluate`, and false positives at the parent's voice level.

    For the parent itself, its own estimate is the parent's estimate.
    """
    level = metrics.equal_voice_level(estimate, vocals, parent_estimate)
    leaking = metrics.false_positive_regions(level, vocals, sample_rate)
    duration = np.atleast_2d(vocals).shape[1] / sample_rate
    return metrics.evaluate(estimate, vocals, mixture, sample_rate) | {
        AT_PARENT_VOICE: metrics.per_minute(sum(end - start for start, end in leaking), duration)
    }


def mark_leak(estimate: Audio, mark: Region, sample_rate: int) -> float:
    """Return the level, in dBFS, of an estimate `(channels, samples)` on a mark (seconds)."""
    first, last = round(mark[0] * sample_rate), round(mark[1] * sample_rate)
    return metrics.level_dbfs(np.atleast_2d(estimate)[:, first : max(last, first + 1)])


def accepted_level(estimate: Audio, parent_estimate: Audio, heard: Iterable[Region], marks: Iterable[Region], sample_rate: int) -> float:
    """Return the level, in dBFS, of an estimate where people heard the parent's and let it pass: the voice that must stay.

    That is in its `accepted_frames`. What the frame in the middle of their power lost counts, since people let bleed pass. NaN where
    there are none.
    """
    frame = round(metrics.SHORT_FRAME * sample_rate)
    loud = accepted_frames(parent_estimate, heard, marks, sample_rate)
    if loud.size == 0:
        return float("nan")
    ours, parents = np.atleast_2d(estimate), np.atleast_2d(parent_estimate)
    power, kept = (np.array([np.vdot(parents[:, at : at + frame], own[:, at : at + frame]) for at in loud]) for own in (parents, ours))
    shares = kept / np.maximum(power, 1e-12)
    middle = (order := np.argsort(shares))[np.searchsorted(np.cumsum(power[order]), power.sum() / 2)]
    change = 20 * math.log10(max(shares[middle], 1e-5)) if np.isfinite(kept).all() else math.nan
    return metrics.level_dbfs(np.concatenate([parents[:, at : at + frame] for at in loud], axis=1)) + change


def accepted_frames(parent_estimate: Audio, heard: Iterable[Region], marks: Iterable[Region], sample_rate: int) -> NDArray[np.intp]:
    """First samples of the frames that people heard and let pass, and in which there is something.

    They are 0.1 s long, wholly heard, touched by no mark, and the parent's estimate lies in them at most 15 dB under the loudest.
    """
    frame = round(metrics.SHORT_FRAME * sample_rate)
    parents = np.atleast_2d(parent_estimate)
    starts = np.arange(0, parents.shape[1] - frame + 1, frame)
    begin, end = starts / sample_rate, (starts + frame) / sample_rate
    accepted = np.zeros(starts.size, dtype=bool)
    for region in heard:
        accepted |= (begin >= region[0] - 1e-9) & (end <= region[1] + 1e-9)
    for region in marks:
        accepted &= (end <= region[0]) | (begin >= region[1])
    passed: NDArray[np.intp] = starts[accepted]
    levels = np.array([metrics.level_dbfs(parents[:, start : start + frame]) for start in passed])
    loud: NDArray[np.intp] = passed[levels >= levels.max(initial=-np.inf) - metrics.LEAK_RANGE_DB]
    return loud


def changes(old: Mapping[str, Figures], new: Mapping[str, Figures], name: str) -> list[float]:
    """Child less parent, for the songs that have the figure."""
    changes = [new[song][name] - old[song][name] for song in new]
    return [change for change in changes if not math.isnan(change)]


def mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def bootstrap_interval(changes: Sequence[float], generator: np.random.Generator, draws: int = 2000) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the mean over songs drawn with replacement (bootstrap: Efron 1979; one change per song)."""
    values = np.asarray(changes, dtype=float)
    means = values[generator.integers(0, values.size, (draws, values.size))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
