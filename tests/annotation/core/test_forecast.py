"""When a round will be answered."""

import numpy as np
import pytest

from annotation.core.forecast import forecast


def test_the_pace_of_the_last_hours_goes_on() -> None:
    found = forecast(30, [10, 10, 10], 3.0)
    assert found and found.value == pytest.approx(3.0) and found.low < 3.0 < found.high
    assert (found.answers, found.nobody_now) == (30, False)


@pytest.mark.parametrize(("missing", "by_hour"), [(0, [20]), (-3, [20]), (5, [3, 3, 3]), (5, [0] * 24)])
def test_of_too_little_nothing_is_said(missing: int, by_hour: list[int]) -> None:
    assert forecast(missing, by_hour, float(len(by_hour))) is None


def test_that_nobody_answers_now_is_said() -> None:
    found = forecast(30, [0, 20, 20], 3.0)
    assert found and found.nobody_now


def test_answers_in_bursts_make_it_less_certain() -> None:
    even, bursts = forecast(40, [10] * 12, 12.0), forecast(40, [60, 0, 0, 0, 0, 0] * 2, 12.0)
    assert even and bursts and even.value == bursts.value
    assert bursts.high / bursts.low > 3 * even.high / even.low


def test_its_range_holds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = []
    for _ in range(1000):
        rate, missing = rng.uniform(2, 20), int(rng.integers(5, 200))
        found = forecast(missing, rng.poisson(rate, 24).tolist(), 24.0)
        took = rng.gamma(missing) / rate  # until so many have come
        held.append(found is not None and found.low <= took <= found.high)
    assert 0.94 <= np.mean(held) <= 0.99
