"""Hold a child's file against its parent's: load both, measure them on the gate's evidence, and decide."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from learner.core import checkpoint, metrics
from learner.core.checkpoint import BadCheckpoint
from learner.core.judging import gate
from learner.core.judging.gate import MarkLeak, Measured, Rules, Verdict
from learner.core.judging.measured import accepted_frames
from learner.core.judging.objection import NONE, Objection, weighed
from learner.core.metrics import Audio, Region
from learner.core.separate import separate
from learner.core.separators import Separator, difference_of_build
from learner.core.songs import Song


@dataclass(frozen=True)
class KeptApart:
    """A clip that people listened to and that the child did not learn from. Times are seconds of the clip."""

    name: str
    mixture: Audio  # (channels, samples)
    sample_rate: int
    marks: Sequence[Region]
    random_clip: bool  # it was drawn by known chances, not taken for the parent's scores
    weight: float = 1.0  # how much it counts: see `active_testing.weights`


@dataclass(frozen=True)
class Evidence:
    """What parent and child are measured on."""

    songs: Mapping[str, Sequence[Song]] = field(default_factory=dict)  # domain (source | target) -> gate songs with stems
    clips: Sequence[KeptApart] = ()


def judge(
    parent: Path,
    child: Path,
    evidence: Evidence,
    *,
    base: Path | None = None,
    rules: Rules | None = None,
    generator: np.random.Generator | None = None,
    objection: Objection = NONE,
) -> Verdict:
    """Return the gate's verdict, beside what the adaptation objects.

    A child that cannot be read, is not finite, or is of another build than its parent is refused. `base` is the checkpoint that the
    campaign began with, where that is not the parent. Raises BadCheckpoint where it or the parent cannot be read.
    """
    old = checkpoint.load(parent)
    try:
        new = checkpoint.load(child)
    except BadCheckpoint as problem:
        return Verdict(False, [f"The child cannot be used: {problem}."])
    if difference := difference_of_build(old, new):
        return Verdict(False, [f"The child is not of its parent's build: {difference}."])
    before, after, *earliest = measure(evidence, old, new, *([checkpoint.load(base)] if base else []))
    judged = gate.decide(before, after, rules, generator, base=earliest[0] if earliest else None)
    return weighed(judged, objection, before, after, rules)


def measure(
    evidence: Evidence, parent: Separator, *others: Separator, hear: Callable[[str, Sequence[Audio]], None] | None = None
) -> list[Measured]:
    """Measure the parent, and then the others, on the same songs and clips; all at the parent's voice level too.

    `hear` gets the name of each song and clip, and the estimates in that order.
    """
    separators = (parent, *others)
    songs: list[dict[str, dict[str, gate.Figures]]] = [{} for _ in separators]
    for domain, known in evidence.songs.items():
        for song in known:
            assert song.vocals is not None, f"{song.name} has no known vocals"
            estimates = [separate(separator, song.mixture, song.sample_rate) for separator in separators]
            if hear:
                hear(song.name, estimates)
            for into, estimate in zip(songs, estimates, strict=True):
                figures = gate.measure_song(estimate, song.vocals, song.mixture, song.sample_rate, estimates[0])
                into.setdefault(domain, {})[song.name] = figures
    leaks: list[dict[str, MarkLeak]] = [{} for _ in separators]
    accepted: list[dict[str, float]] = [{} for _ in separators]
    seconds: dict[str, float] = {}
    for clip in evidence.clips:
        estimates = [separate(separator, clip.mixture, clip.sample_rate) for separator in separators]
        if hear:
            hear(clip.name, estimates)
        heard = [(0.0, clip.mixture.shape[-1] / clip.sample_rate)]
        seconds[clip.name] = metrics.SHORT_FRAME * len(accepted_frames(estimates[0], heard, clip.marks, clip.sample_rate))
        for of_clip, levels, estimate in zip(leaks, accepted, estimates, strict=True):
            levels[clip.name] = gate.accepted_level(estimate, estimates[0], heard, clip.marks, clip.sample_rate)
            for number, mark in enumerate(clip.marks):
                leak = gate.mark_leak(estimate, mark, clip.sample_rate)
                of_clip[f"{clip.name}:{number}"] = MarkLeak(clip.name, mark[1] - mark[0], leak, clip.random_clip)
    weights = {clip.name: clip.weight for clip in evidence.clips}
    return [Measured(*of_one, seconds, weights) for of_one in zip(songs, leaks, accepted, strict=True)]
