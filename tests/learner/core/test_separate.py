"""Separation of whole recordings, and the separators behind it."""

import numpy as np
import pytest
import torch

from learner.core import separate as module
from learner.core.separate import separate
from learner.core.separators.unet import UNetSeparator
from learner.core.unet import UNet


@pytest.fixture
def separator() -> UNetSeparator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNetSeparator(widths=(2, 2, 2)).eval()


def noise(channels: int, n_samples: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, n_samples)).astype(np.float32) * 0.1


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("n_samples", [1, 700, 16_000, 16_001])
def test_the_stem_has_the_shape_of_the_recording(separator: UNetSeparator, channels: int, n_samples: int):
    assert separate(separator, noise(channels, n_samples), 16_000).shape == (channels, n_samples)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_another_sample_rate_comes_back_as_it_went_in(separator: UNetSeparator, rate: int):
    assert separate(separator, noise(2, rate + 7), rate).shape == (2, rate + 7)


def test_a_separator_of_two_channels_takes_a_mono_recording():
    separator = UNetSeparator(channels=2, widths=(2, 2, 2))
    assert separate(separator, noise(1, 5000), 16_000).shape == (1, 5000)


def test_pieces_leave_no_seam(separator: UNetSeparator, monkeypatch: pytest.MonkeyPatch):
    samples = noise(1, 20 * 16_000)
    whole = separate(separator, samples, 16_000)
    monkeypatch.setattr(module, "PIECE", 6.0)
    pieces = separate(separator, samples, 16_000)
    assert np.abs(pieces - whole).max() < 0.02 * np.abs(whole).max()


def test_pieces_of_a_model_that_lets_all_through_add_up_to_the_recording(separator: UNetSeparator, monkeypatch: pytest.MonkeyPatch):
    with torch.no_grad():
        separator.net.last.bias.fill_(100.0)
    monkeypatch.setattr(module, "PIECE", 5.0)
    samples = noise(2, 17 * 16_000 + 123)
    assert np.allclose(separate(separator, samples, 16_000), samples, atol=1e-5)


def test_separation_leaves_the_mode_of_the_separator_and_uses_no_dropout(separator: UNetSeparator):
    separator.train()
    first, second = (separate(separator, noise(1, 8000), 16_000) for _ in range(2))
    assert separator.training
    assert np.array_equal(first, second)


def test_silence_in_gives_silence_out(separator: UNetSeparator):
    assert not separate(separator, np.zeros((1, 8000), np.float32), 16_000).any()


def test_a_plain_vector_is_refused(separator: UNetSeparator):
    with pytest.raises(ValueError, match="channels, samples"):
        separate(separator, np.zeros(8000, np.float32), 16_000)


def test_the_spectrum_is_that_of_the_waveform(separator: UNetSeparator):
    mixture = torch.from_numpy(noise(1, 8192))[None]
    with torch.no_grad():
        inner = separator.spectrum(mixture)[..., 2:-2]
        again = separator.spectra(separator(mixture))[..., 2:-2]
    assert (inner - again).abs().mean() < 0.2 * inner.abs().mean(), "a masked spectrum is only nearly consistent"


def test_dropout_of_one_half_follows_the_first_three_decoder_layers():
    rates = [up.dropout.p for up in UNet(1, (2, 2, 2, 2, 2, 2)).up]
    assert rates == [0.5, 0.5, 0.5, 0, 0]
