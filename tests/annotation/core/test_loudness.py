"""How loud a sound is as a whole."""

import numpy as np
import pytest

from annotation.core.loudness import Weighting, integrated

RATE = 48_000


def tone(seconds: float, level: float, rate: int = RATE) -> np.ndarray:
    """997 Hz in one channel with so many dB under full scale, as the standard's own check has it: (samples, 1)."""
    return (10 ** (level / 20) * np.sin(2 * np.pi * 997 * np.arange(round(seconds * rate)) / rate))[:, None]


@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050, 16_000])
def test_a_full_scale_tone_has_the_loudness_that_the_standard_says(rate: int) -> None:
    assert integrated([tone(3, 0, rate)], rate) == pytest.approx(-3.01, abs=0.1)


def test_at_48_khz_the_filters_are_those_of_the_standard() -> None:
    first, second = Weighting(RATE, 1)._stages
    assert first == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert second == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-9)


def test_pauses_do_not_make_it_quieter_and_parts_are_one_sound() -> None:
    whole = np.concatenate([tone(4, -20), np.zeros((6 * RATE, 1)), tone(4, -20)])
    assert integrated([whole], RATE) == pytest.approx(integrated([tone(8, -20)], RATE), abs=0.3), "up to the blocks at their edges"
    assert integrated([whole[: 5 * RATE], whole[5 * RATE :]], RATE) == pytest.approx(integrated([whole], RATE), abs=1e-6)


def test_what_is_quieter_by_some_decibels_is_less_loud_by_these_and_silence_is_not_loud_at_all() -> None:
    assert integrated([tone(3, -10)], RATE) - integrated([tone(3, -13)], RATE) == pytest.approx(3, abs=0.01)
    assert integrated([np.zeros((RATE, 2))], RATE) == integrated([], RATE) == float("-inf")
