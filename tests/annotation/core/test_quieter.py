"""By how much one sound is quieter than another."""

import numpy as np
import pytest

from annotation.core.quieter import elsewhere, quieter


def test_it_is_told_of_the_stretches_alone() -> None:
    before = np.full((100, 1), 0.5, np.float32)
    after = before.copy()
    after[20:40] /= 10
    assert quieter(before, after, 10, [(2.0, 4.0)]) == pytest.approx(20.0)
    assert quieter(before, after, 10, [(0.0, 2.0), (4.0, 10.0)]) == pytest.approx(0.0)
    assert quieter(before, np.zeros_like(before), 10, [(0.0, 1.0)]) == pytest.approx(10 * np.log10(0.25 / 1e-12))
    assert quieter(np.zeros_like(before), after, 10, [(0.0, 1.0)]) is None
    assert quieter(before, after, 10, []) is None


def test_the_rest_of_a_clip_is_what_no_stretch_has() -> None:
    assert elsewhere([(4.0, 6.0), (1.0, 2.0), (1.5, 3.0)], 10.0) == [(0.0, 1.0), (3.0, 4.0), (6.0, 10.0)]
    assert elsewhere([(0.0, 10.0)], 10.0) == [] and elsewhere([], 2.0) == [(0.0, 2.0)]
