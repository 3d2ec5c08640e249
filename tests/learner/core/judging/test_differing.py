import numpy as np
import pytest

from learner.core.judging.differing import EXCERPT, differs_most, excerpt

RATE = 100
TRUTH = np.sin(np.arange(40 * RATE))[None]


def wrong(start: float, size: float) -> np.ndarray:
    """The truth with an error of three seconds."""
    estimate = TRUTH.copy()
    estimate[:, round(start * RATE) : round((start + 3) * RATE)] += size
    return estimate


def test_the_place_is_where_one_is_wrong_and_the_other_is_not() -> None:
    before, after = wrong(6, 0.5) + 0.2, wrong(30, 0.1) + 0.2
    assert differs_most(before, after, TRUTH, RATE) == 6.0, "what is wrong in both is no difference"


def test_without_truth_the_louder_one_tells() -> None:
    assert differs_most(wrong(9, 1.0), TRUTH, None, RATE) == 9.0


def test_what_is_no_number_is_no_place_and_no_error() -> None:
    broken = TRUTH.copy()
    broken[:, 500] = np.nan
    assert differs_most(broken, wrong(12, 1.0), TRUTH, RATE) == 12.0
    assert differs_most(TRUTH[:, :0], TRUTH[:, :0], None, RATE) == 0.0


@pytest.mark.parametrize(("at", "duration", "start"), [(18.0, 40.0, 13.5), (0.0, 40.0, 0.0), (39.0, 40.0, 28.0), (0.0, 4.0, 0.0)])
def test_an_excerpt_has_it_in_its_middle_and_stays_in_the_song(at: float, duration: float, start: float) -> None:
    assert excerpt(at, duration) == start
    assert start + EXCERPT <= max(duration, EXCERPT)
