import numpy as np
import pytest

from learner.core.judging import gate
from learner.core.judging.gate import AT_PARENT_VOICE, MarkLeak, Measured, Rules, Verdict, decide

NAN = float("nan")


def figures(fp: float = 10.0, at_voice: float | None = None, **others: float) -> dict[str, float]:
    plain = {
        "sdr_mean": 5.0,
        "sdr_median": 6.0,
        "song_sdr": 4.0,
        "si_sdr": 3.0,
        "pes_dbfs": -40.0,
        "voice_kept_db": -1.0,
        "n_active": 20.0,
        "n_silent": 100.0,
    }
    at = fp if at_voice is None else at_voice
    return plain | {"false_positive_seconds_per_minute": fp, AT_PARENT_VOICE: at} | others


def songs(
    target: dict[str, float] | None = None, source: dict[str, float] | None = None, n: int = 2
) -> dict[str, dict[str, dict[str, float]]]:
    return {
        "target": {f"t{i}": figures(**(target or {})) for i in range(n)},
        "source": {f"s{i}": figures(fp=1.0, **(source or {})) for i in range(n)},
    }


def marks(leak: float, random_clip: bool = True, n: int = 2) -> dict[str, MarkLeak]:
    return {f"{random_clip}{i}": MarkLeak("pool1", 2.0, leak, random_clip) for i in range(n)}


PARENT = Measured(songs=songs())
BETTER = {"fp": 6.0, "at_voice": 7.0}


def text(verdict: Verdict) -> str:
    return "\n".join(verdict.reasons)


class TestPromotion:
    def test_less_leak_where_it_was_taught_and_no_harm_elsewhere_is_promoted(self) -> None:
        verdict = decide(PARENT, Measured(songs=songs(target=BETTER)))
        assert verdict.promote and not verdict.costly
        assert "false positives fall from 10.00 to 6.00 s/min, at the parent's voice level to 7.00 s/min" in verdict.reasons[0]
        assert "no kept-apart marks of clips chosen at random" in text(verdict)

    def test_the_parent_itself_is_refused(self) -> None:
        verdict = decide(PARENT, PARENT)
        assert not verdict.promote and not verdict.costly, "a milder child would be no better"
        assert "Nothing shows that the child is better" in verdict.reasons[0]

    def test_without_source_songs_what_the_base_made_of_mixes_tells_what_was_forgotten(self) -> None:
        before, kept, lost = (Measured(songs={"remixed": {"a over b": figures(song_sdr=sdr)}}, marks=marks(-20)) for sdr in (4.0, 3.8, 3.5))
        assert "For want of source gate songs, what the base took out of mixes, mixed anew (1): song SDR changes by -0.20 dB;" in text(
            decide(before, kept)
        )
        assert decide(before, lost).costly and "at most 0.3 dB may be lost" in decide(before, lost).reasons[0]

    def test_a_child_that_is_only_quieter_is_refused(self) -> None:
        verdict = decide(PARENT, Measured(songs=songs(target={"fp": 5.0, "at_voice": 10.0, "voice_kept_db": -1.9})))
        assert not verdict.promote
        assert "only quieter" in text(verdict)

    def test_what_a_smaller_mask_alone_takes_is_no_gain(self) -> None:
        verdict = decide(PARENT, Measured(songs=songs(target={"fp": 9.1, "at_voice": 9.1})))
        assert not verdict.promote
        assert "no gain (at least 1.00 s/min fewer would be one)" in text(verdict)

    def test_a_leak_not_measured_at_equal_voice_level_promotes_nobody(self) -> None:
        child = songs(target=BETTER)
        for song in child["target"].values():
            del song[AT_PARENT_VOICE]
        verdict = decide(PARENT, Measured(songs=child))
        assert not verdict.promote
        assert "not measured at the parent's voice level" in text(verdict)

    @pytest.mark.parametrize(
        ("target", "source", "reason"),
        [
            ({"voice_kept_db": -2.01}, {}, "true voice changes by -1.01 dB; at most 1 dB may be lost"),
            ({"si_sdr": 2.4}, {}, "SI-SDR changes by -0.60 dB; at most 0.5 dB"),
            ({}, {"song_sdr": 3.65}, "Source gate songs (2): song SDR changes by -0.35 dB; at most 0.3 dB"),
            ({}, {"sdr_median": 5.4}, "median frame SDR changes by -0.60 dB; at most 0.5 dB"),
            ({}, {"voice_kept_db": -1.4}, "Source gate songs (2): true voice changes by -0.40 dB"),
            ({}, {"false_positive_seconds_per_minute": 2.5}, "rise from 1.00 to 2.50 s/min; at most 1 s/min more"),
        ],
    )
    def test_each_harm_is_a_veto_with_its_number_and_its_limit(
        self, target: dict[str, float], source: dict[str, float], reason: str
    ) -> None:
        verdict = decide(PARENT, Measured(songs=songs(target=BETTER | target, source=source)))
        assert not verdict.promote and verdict.costly
        assert reason in verdict.reasons[0]

    def test_a_loss_of_exactly_the_limit_is_allowed(self) -> None:
        child = songs(target=BETTER | {"voice_kept_db": -2.0, "si_sdr": 2.5}, source={"song_sdr": 3.7, "voice_kept_db": -1.3})
        assert decide(PARENT, Measured(songs=child)).promote

    @pytest.mark.parametrize(
        ("target", "source", "reason"),
        [
            ({"voice_kept_db": -2.6}, {}, "Over all rounds, target gate songs (2): true voice changes by -1.60 dB"),
            ({}, {"song_sdr": 3.4}, "Over all rounds, source gate songs (2): song SDR changes by -0.60 dB"),
            ({}, {"sdr_median": 5.4}, "Over all rounds, source gate songs (2): median frame SDR changes by -0.60 dB"),
            ({}, {"voice_kept_db": -1.6}, "Over all rounds, source gate songs (2): true voice changes by -0.60 dB"),
        ],
    )
    def test_small_losses_do_not_add_up_over_rounds(self, target: dict[str, float], source: dict[str, float], reason: str) -> None:
        first, parent = Measured(songs=songs()), Measured(songs=songs(target=target, source=source))
        child = Measured(songs=songs(target=BETTER | target, source=source))
        assert decide(parent, child).promote
        verdict = decide(parent, child, base=first)
        assert not verdict.promote
        assert reason in verdict.reasons[0]

    def test_the_first_checkpoint_is_measured_on_the_same(self) -> None:
        with pytest.raises(ValueError, match="base and child must be measured on the same"):
            decide(PARENT, Measured(songs=songs(target=BETTER)), base=Measured(songs=songs(n=3)))

    def test_rules_are_the_experimenters(self) -> None:
        child = Measured(songs=songs(target=BETTER, source={"song_sdr": 3.5}))
        assert not decide(PARENT, child).promote
        assert decide(PARENT, child, Rules(source_loss=0.6)).promote

    def test_the_collapse_to_silence_is_refused(self) -> None:
        mute = songs(target={"fp": 0.0, "at_voice": 0.0, "voice_kept_db": -100.0, "si_sdr": -100.0, "song_sdr": 0.0})
        verdict = decide(Measured(songs=songs(), marks=marks(-20)), Measured(songs=mute, marks=marks(-120)))
        assert not verdict.promote

    @pytest.mark.parametrize("name", ["song_sdr", "false_positive_seconds_per_minute", AT_PARENT_VOICE, "pes_dbfs"])
    def test_a_child_with_nan_is_broken(self, name: str) -> None:
        verdict = decide(PARENT, Measured(songs=songs(target=BETTER | {name: NAN})))
        assert not verdict.promote
        assert "broken" in verdict.reasons[0]
        assert f"{name} of target song t0" in verdict.reasons[0]

    def test_a_figure_that_neither_has_is_left_out(self) -> None:
        parent, child = songs(), songs(target=BETTER)
        for measured in (parent, child):
            measured["target"]["instrumental"] = figures(fp=0.0, sdr_median=NAN, si_sdr=NAN, voice_kept_db=NAN)
        assert decide(Measured(songs=parent), Measured(songs=child)).promote


class TestMissingEvidence:
    def test_nothing_to_judge_by_is_refused(self) -> None:
        verdict = decide(Measured(), Measured())
        assert not verdict.promote
        assert "no target gate songs" in text(verdict)
        assert "no source gate songs" in text(verdict)

    def test_without_source_songs_it_says_so_and_decides(self) -> None:
        parent, child = (Measured(songs={"target": s["target"]}) for s in (songs(), songs(target=BETTER)))
        verdict = decide(parent, child)
        assert verdict.promote
        assert "what the child forgot is not known" in text(verdict)

    def test_without_target_songs_random_marks_decide(self) -> None:
        parent = Measured(songs={"source": songs()["source"]}, marks=marks(-20), accepted_dbfs={"pool1": -15.0})
        child = Measured(songs=parent.songs, marks=marks(-24), accepted_dbfs={"pool1": -15.4})
        verdict = decide(parent, child)
        assert verdict.promote
        assert "leak changes by -4.00 dB, at equal voice level by -3.60 dB" in verdict.reasons[0]

    def test_what_people_accepted_must_stay(self) -> None:
        parent = Measured(marks=marks(-20), accepted_dbfs={"pool1": -15.0})
        verdict = decide(parent, Measured(marks=marks(-40), accepted_dbfs={"pool1": -16.5}))
        assert not verdict.promote
        assert "Accepted stretches of 1 clips: the level of all but a third of them changes by -1.50 dB; at most 1 dB" in verdict.reasons[0]

    def test_the_truth_goes_before_what_people_accepted(self) -> None:
        parent = Measured(songs=songs(), accepted_dbfs={"pool1": -15.0})
        assert decide(parent, Measured(songs=songs(target=BETTER), accepted_dbfs={"pool1": -16.5})).promote

    def test_different_evidence_is_the_callers_mistake(self) -> None:
        with pytest.raises(ValueError, match="same target songs; only one of them has t2"):
            decide(PARENT, Measured(songs=songs(n=3) | {"source": songs()["source"]}))
        with pytest.raises(ValueError, match="same marks"):
            decide(Measured(marks=marks(-20)), Measured())


class TestMarks:
    def test_being_quieter_on_random_marks_is_no_gain(self) -> None:
        parent = Measured(marks=marks(-20), accepted_dbfs={"pool1": -15.0})
        verdict = decide(parent, Measured(marks=marks(-20.9), accepted_dbfs={"pool1": -15.9}))
        assert not verdict.promote
        assert "no gain" in text(verdict)

    def test_where_the_voice_level_is_not_known_marks_do_not_count_for(self) -> None:
        verdict = decide(Measured(marks=marks(-20)), Measured(marks=marks(-40)))
        assert not verdict.promote
        assert "voice level is not known" in text(verdict)

    def test_the_true_voice_of_target_songs_tells_the_level(self) -> None:
        child = songs(target={"voice_kept_db": -1.5})
        verdict = decide(Measured(songs=songs(), marks=marks(-20)), Measured(songs=child, marks=marks(-23)))
        assert verdict.promote
        assert "at equal voice level by -2.50 dB" in verdict.reasons[0]

    def test_marks_do_not_promote_what_songs_show_to_be_only_quieter(self) -> None:
        parent = Measured(songs=songs(), marks=marks(-20), accepted_dbfs={"pool1": -15.0})
        child = songs(target={"fp": 8.5, "at_voice": 9.2})
        verdict = decide(parent, Measured(songs=child, marks=marks(-21.6), accepted_dbfs={"pool1": -15.0}))
        assert not verdict.promote and not verdict.costly
        assert "Nothing shows" in verdict.reasons[0] and "only quieter" in text(verdict)

    def test_marks_of_chosen_clips_never_promote(self) -> None:
        parent = Measured(marks=marks(-20, random_clip=False), accepted_dbfs={"pool1": -15.0})
        verdict = decide(parent, Measured(marks=marks(-40, random_clip=False), accepted_dbfs={"pool1": -15.0}))
        assert not verdict.promote
        assert "may refuse a child, never promote it" in text(verdict)

    @pytest.mark.parametrize("random_clip", [True, False])
    def test_marks_of_either_kind_may_veto(self, random_clip: bool) -> None:
        parent = Measured(songs=songs(), marks=marks(-20, random_clip))
        verdict = decide(parent, Measured(songs=songs(target=BETTER), marks=marks(-18.5, random_clip)))
        assert not verdict.promote
        assert "leak changes by +1.50 dB" in verdict.reasons[0]

    def test_what_nobody_hears_does_not_move_the_mean(self) -> None:
        parent = Measured(marks=marks(-70), accepted_dbfs={"pool1": -15.0})
        assert not decide(parent, Measured(marks=marks(-110), accepted_dbfs={"pool1": -15.0})).promote

    def test_long_marks_weigh_more(self) -> None:
        def measured(long: float, short: float) -> Measured:
            both = {"a": MarkLeak("pool1", 9.0, long, True), "b": MarkLeak("pool1", 1.0, short, True)}
            return Measured(marks=both, accepted_dbfs={"pool1": -15.0})

        assert "leak changes by -0.80 dB" in text(decide(measured(-20, -20), measured(-21, -19)))


class TestInterval:
    def test_four_target_songs_give_an_interval(self) -> None:
        parent, child = Measured(songs=songs(n=4)), Measured(songs=songs(target=BETTER, n=4))
        assert "95 % interval of that change -3.00 to -3.00" in text(decide(parent, child, generator=np.random.default_rng(0)))
        assert "interval" not in text(decide(parent, child))
        three = decide(Measured(songs=songs(n=3)), Measured(songs=songs(target=BETTER, n=3)), generator=np.random.default_rng(0))
        assert "interval" not in text(three)

    def test_it_covers_the_mean_and_repeats_with_its_seed(self) -> None:
        changes = [-4.0, -1.0, 0.0, 1.0, -3.0]
        low, high = gate.bootstrap_interval(changes, np.random.default_rng(3))
        assert low < np.mean(changes) < high
        assert (low, high) == gate.bootstrap_interval(changes, np.random.default_rng(3))


class TestMeasuring:
    RATE = 1000
    VOICE = np.concatenate([np.full(2000, 0.1), np.zeros(2000)]).astype(np.float32)[None]
    LEAK = np.concatenate([np.zeros(2600), np.full(1400, 0.03)]).astype(np.float32)[None]

    def test_a_quieter_child_leaks_as_much_at_its_parents_voice_level(self) -> None:
        parent = self.VOICE + self.LEAK
        child = gate.measure_song(0.3 * parent, self.VOICE, parent, self.RATE, parent)
        own = gate.measure_song(parent, self.VOICE, parent, self.RATE, parent)
        assert own["false_positive_seconds_per_minute"] == own[AT_PARENT_VOICE] == pytest.approx(21)
        assert child["false_positive_seconds_per_minute"] == 0
        assert child[AT_PARENT_VOICE] == pytest.approx(21)

    def test_bleed_that_people_let_pass_is_no_loss_of_voice_but_most_of_the_voice_is(self) -> None:
        parent = np.where(np.arange(4 * self.RATE) < 2.5 * self.RATE, 0.1, 0.12)[None]
        heard, marks = [(0.0, 4.0)], list[tuple[float, float]]()
        level = gate.accepted_level(parent, parent, heard, marks, self.RATE)
        for kept, lost in ((2.5, 0.0), (1.2, 100.0)):
            child = np.where(np.arange(4 * self.RATE) < kept * self.RATE, parent, 0.0)
            assert level - gate.accepted_level(child, parent, heard, marks, self.RATE) == pytest.approx(lost, abs=0.01)
        assert np.isnan(gate.accepted_level(np.where(np.arange(4 * self.RATE) < 99, np.nan, parent), parent, heard, marks, self.RATE))

    def test_a_mark_has_the_level_of_the_estimate_on_it(self) -> None:
        assert gate.mark_leak(self.VOICE, (0.5, 1.0), self.RATE) == pytest.approx(-20)
        assert gate.mark_leak(self.VOICE, (2.5, 3.0), self.RATE) == -120
        assert gate.mark_leak(self.VOICE, (1.0, 9.0), self.RATE) == pytest.approx(-24.8, abs=0.1), "players round up"

    def test_accepted_is_what_was_heard_loud_and_unmarked(self) -> None:
        parent = self.VOICE + self.LEAK
        child = self.VOICE / 2

        def change(heard: list[tuple[float, float]], marks: list[tuple[float, float]]) -> float:
            levels = [gate.accepted_level(e, parent, heard, marks, self.RATE) for e in (child, parent)]
            return levels[0] - levels[1]

        assert change([(0.0, 4.0)], [(2.6, 4.0)]) == pytest.approx(-6.02, abs=0.01)
        assert change([(2.6, 4.0)], []) == pytest.approx(-100), "heard and let pass: counted as voice"
        assert np.isnan(change([(0.0, 4.0)], [(0.0, 4.0)]))
        assert np.isnan(change([], []))


def test_a_campaigns_own_limits_are_the_usual_ones_where_it_set_none_and_keep_their_proportions() -> None:
    usual = Rules()
    assert Rules.limited(gain=0.1, leak_rise=0.5, voice_loss=1.0, forgetting=0.3) == usual
    looser = Rules.limited(gain=0.3, leak_rise=2.0, voice_loss=2.0, forgetting=0.6)
    assert (looser.target_voice_loss_in_all, looser.source_median_loss, looser.source_loss_in_all) == (3.0, 1.0, 1.0)
    assert (looser.false_positive_share, looser.false_positive_rise, looser.mark_rise) == (0.3, 2.0, usual.mark_rise)
