"""Spleeter's pair of U-Nets (Hennequin et al. 2020, doi 10.21105/joss.02154): from the magnitudes of a mix to one mask for each stem.

Each is the U-Net of Jansson et al. (ISMIR 2017) with differences that the published weights want: what the layers hand across is taken
before the norm, a rectifier stands before the norm on the way up, and padding is one place before and two after.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEMS = ("vocals", "accompaniment")
CHANNELS = 2
KERNEL, SLOPE = 5, 0.2  # of the convolutions; of the rectifiers on the way down, below zero
BEFORE, AFTER = 1, 2  # places of padding
LAST_KERNEL, LAST_DILATION = 4, 2
LAST_REACH = LAST_DILATION * (LAST_KERNEL - 1) // 2
N_DROPPED = 3  # layers of the way up that dropout follows


class Scale(nn.Module):
    """A factor and an offset for each map: the published batch norms, whose statistics were never anything but 0 and 1."""

    mean: Tensor
    variance: Tensor

    def __init__(self, n_maps: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n_maps)), nn.Parameter(torch.zeros(n_maps))
        self.register_buffer("mean", torch.zeros(n_maps), persistent=False)
        self.register_buffer("variance", torch.ones(n_maps), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # Batch norm in evaluation does this in a third of the time that a product and a sum take.
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias, eps=0.0)


class MaskUNet(nn.Module):
    """Mask between 0 and 1 over magnitudes: (batch, 2, freq, time) -> the same; both multiples of 2 ** len(widths)."""

    def __init__(self, widths: Sequence[int], dropout: float):
        super().__init__()
        self.depth = len(widths)
        ins = [CHANNELS, *widths[:-1]]
        self.down = nn.ModuleList(nn.Conv2d(a, b, KERNEL, stride=2) for a, b in zip(ins, widths, strict=True))
        self.down_scale = nn.ModuleList(Scale(width) for width in widths[:-1])
        outs = [*widths[-2::-1], 1]
        ins = [widths[-1], *(2 * width for width in outs[:-1])]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, KERNEL, stride=2) for a, b in zip(ins, outs, strict=True))
        self.up_scale = nn.ModuleList(Scale(width) for width in outs)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv2d(1, CHANNELS, LAST_KERNEL, dilation=LAST_DILATION, padding=LAST_REACH)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def outer(self, n: int) -> list[nn.Module]:
        """The first `n` layers on the way down and the last `n` on the way up, and what makes the mask of them."""
        up = self.depth - n
        return [*self.down[:n], *self.down_scale[:n], *self.up[up:], *self.up_scale[up:], *([self.last] if n else [])]

    def forward(self, x: Tensor) -> Tensor:
        return self.decoded(self.encoded(x))

    def encoded(self, x: Tensor) -> list[Tensor]:
        """What each layer on the way down gives before its norm, the bottleneck last."""
        found: list[Tensor] = []
        for layer, conv in enumerate(self.down):
            if layer:
                x = F.leaky_relu(self.down_scale[layer - 1](x), SLOPE)
            x = conv(F.pad(x, (BEFORE, AFTER, BEFORE, AFTER)))
            found.append(x)
        return found

    def decoded(self, encoded: Sequence[Tensor]) -> Tensor:
        """The mask that belongs to what `encoded` gave."""
        *across, x = encoded
        for layer, (conv, scale) in enumerate(zip(self.up, self.up_scale, strict=True)):
            if layer:
                x = torch.cat([across.pop(), x], dim=1)
            x = scale(F.relu(conv(x)[..., BEFORE:-AFTER, BEFORE:-AFTER]))
            if layer < N_DROPPED:
                x = self.dropout(x)
        return torch.sigmoid(self.last(x))


class Pair(nn.Module):
    """One network for each of `STEMS`."""

    def __init__(self, widths: Sequence[int], dropout: float):
        super().__init__()
        self.vocals, self.accompaniment = MaskUNet(widths, dropout), MaskUNet(widths, dropout)
        self.grid = 2 ** len(widths)  # frames: moved by so many, an input gives the same output, moved

    def heard(self, first: int, last: int) -> tuple[int, int]:
        """The first and the last frame of the input that frames `first` ... `last` of a mask depend on; frame 0 is on the grid."""
        depth = self.grid.bit_length() - 1
        first, last = first - LAST_REACH, last + LAST_REACH
        for _ in range(depth):
            first, last = -((AFTER + 1 - first) // 2), (last + BEFORE) // 2
        for _ in range(depth):
            first, last = 2 * first - BEFORE, 2 * last + AFTER + 1
        return first, last
