import numpy as np
import pytest

from learner.core import metrics
from learner.core.judging.segments import FIGURES, Change, Segments, figure, paired_interval, segments

RATE = 1000


def noise(seconds: float, seed: int, level: float = 0.1, channels: int = 1) -> np.ndarray:
    shape = (channels, round(seconds * RATE))
    return (level * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def sung(seconds: float, seed: int, channels: int = 1) -> np.ndarray:
    """Voice for 4 s, a rest of 3 s, and so on."""
    vocals = noise(seconds, seed, channels=channels)
    vocals[:, np.arange(vocals.shape[1]) % (7 * RATE) >= 4 * RATE] = 0
    return vocals


def measured(leak: float, seed: int = 0, seconds: float = 40.0, kept: float = 1.0) -> Segments:
    vocals = sung(seconds, seed)
    return segments(kept * vocals + leak * noise(seconds, seed + 1000), vocals, RATE)


def changed(before: list[list[Segments]], after: list[list[Segments]], name: str = "song_sdr", draws: int = 500) -> Change:
    return paired_interval(before, after, name, np.random.default_rng(0), draws)


class TestSegments:
    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.parametrize("seconds", [0.05, 0.7, 9.9, 23.4, 40.0])
    @pytest.mark.parametrize("name", FIGURES)
    def test_all_of_a_song_give_the_figures_of_the_song(self, name: str, seconds: float, channels: int) -> None:
        vocals = sung(seconds, 1, channels)
        estimate = 0.8 * vocals + 0.4 * noise(seconds, 2, channels=channels)
        whole = metrics.evaluate(estimate, vocals, vocals, RATE)
        assert figure([segments(estimate, vocals, RATE)], name) == pytest.approx(whole[name], abs=1e-4)

    @pytest.mark.parametrize("name", FIGURES)
    @pytest.mark.parametrize("estimate", [sung(12, 1), sung(12, 1) * 0, sung(12, 1) / 2, -sung(12, 1)])
    def test_the_limits_are_those_of_the_song_too(self, estimate: np.ndarray, name: str) -> None:
        whole = metrics.evaluate(estimate, sung(12, 1), sung(12, 1), RATE)
        assert figure([segments(estimate, sung(12, 1), RATE)], name) == pytest.approx(whole[name], abs=1e-3)

    def test_they_are_10_s_long_and_the_last_is_what_is_left(self) -> None:
        assert measured(0.1, seconds=23.4).seconds.tolist() == [10, 10, pytest.approx(3.4)]
        assert measured(0.1, seconds=0.5).seconds.tolist() == [0.5]

    def test_false_positives_are_counted_where_they_are(self) -> None:
        vocals = np.concatenate([noise(5, 1), 0 * noise(20, 1)], axis=1)
        estimate = np.concatenate([noise(5, 1), 0 * noise(4, 1), noise(2, 2), 0 * noise(14, 1)], axis=1)
        assert segments(estimate, vocals, RATE).false_positive_seconds.tolist() == [1, 1, 0]

    def test_a_song_without_voice_has_false_positives_and_no_voice_kept(self) -> None:
        alone = segments(noise(20, 1), 0 * noise(20, 1), RATE)
        assert figure([alone], "false_positive_seconds_per_minute") == 60
        assert np.isnan([figure([alone], name) for name in ("si_sdr", "voice_kept_db", "sdr_mean")]).all()
        assert figure([alone, measured(0.1)], "si_sdr") == figure([measured(0.1)], "si_sdr")

    def test_shapes_must_agree(self) -> None:
        with pytest.raises(ValueError, match="one shape"):
            segments(noise(2, 1), noise(3, 1), RATE)


class TestPairedInterval:
    def test_the_same_twice_has_not_changed(self) -> None:
        songs = [[measured(0.5, seed) for seed in range(3)]]
        for name in FIGURES:
            assert changed(songs, songs, name) == (0, 0, 0)

    def test_the_change_is_that_of_the_figure(self) -> None:
        before, after = [measured(0.5, seed) for seed in (1, 2)], [measured(0.25, seed) for seed in (1, 2)]
        found = changed([before], [after])
        assert found.change == pytest.approx(figure(after, "song_sdr") - figure(before, "song_sdr"))
        assert found.change == pytest.approx(6.02, abs=0.01)
        assert found.low == pytest.approx(6.02, abs=0.01), "every segment changed alike: pairing leaves no doubt"
        assert found.high == pytest.approx(6.02, abs=0.01)

    def test_segments_that_differ_widen_it_around_the_change(self) -> None:
        vocals = sung(80, 3)
        leak = noise(80, 4)
        before = segments(vocals + 0.5 * leak, vocals, RATE)
        ramp = np.linspace(0.1, 0.6, leak.shape[1], dtype=np.float32)
        found = changed([[before]], [[segments(vocals + ramp * leak, vocals, RATE)]])
        assert found.low < found.change < found.high
        assert 0.5 < found.high - found.low < 6

    def test_it_covers_the_truth_about_as_often_as_it_says(self) -> None:
        generator = np.random.default_rng(5)
        hits = 0
        for _ in range(200):
            leaking = generator.exponential(1.0, size=30)  # false-positive seconds; the truth is a change of -1 s per 10 s
            _, low, high = _interval_of(leaking, generator)
            hits += low <= -6 <= high
        assert 0.88 <= hits / 200 <= 0.99

    def test_seeds_are_averaged_and_kept_apart(self) -> None:
        seeds = [[measured(0.5, 1)], [measured(0.5, 2)]]
        found = changed(seeds, [[measured(0.25, 1)], [measured(0.125, 2)]])
        assert found.change == pytest.approx((6.02 + 12.04) / 2, abs=0.02)
        assert found.high - found.low < 0.1, "no draw takes both seeds from one of them"

    def test_the_same_generator_gives_the_same_interval(self) -> None:
        before, after = [[measured(0.5, 1)]], [[measured(0.3, 1, kept=0.9)]]
        assert changed(before, after, "voice_kept_db") == changed(before, after, "voice_kept_db")

    def test_a_broken_estimate_has_no_interval(self) -> None:
        vocals = sung(20, 0)
        broken = segments(vocals * np.nan, vocals, RATE)
        for name in FIGURES:
            assert np.isnan(changed([[measured(0.5, 0, 20), measured(0.5, 1)]], [[broken, measured(0.5, 1)]], name)).all()

    def test_a_song_without_voice_leaves_the_others(self) -> None:
        none = segments(noise(20, 1), 0 * noise(20, 1), RATE)
        found = changed([[none, measured(0.5)]], [[none, measured(0.5, kept=0.5)]], "voice_kept_db")
        assert found.change == pytest.approx(-6.02, abs=0.2)
        assert np.isnan(changed([[none]], [[none]], "voice_kept_db")).all()

    def test_what_is_compared_must_be_the_same(self) -> None:
        with pytest.raises(ValueError, match="song 1 of seed 0 is not the same"):
            changed([[measured(0.1, 1), measured(0.1, 2)]], [[measured(0.1, 1), measured(0.1, 3)]])
        with pytest.raises(ValueError, match="the same songs for the same seeds"):
            changed([[measured(0.1)]], [[measured(0.1)], [measured(0.1)]])
        with pytest.raises(ValueError, match="at least one song"):
            changed([[]], [[]])
        with pytest.raises(ValueError, match="no figure 'median'; there are false_positive"):
            changed([[measured(0.1)]], [[measured(0.1)]], "median")


def _interval_of(fewer: np.ndarray, generator: np.random.Generator) -> Change:
    """The interval of a song whose segments lost so many false-positive seconds each."""

    def song(false_positive_seconds: np.ndarray) -> Segments:
        ones = np.ones(fewer.size)
        return Segments(10 * ones, false_positive_seconds, ones, ones, ones, ones, ones, ones, ones)

    return paired_interval([[song(fewer)]], [[song(0 * fewer)]], "false_positive_seconds_per_minute", generator, draws=300)
