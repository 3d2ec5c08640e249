"""When one more opinion is worth more than a new clip."""

import numpy as np
import pytest

from learner.core.choosing.opinions import asks_again, worth_of_more, worth_of_new

N = 150  # frames of 15 s


def test_a_new_clip_is_worth_what_people_are_expected_to_find() -> None:
    assert worth_of_new(np.full(N, 0.2), 0.25, sensitivity=1.0) == pytest.approx(15 * 0.2 / 0.25)
    assert worth_of_new(np.full(N, 0.2), 0.75) == pytest.approx(worth_of_new(np.full(N, 0.2), 0.25) / 3)


def test_nothing_is_left_to_learn_of_what_is_certain() -> None:
    for certain in (0.0, 0.01, 0.99, 1.0):
        assert worth_of_more(np.full(N, certain), 0.25) == pytest.approx(0.0, abs=1e-9)
    assert worth_of_more(np.full(N, 0.5), 0.25) > worth_of_more(np.full(N, 0.3), 0.25) > 0


def test_a_perfect_answer_takes_all_doubt_and_a_blind_one_none() -> None:
    doubtful = np.full(N, 0.4)
    assert worth_of_more(doubtful, 1.0, 1.0, 1.0) == pytest.approx(0.4 * 15)
    assert worth_of_more(doubtful, 1.0, 0.5, 0.5) == pytest.approx(0.0)


def test_one_more_opinion_pays_where_people_disagree_and_new_clips_hardly_leak() -> None:
    disputed, settled = np.full(N, 0.5), np.full(N, 0.02)
    leaking, quiet = np.full(N, 0.9), np.full(N, 0.01)
    assert asks_again(disputed, quiet, minutes=0.25, people=3)
    assert not asks_again(settled, quiet, minutes=0.25, people=3)
    assert not asks_again(np.where(np.arange(N) < 30, 0.5, 0.02), leaking, minutes=0.25, people=3)
