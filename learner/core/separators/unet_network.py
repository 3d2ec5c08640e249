"""The U-Net: from the magnitudes of a mix to a mask over them.

Jansson et al. 2017, "Singing voice separation with deep U-Net convolutional networks", ISMIR.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of the encoder's rectifiers below zero
# The root brings quiet partials up; the floor keeps its slope finite at silence.
ROOT, FLOOR = 0.15, 1e-8  # of the power


class Down(nn.Module):
    """Halve frequency and time: (batch, c_in, freq, time) -> (batch, c_out, freq/2, time/2)."""

    def __init__(self, c_in: int, c_out: int, kernel: int):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride=2, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), SLOPE, inplace=True)


class Up(nn.Module):
    """Double frequency and time: (batch, c_in, freq, time) -> (batch, c_out, 2 freq, 2 time)."""

    def __init__(self, c_in: int, c_out: int, dropout: float, kernel: int):
        super().__init__()
        self.conv = nn.ConvTranspose2d(c_in, c_out, kernel, stride=2, padding=kernel // 2, output_padding=1, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(F.relu(self.norm(self.conv(x)), inplace=True))
        return out


class UNet(nn.Module):
    """Mask between 0 and 1 of the shape of the magnitudes: (batch, channels, freq, time) -> the same.

    `widths` are the feature maps of the encoder's layers; frequency must be a multiple of 2 ** len(widths), time may be anything
    (it is padded with silence inside). Dropout follows the first three layers of the decoder. `kernel` is odd.
    """

    def __init__(self, channels: int, widths: Sequence[int], dropout: float = 0.5, kernel: int = 3):
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; allowed are odd numbers")
        self.depth = len(widths)
        ins = [channels, *widths[:-1]]
        self.down = nn.ModuleList(Down(a, b, kernel) for a, b in zip(ins, widths, strict=True))
        ups: list[Up] = []
        for layer in range(self.depth - 1, 0, -1):
            c_in = widths[layer] if layer == self.depth - 1 else 2 * widths[layer]
            ups.append(Up(c_in, widths[layer - 1], dropout if len(ups) < 3 else 0.0, kernel))
        self.up = nn.ModuleList(ups)
        self.last = nn.ConvTranspose2d(2 * widths[0], channels, kernel, stride=2, padding=kernel // 2, output_padding=1)
        self.grid = 2**self.depth  # frames: moved by so many, an input gives the same output, moved
        self.kernel = kernel
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def ups(self) -> list[Up]:
        """The layers on the way up."""
        return [layer for layer in self.up if isinstance(layer, Up)]

    def heard(self, first: int, last: int) -> tuple[int, int]:
        """The first and the last frame of the input that frames `first` ... `last` of the mask depend on; frame 0 is on the grid."""
        half = self.kernel // 2
        for _ in range(self.depth):
            first, last = -((half - first) // 2), (last + half) // 2
        return first * self.grid - half * (self.grid - 1), last * self.grid + half * (self.grid - 1)

    def forward(self, magnitude: Tensor) -> Tensor:
        n_frames = magnitude.shape[-1]
        x = (magnitude.square() + FLOOR) ** ROOT
        x = F.pad(x, (0, -n_frames % 2**self.depth)).contiguous(memory_format=torch.channels_last)
        skips: list[Tensor] = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up in self.up:
            x = torch.cat([up(x), skips.pop()], dim=1)
        return torch.sigmoid(self.last(x))[..., :n_frames]
