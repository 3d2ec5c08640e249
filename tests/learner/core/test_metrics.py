import importlib.util
import json
import sys
from typing import Any

import numpy as np
import pytest

from learner.core import metrics
from learner.core.bench import metrics as bench
from tests.data import make_museval_scores as museval

RATE = 1000  # samples a second; a short frame is 100 of them


def tone(seconds: float, level: float = 0.1, channels: int = 1, frequency: float = 110.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.tile(level * np.sin(2 * np.pi * frequency * t), (channels, 1)).astype(np.float32)


def silence(seconds: float, channels: int = 1) -> np.ndarray:
    return np.zeros((channels, round(seconds * RATE)), dtype=np.float32)


def song(*pieces: np.ndarray) -> np.ndarray:
    return np.concatenate(pieces, axis=1)


SUNG = song(silence(2), tone(3), silence(5))  # voice from 2 to 5 s of 10 s
OTHER = tone(10, 0.1, frequency=330.0)  # orthogonal to the voice


def evaluate(estimate: np.ndarray, vocals: np.ndarray = SUNG) -> dict[str, float]:
    return metrics.evaluate(estimate, vocals, vocals + 1.0, RATE)


class TestActivity:
    def test_a_voice_stays_active_for_the_hangover(self) -> None:
        assert metrics.active_regions(SUNG, RATE) == [(2.0, 5.3)]
        assert metrics.silent_regions(SUNG, RATE) == [(0.0, 2.0), (5.3, 10.0)]

    def test_a_breath_shorter_than_the_hangover_is_no_rest(self) -> None:
        assert metrics.active_regions(song(tone(1), silence(0.3), tone(1)), RATE) == [(0.0, 2.3)]
        assert metrics.silent_regions(song(tone(1), silence(0.4), tone(1)), RATE) == [(1.3, 1.4)]

    @pytest.mark.parametrize(("dbfs", "sings"), [(-49, True), (-51, False)])
    def test_voice_begins_at_minus_50_dbfs(self, dbfs: float, sings: bool) -> None:
        constant = np.full((1, RATE), 10 ** (dbfs / 20), dtype=np.float32)
        assert bool(metrics.active_regions(constant, RATE)) is sings

    def test_regions_end_where_the_audio_ends(self) -> None:
        assert metrics.active_regions(tone(0.25), RATE) == [(0.0, 0.25)]
        assert metrics.active_regions(tone(0.03), RATE) == [(0.0, 0.03)]
        assert metrics.silent_regions(silence(0.03), RATE) == [(0.0, 0.03)]


class TestFalsePositives:
    def test_they_are_the_loud_stretches_where_nobody_sings(self) -> None:
        estimate = song(silence(1), tone(1), tone(3), silence(1), tone(2), silence(2))
        assert metrics.false_positive_regions(estimate, SUNG, RATE) == [(1.0, 2.0), (6.0, 8.0)]
        assert evaluate(estimate)["false_positive_seconds_per_minute"] == pytest.approx(3 / 10 * 60)

    @pytest.mark.parametrize(("under", "counts"), [(14.9, True), (15.1, False)])
    def test_loud_is_within_15_db_of_the_sung_level(self, under: float, counts: bool) -> None:
        estimate = song(silence(7), tone(3, 0.1 * 10 ** (-under / 20)))
        assert bool(metrics.false_positive_regions(estimate, SUNG, RATE)) is counts

    def test_the_threshold_is_fixed_by_the_truth_alone(self) -> None:
        leak = song(silence(7), tone(3, 0.1))
        with_voice = metrics.false_positive_regions(leak + 10 * SUNG, SUNG, RATE)
        assert with_voice == metrics.false_positive_regions(leak, SUNG, RATE) == [(7.0, 10.0)]

    def test_where_nobody_ever_sings_minus_50_dbfs_is_loud(self) -> None:
        estimate = song(tone(1, 10 ** (-45 / 20)), tone(1, 10 ** (-55 / 20)))
        assert metrics.false_positive_regions(estimate, silence(2), RATE) == [(0.0, 1.0)]


MUSEVAL = json.loads(museval.SCORES.read_text(encoding="utf-8"))
CASES = museval.cases()


class TestFrameSDR:
    @pytest.mark.parametrize("name", CASES)
    @pytest.mark.parametrize("precision", [np.float32, np.float64])
    def test_it_is_musevals_wherever_that_is_defined(self, name: str, precision: type[np.floating[Any]]) -> None:
        case, expected = CASES[name], np.array(MUSEVAL["sdr"][name], dtype=float)
        ours = metrics.frame_sdr(case.estimate.astype(precision), case.vocals.astype(precision), museval.RATE)
        assert ours.shape == expected.shape
        defined = ~np.isnan(expected)
        np.testing.assert_allclose(ours[defined], expected[defined], rtol=0, atol=0.01)

    def test_the_stored_scores_are_of_the_version_and_songs_that_they_say(self) -> None:
        assert MUSEVAL["museval"] == "0.4.1"
        assert MUSEVAL["sdr"].keys() == CASES.keys()

    def test_what_museval_leaves_out_is_undefined_only_where_the_truth_is_silent(self) -> None:
        case, theirs = CASES["rests"], np.array(MUSEVAL["sdr"]["rests"], dtype=float)
        ours = metrics.frame_sdr(case.estimate, case.vocals, museval.RATE)
        assert np.flatnonzero(np.isnan(theirs)).tolist() == [1, 2, 6]
        assert np.flatnonzero(np.isnan(ours)).tolist() == [1, 2]
        assert ours[6] == 0, "the estimate is silent and somebody sings"

    def test_without_any_error_it_is_infinite(self) -> None:
        assert metrics.frame_sdr(tone(2), tone(2), RATE).tolist() == [np.inf, np.inf]

    def test_a_song_without_voice_has_only_undefined_frames(self) -> None:
        assert np.isnan(metrics.frame_sdr(tone(2), silence(2), RATE)).all()


class TestEvaluate:
    def test_a_perfect_estimate_reads_the_upper_limit(self) -> None:
        figures = evaluate(SUNG)
        assert figures["sdr_mean"] == figures["sdr_median"] == figures["si_sdr"] == 100
        assert figures["song_sdr"] > 80
        assert figures["voice_kept_db"] == pytest.approx(0)
        assert figures["pes_dbfs"] == -120
        assert figures["false_positive_seconds_per_minute"] == 0

    def test_a_silent_estimate_scores_zero_sdr_and_has_lost_the_voice(self) -> None:
        figures = evaluate(np.zeros_like(SUNG))
        assert figures["sdr_mean"] == figures["sdr_median"] == figures["song_sdr"] == 0
        assert figures["voice_kept_db"] == figures["si_sdr"] == -100

    def test_an_estimate_at_half_level_loses_6_db_of_voice_and_no_si_sdr(self) -> None:
        figures = evaluate(SUNG / 2)
        assert figures["voice_kept_db"] == pytest.approx(-6.02, abs=0.01)
        assert figures["sdr_median"] == pytest.approx(6.02, abs=0.01)
        assert figures["si_sdr"] == 100

    def test_noise_10_db_under_the_voice_gives_10_db_sdr(self) -> None:
        figures = evaluate(SUNG + 10 ** (-10 / 20) * OTHER)
        assert figures["sdr_mean"] == pytest.approx(10, abs=0.01)
        assert figures["sdr_median"] == pytest.approx(10, abs=0.01)
        assert figures["pes_dbfs"] == pytest.approx(-33.0, abs=0.1)  # 0.1 amplitude is -23 dBFS

    def test_mean_and_median_are_over_active_whole_seconds(self) -> None:
        estimate = SUNG.copy()
        estimate[:, 2 * RATE : 3 * RATE] *= 1 - 10 ** (-20 / 20)
        estimate[:, 3 * RATE : 4 * RATE] *= 1 - 10 ** (-10 / 20)
        estimate[:, 4 * RATE : 5 * RATE] *= 1 - 10 ** (-3 / 20)
        figures = evaluate(estimate)
        assert figures["n_active"] == 3
        assert figures["n_silent"] == 67
        assert figures["sdr_mean"] == pytest.approx(11, abs=0.01)
        assert figures["sdr_median"] == pytest.approx(10, abs=0.01)

    def test_a_rest_of_a_second_is_dropped_but_a_short_song_is_one_frame(self) -> None:
        assert evaluate(tone(2.9), tone(2.9))["n_active"] == 2
        assert metrics.frame_sdr(tone(2.9), tone(2.9), RATE).size == 2
        short = evaluate(tone(0.05) / 2, tone(0.05))
        assert short["n_active"] == 1
        assert short["sdr_median"] == pytest.approx(6.02, abs=0.01)

    def test_every_whole_second_is_active_faint_or_undefined(self) -> None:
        vocals = song(tone(3), tone(2, level=1e-3), silence(4.5))  # 1e-3 is -63 dBFS
        figures = evaluate(vocals + 0.1 * tone(9.5, frequency=330.0), vocals)
        assert (figures["n_active"], figures["n_faint"], figures["n_undefined"]) == (3, 2, 4)
        assert figures["sdr_mean"] == pytest.approx(20, abs=0.01), "the faint seconds, at -20 dB, are left out"

    def test_near_silence_in_the_vocals_does_not_rule_the_mean(self) -> None:
        case = CASES["rests"]
        figures = metrics.evaluate(case.estimate, case.vocals, case.vocals + case.accompaniment, museval.RATE)
        assert np.nanmean(np.array(MUSEVAL["sdr"]["rests"], dtype=float)) < -20
        assert figures["sdr_mean"] == pytest.approx((12.424 + 12.329 + 0 + 17.986) / 4, abs=0.01)

    def test_song_sdr_is_that_of_the_music_demixing_challenge(self) -> None:
        estimate = SUNG + 0.3 * OTHER
        expected = 10 * np.log10((np.sum(SUNG**2) + 1e-7) / (np.sum((SUNG - estimate) ** 2) + 1e-7))
        assert evaluate(estimate)["song_sdr"] == pytest.approx(expected, abs=1e-4)

    def test_it_says_what_was_won_over_the_mixture(self) -> None:
        figures = metrics.evaluate(SUNG + 0.1 * OTHER, SUNG, SUNG + OTHER, RATE)
        assert figures["song_sdr_over_mixture"] == pytest.approx(20, abs=0.01)

    def test_a_song_without_voice_has_no_sdr_but_a_leak(self) -> None:
        figures = evaluate(OTHER, silence(10))
        assert np.isnan([figures[name] for name in ("sdr_mean", "sdr_median", "si_sdr", "voice_kept_db")]).all()
        assert (figures["n_active"], figures["n_faint"], figures["n_undefined"]) == (0, 0, 10)
        assert figures["pes_dbfs"] == pytest.approx(-23, abs=0.1)
        assert figures["false_positive_seconds_per_minute"] == 60
        assert figures["song_sdr"] < -60

    def test_leak_over_the_mixture_does_not_depend_on_how_loud_the_song_is(self) -> None:
        for gain in (1.0, 0.1):
            figures = metrics.evaluate(gain * (SUNG + 0.5 * OTHER), gain * SUNG, gain * (SUNG + OTHER), RATE)
            assert figures["pes_over_mixture_db"] == pytest.approx(-6.02, abs=0.01)

    def test_leak_over_the_mixture_is_counted_where_there_is_something_to_leak(self) -> None:
        mixture = song(silence(1), OTHER[:, RATE:])
        assert metrics.evaluate(mixture, SUNG, mixture, RATE)["pes_over_mixture_db"] == 0
        assert metrics.evaluate(silence(10), SUNG, mixture, RATE)["pes_over_mixture_db"] == pytest.approx(-97, abs=0.1)
        assert np.isnan(metrics.evaluate(OTHER, SUNG, SUNG, RATE)["pes_over_mixture_db"])

    def test_silence_for_a_song_without_voice_is_right(self) -> None:
        figures = evaluate(silence(10), silence(10))
        assert figures["song_sdr"] == 0
        assert figures["false_positive_seconds_per_minute"] == 0

    def test_a_song_without_rests_has_no_leak(self) -> None:
        figures = evaluate(tone(4) * 0.5, tone(4))
        assert np.isnan(figures["pes_dbfs"])
        assert np.isnan(figures["pes_over_mixture_db"])
        assert figures["n_silent"] == figures["false_positive_seconds_per_minute"] == 0

    def test_two_equal_channels_measure_like_one(self) -> None:
        one = evaluate(SUNG + 0.2 * OTHER)
        two = evaluate(np.tile(SUNG + 0.2 * OTHER, (2, 1)), np.tile(SUNG, (2, 1)))
        assert two == pytest.approx(one, abs=1e-4)
        assert evaluate((SUNG + 0.2 * OTHER)[0], SUNG[0]) == pytest.approx(one)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_broken_estimate_is_nan_everywhere(self, bad: np.ndarray) -> None:
        estimate = SUNG.copy()
        estimate[0, 5] = bad
        figures = evaluate(estimate)
        assert np.isnan([figures[name] for name in metrics.DECIBELS_AND_LEAK]).all()
        assert figures["n_active"] == 3

    def test_shapes_must_agree(self) -> None:
        with pytest.raises(ValueError, match=r"\(1, 10000\) and \(2, 10000\)"):
            evaluate(SUNG, np.tile(SUNG, (2, 1)))
        with pytest.raises(ValueError, match="at least one sample"):
            evaluate(silence(0), silence(0))


class TestSummary:
    def test_every_song_counts_once(self) -> None:
        songs = [evaluate(SUNG / 2), evaluate(SUNG / 4), evaluate(SUNG)]
        figures = metrics.summary(songs)
        assert figures["voice_kept_db"] == pytest.approx(-6.02, abs=0.01)
        assert figures["sdr_median"] == songs[0]["sdr_median"], "the median over songs"
        assert figures["sdr_mean"] == pytest.approx(np.mean([s["sdr_mean"] for s in songs]))
        assert figures["n_active"] == 9
        assert figures["n_songs"] == 3

    def test_a_song_without_voice_is_left_out_of_what_it_cannot_say(self) -> None:
        figures = metrics.summary([evaluate(SUNG / 2), evaluate(silence(10), silence(10))])
        assert figures["voice_kept_db"] == pytest.approx(-6.02, abs=0.01)
        assert figures["pes_dbfs"] == -120

    def test_one_broken_estimate_shows(self) -> None:
        figures = metrics.summary([evaluate(SUNG), evaluate(SUNG * np.nan)])
        assert np.isnan(figures["song_sdr"])
        assert np.isnan(figures["false_positive_seconds_per_minute"])

    def test_no_songs_have_no_figures(self) -> None:
        assert np.isnan(metrics.summary([])["song_sdr"])


class TestEqualVoiceLevel:
    def test_being_quieter_wins_nothing(self) -> None:
        estimate = SUNG + 0.5 * OTHER
        raised = metrics.equal_voice_level(estimate * 0.3, SUNG, estimate)
        np.testing.assert_allclose(raised, estimate, atol=1e-6)
        assert raised.dtype == np.float32

    def test_nothing_of_the_voice_stays_as_it_was(self) -> None:
        mute = np.zeros_like(SUNG)
        assert (metrics.equal_voice_level(mute, SUNG, SUNG) == mute).all()
        assert (metrics.equal_voice_level(OTHER, silence(10), SUNG) == OTHER).all()


class TestBestConstantGain:
    def test_for_one_song_it_is_the_least_squares_factor(self) -> None:
        estimate = 2 * SUNG + OTHER
        expected = np.sum(estimate * SUNG) / np.sum(estimate**2)
        assert metrics.best_constant_gain([estimate], [SUNG]) == pytest.approx(expected, abs=1e-3)

    def test_no_other_gain_is_better_for_several_songs(self) -> None:
        estimates, vocals = [SUNG + OTHER, SUNG * 0.5, 3 * SUNG + OTHER], [SUNG] * 3
        best = metrics.best_constant_gain(estimates, vocals)

        def score(gain: float) -> float:
            return float(np.mean([evaluate(gain * e)["song_sdr"] for e in estimates]))

        assert all(score(best) >= score(g) - 1e-3 for g in np.linspace(0, 4, 41))

    def test_silence_gives_nothing_to_choose_by(self) -> None:
        assert metrics.best_constant_gain([silence(1)], [tone(1)]) == 1
        assert metrics.best_constant_gain([], []) == 1


class TestLevel:
    def test_a_full_scale_sine_reads_minus_3_dbfs(self) -> None:
        assert metrics.level_dbfs(tone(1, 1.0)) == pytest.approx(-3.01, abs=0.01)
        assert metrics.level_dbfs(tone(1, 1.0, channels=2)) == pytest.approx(-3.01, abs=0.01)

    def test_silence_reads_the_floor_and_a_broken_stretch_nan(self) -> None:
        assert metrics.level_dbfs(silence(1)) == -120
        assert np.isnan(metrics.level_dbfs(tone(1) * np.nan))


class TestEnergyKept:
    def test_it_is_the_energy_relative_to_the_parents_on_the_stretches_alone(self) -> None:
        parent = tone(10)
        child = song(tone(4) / 2, tone(6))
        assert metrics.energy_kept_db(child, parent, [(0, 4)], RATE) == pytest.approx(-6.02, abs=0.01)
        assert metrics.energy_kept_db(child, parent, [(4, 7), (8, 20)], RATE) == 0
        assert metrics.energy_kept_db(child, parent, [(0, 4), (2, 8)], RATE) == pytest.approx(10 * np.log10(5 / 8), abs=0.01)

    def test_a_mute_child_keeps_nothing(self) -> None:
        assert metrics.energy_kept_db(silence(2), tone(2), [(0, 2)], RATE) == -100

    def test_without_stretches_or_without_a_parents_voice_nothing_is_known(self) -> None:
        assert np.isnan(metrics.energy_kept_db(tone(2), tone(2), [], RATE))
        assert np.isnan(metrics.energy_kept_db(tone(2), silence(2), [(0, 2)], RATE))
        assert np.isnan(metrics.energy_kept_db(tone(2) * np.nan, tone(2), [(0, 2)], RATE))


class TestMuteWhereSilent:
    def test_only_the_truly_silent_stretches_are_muted(self) -> None:
        estimate = SUNG + OTHER
        muted = metrics.mute_where_silent(estimate, SUNG, RATE)
        np.testing.assert_array_equal(muted[:, 2000:5300], estimate[:, 2000:5300])
        assert not muted[:, :2000].any()
        assert not muted[:, 5300:].any()
        assert estimate[:, :2000].any(), "the caller's estimate is untouched"
        assert muted.dtype == estimate.dtype

    def test_no_leak_is_left_and_the_voice_is_as_it_was(self) -> None:
        before, after = evaluate(SUNG + OTHER), evaluate(metrics.mute_where_silent(SUNG + OTHER, SUNG, RATE))
        assert after["pes_dbfs"] == -120
        assert after["false_positive_seconds_per_minute"] == 0
        assert after["voice_kept_db"] == before["voice_kept_db"]
        assert after["sdr_median"] == before["sdr_median"]

    def test_it_keeps_the_shape(self) -> None:
        assert metrics.mute_where_silent(tone(1)[0], tone(1)[0], RATE).shape == (RATE,)
        assert not metrics.mute_where_silent(tone(1, channels=2), silence(1, channels=2), RATE).any()


class TestLogWMSE:
    @pytest.mark.skipif(importlib.util.find_spec("torch_log_wmse") is None, reason="needs the extra `logwmse`")
    def test_it_is_defined_for_silent_vocals_and_prefers_silence_there(self) -> None:
        mixture, none = tone(1, channels=2), silence(1, channels=2)
        best = metrics.log_wmse(none, none, mixture, RATE)
        assert best == pytest.approx(73.68, abs=0.01)
        assert metrics.log_wmse(mixture, none, mixture, RATE) < metrics.log_wmse(0.1 * mixture, none, mixture, RATE) < best

    def test_without_its_package_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch_log_wmse", None)
        with pytest.raises(ModuleNotFoundError, match=r"unbleed\[logwmse\]"):
            metrics.log_wmse(tone(1), tone(1), tone(1), RATE)


class TestBench:
    def test_without_museval_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        assert bench.main(["--seconds", "2", "--sample-rate", "1000"]) == 2
        assert "unbleed[bench]" in capsys.readouterr().err

    @pytest.mark.skipif(importlib.util.find_spec("museval") is None, reason="needs the extra `bench`")
    def test_it_prints_both_side_by_side(self, capsys: pytest.CaptureFixture[str]) -> None:
        bench.main(["--seconds", "9", "--sample-rate", "1000"])
        printed = capsys.readouterr().out
        assert "8 of 9 frames defined by museval" in printed
        assert "times faster" in printed
