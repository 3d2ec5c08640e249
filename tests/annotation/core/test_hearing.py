"""Whether enough of a clip was heard for an answer to count."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.core.hearing import FASTEST, LATE, Listened, Unheard, check, in_time, missing
from annotation.core.regions import Region

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
def test_nine_tenths_are_enough_in_whatever_pieces(heard: list[Region]) -> None:
    check(heard, CLIP)


@pytest.mark.parametrize("heard", [[], [Region(10, 27.9)], [Region(10, 19), Region(10, 19), Region(11, 19)], [Region(31, 60)]])
def test_less_is_not_and_what_is_heard_twice_counts_once(heard: list[Region]) -> None:
    with pytest.raises(Unheard) as refusal:
        check(heard, CLIP)
    assert refusal.value.field == "heard" and refusal.value.share < 0.9


def test_the_refusal_says_what_is_still_to_hear_in_clip_seconds() -> None:
    with pytest.raises(Unheard, match=r"heard covers 40% .* from 90% on\. Still to hear: 4\.0-8\.0 s, 12\.0-20\.0 s\."):
        check([Region(10, 14), Region(18, 22)], CLIP)


def test_gaps_too_short_to_notice_are_not_asked_for_unless_there_is_nothing_else() -> None:
    assert missing([Region(10, 15), Region(15.1, 25)], CLIP) == [Region(25, 30)]
    assert missing([Region(10, 15), Region(15.1, 30)], CLIP) == [Region(15, 15.1)]


def judged(*answers: Listened) -> list[bool]:
    """Whether each of one person's answers, in the order of their arrival, is in time; what is not counts as heard nowhere."""
    said: list[bool] = []
    counted: list[Listened] = []
    for answer in answers:
        said.append(in_time(answer, reversed(counted[-50:])))
        counted += [answer] * said[-1]
    return said


class TestTheServersClock:
    def test_a_clip_takes_its_length_at_the_fastest_speed(self) -> None:
        assert judged(Listened(100.0, 100.0 + 15 / FASTEST, 15.0)) == [True]
        assert judged(Listened(100.0, 100.0 + 15 / FASTEST - LATE - 0.1, 15.0)) == [False]

    def test_two_clips_within_a_moment_are_too_soon(self) -> None:
        assert judged(Listened(0.0, 0.7, 15.0), Listened(0.6, 1.4, 15.0)) == [False, False]

    def test_a_script_that_answers_each_clip_in_a_second_hears_no_faster_than_anybody(self) -> None:
        said = judged(*(Listened(max(0.0, n - 3.0), n + 1.0, 15.0) for n in range(600)))  # two are fetched ahead
        assert sum(said) * 15 <= FASTEST * (601 + LATE)
        said = judged(*(Listened(float(n), n + 1.0, 3.0) for n in range(600)))  # short ones, of which each alone could just be late
        assert sum(said) * 3 <= FASTEST * (601 + LATE * (1 + 600 / 50)), "each fifty answers may be late anew"

    def test_whoever_waits_for_the_first_has_not_heard_the_others(self) -> None:
        assert judged(*(Listened(0.0, 12.0 + n / 10, 15.0) for n in range(3))) == [True, False, False]

    def test_one_that_was_too_soon_takes_no_time_from_the_next(self) -> None:
        assert judged(Listened(0.0, 1.0, 15.0), Listened(0.0, 12.0, 15.0)) == [False, True]

    def test_an_hour_without_a_network_and_three_clips_ahead(self) -> None:
        assert judged(*(Listened(0.0, 3600.0, 15.0) for _ in range(3))) == [True] * 3
        assert judged(*(Listened(0.0, 31.0, 15.0) for _ in range(3))) == [True] * 3, "heard one after the other at the fastest speed"

    def test_a_clock_that_is_put_back_flags_nobody(self) -> None:
        before = [Listened(7200.0 + 12 * n, 7210.0 + 12 * n, 15.0) for n in range(40)]
        across = Listened(7680.0, 490.0, 15.0)
        after = [Listened(500.0 + 12 * n, 510.0 + 12 * n, 15.0) for n in range(600)]
        assert all(judged(*before, across, *after))

    @given(
        clips=st.lists(
            st.tuples(st.floats(0.5, 60.0), st.sampled_from([0.5, 1.0, 1.25, FASTEST]), st.floats(0.0, 900.0), st.booleans()),
            min_size=1,
            max_size=80,
        ),
        ahead=st.integers(0, 2),
        chance=st.randoms(use_true_random=False),
    )
    def test_whoever_listens_is_never_too_soon(self, clips: list[tuple[float, float, float, bool]], ahead: int, chance: Random) -> None:
        """Whatever is fetched ahead, heard in whatever order, waited before, or sent late in a bundle."""
        done, waiting, answers = [0.0], [], []
        for n, (seconds, speed, pause, offline) in enumerate(clips):
            given = done[max(0, n - ahead)]
            done.append(done[-1] + pause * chance.random() + seconds / speed)
            waiting.append((given, seconds))
            if not offline or n == len(clips) - 1:
                answers += [Listened(given, done[-1], seconds) for given, seconds in waiting]
                waiting = []
        assert all(judged(*answers))
