"""A grade says what was missed and what was too much, and forgives what no ear can do better."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.core.grading import grade
from annotation.core.regions import Region, total

CLIP = Region(30.0, 45.0)
TRUTH = [Region(32.0, 34.0), Region(40.0, 41.0)]

times = st.floats(30.0, 45.0)
region_lists = st.lists(st.tuples(times, times).map(sorted).filter(lambda pair: pair[1] - pair[0] > 0.01), max_size=6)


def test_the_truth_itself_scores_one() -> None:
    assert grade(TRUTH, TRUTH, CLIP).score == 1 and grade(TRUTH, TRUTH, CLIP).right


def test_late_marks_are_forgiven_up_to_the_tolerance() -> None:
    late = [Region(start + 0.3, end + 0.3) for start, end in TRUTH]
    assert grade(late, TRUTH, CLIP).score == 1
    too_late = grade([Region(32.8, 34.8), TRUTH[1]], TRUTH, CLIP)
    assert too_late.missed == [Region(32.0, 32.8)]
    assert too_late.extra[0].start == pytest.approx(34.35) and too_late.extra[0].end == 34.8


def test_what_nobody_touched_is_missed_whole() -> None:
    found = grade([TRUTH[0]], TRUTH, CLIP)
    assert found.missed == [TRUTH[1]] and not found.extra
    assert found.score == pytest.approx(2 * 2 / (2 * 2 + 1))


def test_a_hole_in_the_middle_is_missed() -> None:
    assert grade([(32.0, 32.9), (33.2, 34.0), TRUTH[1]], TRUTH, CLIP).missed == [Region(32.9, 33.2)]


def test_marking_everything_is_no_way_to_score() -> None:
    assert grade([CLIP], TRUTH, CLIP).score < 0.45
    assert grade([], TRUTH, CLIP).score == 0


def test_where_nothing_leaks_no_mark_is_right_and_a_stray_one_costs_by_its_length() -> None:
    assert grade([], [], CLIP).score == 1
    assert grade([(33, 34)], [], CLIP).score == 0.5
    assert grade([CLIP], [], CLIP).score < 0.07


def test_marks_outside_the_clip_do_not_count() -> None:
    assert grade([*TRUTH, (10, 20), (44.99, 99)], TRUTH, CLIP).right


@given(region_lists, region_lists)
def test_a_score_is_a_share_and_faults_lie_in_the_clip(marks: list[Region], truth: list[Region]) -> None:
    found = grade(marks, truth, CLIP)
    assert 0 <= found.score <= 1
    assert all(CLIP.start <= start < end <= CLIP.end for start, end in found.missed + found.extra)
    assert found.hit + total(found.missed) == pytest.approx(total(truth))


@given(region_lists)
def test_every_answer_is_right_against_itself(marks: list[Region]) -> None:
    assert grade(marks, marks, CLIP).score == pytest.approx(1)
