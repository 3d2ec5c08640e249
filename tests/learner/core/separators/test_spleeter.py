"""Spleeter's pair of U-Nets: which of them learns, and that length, pieces, rates and channels change nothing."""

from typing import Any

import numpy as np
import pytest
import torch

from learner.core.choosing import uncertainty
from learner.core.separate import separate
from learner.core.separators import interface
from learner.core.separators.spleeter import SpleeterSeparator
from learner.core.teaching.continual import freeze_statistics

RATE = 8_000
SMALL: dict[str, Any] = {"sample_rate": RATE, "widths": [4, 4, 4], "n_fft": 512, "hop": 128}


def lively(**more: Any) -> SpleeterSeparator:
    """Networks of random weights that tell the two stems apart."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = SpleeterSeparator(**SMALL | more)
        with torch.no_grad():
            for parameter in separator.parameters():
                parameter.mul_(2.0 if parameter.ndim > 1 else 1.0).add_(torch.randn_like(parameter), alpha=0.05)
    return separator.eval()


def noise(channels: int, n_samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(1, channels, n_samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n_samples", [512, 8 * 128 - 1, 8 * 128, 12_345])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_mix_of_any_length_gives_a_stem_as_long(n_samples: int, channels: int) -> None:
    mixture = noise(channels, n_samples)
    with torch.no_grad():
        stem = lively(channels=channels)(mixture)
    assert stem.shape == mixture.shape and bool(torch.isfinite(stem).all())


def test_its_stems_add_up_to_what_it_hears_of_the_mix() -> None:
    mixture = noise(2, 10_000)
    with torch.no_grad():
        voice, rest = (lively(stem=stem).spectrum(mixture) for stem in ("vocals", "accompaniment"))
    heard = lively().spectra(mixture)
    assert torch.allclose((voice + rest)[..., :256, :], heard[..., :256, :], atol=1e-5)
    assert not voice[..., 256, :].any(), "the bin at the Nyquist frequency is silent"
    assert 0.1 < float(voice.abs().mean() / heard.abs().mean()) < 0.9


def test_silence_stays_silent_and_has_finite_slopes() -> None:
    separator = lively()
    stem = separator.spectrum(torch.zeros(1, 2, 4096))
    stem.abs().sum().backward()
    assert not stem.any()
    assert all(bool(torch.isfinite(p.grad).all()) for p in separator.parameters() if p.grad is not None)


@pytest.mark.parametrize("fills", [0, 37, 100])
def test_a_recording_in_pieces_is_as_if_there_were_no_cut(monkeypatch: pytest.MonkeyPatch, fills: int) -> None:
    monkeypatch.setattr("learner.core.separators.spleeter.CORE", 1.0)
    separator = lively()
    n_samples = 5 * separator.cut.n_core + fills
    assert n_samples > 2 * (separator.cut.n_core + separator.cut.n_context)
    mixture = noise(2, n_samples)
    with torch.no_grad():
        whole = separator(mixture)[0].numpy()
    pieces = separate(separator, mixture[0].numpy(), RATE)
    assert np.abs(pieces - whole).max() < 1e-3 * np.abs(whole).max()


def test_moved_by_its_grid_a_mix_gives_the_same_moved_and_by_half_of_it_another() -> None:
    separator = lively()
    n_reach, grid = separator.cut.n_context, separator.grid
    mixture = noise(2, 3 * n_reach + 2 * grid)
    inside = slice(n_reach + grid, 2 * n_reach)
    with torch.no_grad():
        whole = separator(mixture)[..., inside]
        by_grid, by_half = (separator(mixture[..., moved:])[..., inside.start - moved : inside.stop - moved] for moved in (grid, grid // 2))
    scale = whole.abs().max()
    assert (by_grid - whole).abs().max() < 1e-3 * scale
    assert (by_half - whole).abs().max() > 1e-2 * scale


def test_what_lies_beyond_the_context_is_not_heard() -> None:
    """The reach that the cut goes by is the networks' own: one frame less would be too little."""
    separator = lively()
    first, last = separator.net.heard(0, 0)
    n_grid, at = separator.net.grid, 10
    x = torch.rand(1, 2, 256, 24 * n_grid, requires_grad=True)
    separator.net.vocals(x)[..., at * n_grid].sum().backward()
    assert x.grad is not None
    frames = x.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten() - at * n_grid
    assert (int(frames.min()), int(frames.max())) == (first, last)


def test_half_the_rate_with_half_the_frames_is_the_same_to_the_networks() -> None:
    low, high = lively(), lively(sample_rate=2 * RATE, n_fft=1024, hop=256)
    seconds = np.arange(3 * 2 * RATE) / (2 * RATE)
    song = np.sum([np.sin(2 * np.pi * frequency * seconds) / 10 for frequency in (110.0, 440.0, 1234.5, 2500.0)], axis=0)
    song = np.stack([song, song * np.linspace(0, 1, len(song))]).astype(np.float32)
    # Bins of the same widths; the higher rate has twice as many, which the tiny one hears too.
    high.n_heard = 256
    at_low, at_high = separate(low, song[:, ::2], RATE), separate(high, song, 2 * RATE)[:, ::2]
    difference = (at_low - at_high)[:, 1000:-1000]
    assert np.square(difference).mean() < 1e-4 * np.square(at_low).mean()


def test_mono_is_heard_as_two_channels_alike() -> None:
    mono, stereo = lively(channels=1), lively()
    mixture = noise(1, 9000)
    with torch.no_grad():
        assert torch.allclose(mono(mixture), stereo(mixture.expand(-1, 2, -1)).mean(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize("stem", ["vocals", "accompaniment"])
def test_only_the_network_of_the_stem_learns(stem: str) -> None:
    separator = lively(stem=stem)
    freeze_statistics(separator)
    separator.spectrum(noise(2, 5000)).abs().sum().backward()
    slopes = {name.split(".")[1] for name, parameter in separator.named_parameters() if parameter.grad is not None}
    assert slopes == {stem}


def test_the_other_network_needs_to_be_asked_once() -> None:
    separator = lively()
    mixture = noise(2, 5000)
    other = separator.other(mixture)
    assert not other.requires_grad
    before = separator.spectrum(mixture)
    assert torch.equal(separator.spectrum_with(mixture, other), before)
    with torch.no_grad():
        for parameter in separator.net.vocals.parameters():
            parameter.mul_(0.9)
    after = separator.spectrum(mixture)
    assert torch.equal(separator.spectrum_with(mixture, other), after) and not torch.equal(after, before)


@pytest.mark.parametrize("n", [1, 2])
def test_the_outer_layers_are_those_next_to_the_mix_and_to_the_mask(n: int) -> None:
    separator = lively(widths=(2, 3, 4, 5))
    layers = {name.removeprefix("net.vocals.").rsplit(".", 1)[0] for name in separator.outer_weights(n)}
    down = {f"{part}.{layer}" for layer in range(n) for part in ("down", "down_scale")}
    up = {f"{part}.{layer}" for layer in range(4 - n, 4) for part in ("up", "up_scale")}
    assert layers == down | up | {"last"}
    assert separator.outer_weights(0) == set()


def test_no_more_than_half_of_the_layers_are_outer_ones() -> None:
    separator = lively(widths=(2, 3, 4))
    assert separator.outer_weights(3) == separator.outer_weights(1)


def test_training_mode_changes_nothing_but_dropout() -> None:
    separator = lively(dropout=0.0)
    mixture = noise(2, 5000)
    before = {name: value.clone() for name, value in separator.state_dict().items()}
    with torch.no_grad():
        assert torch.equal(separator.train()(mixture), separator.eval()(mixture))
    assert all(torch.equal(value, before[name]) for name, value in separator.state_dict().items())
    with torch.no_grad():
        assert not torch.equal(lively().train()(mixture), lively()(mixture))


def test_two_dropouts_tell_how_sure_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    separator, batches = lively(), []
    passing = SpleeterSeparator.under_dropout

    def counted(self: SpleeterSeparator, mixture: torch.Tensor, passes: int) -> torch.Tensor:
        batches.append(passes)
        return passing(self, mixture, passes)

    monkeypatch.setattr(SpleeterSeparator, "under_dropout", counted)
    spread = uncertainty.uncertainty(separator, noise(2, 2 * RATE)[0].numpy(), RATE, torch.Generator().manual_seed(0))
    assert batches == [2] and spread.shape == (20,) and spread.mean() > 0


def test_a_long_song_never_goes_through_in_one() -> None:
    """A whole song would take gigabytes: `separate` takes what does not fade as a whole."""
    assert interface.Cut(1, 1, 0) != lively().cut and lively().cut.n_fade > 0
    assert SpleeterSeparator().cut.n_context / 44_100 == pytest.approx(5.94, abs=0.01)


def test_the_published_size_has_two_networks_of_about_ten_million_weights() -> None:
    separator = SpleeterSeparator()
    assert sum(parameter.numel() for parameter in separator.net.vocals.parameters()) == 9_822_725
    assert sum(parameter.numel() for parameter in separator.parameters()) == 2 * 9_822_725
