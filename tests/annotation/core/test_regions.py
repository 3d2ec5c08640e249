"""Arithmetic on half-open regions of seconds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.core.regions import BadRegion, Region, clamp, frame_count, from_frames, intersect, merge, shift, subtract, to_frames, total

# Quarters of a second are exact in binary, so sums can be compared for equality.
quarters = st.integers(0, 80).map(lambda n: n / 4)
some_regions = st.lists(st.tuples(quarters, quarters).map(lambda pair: Region(*sorted(pair))), max_size=8)


def covered(regions: list[Region]) -> np.ndarray:
    return to_frames(regions, duration=20.0, frame=0.25)


def test_touching_and_overlapping_regions_become_one() -> None:
    assert merge([(3, 4), (0, 1), (1, 2), (3.5, 5)]) == [(0, 2), (3, 5)]


def test_regions_a_gap_apart_become_one_when_that_is_asked() -> None:
    assert merge([(0, 1), (1.2, 2)], gap=0.25) == [(0, 2)]
    assert merge([(0, 1), (1.2, 2)], gap=0.1) == [(0, 1), (1.2, 2)]


def test_empty_regions_vanish() -> None:
    assert merge([(1, 1), (2, 1)]) == []


def test_weights_are_not_looked_at() -> None:
    assert merge([(0, 1, 0.5), (1, 2, 0.9)]) == [(0, 2)]


def test_the_end_is_not_part_of_a_region() -> None:
    assert intersect([(0, 1)], [(1, 2)]) == []
    assert to_frames([(0, 1)], duration=2, frame=0.5).tolist() == [True, True, False, False]


def test_a_hole_splits_a_region() -> None:
    assert subtract([(0, 10)], [(2, 3), (5, 6)]) == [(0, 2), (3, 5), (6, 10)]


def test_what_is_covered_twice_counts_once() -> None:
    assert total([(0, 2), (1, 3)]) == 3.0


def test_clamp_cuts_to_the_bounds_and_keeps_order_and_overlaps() -> None:
    assert clamp([(4, 9), (-1, 2), (1, 3), (11, 12)], (0, 5)) == [(4, 5), (0, 2), (1, 3)]


def test_shift_moves_later() -> None:
    assert shift([(1, 2)], 0.5) == [(1.5, 2.5)]


def test_a_frame_belongs_to_a_region_by_its_middle() -> None:
    assert to_frames([(0.06, 0.16)], duration=0.3, frame=0.1).tolist() == [False, True, False]
    assert to_frames([(0.04, 0.16)], duration=0.3, frame=0.1).tolist() == [True, True, False]


def test_regions_may_reach_outside_the_duration() -> None:
    assert to_frames([(-5, 0.1), (0.2, 99)], duration=0.3, frame=0.1).tolist() == [True, False, True]


def test_frames_cover_the_whole_duration_and_rounding_adds_none() -> None:
    assert frame_count(30.0, 0.05) == 600
    assert frame_count(0.1 + 0.2, 0.1) == 3
    assert frame_count(0.31, 0.1) == 4


def test_the_last_region_ends_with_the_duration() -> None:
    assert from_frames(np.array([False, True, True]), frame=0.1, duration=0.25) == [(0.1, 0.25)]


def test_a_bad_region_says_what_is_wrong_even_without_words() -> None:
    assert str(BadRegion()) == "A mark is not a stretch of time inside its clip."
    with pytest.raises(ValueError, match="region 2"):
        raise BadRegion("region 2: too long", region="2", field="value.end")


@given(some_regions, some_regions)
def test_arithmetic_is_that_of_sets_of_frames(these: list[Region], those: list[Region]) -> None:
    assert (covered(merge(these)) == covered(these)).all()
    assert (covered(intersect(these, those)) == (covered(these) & covered(those))).all()
    assert (covered(subtract(these, those)) == (covered(these) & ~covered(those))).all()
    assert total(these) == covered(these).sum() / 4


@given(some_regions)
def test_regions_on_the_frame_grid_survive_frames(these: list[Region]) -> None:
    assert from_frames(covered(these), frame=0.25) == merge(these)
