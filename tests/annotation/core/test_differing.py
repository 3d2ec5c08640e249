"""Where two versions of a sound are compared, and at which level."""

import numpy as np
import pytest

from annotation.core.differing import difference, places, turned_down


def where(
    apart: list[float], sounds: list[float] | None = None, *, n: int = 1, most: bool = True, seed: int = 0
) -> list[tuple[float, float]]:
    """Of a song with so much difference in each whole second; clips of 2 s."""
    hops = np.repeat(np.array(apart), 10)
    loud = np.repeat(np.array(sounds or [1.0] * len(apart)), 10)
    return places(hops, loud, length=2.0, n=n, most=most, generator=np.random.default_rng(seed), duration=float(len(apart)))


def test_the_louder_one_is_turned_down_and_neither_up() -> None:
    assert turned_down(-20.0, -23.0) == (-3.0, 0.0)
    assert turned_down(-23.0, -20.0) == (0.0, -3.0)


def test_what_differs_by_more_than_a_level_is_left_alone() -> None:
    assert turned_down(-20.0, -40.0) == turned_down(-20.0, float("-inf")) == turned_down(float("-inf"), float("-inf")) == (0.0, 0.0)


def test_the_difference_of_a_sound_and_the_same_turned_down_is_nothing() -> None:
    power = np.array([1.0, 4.0])
    half = 10 ** (-6 / 20)
    assert difference(power, power * half**2, power * half, (-6.0, 0.0)) == pytest.approx([0, 0], abs=1e-12)
    assert difference(power, power, -power, (0.0, 0.0)) == pytest.approx(4 * power)


def test_clips_lie_where_most_differs_largest_first_and_do_not_overlap() -> None:
    assert where([0, 0, 5, 5, 0, 0, 3, 3, 0], n=2) == [(2.0, 4.0), (6.0, 8.0)]


def test_nothing_is_compared_where_nothing_sounds() -> None:
    assert where([0, 0, 5, 5, 0, 0], [1, 1, 0, 0, 0, 0], n=2)[0][1] <= 4.0
    assert where([5, 5, 5, 5], [0, 0, 0, 0]) == []


def test_at_random_follows_the_seed_and_not_the_difference() -> None:
    found = {where([0, 0, 9, 9, 0, 0, 0, 0, 0, 0], most=False, seed=seed)[0] for seed in range(8)}
    assert len(found) > 3 and where([1] * 10, most=False, seed=3) == where([2] * 10, most=False, seed=3)


def test_a_short_song_is_one_clip_and_there_are_as_many_as_it_has_room_for() -> None:
    assert where([1], n=3) == [(0.0, 1.0)]
    assert len(where([1, 1, 1, 1, 1], n=3)) == 2
