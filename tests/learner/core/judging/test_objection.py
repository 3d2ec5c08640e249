"""What the adaptation objects, beside the gate: the truth of songs goes before a doubt of marks, and before nothing else."""

from collections.abc import Sequence

import pytest

from learner.core.judging import gate
from learner.core.judging.gate import AT_PARENT_VOICE, Measured
from learner.core.judging.objection import NONE, Objection, weighed

DOUBT = Objection("what they marked and what they accepted are too much alike to the network", doubt=True)
MUTED = Objection("the accepted voice changes by -40 dB")


def songs(rates: Sequence[float]) -> Measured:
    """Target gate songs with so many false-positive seconds a minute, alike in all else."""
    alike = {"voice_kept_db": -1.0, "si_sdr": 5.0, "song_sdr": 5.0}
    figures = [{"false_positive_seconds_per_minute": rate, AT_PARENT_VOICE: rate, **alike} for rate in rates]
    return Measured({"target": {f"song {number}": one for number, one in enumerate(figures)}})


def promoted(objection: Objection, after: Measured, before: Measured) -> bool:
    judged = weighed(gate.decide(before, after), objection, before, after)
    assert not objection.because or any(objection.because in reason for reason in judged.reasons), "it is said either way"
    return judged.promote


@pytest.mark.parametrize(("objection", "expected"), [(NONE, True), (DOUBT, True), (MUTED, False)])
def test_enough_songs_that_show_a_strong_gain_answer_a_doubt_alone(objection: Objection, expected: bool) -> None:
    assert promoted(objection, songs([3.0] * 4), before=songs([9.0] * 4)) is expected


def test_a_weak_gain_answers_no_doubt() -> None:
    before, after = songs([9.0] * 4), songs([7.0] * 4)
    assert gate.decide(before, after).promote
    assert not promoted(DOUBT, after, before)


def test_few_songs_answer_no_doubt() -> None:
    assert not promoted(DOUBT, songs([3.0] * 3), before=songs([9.0] * 3))


def test_songs_that_show_no_gain_answer_no_doubt() -> None:
    marks = [{"a mark": gate.MarkLeak("clip", 5.0, level, random_clip=True)} for level in (-20.0, -40.0)]
    before, after = (Measured(songs([9.0] * 4).songs, leaks) for leaks in marks)
    assert gate.decide(before, after).promote, "by the kept-apart marks"
    assert not promoted(DOUBT, after, before)
