"""The chain over time is what a sum over all ways through it would be."""

from itertools import pairwise, product

import numpy as np
import pytest

from annotation.core.consensus.chain import Chain


def test_the_chain_is_the_sum_over_all_ways_through_it() -> None:
    rng = np.random.default_rng(3)
    n_frames, n_tasks, stationary = 6, 2, 0.3
    off, on = rng.uniform(0.05, 0.5, (2, n_frames, n_tasks))  # chances of going off, and of coming on
    evidence = rng.normal(0, 2, (n_frames, n_tasks))
    found = Chain(np.ones((n_frames, n_tasks)), off, on, leave_on=0.1, leave_off=0.1 * stationary).smooth(evidence).sums()
    for task in range(n_tasks):
        expected: np.ndarray = np.zeros(n_frames)
        total = 0.0
        for states in product((0, 1), repeat=n_frames):
            weight = (stationary if states[0] else 1) * float(np.exp(evidence[:, task] @ states))
            for i, (before, now) in enumerate(pairwise(states), start=1):
                change = (off if before else on)[i, task]
                weight *= change if before != now else 1 - change
            total, expected = total + weight, expected + weight * np.array(states)
        assert found[:, task] == pytest.approx(expected / total, abs=1e-9)


def test_a_stretch_of_equal_frames_is_as_good_as_its_frames_one_by_one() -> None:
    rng = np.random.default_rng(4)
    leave_on, leave_off = 0.05, 0.01
    length = np.array([[5.0, 1.0], [1.0, 40.0], [30.0, 2.0], [7.0, 0.0]])  # the second task ends sooner
    on_to_off, off_to_on = rng.uniform(0.05, 0.5, (2, *length.shape))
    evidence = np.array([[-3.0, 1.0], [30.0, -30.0], [-0.2, 0.3], [0.0, 0.0]])
    whole = Chain(length, on_to_off, off_to_on, leave_on, leave_off).smooth(evidence).sums()
    for task in range(2):
        n = length[:, task].astype(int)
        first = np.cumsum(n)[n > 0] - n[n > 0]
        off, on = np.full((n.sum(), 1), leave_on), np.full((n.sum(), 1), leave_off)
        off[first, 0], on[first, 0] = on_to_off[n > 0, task], off_to_on[n > 0, task]
        single = Chain(np.ones((n.sum(), 1)), off, on, leave_on, leave_off).smooth(np.repeat(evidence[:, task], n)[:, None]).sums()
        assert whole[n > 0, task] == pytest.approx(np.add.reduceat(single[:, 0], first), abs=1e-9)
        assert (whole[n == 0, task] == 0).all()
