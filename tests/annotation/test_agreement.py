"""Agreement in numbers small enough to check by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.agreement import boundary_error, event_f1, frame_f1, krippendorff_alpha, pairwise_frame_f1

NAN = math.nan


def test_alpha_of_krippendorffs_own_example_with_missing_values():
    """The nominal example of "Computing Krippendorff's Alpha-Reliability" (2011), section C."""
    values = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
    assert krippendorff_alpha(values) == pytest.approx(0.743, abs=0.0005)


def test_alpha_by_hand():
    """Two people, four frames, one of them disputed: observed 1/4; by chance 2 * 5 * 3 / (8 * 7) = 15/28; alpha = 1 - 7/15."""
    assert krippendorff_alpha([[1, 1, 0, 0], [1, 1, 1, 0]]) == pytest.approx(8 / 15)


def test_alpha_is_one_for_full_agreement_and_below_zero_for_contradiction():
    assert krippendorff_alpha([[1, 0, 1], [1, 0, 1]]) == 1.0
    assert krippendorff_alpha([[0, 0, 0], [0, 0, 0]]) == 1.0
    assert krippendorff_alpha([[1, 0, 1, 0], [0, 1, 0, 1]]) < 0


def test_alpha_is_about_zero_for_chance():
    assert krippendorff_alpha(np.random.default_rng(1).integers(0, 2, (3, 20_000))) == pytest.approx(0, abs=0.02)


def test_alpha_is_not_a_number_where_nothing_can_be_compared():
    assert math.isnan(krippendorff_alpha([[1, NAN], [NAN, 0]]))
    assert math.isnan(krippendorff_alpha(np.zeros((0, 0))))


def test_frame_f1_by_hand():
    """3 s and 2 s share 1 s: 2 * 1 / 5."""
    assert frame_f1([(0, 3)], [(2, 4)]) == pytest.approx(0.4)
    assert frame_f1([(0, 2), (1, 3)], [(0, 3)]) == 1.0
    assert frame_f1([], []) == 1.0
    assert frame_f1([(0, 1)], []) == 0.0


def test_pairwise_f1_is_the_mean_over_pairs():
    assert pairwise_frame_f1([[(0, 1)], [(0, 1)], []]) == pytest.approx(1 / 3)
    assert math.isnan(pairwise_frame_f1([[(0, 1)]]))


def test_an_event_is_right_if_both_edges_are_near():
    assert event_f1([(1, 2)], [(1.2, 2.2)]) == (1, 1, 1)
    assert event_f1([(1, 2)], [(1.21, 2)]).f1 == 0
    assert event_f1([(1, 2)], [(1, 2.21)]).f1 == 0


def test_the_offset_of_a_long_event_may_miss_by_a_fifth_of_its_length():
    assert event_f1([(0, 10)], [(0, 12)]).f1 == 1
    assert event_f1([(0, 10)], [(0, 12.1)]).f1 == 0


def test_event_scores_by_hand():
    score = event_f1([(0, 1), (5, 6), (10, 11)], [(0, 1), (20, 21)])
    assert (score.precision, score.recall) == (1 / 2, 1 / 3)
    assert score.f1 == pytest.approx(2 / 5)


def test_nothing_to_find_and_nothing_found_is_right():
    assert event_f1([], []) == (1, 1, 1)
    assert event_f1([], [(0, 1)]) == (0, 0, 0)
    assert event_f1([(0, 1)], []) == (0, 0, 0)


def test_each_event_is_matched_once_and_as_many_as_can_be():
    """The first true event could take either; the second only the first."""
    truth, found = [(0.15, 0.2), (0.3, 0.35)], [(0.0, 0.1), (0.2, 0.25)]
    assert event_f1(truth, found).f1 == 1


def test_boundary_error_by_hand():
    error = boundary_error([(1, 2), (5, 7)], [(1.3, 2.1), (4.9, 7.3), (20, 21)])
    assert error.n_matched == 2
    assert error.onset == pytest.approx(0.2)
    assert error.offset == pytest.approx(0.2)
    assert error.onset_lag == pytest.approx(0.1)
    assert error.offset_lag == pytest.approx(0.2)


def test_boundary_error_without_a_match_is_not_a_number():
    error = boundary_error([(1, 2)], [(10, 11)])
    assert error.n_matched == 0
    assert math.isnan(error.onset)


regions = st.lists(st.tuples(st.floats(0, 25), st.floats(0.1, 5)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=5)


@given(regions, regions)
def test_scores_are_symmetric_shares(these, those):
    assert 0 <= frame_f1(these, those) <= 1 + 1e-12
    assert frame_f1(these, those) == pytest.approx(frame_f1(those, these))
    forth, back = event_f1(these, those, share=0), event_f1(those, these, share=0)
    assert (forth.precision, forth.recall) == (back.recall, back.precision)


@given(regions)
def test_everything_agrees_with_itself(these):
    assert frame_f1(these, these) == pytest.approx(1)
    assert event_f1(these, these) == (1, 1, 1)
