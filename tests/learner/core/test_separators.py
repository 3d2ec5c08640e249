"""What every separator does."""

import pytest
import torch

from learner.core import checkpoint
from learner.core.continual import freeze_statistics
from learner.core.separate import separate
from learner.core.separators import ARCHITECTURES, Separator, build

TINY = {
    "unet": {"widths": [2, 2, 2]},
    "hdemucs": {"width": 4, "depth": 5, "n_fft": 1024},
}


def test_every_architecture_is_tried_here():
    assert TINY.keys() == ARCHITECTURES.keys()


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
class TestEverySeparator:
    @pytest.fixture
    def separator(self, architecture: str) -> Separator:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return build(architecture, TINY[architecture])

    @pytest.fixture
    def mixture(self, separator: Separator) -> torch.Tensor:
        return torch.randn(2, separator.channels, 9001, generator=torch.Generator().manual_seed(0))

    def test_gives_a_stem_as_long_as_the_mix(self, separator: Separator, mixture: torch.Tensor):
        assert separator(mixture).shape == mixture.shape

    def test_is_differentiable_to_every_weight_by_its_spectrum(self, separator: Separator, mixture: torch.Tensor):
        freeze_statistics(separator)
        separator.spectrum(mixture).abs().sum().backward()
        gradients = [p.grad for p in separator.parameters()]
        assert any(g is not None and bool(g.any()) for g in gradients)
        assert all(bool(torch.isfinite(g).all()) for g in gradients if g is not None)

    def test_its_spectrum_has_the_shape_of_its_spectra(self, separator: Separator, mixture: torch.Tensor):
        assert separator.spectrum(mixture).shape == separator.spectra(mixture).shape

    def test_survives_a_checkpoint(self, separator: Separator, mixture: torch.Tensor, tmp_path):
        saved = checkpoint.save(separator, tmp_path, recipe={}, parent=None)
        with torch.no_grad():
            assert torch.equal(checkpoint.load(saved.path)(mixture), separator.eval()(mixture))

    @pytest.mark.parametrize("channels", [1, 2])
    def test_separates_mono_and_stereo_at_another_rate(self, separator: Separator, channels: int):
        samples = torch.randn(channels, 12_345, generator=torch.Generator().manual_seed(0)).numpy()
        assert separate(separator, samples, 22_050).shape == (channels, 12_345)


def test_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'vae'.*hdemucs, unet"):
        build("vae", {})


def test_hdemucs_refuses_a_stem_that_it_does_not_separate():
    with pytest.raises(ValueError, match=r"'piano'.*vocals"):
        build("hdemucs", TINY["hdemucs"] | {"stem": "piano"})
