"""What an answer missed, marked too much, and where its edges are off."""

import pytest

from annotation.core.kinds_of_errors import errors, summed
from annotation.core.regions import Region

CLIP = Region(0.0, 15.0)


@pytest.mark.parametrize(
    ("marks", "truth", "missed", "extra", "edges"),
    [
        ([(1, 3)], [(1, 3)], 0, 0, 0),
        ([], [(1, 3)], 2, 0, 0),
        ([(1, 3)], [], 0, 2, 0),
        ([(1.2, 3.5)], [(1, 3)], 0, 0, 0.7),
        ([(1, 3), (8, 9)], [(1, 4), (10, 12)], 2, 1, 1),
        ([(-5, 1)], [(0, 1)], 0, 0, 0),  # what is outside of the clip does not count
    ],
)
def test_each_kind_of_error(marks: list, truth: list, missed: float, extra: float, edges: float) -> None:
    found = errors(marks, truth, CLIP)
    assert (found.missed, found.extra, found.edges) == pytest.approx((missed, extra, edges))


def test_they_add_up_over_answers() -> None:
    both = summed([errors([], [(1, 3)], CLIP), errors([(1, 3)], [(1, 3)], CLIP)])
    assert (both.missed, both.found, both.true, both.clip) == (2, 2, 4, 30)
