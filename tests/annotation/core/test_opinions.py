"""What one more opinion is worth, beside a new clip."""

import numpy as np
import pytest

from annotation.core.bench.opinions import run
from annotation.core.consensus.opinions import MEASURED, n_giving_way, seconds_set_right, worth_of_more, worth_of_new

FRAME, N = 0.1, 150  # seconds; frames of 15 s


def test_a_new_clip_is_worth_what_people_are_expected_to_find_in_a_minute_of_them_all() -> None:
    assert worth_of_new(3.0, 0.25, 3) == pytest.approx(3.0 * 0.75 / 0.75)
    assert worth_of_new(3.0, 0.25, 1) == pytest.approx(3 * worth_of_new(3.0, 0.25, 3))


def test_nothing_is_left_to_set_right_of_what_is_certain() -> None:
    for certain in (0.0, 0.01, 0.99, 1.0):
        assert seconds_set_right(np.full(N, certain), FRAME) == pytest.approx(0.0, abs=1e-9)
    assert seconds_set_right(np.full(N, 0.5), FRAME) > seconds_set_right(np.full(N, 0.3), FRAME) > 0


def test_a_perfect_answer_sets_all_right_and_a_blind_one_nothing() -> None:
    doubtful = np.full(N, 0.4)
    assert seconds_set_right(doubtful, FRAME, 1.0, 1.0) == pytest.approx(0.4 * 15)
    assert seconds_set_right(doubtful, FRAME, 0.5, 0.5) == pytest.approx(0.0)
    assert worth_of_more(doubtful, FRAME, 0.5) == pytest.approx(2 * MEASURED * seconds_set_right(doubtful, FRAME))


def test_a_new_clip_gives_way_to_as_many_opinions_as_it_has_people_if_each_is_worth_more() -> None:
    assert n_giving_way([5.0, 1.0, 4.0, 3.0], [2.0, 2.0, 2.0, 0.5], people=3) == 1
    assert n_giving_way([5.0, 1.0, 4.0, 3.0], [2.0, 2.0, 0.5], people=3) == 0, "two are worth it, and three people would hear it"
    assert n_giving_way([5.0, 1.0, 4.0, 3.0], [9.0] * 99, people=3) == 2, "half of the clips stay, whatever opinions are worth"
    assert n_giving_way([1.0], [9.0] * 3, people=3) == n_giving_way([], [9.0], people=1) == 0


def test_a_simulated_campaign_whose_clips_hardly_leak_asks_again_and_one_whose_clips_leak_does_not() -> None:
    quiet, loud = (run(0, leak, opinions=True, rounds=2) for leak in (0.05, 8.0))
    assert quiet["opinions"] > 0 == loud["opinions"]
    assert quiet["minutes"] == pytest.approx(run(0, 0.05, opinions=False, rounds=2)["minutes"], rel=0.1)
