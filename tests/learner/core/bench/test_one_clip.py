"""Which 15 s of a song are fitted, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learner.core import checkpoint
from learner.core.audio import Samples
from learner.core.bench import one_clip
from learner.core.bench.one_clip import change, leaking_clip
from learner.core.songs import Song

RATE = 1000


@pytest.fixture
def song() -> Song:
    """40 s, in which somebody sings now and then and something sounds all the time."""
    seconds = np.arange(40 * RATE) / RATE
    vocals = (0.3 * np.sin(2 * np.pi * 110 * seconds) * (seconds % 5 < 2))[None].astype(np.float32)
    band = (0.3 * np.sin(2 * np.pi * 70 * seconds))[None].astype(np.float32)
    return Song("song", RATE, vocals + band, vocals, band)


def test_it_is_the_clip_in_which_most_leaks_beside_a_voice(song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    assert song.vocals is not None
    estimate = song.vocals.copy()
    estimate[:, round(23.0 * RATE) : round(24.6 * RATE)] = song.mixture[:, round(23.0 * RATE) : round(24.6 * RATE)]
    monkeypatch.setattr(checkpoint, "load", lambda _: None)
    monkeypatch.setattr(one_clip, "separate", lambda *_: estimate)
    found = leaking_clip(song, Path("base"))
    assert found is not None and found.mixture.shape == found.vocals.shape == (1, 15 * RATE)
    assert found.leaks == [(pytest.approx(13.0, abs=0.2), pytest.approx(14.6, abs=0.2))], "of the first that has it whole"
    assert leaking_clip(replace(song, vocals=0 * song.vocals), Path("base")) is None, "nobody sings"


def test_levels_are_of_the_stretches_alone() -> None:
    before: Samples = np.full((1, 10 * RATE), 0.5, np.float32)
    after = before.copy()
    after[:, 2 * RATE : 3 * RATE] /= 10
    assert change(before, after, [(2.0, 3.0)], RATE) == "-20.0 dB"
    assert change(before, after, [(0.0, 2.0), (3.0, 10.0)], RATE) == "+0.0 dB"
