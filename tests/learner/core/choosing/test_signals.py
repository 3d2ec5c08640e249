"""What the sound says of a track: one table for any separator."""

from pathlib import Path

import numpy as np
import pytest
import torch

from learner.core.audio import Samples
from learner.core.choosing import signals
from learner.core.choosing.frames import LogMels, Periods
from learner.core.choosing.signals import COLUMNS, Signals, measure
from learner.core.choosing.uncertainty import predicted_leak, uncertainty
from learner.core.separate import separate
from learner.core.separators import ARCHITECTURES, Separator
from tests.learner.core.separators.tiny import tiny

RATE = 16_000
ALWAYS = {"level", "share", "rests", "periodic", "mix"}
OF_KIND = {"unet": {"entropy", "spread"}, "spleeter": {"entropy", "spread", "nets"}}  # all others have `change`


def noise(seconds: float, channels: int = 1, rate: int = RATE) -> Samples:
    return (0.1 * np.random.default_rng(0).standard_normal((channels, round(seconds * rate)))).astype(np.float32)


def blocks(mix: Samples, n: int = 7001) -> list[Samples]:
    return [mix[:, at : at + n] for at in range(0, mix.shape[1], n)]


@pytest.fixture(scope="module")
def unet() -> Separator:
    return tiny("unet").eval()


@pytest.fixture(scope="module")
def measured(unet: Separator) -> Signals:
    return measure(unet, blocks(noise(4.05)), RATE, dear=True)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_separator_has_the_columns_of_its_kind(architecture: str) -> None:
    separator = tiny(architecture, sample_rate=RATE).eval()
    found = measure(separator, blocks(noise(2.5, channels=2)), RATE, dear=True)
    known = {name for name, column in found.columns.items() if not np.isnan(column).any()}
    assert known == ALWAYS | OF_KIND.get(architecture, {"change"})
    assert all(np.isnan(found.columns[name]).all() for name in COLUMNS if name not in known)
    assert found.n_frames == 25 and found.embedding.shape[0] == 3 and np.isfinite(found.embedding).all()
    assert (found.columns[signals.dear_column(separator)] > 0).all()


def test_what_is_dear_is_left_out_unless_it_is_asked_for(unet: Separator) -> None:
    found = measure(unet, blocks(noise(1)), RATE)
    assert np.isnan(found.columns["spread"]).all() and np.isnan(found.columns["change"]).all()


def test_the_stem_and_its_figures_are_those_of_separating_alone(unet: Separator) -> None:
    mix, heard = noise(4.05, channels=2, rate=22_050), list[Samples]()
    found = measure(unet, blocks(mix), 22_050, sink=heard.append)
    stem = separate(unet, mix, 22_050)
    np.testing.assert_allclose(np.concatenate(heard, axis=1), stem, atol=1e-6)
    power = [(part.astype(float) ** 2).mean() for part in np.array_split(stem[:, : 40 * 2205], 40, axis=1)]
    np.testing.assert_allclose(found.columns["level"][:40], np.float32(10 * np.log10(power)), atol=0.01)
    assert found.n_frames == 41


def test_the_choice_of_clips_finds_the_figures_that_it_had(unet: Separator, measured: Signals) -> None:
    mix = noise(4.05)
    generator = torch.Generator().manual_seed(0)
    np.testing.assert_allclose(measured.columns["spread"], uncertainty(unet, mix, RATE, generator), rtol=1e-4)
    leak = np.percentile(measured.columns["share"], 10)
    assert leak == pytest.approx(predicted_leak(separate(unet, mix, RATE), mix, RATE), rel=1e-4)


def test_blocks_of_any_length_give_the_same(unet: Separator, measured: Signals) -> None:
    again = measure(unet, blocks(noise(4.05), 50_000), RATE, dear=True)
    for name in COLUMNS:
        np.testing.assert_allclose(again.columns[name], measured.columns[name], rtol=1e-4)


def test_pieces_of_a_long_mix_leave_no_mark_inside(unet: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    from learner.core.separators import unet as module

    mix = noise(6.4)
    whole = measure(unet, [mix], RATE)
    monkeypatch.setattr(module, "CORE", 1.0)
    cut = measure(unet, blocks(mix), RATE)
    np.testing.assert_allclose(cut.columns["entropy"], whole.columns["entropy"], rtol=1e-3)
    np.testing.assert_allclose(cut.embedding, whole.embedding, atol=1e-4)


def test_relative_figures_are_0_where_the_mix_is_silent(unet: Separator) -> None:
    mix = noise(3)
    mix[:, RATE : 2 * RATE] = 0
    found = measure(unet, [mix], RATE, dear=True)
    for name in ("share", "spread", "entropy", "periodic"):
        assert (found.columns[name][10:20] == 0).all() and (found.columns[name][:10] > 0).all(), name
    assert found.columns["mix"][15] == -120
    assert (found.columns["rests"] > 0).all(), "a silent mix is no rest of the estimate"


def test_an_estimate_that_rests_somewhere_near_says_so() -> None:
    share = np.full(200, 0.5)
    share[:30] = 0.0
    low = signals._low(share, 50)
    assert low[20] == 0 and low[199] == 0.5 and low[60] == 0


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("n_block", [700, 10**6])
def test_a_held_tone_is_periodic_and_noise_is_not(rate: int, n_block: int) -> None:
    t = np.arange(rate) / rate
    tone = sum(np.sin(2 * np.pi * 196 * k * t) / k for k in (1, 2, 3))
    sound = np.concatenate([0.1 * tone, np.zeros(rate), noise(1, rate=rate)[0]])[None].astype(np.float32)
    periods = Periods(rate)
    for block in blocks(sound, n_block):
        periods.add(block)
    found = periods.of(30)
    assert found[:9].min() > 0.95 and found[11:19].max() == 0 and found[21:].max() < 0.6


def test_a_parents_estimate_is_compared_with(unet: Separator) -> None:
    mix = noise(2.05)
    same = measure(unet, [mix], RATE, parent=iter(blocks(separate(unet, mix, RATE))))
    np.testing.assert_allclose(same.columns["parent"], 0, atol=1e-5)
    all_of_it = measure(unet, [mix], RATE, parent=iter([np.zeros_like(mix)]))
    np.testing.assert_allclose(all_of_it.columns["parent"], all_of_it.columns["share"], atol=1e-6)
    with pytest.raises(ValueError, match="ends"):
        measure(unet, [mix], RATE, parent=iter([mix[:, :RATE]]))


def test_a_long_mix_is_measured_dearly_piece_by_piece(unet: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "DEAR_PIECE", 1.0)
    assert (measure(unet, blocks(noise(3.35)), RATE, dear=True).columns["spread"] > 0).all()


@pytest.mark.parametrize("rate", [11_025, 8_000, 48_000])
def test_frames_keep_to_the_clock_at_any_rate(unet: Separator, rate: int) -> None:
    mix = np.zeros((1, 30 * rate), np.float32)
    mix[:, 20 * rate : 25 * rate] = 0.1
    level = measure(unet, blocks(mix), rate).columns["mix"]
    assert len(level) == 300 and (level > -50).nonzero()[0].tolist() == list(range(200, 250))


def test_numbers_that_are_no_sound_are_refused(unet: Separator) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        measure(unet, [np.full((1, RATE), np.nan, np.float32)], RATE)


@pytest.mark.parametrize("rate", [4_000, 11_025, 96_000, 192_000])
def test_where_there_is_no_bottleneck_levels_of_mel_bands_stand_for_it_at_any_rate(rate: int) -> None:
    mels = LogMels(rate)
    for block in blocks(noise(2.2, channels=2, rate=rate)):
        mels.add(block)
    found = mels.of_seconds()
    assert found.shape == (3, 64) and np.isfinite(found).all()


class TestFiles:
    def test_what_is_read_is_what_was_written_in_half_precision(self, measured: Signals, tmp_path: Path) -> None:
        measured.save(tmp_path / "a.npz")
        found = signals.load(tmp_path / "a.npz")
        assert list(found.columns) == list(COLUMNS)
        for name in COLUMNS:
            np.testing.assert_allclose(found.columns[name], measured.columns[name], rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(found.embedding, measured.embedding, rtol=2e-3, atol=1e-6)

    def test_equal_signals_give_equal_bytes(self, measured: Signals, tmp_path: Path) -> None:
        for name in ("a.npz", "b"):
            measured.save(tmp_path / name)
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b").read_bytes()

    def test_a_file_of_fewer_columns_can_be_read(self, measured: Signals, tmp_path: Path) -> None:
        with (tmp_path / "old.npz").open("wb") as file:
            np.savez(file, names=["level"], columns=measured.columns["level"][None], embedding=measured.embedding)
        found = signals.load(tmp_path / "old.npz")
        assert found.columns["level"].tolist() == measured.columns["level"].tolist() and np.isnan(found.columns["mix"]).all()

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", a=np.zeros(2))
        with pytest.raises(ValueError, match="holds no signals"):
            signals.load(tmp_path / "x.npz")


def test_a_stretch_of_a_track_is_found(measured: Signals) -> None:
    assert measured.between(1.0, 2.5)["mix"].tolist() == measured.columns["mix"][10:25].tolist()
