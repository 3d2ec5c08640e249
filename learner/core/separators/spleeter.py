"""Spleeter's two stems (Hennequin et al. 2020): two U-Nets and a ratio mask, 2 x 9.8 million weights at their usual size."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from learner.core.separators.interface import Cut, Inside, Look, Separator, check_stem
from learner.core.separators.spleeter_network import CHANNELS, STEMS, MaskUNet, Pair
from learner.core.spectral import Spectra

HEARD = 1024  # bins at most, from the lowest: up to 11 kHz as published; above that the stem is silent
N_FFT = 4096  # of the frames whose magnitudes the published networks know
FLOOR = 1e-10  # of the ratio's sum, in a power
CORE = 30.0  # seconds of a long recording that are separated at once, give or take


class SpleeterSeparator(Separator):
    """The network of the stem learns; what the other one says of a mix stays as it is, and `other` gives it once for many steps.

    `widths` are the feature maps of each network's layers; `n_fft` and `hop` are samples. Frames of 2048 every 512 samples at
    22,050 Hz are the same to the networks as the published 4096 every 1024 at 44,100 Hz.
    """

    architecture: ClassVar[str] = "spleeter"
    piece: ClassVar[float] = 20.0  # seconds that go through several dropouts side by side
    passes: ClassVar[int] = 2  # each costs as much as separating; two already order the clips of real songs by their leak
    net: Pair

    def __init__(
        self,
        sample_rate: int = 44_100,
        channels: int = 2,
        stem: str = "vocals",
        widths: Sequence[int] = (16, 32, 64, 128, 256, 512),
        dropout: float = 0.5,
        n_fft: int = N_FFT,
        hop: int = N_FFT // 4,
    ):
        check_stem(stem, STEMS)
        self.n_heard = min(HEARD, n_fft // 2)
        if len(widths) < 2 or n_fft % 2 or self.n_heard % 2 ** len(widths):
            raise ValueError(f"n_fft is {n_fft} with {len(widths)} layers; wanted are two layers or more, and bins that halve so often")
        super().__init__(sample_rate, channels, stem, spectra=Spectra(n_fft, hop))
        self.widths, self.dropout = tuple(widths), dropout
        self.net = Pair(self.widths, dropout)
        self._of_rest.requires_grad_(False)

    @property
    def config(self) -> dict[str, Any]:
        names = ("sample_rate", "channels", "stem", "dropout")
        return {name: getattr(self, name) for name in names} | {
            "widths": list(self.widths),
            "n_fft": self.spectra.n_fft,
            "hop": self.spectra.hop,
        }

    @property
    def _of_stem(self) -> MaskUNet:
        return self.net.vocals if self.stem == "vocals" else self.net.accompaniment

    @property
    def _of_rest(self) -> MaskUNet:
        return self.net.accompaniment if self.stem == "vocals" else self.net.vocals

    @property
    def grid(self) -> int:
        """It matters: moved by half of it, the same mix may leak elsewhere."""
        n_frames: int = self.net.grid
        return n_frames * self.spectra.hop

    @property
    def cut(self) -> Cut:
        """Pieces that start on the grid, with all the context that they reach: they are as if there were no cut."""
        step = self.grid
        n_over = (self.spectra.n_fft // 2 - 1) // self.spectra.hop  # frames centred beyond a core's edge that reach into it
        n_reach = max(abs(frame) for frame in self.net.heard(-n_over, n_over)) * self.spectra.hop
        return Cut(max(1, round(CORE * self.sample_rate / step)) * step, -(-n_reach // step) * step, self.spectra.hop)

    def outer_weights(self, n: int) -> set[str]:
        n_outer = min(n, len(self.widths) // 2)
        outer = {id(parameter) for layer in self._of_stem.outer(n_outer) for parameter in layer.parameters()}
        return {name for name, parameter in self.named_parameters() if id(parameter) in outer}

    def as_function(self, look: Look | None = None) -> Callable[[Tensor], Tensor]:
        if look is None:
            return super().as_function()

        @torch.inference_mode()
        def stem(mixture: Tensor) -> Tensor:
            with self._evaluating():
                return self.spectra.inverse(self._masked(mixture, None, look), mixture.shape[-1])

        return stem

    def under_dropout(self, mixture: Tensor, passes: int) -> Tensor:
        spectrum: Tensor = self.spectra(mixture[None])
        x = self._input(spectrum.abs())
        of_stem, of_rest = (
            net.decoded([layer.expand(passes, -1, -1, -1).contiguous(memory_format=torch.channels_last) for layer in net.encoded(x)])
            for net in (self._of_stem, self._of_rest)
        )
        return self.spectra.inverse(self._of_mask(spectrum, self._ratio(x, of_stem, of_rest)), mixture.shape[-1])

    def forward(self, mixture: Tensor) -> Tensor:
        return self.spectra.inverse(self.spectrum(mixture), mixture.shape[-1])

    def other(self, mixture: Tensor) -> Tensor:
        """What the network that does not learn makes of a mix; without gradients."""
        with torch.no_grad():
            found: Tensor = self._of_rest(self._input(self.spectra(mixture).abs()))
        return found

    def spectrum(self, mixture: Tensor) -> Tensor:
        return self.spectrum_with(mixture, None)

    def spectrum_with(self, mixture: Tensor, other: Tensor | None) -> Tensor:
        return self._masked(mixture, other, None)

    def _masked(self, mixture: Tensor, other: Tensor | None, look: Look | None) -> Tensor:
        spectrum: Tensor = self.spectra(mixture)
        x = self._input(spectrum.abs())
        encoded = self._of_stem.encoded(x)
        of_stem, of_rest = self._of_stem.decoded(encoded), self._of_rest(x) if other is None else other
        mask = self._ratio(x, of_stem, of_rest)
        if look:
            n_frames = spectrum.shape[-1]
            mix, ratio, nets = (one[..., :n_frames] for one in (x, mask, (of_stem + of_rest - 1).abs()))
            look(Inside(mix, ratio, nets, encoded[-1].mean(dim=2), self.net.grid))
        return self._of_mask(spectrum, mask)

    def _ratio(self, x: Tensor, of_stem: Tensor, of_rest: Tensor) -> Tensor:
        """The mask of the stem, by what both networks give for an input."""
        mine, rest = (of_stem.float() * x).square(), (of_rest.float() * x).square()
        return (mine + FLOOR / 2) / (mine + rest + FLOOR)

    def mask(self, magnitude: Tensor) -> Tensor:
        x = self._input(magnitude)
        return self._whole(self._ratio(x, self._of_stem(x), self._of_rest(x)), magnitude.shape[-1])

    def _of_mask(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """The stem's spectrum, by the mask of its lower bins, which may be some frames longer."""
        return spectrum * self._whole(mask, spectrum.shape[-1])

    def _whole(self, mask: Tensor, n_frames: int) -> Tensor:
        """The mask of all bins and so many frames, by that of the lower bins: above them the stem is silent."""
        mask = mask[..., :n_frames]
        if self.channels == 1:
            mask = mask.mean(dim=1, keepdim=True)
        return F.pad(mask, (0, 0, 0, self.spectra.n_fft // 2 + 1 - self.n_heard))

    def _input(self, magnitude: Tensor) -> Tensor:
        """Magnitudes as the networks know them, filled up with silence to whole steps of their grid; a mono mix is heard twice."""
        x = magnitude[..., : self.n_heard, :] * (N_FFT / self.spectra.n_fft)
        x = F.pad(x.expand(-1, CHANNELS, -1, -1), (0, -x.shape[-1] % self.net.grid))
        return x.contiguous(memory_format=torch.channels_last)
