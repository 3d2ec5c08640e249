"""Segments that quick questions are about, what people say of them, and what consensus makes of that."""

import random

import numpy as np
import pytest

from annotation.core.bench.crowd import generated
from annotation.core.bench.quick import DRAWING, Plan, carry_out
from annotation.core.consensus import Key, Person, Prior, agree, close_one
from annotation.core.regions import Region
from annotation.core.segments import LONGEST, SHORTEST, asked, in_doubt, segments
from annotation.core.simulated import Habits, judge

PUNCTUAL = Prior(onset_lag=0.0, offset_lag=0.0)


def levels(*parts: tuple[float, float]) -> np.ndarray:
    """Return levels for (seconds, dBFS), one after the other."""
    return np.concatenate([np.full(round(seconds * 20), float(dbfs)) for seconds, dbfs in parts])


def test_a_clip_is_cut_where_its_level_changes() -> None:
    assert segments(levels((2, -20), (1, -50), (3, -30))) == [(0, 2), (2, 3), (3, 6)]


def test_segments_are_neither_short_nor_long_and_cover_the_clip() -> None:
    noisy = np.random.default_rng(3).normal(-30, 15, 331)
    found = segments(noisy)
    assert all(SHORTEST - 1e-6 <= one.duration <= LONGEST + 1e-6 for one in found)
    assert [one.end for one in found[:-1]] == [one.start for one in found[1:]]
    assert (found[0].start, found[-1].end) == (0, pytest.approx(16.55))
    assert [one.duration for one in segments(levels((10, -20)))] == pytest.approx([2, 4, 4])


def test_a_step_that_lasts_less_than_a_segment_is_not_cut_out() -> None:
    found = segments(levels((2, -40), (0.2, -20), (2, -40)))
    assert all(one.duration >= 0.5 for one in found)


def test_nobody_is_asked_about_silence() -> None:
    sound = levels((2, -20), (2, -90), (2, -30))
    sound[-20:] = np.nan
    assert asked(sound) == [(0, 2), (4, 5)]
    assert asked(levels((5, -90))) == []


def test_a_very_short_clip_is_one_segment() -> None:
    assert segments(levels((0.6, -20))) == [(0, 0.6)]
    assert segments(np.zeros(0)) == []


def test_doubt_is_what_is_expected_to_be_wrong() -> None:
    posterior = np.concatenate([np.full(20, 0.01), np.full(20, 0.9), np.full(10, 0.99), np.full(100, 0.5)])
    assert in_doubt(posterior) == [(1, 2), (2.5, 5), (5, 7.5)], "the parts that are sure are left out, long ones cut in equal parts"
    assert in_doubt(np.full(40, 0.99)) == in_doubt(np.zeros(0)) == []
    assert in_doubt(np.where(np.arange(40) == 7, 0.5, 0.0)) == [], "a frame alone is nothing that could be heard"


CAREFUL = Habits(sensitivity=1.0, over_marking=0.0, lag=0.3, jitter=0.3)


def test_a_careful_person_says_yes_where_most_bleeds_and_no_edge_of_theirs_is_in_it() -> None:
    rng = np.random.default_rng(0)
    assert judge(CAREFUL, [(1, 3)], [Region(0, 1), Region(1, 2), Region(2, 3.2), Region(3.2, 4)], rng) == ["no", "yes", "yes", "no"]


def test_half_and_half_is_anything() -> None:
    said = [judge(CAREFUL, [(1, 3)], [Region(2, 4)], np.random.default_rng(seed))[0] for seed in range(200)]
    assert 70 < said.count("cannot tell") < 130
    assert said.count("yes") > 20 < said.count("no")


def test_what_is_missed_is_missed_in_all_its_segments() -> None:
    habits = Habits(sensitivity=0.5, over_marking=0.0, lag=0, jitter=0)
    both = [tuple(judge(habits, [(0, 4)], [Region(0, 2), Region(2, 4)], np.random.default_rng(seed))) for seed in range(100)]
    assert set(both) == {("yes", "yes"), ("no", "no")}


@pytest.mark.parametrize(("spam", "said"), [("nothing", {"no"}), ("everything", {"yes"}), ("block", {"yes", "no"})])
def test_spam_does_not_listen(spam: str, said: set[str]) -> None:
    habits = Habits(0.9, 0, 0, 0, spam=spam)  # type: ignore[arg-type]
    assert set(judge(habits, [], [Region(i, i + 1) for i in range(30)], np.random.default_rng(1))) == said


class TestConsensus:
    """An answer to a segment is a vote on its frames."""

    known: dict[Key, Person] = {name: Person(0.9, 0.95, 0.0, 0.0) for name in "abc"}

    def test_by_hand(self) -> None:
        """One frame is a clip: the prior odds of the chain times both people's odds, each to the power of its weight."""
        prior = Prior(onset_lag=0, offset_lag=0, of_segments=0.5)
        votes = [("t", "a", 0.05, [(0, 0.05)], [(0, 0.05)], True), ("t", "b", 0.05, [], [(0, 0.05)], False)]
        closed = close_one(votes, self.known, prior=prior)
        leave_on, leave_off = (1 - np.exp(-0.05 / seconds) for seconds in (prior.region_length, prior.pause_length))
        yes, none = np.log(0.9 / 0.05) * 0.5, np.log(0.1 / 0.95)
        odds = leave_off / leave_on * np.exp((yes + none) * 0.05 * 3)
        assert closed.sharp[0] == pytest.approx(odds / (1 + odds))

    def test_cannot_tell_is_no_vote_there(self) -> None:
        """Nobody says anything of 2-4 s; what is known of it is as if nobody had been asked."""
        answered = close_one([("t", "a", 6.0, [(0, 2)], [(0, 2), (4, 6)], True)], self.known)
        without = close_one([("t", "a", 6.0, [(0, 2)], [(0, 2)], True)], self.known)
        no = close_one([("t", "a", 6.0, [(0, 2)], [(0, 6)], True)], self.known)
        assert answered.sharp[70] > no.sharp[70] * 1.5, "2-4 s: unasked"
        assert answered.sharp[110] == pytest.approx(no.sharp[110], rel=0.3), "4-6 s: no"
        assert without.sharp[110] > answered.sharp[110] * 1.5

    def test_edges_of_segments_tell_no_lag_and_move_nothing(self) -> None:
        drawn = [("t", name, 10.0, [(2.0, 4.0)]) for name in "ab"]
        asked_too = [("t", "c", 10.0, [(2.4, 4.5)], [(0, 10)], True)]
        alone, both = agree(drawn, prior=PUNCTUAL), agree([*drawn, *asked_too], prior=PUNCTUAL)
        assert [(one.start, one.end) for one in both.regions["t"]] == [(one.start, one.end) for one in alone.regions["t"]]
        assert (both.people["c"].onset_lag, both.people["c"].edge_jitter) == (0.0, pytest.approx(PUNCTUAL.edge_jitter))
        assert both.people["a"].onset_lag == alone.people["a"].onset_lag

    def test_questions_settle_what_two_who_drew_disagree_on(self) -> None:
        drawn = [("t", "a", 10.0, [(2.0, 4.0)], [(0, 10)]), ("t", "b", 10.0, [], [(0, 10)])]
        for yes, n_found in (([(2.0, 4.0)], 1), ([], 0)):
            questions = [("t", name, 10.0, yes, [(2.0, 4.0)], True) for name in "cde"]
            assert len(agree([*drawn, *questions], prior=PUNCTUAL).regions["t"]) == n_found

    def test_permuted_input_gives_identical_bytes(self) -> None:
        crowd = generated(2, clips=6).with_sound(2)
        rng = np.random.default_rng(0)
        given: list[tuple[object, ...]] = []
        for number, (clip, name, duration, marks) in enumerate(crowd.answers):
            if number % 2:
                given.append((clip, name, duration, marks))
                continue
            about = asked(crowd.sound[clip][:, 0])
            said = judge(crowd.habits[name], crowd.truth[clip], about, rng)
            yes = [one for one, word in zip(about, said, strict=True) if word == "yes"]
            told = [one for one, word in zip(about, said, strict=True) if word != "cannot tell"]
            given.append((clip, name, duration, yes, told, True))
        shuffled = list(given)
        random.Random(4).shuffle(shuffled)
        one, other = (agree(answers, sound=crowd.sound) for answers in (given, shuffled))
        assert {clip: part.tobytes() for clip, part in one.posterior.items()} == {
            clip: part.tobytes() for clip, part in other.posterior.items()
        }
        assert (one.regions, one.people, one.certainty) == (other.regions, other.people, other.certainty)


def test_questions_about_doubt_bring_two_drawings_further_for_few_seconds() -> None:
    crowd = generated(1, clips=20, answers=10).with_sound(1)
    two = carry_out(Plan("two", 2), crowd, 1, witness=True)
    both = carry_out(Plan("both", 2, ask_about_doubt=True), crowd, 1, witness=True)
    assert two[1:] == (2 * DRAWING, 2.0, 0.0)
    assert both[0] > two[0] + 0.01
    assert both[1] < two[1] * 1.15
    assert carry_out(Plan("both", 2, ask_about_doubt=True), crowd, 1, witness=True) == both
