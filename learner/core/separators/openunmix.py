"""Open-Unmix (Stöter et al. 2019, doi 10.21105/joss.01667) from the package openunmix (MIT).

A recurrent network over magnitudes, one for each stem.
"""

from contextlib import nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor

from learner.core.separators.interface import Separator, from_extra
from learner.core.spectral import Spectra


class OpenUnmixSeparator(Separator):
    """The magnitudes that the network gives with the phases of the mix: Open-Unmix without its Wiener filter, which knows all stems.

    `max_bin` is how many of the lowest bins it hears (1487 of 2049 in the published models). For any stem, `accompaniment` included,
    it takes a network trained on that stem.
    """

    architecture: ClassVar[str] = "openunmix"
    piece: ClassVar[float] = 40.0  # seconds; it listens along the whole piece in both directions, and is cheap

    def __init__(
        self,
        sample_rate: int = 44_100,
        channels: int = 2,
        stem: str = "vocals",
        hidden_size: int = 512,
        layers: int = 3,
        unidirectional: bool = False,
        max_bin: int | None = 1487,
        n_fft: int = 4096,
        hop: int = 1024,
    ):
        n_bins = n_fft // 2 + 1
        if max_bin is not None and not 0 < max_bin <= n_bins:
            raise ValueError(f"max_bin is {max_bin}; allowed is 1 ... {n_bins}, the bins of n_fft {n_fft}")
        super().__init__(sample_rate, channels, stem, spectra=Spectra(n_fft, hop))
        self.hidden_size, self.layers, self.unidirectional, self.max_bin = hidden_size, layers, unidirectional, max_bin
        self.net = from_extra("openunmix.model", "openunmix").OpenUnmix(
            nb_bins=n_bins,
            nb_channels=channels,
            hidden_size=hidden_size,
            nb_layers=layers,
            unidirectional=unidirectional,
            max_bin=max_bin,
        )

    @property
    def config(self) -> dict[str, Any]:
        names = ("sample_rate", "channels", "stem", "hidden_size", "layers", "unidirectional", "max_bin")
        return {name: getattr(self, name) for name in names} | {"n_fft": self.spectra.n_fft, "hop": self.spectra.hop}

    def forward(self, mixture: Tensor) -> Tensor:
        return self.spectra.inverse(self.spectrum(mixture), mixture.shape[-1])

    def spectrum(self, mixture: Tensor) -> Tensor:
        spectrum: Tensor = self.spectra(mixture)
        magnitude = spectrum.abs()
        # cuDNN's recurrent layers have no gradient in evaluation mode, in which adaptation keeps the network.
        slow = mixture.is_cuda and torch.is_grad_enabled() and not self.training
        with torch.backends.cudnn.flags(enabled=False) if slow else nullcontext():
            estimate: Tensor = self.net(magnitude)
        return spectrum * (estimate / magnitude.clamp_min(1e-8))
