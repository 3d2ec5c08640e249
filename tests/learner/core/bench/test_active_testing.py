"""Draws of clips for the gate, on figures made up: what seems to leak and does is worth more than what is drawn alike."""

import numpy as np

from learner.core.bench.active_testing import Clip, OfOne, draws
from learner.core.choosing.acquisition import sizes_apart

GENERATOR = np.random.default_rng(3)
LEAKING = GENERATOR.random(60) < 0.2
CLIPS = [
    Clip(f"song{at // 2}", 15.0, 0.5 if leaking else 0.01, 8.0, [(1.0, 1.0 + GENERATOR.uniform(3, 6))] if leaking else [])
    for at, leaking in enumerate(LEAKING)
]
SONG = {
    "false_positive_seconds_per_minute": 10.0,
    "false_positive_seconds_per_minute_at_parent_voice": 10.0,
    "voice_kept_db": -1.0,
    "si_sdr": 3.0,
}
PARENT = OfOne([[-20.0] * len(clip.marks) for clip in CLIPS], [-18.0] * len(CLIPS), [SONG])


def child(change: float, left: float) -> OfOne:
    """One that takes so many dB off marks, more or less, and leaves so many seconds of false positives."""
    better = SONG | {"false_positive_seconds_per_minute": left, "false_positive_seconds_per_minute_at_parent_voice": left}
    return OfOne([[-20.0 + change + GENERATOR.normal(0, 0.5) for _ in clip.marks] for clip in CLIPS], PARENT.accepted, [better])


def test_what_seems_to_leak_gives_the_right_verdict_by_fewer_clips() -> None:
    children = {"good": child(-4.0, 6.0), "no better": child(0.0, 10.0)}
    alike, by_leak = (
        draws(CLIPS, PARENT, children, sizes, 4, 60, 1)
        for sizes in (np.ones(len(CLIPS)), sizes_apart([clip.predicted_leak for clip in CLIPS]))
    )
    assert by_leak.unheard < alike.unheard
    assert by_leak.error < alike.error
    assert by_leak.good > alike.good and by_leak.right > alike.right
    assert by_leak.bad < 0.1, "marks that changed by chance"
