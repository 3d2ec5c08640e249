"""The built-in separator: a U-Net's mask over the spectrum of the mix."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from learner.core.separators.interface import Cut, Look, Separator
from learner.core.separators.unet_inference import UNetFunction
from learner.core.separators.unet_network import UNet
from learner.core.spectral import Spectra

CORE = 30.0  # seconds of a long recording that are separated at once, give or take


class UNetSeparator(Separator):
    """`kernel` is the side of the convolutions' kernels; `n_fft` and `hop` are samples, and `n_fft` / 2 a multiple of 2 ** layers."""

    architecture: ClassVar[str] = "unet"
    piece: ClassVar[float] = CORE
    dear_share: ClassVar[float] = 1.0  # all of them take less time than separation takes others
    net: UNet

    def __init__(
        self,
        sample_rate: int = 16_000,
        channels: int = 1,
        stem: str = "vocals",
        widths: Sequence[int] = (8, 16, 32, 64, 128, 128),
        dropout: float = 0.5,
        kernel: int = 3,
        n_fft: int = 1024,
        hop: int = 512,
    ):
        if n_fft % 2 ** (len(widths) + 1):
            raise ValueError(f"n_fft is {n_fft}; {len(widths)} layers allow multiples of {2 ** (len(widths) + 1)}")
        super().__init__(sample_rate, channels, stem, spectra=Spectra(n_fft, hop))
        self.widths, self.dropout, self.kernel = tuple(widths), dropout, kernel
        self.net = UNet(channels, self.widths, dropout, kernel)

    @property
    def config(self) -> dict[str, Any]:
        # What was not there at first is written only where it says something new: older checkpoints' hashes stay as they are.
        newer = {"kernel": (self.kernel, 3), "n_fft": (self.spectra.n_fft, 1024), "hop": (self.spectra.hop, 512)}
        return {
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "stem": self.stem,
            "widths": list(self.widths),
            "dropout": self.dropout,
        } | {name: value for name, (value, default) in newer.items() if value != default}

    @property
    def cut(self) -> Cut:
        """Pieces that start where the network's grid does, with all the context that it reaches: they are as if there were no cut."""
        grid, hop, half_frame = self.net.grid, self.spectra.hop, self.spectra.n_fft // 2
        n_over = (half_frame - 1) // hop  # frames centred beyond a core's edge that reach into it
        before, after = self.net.heard(-n_over, n_over)
        # The first frames of what is heard, and the last, must be whole too.
        n_context = -(-(max(-before, after) * hop + half_frame) // (grid * hop)) * grid * hop
        return Cut(max(1, round(CORE * self.sample_rate / (grid * hop))) * grid * hop, n_context, 0)

    def as_function(self, look: Look | None = None) -> Callable[[Tensor], Tensor]:
        return super().as_function() if self.spectra.n_fft % self.spectra.hop else UNetFunction(self.net, self.spectra, look)

    def under_dropout(self, mixture: Tensor, passes: int) -> Tensor:
        if self.spectra.n_fft % self.spectra.hop:
            return super().under_dropout(mixture, passes)
        return UNetFunction(self.net, self.spectra).under_dropout(mixture, passes, [up.dropout.p for up in self.net.ups()])

    def forward(self, mixture: Tensor) -> Tensor:
        return self.spectra.inverse(self.spectrum(mixture), mixture.shape[-1])

    def spectrum(self, mixture: Tensor) -> Tensor:
        spectrum: Tensor = self.spectra(mixture)
        return spectrum * self.mask(spectrum.abs())

    def mask(self, magnitude: Tensor) -> Tensor:
        # The bin at the Nyquist frequency makes the count odd; it gets its neighbour's mask.
        return F.pad(self.net(magnitude[..., :-1, :]), (0, 0, 0, 1), mode="replicate")
