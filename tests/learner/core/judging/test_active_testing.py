"""Clips that were not drawn alike give the same answer as all of them would, on average."""

import numpy as np
import pytest

from learner.core.choosing.acquisition import APART_FLOOR, sizes_apart
from learner.core.choosing.strategies.drawing import systematic
from learner.core.judging.active_testing import mean_change, weights


class TestWeights:
    def test_drawn_alike_in_however_many_rounds_each_counts_one(self) -> None:
        for rounds in ([[0.2] * 4], [[0.2] * 4, [0.25] * 4, [0.5] * 6], [[0.5] * 10, [1.0] * 10]):
            assert all(weight == pytest.approx(1) for drawn in weights(rounds, 20) for weight in drawn)

    def test_half_the_chance_counts_twice(self) -> None:
        assert weights([[0.1, 0.2]], 10) == [pytest.approx([2.0, 1.0])]

    def test_where_everything_was_drawn_at_last_each_counts_one(self) -> None:
        assert weights([[0.9, 0.3], [1.0]], 3) == [[1, 1], [1]]

    def test_a_floor_under_chances_bounds_them(self) -> None:
        _, chance = systematic(sizes_apart([0, 0, 0, 1, 1, 1]), 2, np.random.default_rng(0))
        assert weights([[chance[0], chance[3]]], 6)[0][0] == pytest.approx(1 / APART_FLOOR)

    def test_each_drawn_one_by_one_they_are_those_of_the_paper(self) -> None:
        """Farquhar et al. 2021, eq. 4: v_m = 1 + (N - M) / (N - m) * (1 / ((N - m + 1) q_m) - 1)."""
        n, drawn = 10, [0.3, 0.05, 0.2, 0.4]
        paper = [1 + (n - 4) / (n - m) * (1 / ((n - m + 1) * q) - 1) for m, q in enumerate(drawn, start=1)]
        assert [weight for (weight,) in weights([[q] for q in drawn], n)] == pytest.approx(paper)

    @pytest.mark.parametrize("rounds", [[[0.0]], [[1.1]], [[0.5] * 3]])
    def test_what_cannot_be_is_refused(self, rounds: list[list[float]]) -> None:
        with pytest.raises(ValueError, match=r"had a chance above 0|3 clips were drawn of 2"):
            weights(rounds, 2)

    def test_totals_are_right_on_average_over_rounds_of_unequal_chances(self) -> None:
        generator = np.random.default_rng(1)
        leak = generator.gamma(0.5, size=12)
        totals = []
        for _ in range(4000):
            left, rounds, found = list(range(12)), [], []
            for n in (2, 3):
                drawn, chance = systematic(sizes_apart(leak[left]), n, generator)
                rounds.append([float(chance[index]) for index in drawn])
                found += [leak[left[index]] for index in drawn]
                left = [at for place, at in enumerate(left) if place not in drawn]
            totals.append(np.dot(np.concatenate(weights(rounds, 12)), found) / 5)
        assert np.mean(totals) == pytest.approx(leak.mean(), rel=0.02)
        assert np.mean(totals) != pytest.approx(np.mean(leak[leak > np.median(leak)]), rel=0.1)


class TestMeanChange:
    def test_long_marks_and_heavy_clips_count_more(self) -> None:
        assert mean_change([-4, 0], [3, 1], [1, 1], "ab").change == pytest.approx(-3)
        assert mean_change([-4, 0], [1, 1], [1, 3], "ab").change == pytest.approx(-1)

    def test_one_clip_gives_no_interval(self) -> None:
        change = mean_change([-4, -2], [1, 1], [1, 1], "aa")
        assert change.change == -3 and np.isnan(change.low) and np.isnan(change.high)

    def test_clips_that_agree_give_a_narrow_interval_and_few_that_do_not_a_wide_one(self) -> None:
        assert mean_change([-4, -4, -4], [1, 2, 3], [1, 1, 1], "abc") == pytest.approx((-4, -4, -4))
        two, many = mean_change([-4, -2], [1, 1], [1, 1], "ab"), mean_change([-4, -2] * 8, [1] * 16, [1] * 16, range(16))
        assert two.low < -10 < many.low < -3 < many.high < 0 < two.high

    def test_it_holds_the_truth_as_often_as_it_says(self) -> None:
        generator = np.random.default_rng(2)
        seconds = generator.gamma(1.0, 2.0, size=200)
        changes = generator.normal(-3, 2, size=200)
        truth, held = np.average(changes, weights=seconds), 0
        for _ in range(500):
            drawn, chance = systematic(sizes_apart(seconds), 10, generator)
            (weight,) = weights([[float(chance[index]) for index in drawn]], 200)
            change = mean_change(changes[drawn], seconds[drawn], weight, drawn.tolist())
            held += int(change.low <= truth <= change.high)
        assert 0.9 < held / 500 < 0.99
