"""The sounds of the first visit are what their texts say."""

import numpy as np
import pytest

from annotation.core import first_visit_sounds, leak
from annotation.core.regions import Region, intersect

RATE = first_visit_sounds.RATE


def level(samples: np.ndarray, region: Region) -> float:
    part = samples[:, round(region.start * RATE) : round(region.end * RATE)]
    return float(10 * np.log10((part.astype(float) ** 2).mean() + 1e-15))


@pytest.mark.parametrize("example", first_visit_sounds.BY_NAME.values(), ids=lambda one: one.name)
def test_the_leak_is_where_the_text_says_and_nowhere_else(example: first_visit_sounds.Example) -> None:
    heard, mix = first_visit_sounds.sound(example)
    assert heard.shape == mix.shape == (1, round(example.length * RATE))
    sung_level = float(np.mean([level(heard, Region(*span)) for span in example.sung]))
    for span in example.truth:
        assert level(heard, span) == pytest.approx(sung_level + example.level_db, abs=3)
        assert not intersect([span], [(start - 0.5, end + 0.25) for start, end in example.sung])
    sounding = [*((start - 0.5, end + 0.1) for start, end in example.sung), *((start - 0.06, end + 0.06) for start, end in example.truth)]
    for second in np.arange(0, example.length - 0.2, 0.2):
        frame = Region(float(second), float(second) + 0.2)
        if not intersect([frame], sounding):
            assert level(heard, frame) < sung_level - 30
    assert np.abs(mix).max() < 1 and np.abs(heard).max() < 1


def test_the_same_example_always_sounds_the_same() -> None:
    one, other = (first_visit_sounds.sound(first_visit_sounds.PRACTICE[0]) for _ in range(2))
    assert np.array_equal(one[0], other[0])


def test_there_are_five_to_practise_on_one_without_anything_wrong() -> None:
    assert len(first_visit_sounds.PRACTICE) == 5
    assert [not example.leaks for example in first_visit_sounds.PRACTICE].count(True) == 1
    assert all(leak.sung(first_visit_sounds.sound(example)[0], RATE)[1] > -40 for example in first_visit_sounds.PRACTICE)


def test_a_tone_sounds_in_its_ear_only() -> None:
    left, right = first_visit_sounds.ear("left")
    assert np.abs(left).max() > 0.1 and not right.any()


def test_the_odd_tone_cancels_over_loudspeakers_and_the_quiet_one_is_quieter_in_each_ear() -> None:
    tones = first_visit_sounds.quietest_of_three(quiet=2, odd=0)
    parts = [tones[:, round(n * 1.15 * RATE) : round((n * 1.15 + 0.8) * RATE)] for n in range(3)]
    assert not parts[0].sum(axis=0).any(), "over loudspeakers"
    levels = [np.abs(part[0]).max() for part in parts]
    assert levels[2] == pytest.approx(levels[0] / 2, rel=0.01) and levels[0] == pytest.approx(levels[1])
    with pytest.raises(ValueError, match="different"):
        first_visit_sounds.quietest_of_three(1, 1)
