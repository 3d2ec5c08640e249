"""Agreement in numbers small enough to check by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.core.agreement import (
    Figures,
    against,
    among,
    boundary_error,
    event_f1,
    frame_f1,
    krippendorff_alpha,
    pairwise_frame_f1,
)
from annotation.core.regions import to_frames

NAN = math.nan


def test_alpha_of_krippendorffs_own_example_with_missing_values() -> None:
    """The nominal example of "Computing Krippendorff's Alpha-Reliability" (2011), section C."""
    values = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
    assert krippendorff_alpha(values) == pytest.approx(0.743, abs=0.0005)


def test_alpha_by_hand() -> None:
    """Two people, four frames, one of them disputed: observed 1/4; by chance 2 * 5 * 3 / (8 * 7) = 15/28; alpha = 1 - 7/15."""
    assert krippendorff_alpha([[1, 1, 0, 0], [1, 1, 1, 0]]) == pytest.approx(8 / 15)


def test_alpha_is_one_for_full_agreement_and_below_zero_for_contradiction() -> None:
    assert krippendorff_alpha([[1, 0, 1], [1, 0, 1]]) == 1.0
    assert krippendorff_alpha([[0, 0, 0], [0, 0, 0]]) == 1.0
    assert krippendorff_alpha([[1, 0, 1, 0], [0, 1, 0, 1]]) < 0


def test_alpha_is_about_zero_for_chance() -> None:
    assert krippendorff_alpha(np.random.default_rng(1).integers(0, 2, (3, 20_000))) == pytest.approx(0, abs=0.02)


def test_alpha_is_not_a_number_where_nothing_can_be_compared() -> None:
    assert math.isnan(krippendorff_alpha([[1, NAN], [NAN, 0]]))
    assert math.isnan(krippendorff_alpha(np.zeros((0, 0))))


def test_frame_f1_by_hand() -> None:
    """3 s and 2 s share 1 s: 2 * 1 / 5."""
    assert frame_f1([(0, 3)], [(2, 4)]) == pytest.approx(0.4)
    assert frame_f1([(0, 2), (1, 3)], [(0, 3)]) == 1.0
    assert frame_f1([], []) == 1.0
    assert frame_f1([(0, 1)], []) == 0.0


def test_pairwise_f1_is_the_mean_over_pairs() -> None:
    assert pairwise_frame_f1([[(0, 1)], [(0, 1)], []]) == pytest.approx(1 / 3)
    assert math.isnan(pairwise_frame_f1([[(0, 1)]]))


def test_an_event_is_right_if_both_edges_are_near() -> None:
    assert event_f1([(1, 2)], [(1.2, 2.2)]) == (1, 1, 1)
    assert event_f1([(1, 2)], [(1.21, 2)]).f1 == 0
    assert event_f1([(1, 2)], [(1, 2.21)]).f1 == 0


def test_the_offset_of_a_long_event_may_miss_by_a_fifth_of_its_length() -> None:
    assert event_f1([(0, 10)], [(0, 12)]).f1 == 1
    assert event_f1([(0, 10)], [(0, 12.1)]).f1 == 0


def test_event_scores_by_hand() -> None:
    score = event_f1([(0, 1), (5, 6), (10, 11)], [(0, 1), (20, 21)])
    assert (score.precision, score.recall) == (1 / 2, 1 / 3)
    assert score.f1 == pytest.approx(2 / 5)


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    assert event_f1([], []) == (1, 1, 1)
    assert event_f1([], [(0, 1)]) == (0, 0, 0)
    assert event_f1([(0, 1)], []) == (0, 0, 0)


def test_each_event_is_matched_once_and_as_many_as_can_be() -> None:
    """The first true event could take either; the second only the first."""
    truth, found = [(0.15, 0.2), (0.3, 0.35)], [(0.0, 0.1), (0.2, 0.25)]
    assert event_f1(truth, found).f1 == 1


def test_boundary_error_by_hand() -> None:
    error = boundary_error([(1, 2), (5, 7)], [(1.3, 2.1), (4.9, 7.3), (20, 21)])
    assert error.n_matched == 2
    assert error.onset == pytest.approx(0.2)
    assert error.offset == pytest.approx(0.2)
    assert error.onset_lag == pytest.approx(0.1)
    assert error.offset_lag == pytest.approx(0.2)


def test_boundary_error_without_a_match_is_not_a_number() -> None:
    error = boundary_error([(1, 2)], [(10, 11)])
    assert error.n_matched == 0
    assert math.isnan(error.onset)


regions = st.lists(st.tuples(st.floats(0, 25), st.floats(0.1, 5)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=5)


@given(regions, regions)
def test_scores_are_symmetric_shares(these: list[tuple[float, float]], those: list[tuple[float, float]]) -> None:
    assert 0 <= frame_f1(these, those) <= 1 + 1e-12
    assert frame_f1(these, those) == pytest.approx(frame_f1(those, these))
    forth, back = event_f1(these, those, share=0), event_f1(those, these, share=0)
    assert (forth.precision, forth.recall) == (back.recall, back.precision)


@given(regions)
def test_everything_agrees_with_itself(these: list[tuple[float, float]]) -> None:
    assert frame_f1(these, these) == pytest.approx(1)
    assert event_f1(these, these) == (1, 1, 1)


# -- a campaign, its tasks and its people


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


CAMPAIGN = [
    ("a", "ann", 10.0, [(1, 3)]),
    ("a", "bob", 10.0, [(1, 3)]),
    ("a", "cyd", 10.0, []),
    ("b", "ann", 10.0, [(4, 6), (8, 9)]),
    ("b", "bob", 10.0, [(4, 6)]),
]


def test_figures_of_a_campaign_by_hand() -> None:
    """Pairs share 2, 0, 0 and 2 of 4, 2, 2 and 5 s, and of 2, 1, 1 and 3 events get 1, 0, 0 and 1 right."""
    found = among(CAMPAIGN, rng=rng())
    assert found.campaign.frame_f1.value == pytest.approx(2 * 4 / 13)
    assert found.campaign.event_f1.value == pytest.approx(2 * 2 / 7)
    assert found.campaign.onset_error.value == found.campaign.offset_error.value == 0
    assert found.tasks["b"].frame_f1.value == pytest.approx(4 / 5)
    assert found.people["cyd"].frame_f1.value == 0
    assert found.people["ann"].frame_f1.value == pytest.approx(2 * 4 / (4 + 2 + 5))
    assert list(found.people) == ["ann", "bob", "cyd"]


def test_alpha_of_a_task_and_of_a_campaign_is_krippendorffs() -> None:
    frames = {task: np.array([to_frames(marks, 10.0, 0.05) for name, _, _, marks in CAMPAIGN if name == task]) for task in "ab"}
    found = among(CAMPAIGN, rng=rng())
    for task in "ab":
        assert found.tasks[task].alpha.value == pytest.approx(krippendorff_alpha(frames[task]))
    padded = np.concatenate([frames["b"], np.full((1, 200), NAN)])
    assert found.campaign.alpha.value == pytest.approx(krippendorff_alpha(np.concatenate([frames["a"], padded], axis=1)))


def test_answers_are_measured_against_what_is_known() -> None:
    found = against({"a": [(1, 3)], "elsewhere": []}, CAMPAIGN, rng=rng())
    assert list(found.tasks) == ["a"]
    assert found.people["ann"].frame_f1 == (1, 1, 1)
    assert found.people["cyd"].event_f1 == (0, 0, 0)
    assert found.campaign.frame_f1.value == pytest.approx(2 * 4 / 10)
    late = against({"t": [(1, 3)]}, [("t", "ann", 10.0, [(1.1, 3.3)])], rng=rng()).campaign
    assert (late.onset_error.value, late.offset_error.value) == (pytest.approx(0.1), pytest.approx(0.3))


def test_an_empty_clip_left_empty_is_agreement() -> None:
    found = among([("t", "ann", 10.0, []), ("t", "bob", 10.0, [])], rng=rng())
    assert found.campaign.frame_f1 == found.campaign.event_f1 == (1, 1, 1)
    assert math.isnan(found.campaign.onset_error.value)


def test_only_time_that_both_heard_is_compared() -> None:
    heard = [(0.0, 2.0)]
    found = among([("t", "ann", 10.0, [(1, 2), (5, 6)]), ("t", "bob", 10.0, [(1, 2)], heard)], rng=rng())
    assert found.campaign.frame_f1.value == found.campaign.event_f1.value == 1
    nothing = among([("t", "ann", 10.0, [(1, 2)]), ("t", "bob", 10.0, [], [])], rng=rng()).campaign
    assert math.isnan(nothing.frame_f1.value)
    assert math.isnan(nothing.alpha.value)


def test_one_answer_alone_agrees_with_nobody() -> None:
    found = among(CAMPAIGN[:1], rng=rng())
    assert math.isnan(found.campaign.alpha.value)
    assert found.people == {}
    assert math.isnan(among([], rng=rng()).campaign.frame_f1.value)


def test_intervals_hold_the_figure_and_narrow_with_more_tasks() -> None:
    generator = rng()

    def campaign(n_tasks: int) -> Figures:
        answers = []
        for task in range(n_tasks):
            start = generator.uniform(0, 7)
            answers += [(task, who, 10.0, [(start + generator.normal(0, 0.2), start + 2)]) for who in ("ann", "bob", "cyd")]
        return among(answers, rng=rng()).campaign

    few, many = campaign(10), campaign(160)
    for figures in (few, many):
        for measured in (figures.alpha, figures.frame_f1, figures.event_f1, figures.onset_error):
            assert measured.low <= measured.value <= measured.high
    assert many.frame_f1.high - many.frame_f1.low < 0.6 * (few.frame_f1.high - few.frame_f1.low)


def test_the_same_generator_and_any_order_give_the_same_intervals() -> None:
    assert repr(among(CAMPAIGN[::-1], rng=rng())) == repr(among(CAMPAIGN, rng=rng()))
