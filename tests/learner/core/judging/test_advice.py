"""A cause is named only where the figures tell it from the others: made-up rounds of each kind, and of two causes at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learner.core.judging.advice import Advice, Cause, OnGold, RoundTold, Song, advise, on_gold

PARENT = {"leak": 10.0, "voice": -1.0, "sung": 6.0, "sdr": 6.0}
MIX = {"sung": 0.5}
BAD_BASE: dict[str, Any] = {"parent": {"sung": -0.4, "sdr": -2.6}}


def figures(leak: float = 0.0, voice: float = 0.0, sung: float = 0.0, sdr: float = 0.0) -> dict[str, float]:
    return {
        "false_positive_seconds_per_minute": leak,
        "false_positives_at_parent_level": leak,
        "voice_kept_db": voice,
        "sung_sdr": sung,
        "song_sdr": sdr,
    }


def song(*, gate: bool = True, target: bool = True, replay: bool = True, **subjects: dict[str, float]) -> Song:
    """A song on which child and replay do as the parent does, unless told otherwise."""
    parent = PARENT | subjects.get("parent", {})
    found = {"parent": figures(**parent), "child": figures(**(parent | subjects.get("child", {})))}
    found["mixture"] = figures(**(MIX | subjects.get("mixture", {})))
    if replay:
        found["replay only"] = figures(**(parent | subjects.get("alone", {})))
    return Song(found, gate=gate, target=target)


def told(n_gate: int = 4, n_test: int = 0, *, promoted: bool = False, seconds: float = 60.0, **others: Any) -> Advice:
    about = {name: others.pop(name) for name in ("doubted", "random_marks", "gold") if name in others}
    tested = others.pop("tested", others)
    songs = [song(**others) for _ in range(n_gate)] + [song(gate=False, **tested) for _ in range(n_test)]
    return advise(RoundTold(songs, promoted=promoted, marked_seconds=seconds, half_way=25.0, **about))


BETTER = {"leak": 6.0}
MUTED = {"leak": 9.8, "voice": -2.5}


class TestOneCause:
    def test_all_well(self) -> None:
        found = told(promoted=True, child=BETTER)
        assert found.cause == Cause.WELL
        assert found.sentences[0] == "All well: the child is better than its parent and than replay alone. Go on with rounds."

    def test_while_replay_is_not_measured_that_is_said(self) -> None:
        found = told(promoted=True, child=BETTER, replay=False)
        assert found.cause == Cause.WELL and "is not measured" in found.sentences[-1]

    def test_a_base_that_does_not_fit(self) -> None:
        found = told(2, **BAD_BASE)
        assert found.cause == Cause.BASE
        assert "(SDR of all -0.4 dB there, of the mix 0.5 dB; on 2 of them it is worse than silence)" in found.sentences[0]
        assert "try another base" in found.sentences[0]

    def test_a_base_that_fits_some_songs_only_is_told_by_their_number(self) -> None:
        """It was told to be hardly better than the mix turned down "on 10 songs", of which it was better on 6."""
        found = told(2, 3, tested={}, **BAD_BASE)
        assert found.cause == Cause.BASE and "fits some of the songs only, if any: on 2 of 5 songs with stems" in found.sentences[0]

    def test_wrong_marks_cost_voice_that_replay_alone_does_not_cost(self) -> None:
        found = told(child=MUTED)
        assert found.cause == Cause.MARKS
        assert "lost 1.5 dB of true voice, the same steps without marks 0.0 dB" in found.sentences[0]

    def test_too_few_marks(self) -> None:
        found = told(seconds=2.5)
        assert found.cause == Cause.FEW and "about 25 s are needed" in found.sentences[0]

    def test_one_gate_song_against_the_test_songs(self) -> None:
        assert told(1, 3, tested={"child": BETTER}).cause == Cause.ONE_SONG
        assert told(1, 0, random_marks=3).cause == Cause.ONE_SONG, "nothing else could tell"

    def test_one_gate_song_that_test_songs_bear_out_is_not_to_blame(self) -> None:
        assert told(1, 3).cause == Cause.REPLAY, "no song gained anything beside replay"
        assert told(1, 3, promoted=True, child=BETTER).cause == Cause.WELL

    @pytest.mark.parametrize("promoted", [True, False])
    def test_replay_alone_is_as_good(self, promoted: bool) -> None:
        found = told(promoted=promoted, child=BETTER, alone={"leak": 6.1})
        assert found.cause == Cause.REPLAY
        assert "6.0 s/min with the marks, 6.1 s/min without them, 10.0 s/min before" in found.sentences[0]

    def test_nothing_to_judge_by(self) -> None:
        assert Cause.BLIND in told(0).may_be
        assert Cause.BLIND not in told(0, random_marks=4).may_be

    def test_what_has_no_cause_of_these_is_said_so(self) -> None:
        forgot = song(target=False, child={"sdr": 4.0})
        found = advise(RoundTold([*(song(child=BETTER) for _ in range(4)), forgot], promoted=False, marked_seconds=60.0, half_way=25.0))
        assert (found.cause, found.may_be) == (Cause.UNTOLD, ())
        assert "leaks clearly less than its parent and than replay alone. What refused it is a limit" in found.sentences[0]

    def test_what_shows_no_gain_and_no_cause_either(self) -> None:
        found = told(alone={"leak": 12.0})
        assert (found.cause, found.may_be) == (Cause.UNTOLD, ()) and "do not tell why" in found.sentences[0]


class TestTwoCausesAtOnce:
    def test_true_marks_on_a_base_that_does_not_fit_are_not_blamed(self) -> None:
        """A lab was told that too many marks were no bleed, where 17 of 20 were true and its base was worse than silence."""
        child = {"sdr": -1.4, "leak": 11.4}
        found = told(1, 1, seconds=10.3, doubted=True, child=child, alone=child | {"leak": 10.9}, **BAD_BASE)
        assert found.cause == Cause.BASE
        said = " ".join(found.sentences)
        assert "no bleed" not in said
        assert "Whether the marks are right, the figures of such a base do not tell." in said

    def test_wrong_marks_on_such_a_base_are_not_told_apart_either(self) -> None:
        found = told(doubted=True, child=MUTED, **BAD_BASE)
        assert found.cause == Cause.BASE and "Whether the marks are right" in found.sentences[1]

    def test_on_one_song_that_base_and_that_song_look_alike(self) -> None:
        found = told(1, **BAD_BASE)
        assert found.cause == Cause.UNTOLD and {Cause.BASE, Cause.ONE_SONG} <= set(found.may_be)
        assert found.sentences[0].startswith("The figures do not tell which of these it is")

    def test_few_marks_and_one_song(self) -> None:
        found = told(1, seconds=2.5)
        assert found.cause == Cause.UNTOLD and found.may_be == (Cause.FEW, Cause.ONE_SONG)
        assert len(found.sentences) == 3, "what to do about each"

    def test_few_marks_that_are_doubted(self) -> None:
        assert told(seconds=5.0, doubted=True).may_be == (Cause.MARKS, Cause.FEW)

    def test_few_marks_that_did_no_more_than_replay_though_both_did_much(self) -> None:
        found = told(seconds=5.0, promoted=True, child=BETTER, alone=BETTER)
        assert found.may_be == (Cause.FEW, Cause.REPLAY)

    def test_few_marks_do_not_explain_a_voice_that_went(self) -> None:
        assert told(seconds=5.0, child=MUTED).cause == Cause.MARKS

    def test_a_voice_that_replay_alone_costs_too_is_not_owed_to_the_marks(self) -> None:
        found = told(child=MUTED, alone=MUTED)
        assert Cause.MARKS not in (found.cause, *found.may_be)

    def test_while_replay_is_not_measured_a_voice_that_went_may_be_owed_to_either(self) -> None:
        found = told(child=MUTED, replay=False)
        assert "may be no bleed" in " ".join(found.sentences)

    def test_without_any_stems_nothing_tells_the_base_from_the_marks(self) -> None:
        found = told(0, doubted=True, random_marks=4)
        assert found.cause == Cause.UNTOLD and set(found.may_be) == {Cause.BASE, Cause.MARKS}

    def test_songs_that_a_base_fits_in_part_do_not_settle_it(self) -> None:
        songs = [song(), song(**BAD_BASE)]
        found = advise(RoundTold(songs, promoted=False, marked_seconds=60.0, half_way=25.0, doubted=True))
        assert found.cause == Cause.UNTOLD and {Cause.BASE, Cause.MARKS} <= set(found.may_be)


def gold(no_bleed: float, missed: float = 0.1, n: int = 10, people: int = 8) -> OnGold | None:
    """Eight people with ten gold answers each, who marked a minute each, of which this share is no bleed."""
    return on_gold([(n, 60.0, 60 * no_bleed, 60.0, 60 * missed)] * people, generator=np.random.default_rng(0))


class TestGoldClips:
    """They tell where the other figures do not, and are not asked where these do."""

    def test_doubted_marks_that_are_no_bleed_on_gold_clips_are_wrong(self) -> None:
        found = told(doubted=True, gold=gold(0.7))
        assert found.cause == Cause.MARKS
        assert (
            "on gold clips 70 % [70, 70] of what these people marked was no bleed" in found.sentences[0]
            and "80 answers" in found.sentences[0]
        )

    def test_doubted_marks_that_are_right_on_gold_clips_are_not_blamed(self) -> None:
        assert Cause.MARKS in told(seconds=5.0, doubted=True).may_be
        assert told(seconds=5.0, doubted=True, gold=gold(0.1)).cause == Cause.FEW

    def test_a_voice_that_went_is_owed_to_marks_or_steps_as_gold_clips_say(self) -> None:
        assert told(child=MUTED, replay=False, gold=gold(0.7)).cause == Cause.MARKS
        assert Cause.MARKS not in told(child=MUTED, replay=False, gold=gold(0.1)).may_be

    def test_with_a_base_that_does_not_fit_they_tell_of_the_marks(self) -> None:
        assert "The marks are right for the most part: on gold clips 10 %" in told(doubted=True, gold=gold(0.1), **BAD_BASE).sentences[1]
        assert "wrong for the most part too" in told(doubted=True, gold=gold(0.7), **BAD_BASE).sentences[1]

    @pytest.mark.parametrize("unclear", [gold(0.45), gold(0.7, n=1), gold(0.1, missed=0.8), None])
    def test_what_is_in_between_or_rests_on_few_answers_tells_nothing(self, unclear: OnGold | None) -> None:
        assert told(seconds=5.0, doubted=True, gold=unclear).may_be == (Cause.MARKS, Cause.FEW)

    def test_one_person_of_many_who_is_far_off_widens_the_interval(self) -> None:
        mixed = on_gold([(10, 60.0, 57.0, 60.0, 6.0)] * 3 + [(10, 60.0, 6.0, 60.0, 6.0)] * 3, generator=np.random.default_rng(0))
        assert mixed and mixed.no_bleed[1] < 0.3 < 0.7 < mixed.no_bleed[2] and mixed.wrong is None

    def test_what_other_figures_tell_stays(self) -> None:
        assert told(promoted=True, child=BETTER, gold=gold(0.7)).cause == Cause.WELL
        assert told(child=MUTED, gold=gold(0.1)).cause == Cause.MARKS, "voice went, and replay alone does not cost it"


def test_what_is_only_quieter_is_no_gain_beside_replay() -> None:
    quieter = song(child={"leak": 6.0})
    quieter.figures["child"]["false_positives_at_parent_level"] = 10.0  # type: ignore[index]
    assert advise(RoundTold([quieter] * 4, promoted=False, marked_seconds=60.0, half_way=25.0)).cause == Cause.REPLAY
