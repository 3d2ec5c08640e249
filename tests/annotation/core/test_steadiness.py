"""Figures of one person with their intervals."""

import numpy as np
import pytest

from annotation.core.steadiness import share


def test_who_found_nothing_in_few_answers_may_yet_find_something() -> None:
    """Where all answers are alike, draws from them are one point: a person was told to find 0.00 to 0.00 of the bleed."""
    found = share([(0.0, 3.0)] * 9, rng=np.random.default_rng(0))
    assert found and (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.30, abs=0.01)  # Wilson's for 0 of 9


def test_where_nothing_was_to_be_found_there_is_no_share() -> None:
    assert share([(0.0, 0.0)], rng=np.random.default_rng(0)) is None
