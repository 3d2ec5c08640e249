"""Whether enough of a clip was heard for an answer to count."""

import pytest

from annotation.hearing import Unheard, check, missing
from annotation.regions import Region

CLIP = Region(10.0, 30.0)


@pytest.mark.parametrize(
    "heard",
    [
        [Region(10, 30)],
        [Region(10, 28)],
        [Region(20, 30), Region(12, 21)],
        [Region(0, 60)],
        [Region(10, 15), Region(15.1, 20), Region(20.1, 25), Region(25.1, 30)],
    ],
)
def test_nine_tenths_are_enough_in_whatever_pieces(heard):
    check(heard, CLIP)


@pytest.mark.parametrize("heard", [[], [Region(10, 27.9)], [Region(10, 19), Region(10, 19), Region(11, 19)], [Region(31, 60)]])
def test_less_is_not_and_what_is_heard_twice_counts_once(heard):
    with pytest.raises(Unheard) as refusal:
        check(heard, CLIP)
    assert refusal.value.field == "heard" and refusal.value.share < 0.9


def test_the_refusal_says_what_is_still_to_hear_in_clip_seconds():
    with pytest.raises(Unheard, match=r"heard covers 40% .* from 90% on\. Still to hear: 4\.0-8\.0 s, 12\.0-20\.0 s\."):
        check([Region(10, 14), Region(18, 22)], CLIP)


def test_gaps_too_short_to_notice_are_not_asked_for_unless_there_is_nothing_else():
    assert missing([Region(10, 15), Region(15.1, 25)], CLIP) == [Region(25, 30)]
    assert missing([Region(10, 15), Region(15.1, 30)], CLIP) == [Region(15, 15.1)]
