"""The U-Net separator where nothing is learnt: the stems of its `forward` to within rounding, in a fraction of the time.

Batch norm is folded into the convolutions; spectra stay as the FFT lays them, frame after frame; the network's root is taken of the
power, so that there are no magnitudes; what goes through memory again and again goes in blocks that a processor's cache holds.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from learner.core.separators.interface import Inside, Look
from learner.core.separators.unet_network import FLOOR, ROOT, SLOPE, UNet
from learner.core.spectral import Spectra

BLOCK = 128  # frames whose spectra are computed at once


class FoldedUNet:
    """The mask of a `UNet` in evaluation, from the weights that it has now, on inputs whose root is taken already.

    Frequency and time change places: (batch, channels, time, freq) -> the same. Time is a multiple of the network's grid.
    """

    def __init__(self, net: UNet):
        self.kernel = net.last.kernel_size[0]
        down: list[Any] = list(net.down)
        up: list[Any] = list(net.up)
        self.down = [_folded(layer.conv.weight, layer.norm, 0) for layer in down]
        self.up = [_folded(layer.conv.weight, layer.norm, 1) for layer in up]
        last = _turned(net.last.weight)
        assert net.last.bias is not None
        # Transposed convolutions to one channel or two are slow, and so is laying the largest maps side by side.
        self.last = [_by_phases(part) for part in last.chunk(2)]
        self.bias = _to_eights(net.last.bias.detach().repeat(4))

    def __call__(self, x: Tensor) -> Tensor:
        return self.decoded(self.encoded(x), x.shape)

    def encoded(self, x: Tensor) -> list[Tensor]:
        """What each layer on the way down gives, the bottleneck last."""
        found: list[Tensor] = []
        for weight, bias in self.down:
            x = F.leaky_relu(F.conv2d(x, weight, bias, stride=2, padding=self.kernel // 2), SLOPE, inplace=True)
            found.append(x)
        return found

    def decoded(self, encoded: Sequence[Tensor], shape: Sequence[int], dropped: Sequence[float] = ()) -> Tensor:
        """The mask of an input of this shape; `dropped`: with dropout of such a share after the layers on the way up, from the first."""
        n_channels, n_time, n_freq = shape[1:]
        pad = self.kernel // 2
        *skips, x = encoded
        for number, (weight, bias) in enumerate(self.up):
            if number:
                x = torch.cat([x, skips.pop()], dim=1)
            x = F.relu(F.conv_transpose2d(x, weight, bias, stride=2, padding=pad, output_padding=1), inplace=True)
            if number < len(dropped):
                x = F.dropout(x, dropped[number])
        phases = F.conv2d(x, self.last[0], self.bias, padding=(pad + 1) // 2)
        phases += F.conv2d(skips.pop(), self.last[1], padding=(pad + 1) // 2)
        first = pad % 2
        return _joined(phases, n_channels).sigmoid_()[:, :, first : first + n_time, first : first + n_freq]


def _turned(weight: Tensor) -> Tensor:
    """A kernel for frequency and time as one for time and frequency."""
    return weight.detach().transpose(2, 3).contiguous(memory_format=torch.channels_last)


def _folded(weight: Tensor, norm: nn.BatchNorm2d, dim: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution and the batch norm after it; `dim` of the weight counts the maps that come out."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    shape = [-1 if at == dim else 1 for at in range(4)]
    return _turned(weight * scale.view(shape)), norm.bias.detach() - norm.running_mean * scale


def _by_phases(weight: Tensor) -> Tensor:
    """A transposed convolution of stride 2, (maps in, maps out, k, k), as a plain one to 4 maps for each: even and odd places apart.

    The maps are (row, column, map out), filled up to eights; `_joined` puts them together. Where k // 2 is odd, the first row and the
    first column of that are those before the first.
    """
    n_in, n_out, kernel, _ = weight.shape
    reach = kernel // 2
    apart = weight.new_zeros(2, 2, n_out, n_in, reach + 1, reach + 1)
    for row in range(2):
        for column in range(2):
            # y[2 a + row - reach % 2] = sum over b of x[a + b - (reach + 1) // 2] w[k]; from there, k falls by 2 as b rises by 1.
            rows, columns = (reach - reach % 2 + 2 * ((reach + 1) // 2) + phase for phase in (row, column))
            for r in range(reach + 1):
                for c in range(reach + 1):
                    k_row, k_column = rows - 2 * r, columns - 2 * c
                    if 0 <= k_row < kernel and 0 <= k_column < kernel:
                        apart[row, column, :, :, r, c] = weight[:, :, k_row, k_column].T
    return _to_eights(apart.flatten(0, 2)).contiguous(memory_format=torch.channels_last)


def _to_eights(maps: Tensor) -> Tensor:
    """Fill the first dimension up: convolutions to eight maps take less time than to four."""
    return torch.cat([maps, maps.new_zeros(-len(maps) % 8, *maps.shape[1:])])


def _joined(phases: Tensor, n_channels: int) -> Tensor:
    """Maps (row, column, channel) at every place -> (batch, channels, 2 rows, 2 columns), as `F.pixel_shuffle` has it."""
    batch, _, n_rows, n_columns = phases.shape
    apart = phases.permute(0, 2, 3, 1)[..., : 4 * n_channels].view(batch, n_rows, n_columns, 2, 2 * n_channels)
    # What lies side by side and stays so is moved as one number: a tenth of the time.
    as_one = {1: torch.complex64, 2: torch.complex128}.get(n_channels, phases.dtype)
    rows: Tensor = apart.view(as_one).transpose(2, 3).contiguous().view(phases.dtype)
    return rows.view(batch, 2 * n_rows, 2 * n_columns, n_channels).permute(0, 3, 1, 2)


class UNetFunction:
    """(batch, channels, samples) of a mix -> the stem; `spectra` has a hop that divides its n_fft."""

    def __init__(self, net: UNet, spectra: Spectra, look: Look | None = None):
        self.look = look
        self.mask, self.grid, self.n_fft, self.hop = FoldedUNet(net), net.grid, spectra.n_fft, spectra.hop
        self.window = spectra.window
        squares = self.window.square().view(-1, self.hop)
        self.back = (self.window.view(-1, self.hop) / squares.sum(dim=0)).flatten()
        # By how much the first hops and the last ones fall short, where fewer frames overlap.
        self.edges = [squares.sum(dim=0) / part.cumsum(dim=0)[:-1].clamp_min(1e-11) for part in (squares, squares.flip(0))]

    @torch.inference_mode()
    def __call__(self, mixture: Tensor) -> Tensor:
        spectrum, root, n_heard = self._heard(mixture)
        encoded = self.mask.encoded(root)
        mask = self.mask.decoded(encoded, root.shape)[:, :, :n_heard]
        if self.look:
            mix = spectrum[:, :, :n_heard, :-1].abs()
            self.look(Inside(mix.transpose(2, 3), mask.transpose(2, 3), None, encoded[-1].mean(dim=3), self.grid))
        del root, encoded
        return self._waveform(spectrum, mask)[..., self.n_fft // 2 :][..., : mixture.shape[-1]]

    @torch.inference_mode()
    def under_dropout(self, mixture: Tensor, passes: int, dropped: Sequence[float]) -> Tensor:
        """(channels, samples) -> (passes, channels, samples); `dropped` as `FoldedUNet.decoded` has it."""
        spectrum, root, n_heard = self._heard(mixture[None])
        encoded = self.mask.encoded(root)
        masks = (self.mask.decoded(encoded, root.shape, dropped)[:, :, :n_heard] for _ in range(passes))
        stems = [self._waveform(spectrum.clone(), mask) for mask in masks]
        return torch.cat(stems)[..., self.n_fft // 2 :][..., : mixture.shape[-1]]

    def _heard(self, mixture: Tensor) -> tuple[Tensor, Tensor, int]:
        """As `_spectrum` gives them, and how many frames are heard, as `Spectra` has them."""
        n_samples = mixture.shape[-1]
        n_heard = n_samples // self.hop + 1
        # One more, with the mask of the last: past the centre of the last frame there is nothing else to overlap with, and what
        # the mask leaves where its window ends must not be divided by that.
        n_over = -n_samples % self.hop
        frames = F.pad(mixture, (self.n_fft // 2, self.n_fft // 2 + n_over), mode="reflect").unfold(-1, self.n_fft, self.hop)
        return *self._spectrum(frames, n_heard), n_heard

    def _spectrum(self, frames: Tensor, n_heard: int) -> tuple[Tensor, Tensor]:
        """The spectrum of all frames, (batch, channels, frames, bins), and the network's input, of those that it hears and silence."""
        batch, channels, n_frames, _ = frames.shape
        n_bins = self.n_fft // 2
        spectrum = torch.empty(batch, channels, n_frames, n_bins + 1, dtype=torch.complex64, device=frames.device)
        n_time = n_heard + -n_heard % self.grid
        root = torch.zeros(batch, n_time, n_bins, channels, device=frames.device).permute(0, 3, 1, 2)
        for at in range(0, n_frames, BLOCK):
            block = slice(at, min(at + BLOCK, n_frames))
            spectrum[:, :, block] = torch.fft.rfft(frames[:, :, block] * self.window)
            heard = slice(at, min(at + BLOCK, n_heard))
            real, imaginary = torch.view_as_real(spectrum[:, :, heard, :n_bins]).unbind(-1)
            power = root[:, :, heard]
            torch.mul(real, real, out=power)
            power.addcmul_(imaginary, imaginary).add_(FLOOR).log_().mul_(ROOT).exp_()
        return spectrum, root

    def _waveform(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """The masked spectrum's frames, overlapped and added: (batch, channels, samples), with half a frame more on either side."""
        batch, channels, n_frames, _ = spectrum.shape
        n_overlap = self.n_fft // self.hop
        out = torch.zeros(batch, channels, n_frames + n_overlap - 1, self.hop, device=spectrum.device)
        for at in range(0, n_frames, BLOCK):
            block = torch.view_as_real(spectrum[:, :, at : at + BLOCK])
            of_block = mask[:, :, at : at + BLOCK]
            n = block.shape[2]
            if of_block.shape[2] < n:
                of_block = torch.cat([of_block, mask[:, :, -1:]], dim=2)
            block[..., :-1, :] *= of_block[..., None]
            block[..., -1, :] *= of_block[..., -1:]  # the bin at the Nyquist frequency gets its neighbour's mask
            frames = (torch.fft.irfft(torch.view_as_complex(block), self.n_fft) * self.back).view(batch, channels, n, n_overlap, self.hop)
            for shift in range(n_overlap):
                out[:, :, at + shift : at + shift + n] += frames[:, :, :, shift]
        for number, (first, last) in enumerate(zip(*self.edges, strict=True)):
            out[:, :, number] *= first
            out[:, :, -1 - number] *= last
        return out.flatten(2)
