"""What one clip's marks change in it alone. Generated song, the shipped base."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from learner.core import checkpoint, metrics
from learner.core.audio import Samples
from learner.core.bases import SHIPPED_FILE
from learner.core.separate import separate
from learner.core.separators.hdemucs import HDemucsSeparator
from learner.core.songs.synth import make_song
from learner.core.teaching import one_clip
from learner.core.teaching.feedback import MarkedSong, NoMarks
from learner.core.teaching.one_clip import fit_clip
from tests.learner.core.separators.tiny import tiny

MARK = (1.0, 2.5)


@pytest.fixture(scope="module")
def clip() -> MarkedSong:
    """In stereo, of which the base hears each channel by itself."""
    song = make_song(1, "target", 6.0)
    mixture = np.concatenate([song.mixture, 0.5 * song.mixture])[:2]
    return MarkedSong("song", song.sample_rate, mixture, [(*MARK, 1.0)], [(0.0, 6.0)])


def level(samples: Samples, rate: int, *spans: tuple[float, float]) -> float:
    return metrics.level_dbfs(samples[:, metrics.samples_in(spans, samples.shape[1], rate)])


def test_the_marks_become_quiet_and_the_rest_stays_as_it_was(clip: MarkedSong) -> None:
    base = checkpoint.load(SHIPPED_FILE)
    before = separate(base, clip.mixture, clip.sample_rate)
    after = fit_clip(base, clip)
    assert after is not None and after.shape == before.shape == clip.mixture.shape
    inside, rest = (1.2, 2.3), ((0.0, 0.8), (2.7, 6.0))
    assert level(before, clip.sample_rate, inside) > metrics.SILENCE_DBFS, "there was something to take out"
    assert level(after, clip.sample_rate, inside) < level(before, clip.sample_rate, inside) - 10
    assert abs(level(after, clip.sample_rate, *rest) - level(before, clip.sample_rate, *rest)) < 1


def test_the_same_clip_and_seed_give_the_same_sound(clip: MarkedSong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_clip, "STEPS", 2)
    twice = [fit_clip(checkpoint.load(SHIPPED_FILE), clip, seed=3) for _ in range(2)]
    assert twice[0] is not None and np.array_equal(twice[0], twice[1])  # type: ignore[arg-type]


def test_it_ends_without_a_sound_where_there_is_no_time(clip: MarkedSong) -> None:
    turns = iter([True, True, False])
    assert fit_clip(checkpoint.load(SHIPPED_FILE), clip, go_on=lambda: next(turns)) is None
    assert next(turns, None) is None


def test_without_marks_there_is_nothing_to_hear(clip: MarkedSong) -> None:
    with pytest.raises(NoMarks):
        fit_clip(checkpoint.load(SHIPPED_FILE), replace(clip, marks=[]))


def test_what_a_network_does_not_take_at_once_goes_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_clip, "STEPS", 1)
    monkeypatch.setattr(one_clip, "RANK", 1)
    monkeypatch.setattr(HDemucsSeparator, "piece", 2.0)
    separator, rate = tiny("hdemucs"), 44_100
    mixture = (np.random.default_rng(0).standard_normal((2, 5 * rate)) / 10).astype(np.float32)
    shapes: list[torch.Size] = []
    spectrum = separator.spectrum

    def noted(mixture: torch.Tensor) -> torch.Tensor:
        shapes.append(mixture.shape)
        return spectrum(mixture)

    monkeypatch.setattr(separator, "spectrum", noted)
    after = fit_clip(separator, MarkedSong("long", rate, mixture, [(1.0, 2.0, 1.0)], [(0.0, 5.0)]))
    assert after is not None and after.shape == mixture.shape
    assert len(shapes[0]) == 3 and shapes[0][0] == 3 and shapes[0][2] <= 2.0 * rate
