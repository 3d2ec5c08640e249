"""What clips kept apart say where no song has stems: some are half marked, and some stand for more clips than others."""

from dataclasses import replace

from learner.core.judging.gate import MarkLeak, Measured, Verdict, decide


def clips(leaks: dict[str, float], voices: dict[str, float], weights: dict[str, float] | None = None) -> Measured:
    """Each clip with a mark of 4 s that leaks so much, in dBFS; and the level of what people let pass."""
    return Measured(
        marks={f"{clip}:0": MarkLeak(clip, 4.0, leak, True) for clip, leak in leaks.items()}, accepted_dbfs=voices, weights=weights or {}
    )


def verdict(leaks: dict[str, float], voices: dict[str, float], weights: dict[str, float] | None = None) -> Verdict:
    """By how much leak and voice changed in each clip."""
    before = clips(dict.fromkeys(leaks, -20.0), dict.fromkeys(voices, -18.0), weights)
    after = clips({k: v - 20 for k, v in leaks.items()}, {k: v - 18 for k, v in voices.items()}, weights)
    return decide(before, after)


class TestWeight:
    def test_a_clip_that_stands_for_more_counts_more(self) -> None:
        voices = dict.fromkeys("ab", 0.0)
        assert "at equal voice level by -3.00 dB" in verdict({"a": -4, "b": -2}, voices).reasons[0]
        assert "at equal voice level by -2.50 dB" in verdict({"a": -4, "b": -2}, voices, {"a": 0.5, "b": 1.5}).reasons[0]

    def test_many_unlikely_clips_that_got_worse_outweigh_a_likely_one(self) -> None:
        voices = dict.fromkeys("ab", 0.0)
        assert verdict({"a": -4, "b": 2}, voices).promote
        assert not verdict({"a": -4, "b": 2}, voices, {"a": 0.4, "b": 2.0}).promote


class TestInterval:
    def test_two_clips_give_one_in_words(self) -> None:
        reasons = verdict({"a": -4, "b": -2}, dict.fromkeys("ab", 0.0)).reasons
        assert "by -3.00 dB (95 % interval of that, over 2 clips, -15.71 to +9.71)" in reasons[0]

    def test_one_clip_gives_none(self) -> None:
        assert "interval" not in verdict({"a": -4}, {"a": 0.0}).reasons[0]


class TestHalfMarked:
    """A good child takes the bleed out that people marked, and the other half too, which counts as voice that they let pass."""

    def test_one_clip_of_three_refuses_no_good_child(self) -> None:
        judged = verdict({"a": -26, "b": -30, "half marked": -32}, {"a": -0.1, "b": -0.2, "half marked": -32})
        assert judged.promote
        assert "at equal voice level by -29.13 dB" in judged.reasons[0], "the voice of all clips tells the level, not the bleed of one"

    def test_a_clip_that_was_likely_to_leak_stands_for_few(self) -> None:
        voices = {"a": -0.1, "half marked": -32.0}
        assert not verdict(voices, voices).promote, "half of all that is known"
        assert verdict({"a": -4, "half marked": -32}, voices, {"a": 1.6, "half marked": 0.6}).promote

    def test_how_long_people_let_it_pass_counts(self) -> None:
        before = clips({"a": -20, "b": -20}, {"a": -18, "b": -18})
        after = clips({"a": -24, "b": -50}, {"a": -18.1, "b": -50})
        assert not decide(before, after).promote
        long = replace(after, accepted_seconds={"a": 9.0, "b": 2.0})
        assert decide(replace(before, accepted_seconds=long.accepted_seconds), long).promote, "two seconds at the edges of marks"

    def test_a_child_that_takes_voices_away_in_half_of_the_clips_is_refused(self) -> None:
        judged = verdict(dict.fromkeys("abcd", -30.0), {"a": -0.1, "b": -0.2, "c": -5.0, "d": -20.0})
        assert not judged.promote and judged.costly
        assert "Accepted stretches of 4 clips: the level of all but a third of them changes by -5.00 dB" in judged.reasons[0]

    def test_a_child_that_is_only_quieter_is_no_better(self) -> None:
        judged = verdict(dict.fromkeys("abc", -0.9), dict.fromkeys("abc", -0.9))
        assert not judged.promote and "no gain" in "\n".join(judged.reasons)
