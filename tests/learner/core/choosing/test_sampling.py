"""Clips drawn by chance: the chances are what they are said to be."""

from collections import Counter

import numpy as np
import pytest

from learner.core.choosing.sampling import FLOOR, chances, draw

SIZES = np.array([0.0, 0.1, 0.2, 9.0, 0.5, 0.4, 0.0, 1.5])


def test_the_larger_the_likelier_and_together_as_many_as_are_drawn() -> None:
    chance = chances(SIZES, 3)
    assert chance.sum() == pytest.approx(3)
    assert chance[3] == 1, "it would be more than certain"
    assert (np.diff(chance[np.argsort(SIZES)]) >= 0).all()


@pytest.mark.parametrize("n", [1, 3, 7])
def test_no_clip_is_out_of_reach(n: int) -> None:
    assert chances(SIZES, n).min() >= FLOOR * n / SIZES.size - 1e-12


def test_without_sizes_all_are_alike() -> None:
    assert chances(np.zeros(5), 2) == pytest.approx(np.full(5, 0.4))


def test_where_there_are_too_few_all_are_certain() -> None:
    assert chances(SIZES, 8).tolist() == chances(SIZES, 20).tolist() == [1.0] * 8
    assert sorted(draw(np.ones(3), "abc", np.random.default_rng(0))) == [0, 1, 2]
    assert chances([], 0).size == 0 and draw(np.ones(0), "", np.random.default_rng(0)) == []


def test_no_clip_is_drawn_where_none_is_wanted() -> None:
    assert draw(chances(SIZES, 0), "aabbccdd", np.random.default_rng(0)) == []


@pytest.mark.parametrize("size", [-1.0, np.nan, np.inf])
def test_a_size_must_be_a_number_and_not_negative(size: float) -> None:
    with pytest.raises(ValueError, match="must be a number, and not negative"):
        chances([1.0, size], 1)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_the_stated_chance_is_the_true_one(n: int) -> None:
    chance, generator, seen = chances(SIZES, n), np.random.default_rng(n), Counter[int]()
    draws = 4000
    for _ in range(draws):
        drawn = draw(chance, "aaabbbcc", generator)
        assert len(drawn) == len(set(drawn)) == n
        seen.update(drawn)
    assert [seen[index] / draws for index in range(SIZES.size)] == pytest.approx(chance, abs=0.03)


def test_a_track_gives_no_more_than_its_share_rounded_up() -> None:
    chance = chances(np.ones(12), 4)
    for seed in range(50):
        drawn = draw(chance, "aaabbbcccddd", np.random.default_rng(seed))
        assert max(Counter("aaabbbcccddd"[index] for index in drawn).values()) <= 2


def test_the_same_generator_draws_the_same() -> None:
    chance = chances(SIZES, 3)
    assert draw(chance, "aabbccdd", np.random.default_rng(4)) == draw(chance, "aabbccdd", np.random.default_rng(4))
