"""What choosing has gained, on clips whose truth is known."""

import numpy as np
import pytest

from learner.core.choosing.gain import Answered, gain


def clips(*found: float, chance: float = 1.0) -> list[Answered]:
    """Of 15 s each."""
    return [Answered(seconds, 0.25, chance) for seconds in found]


def test_chosen_clips_that_hold_twice_as_much_save_their_own_length() -> None:
    found = gain(clips(4, 4, 4, 4), clips(2, 2, 2))
    assert (found.chosen.value, found.control.value) == (16, 8)
    assert (found.chosen.found, found.chosen.minutes, found.chosen.n) == (16, 1, 4)
    assert found.saved == 1 and (found.low, found.high) == (1, 1), "all clips are alike, so nothing is unsure"


def test_choosing_that_finds_less_costs_minutes() -> None:
    assert gain(clips(1, 1), clips(2, 2)).saved == -0.25


def test_a_clip_that_was_unlikely_to_be_drawn_stands_for_more_like_it() -> None:
    control = [*clips(6, chance=0.1), *clips(0, chance=0.3)]
    assert gain(clips(3), control).control.value == pytest.approx(6 / 0.1 / (0.25 / 0.1 + 0.25 / 0.3))


def test_nothing_is_said_where_nothing_can_be() -> None:
    assert gain([], []).saved is None and gain([], []).chosen.value is None
    assert gain(clips(3, 2), []).saved is None
    assert gain(clips(3, 2), clips(0, 0)).saved is None, "no number of random clips would have found as much"
    one = gain(clips(3), clips(1))
    assert one.saved == 0.5 and one.low is None and one.chosen.low is None


def test_where_a_random_draw_may_find_nothing_there_is_no_upper_limit() -> None:
    found = gain(clips(3, 4, 5), clips(0, 2))
    assert found.low is not None and found.high is None


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator, held = np.random.default_rng(0), 0
    for seed in range(100):
        chosen, control = (clips(*generator.gamma(2, mean / 2, 12)) for mean in (3, 2))
        found = gain(chosen, control, seed)
        assert found.low is not None and found.high is not None
        held += found.low <= 12 * 0.25 * 0.5 <= found.high
    assert held >= 88


def test_of_very_many_clips_the_interval_is_that_of_drawing_them_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    chosen, control = ([Answered(float(found), 0.25) for found in generator.exponential(mean, 2500)] for mean in (1.2, 1.0))
    quick = gain(chosen, control)
    monkeypatch.setattr("learner.core.choosing.gain.MANY", 10_000)
    drawn = gain(chosen, control)
    assert quick.saved == drawn.saved and quick.low is not None and quick.high is not None
    assert [quick.low, quick.high] == pytest.approx([drawn.low, drawn.high], abs=0.15 * (quick.high - quick.low))
