"""The built-in separator: a U-Net's mask over the spectrum of the mix."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from learner.core.separators.interface import Separator
from learner.core.unet import UNet


class UNetSeparator(Separator):
    architecture: ClassVar[str] = "unet"

    def __init__(
        self,
        sample_rate: int = 16_000,
        channels: int = 1,
        stem: str = "vocals",
        widths: Sequence[int] = (8, 16, 32, 64, 128, 128),
        dropout: float = 0.5,
    ):
        super().__init__(sample_rate, channels, stem)
        self.widths, self.dropout = tuple(widths), dropout
        self.net = UNet(channels, self.widths, dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def config(self) -> dict[str, Any]:
        return {
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "stem": self.stem,
            "widths": list(self.widths),
            "dropout": self.dropout,
        }

    def forward(self, mixture: Tensor) -> Tensor:
        return self.spectra.inverse(self.spectrum(mixture), mixture.shape[-1])

    def spectrum(self, mixture: Tensor) -> Tensor:
        spectrum: Tensor = self.spectra(mixture)
        magnitude = spectrum.abs()[..., :-1, :]  # the bin at the Nyquist frequency makes the count odd; it gets its neighbour's mask
        mask = F.pad(self.net(magnitude), (0, 0, 0, 1), mode="replicate")
        return spectrum * mask
