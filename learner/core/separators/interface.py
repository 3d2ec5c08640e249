"""What every separator is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learner.core.spectral import Spectra


class Separator(nn.Module, ABC):
    """(batch, channels, samples) of a mix -> the same shape of one stem, at the separator's own sample rate and channels."""

    architecture: ClassVar[str]

    def __init__(self, sample_rate: int, channels: int, stem: str):
        super().__init__()
        self.sample_rate, self.channels, self.stem = sample_rate, channels, stem
        # Where training compares estimate and target: 64 ms frames every 32 ms at 16 kHz, whatever the architecture.
        self.spectra = Spectra(1024, 512)

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Plain values that make the same separator again, untrained."""

    @abstractmethod
    def forward(self, mixture: Tensor) -> Tensor:
        """Return the stem, as long as the mixture."""

    def spectrum(self, mixture: Tensor) -> Tensor:
        """Return the spectrum of the stem as `self.spectra` gives it: complex (batch, channels, bins, frames).

        Architectures that have it on the way to the waveform override this and save a round trip.
        """
        spectrum: Tensor = self.spectra(self(mixture))
        return spectrum

    @torch.no_grad()
    def is_finite(self) -> bool:
        return all(bool(torch.isfinite(value).all()) for value in self.state_dict().values())
