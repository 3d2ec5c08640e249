"""What is proposed to people of what probably leaks."""

import numpy as np
import pytest

from learner.core.choosing import proposing


def frames(*likely: tuple[int, int], n: int = 200, probability: float = 0.8) -> np.ndarray:
    found = np.full(n, 0.1)
    for first, last in likely:
        found[first:last] = probability
    return found


def test_likely_frames_are_proposed_where_they_lie_in_the_track() -> None:
    assert proposing.regions(frames((52, 62), (100, 110)), (5.0, 15.0)) == [(5.2, 6.2, 0.8), (10.0, 11.0, 0.8)]


def test_what_reaches_over_the_clips_end_is_cut_to_it() -> None:
    assert proposing.regions(frames((40, 200)), (5.0, 15.0)) == [(5.0, 15.0, 0.8)]


def test_cracks_are_bridged_and_specks_left_out() -> None:
    ((start, end, probability),) = proposing.regions(frames((10, 20), (22, 30), (60, 63)), (0.0, 15.0))
    assert (start, end) == (1.0, 3.0) and 0.6 < probability < 0.8


def test_what_is_not_known_or_unlikely_is_not_proposed() -> None:
    assert proposing.regions(np.full(200, np.nan), (0.0, 15.0)) == []
    assert proposing.regions(frames((10, 40), probability=0.49), (0.0, 15.0)) == []


@pytest.mark.parametrize("n", [9, 20])
def test_no_more_than_a_person_can_look_at(n: int) -> None:
    assert len(proposing.regions(frames(*((k * 10, k * 10 + 5) for k in range(n)), n=300), (0.0, 30.0))) == proposing.MOST
