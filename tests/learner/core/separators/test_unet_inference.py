"""The U-Net where nothing is learnt: what is computed faster is the same."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from learner.core import checkpoint
from learner.core.separate import separate
from learner.core.separators.unet import UNetSeparator
from learner.core.separators.unet_inference import UNetFunction
from learner.core.songs.synth import make_song
from learner.core.teaching import lora
from learner.core.teaching.train import BASE
from tests.present import present


def lively(**config: Any) -> UNetSeparator:
    """A network with statistics and a mask as if it had learnt something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = UNetSeparator(**config).eval()
        with torch.no_grad():
            separator.net.last.weight.mul_(5)
            for norm in (module for module in separator.modules() if isinstance(module, nn.BatchNorm2d)):
                present(norm.running_mean).normal_(0, 0.1)
                present(norm.running_var).uniform_(0.5, 2)
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0, 0.1)
    return separator


def noise(channels: int, n_samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(2, channels, n_samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("n_samples", [1024, 512 * 40, 512 * 70 + 1, 512 * 150 + 300])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"widths": (4, 4, 4), "kernel": 1},
        {"widths": (4, 8), "kernel": 5},
        {"widths": (4, 4, 4), "kernel": 7},
        {"widths": (4, 4, 4), "channels": 2},
        {"widths": (4, 4, 4), "n_fft": 512, "hop": 256},
        {"widths": (4, 4, 4), "hop": 256},
        {"widths": (4, 4, 4), "hop": 128},
        {"widths": (4, 4, 4), "hop": 300},
    ],
)
def test_as_a_function_it_gives_what_forward_gives(config: dict[str, Any], n_samples: int) -> None:
    separator = lively(**config)
    mixture = noise(separator.channels, n_samples)
    with torch.no_grad():
        slow = separator(mixture)
    quick = separator.as_function()(mixture)
    assert quick.shape == mixture.shape
    # Past the last whole hop `forward` has half a frame that nothing overlaps with; see the test of the end below.
    n_sure = n_samples if n_samples % separator.spectra.hop == 0 else n_samples - separator.spectra.n_fft
    assert torch.allclose(quick[..., :n_sure], slow[..., :n_sure], atol=1e-5)


def test_the_shipped_base_gives_the_same_to_within_rounding() -> None:
    separator = checkpoint.load(BASE)
    mixture = torch.from_numpy(make_song(7, "target", 8.0).mixture)[None]
    with torch.no_grad():
        difference = separator.as_function()(mixture) - separator(mixture)
    assert isinstance(separator.as_function(), UNetFunction)
    assert float(difference.abs().max()) < 1e-5


@pytest.mark.parametrize("n_over", [1, 448, 511])
def test_a_recording_of_any_length_ends_without_a_click(n_over: int) -> None:
    samples = make_song(7, "target", 10.0).mixture[:, : 512 * 250 + n_over]
    stem = separate(checkpoint.load(BASE), samples, 16_000)
    assert np.abs(stem[:, -512:]).max() < np.abs(samples).max()


def test_the_function_keeps_the_weights_that_it_was_made_from() -> None:
    separator = lively(widths=(4, 4, 4))
    mixture = noise(1, 4096)
    function = separator.as_function()
    before = function(mixture)
    with torch.no_grad():
        present(separator.net.last.bias).fill_(100.0)
    assert torch.equal(function(mixture), before)
    assert not torch.allclose(separator.as_function()(mixture), before)


def test_what_adapters_learnt_is_in_the_function() -> None:
    separator = lively(widths=(16, 16, 16))
    lora.attach(separator, 1, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for name, parameter in separator.named_parameters():
            if name.endswith(".up"):
                parameter.add_(0.1)
        slow = separator(noise(1, 4096))
    assert torch.allclose(separator.as_function()(noise(1, 4096)), slow, atol=1e-5)


def test_the_function_leaves_the_separator_as_it_is() -> None:
    separator = lively(widths=(4, 4, 4)).train()
    before = {name: value.clone() for name, value in separator.state_dict().items()}
    assert not separator.as_function()(noise(1, 4096)).requires_grad
    assert separator.training
    assert all(torch.equal(value, before[name]) for name, value in separator.state_dict().items())
    separator.spectrum(noise(1, 4096)).abs().sum().backward()
    assert all(parameter.grad is not None for parameter in separator.parameters())
