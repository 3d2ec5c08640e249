"""Short-time spectra and their inverses, by torchaudio, and the shim that lets torchaudio load beside a CPU build of torch."""

import sys
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def _without_native_extension() -> None:
    """Let torchaudio 2.11 import where torch has no CUDA: its wheel links CUDA libraries that are not there.

    Only its native kernels (forced alignment, RNN-T) are lost. The private module name is that of 2.11, hence the pin.
    """
    if torch.version.cuda is not None or "torchaudio" in sys.modules:
        return

    def unavailable(function: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{function.__name__} needs torchaudio's native extension, which needs CUDA")

        return refuse

    extension = types.ModuleType("torchaudio._extension")
    extension.__path__ = []
    for name, value in {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": lambda: None,
        "fail_if_no_align": unavailable,
    }.items():
        setattr(extension, name, value)
    sys.modules["torchaudio._extension"] = extension


_without_native_extension()

from torchaudio import functional as audio  # noqa: E402 - the shim comes first


def mel_bands(n_fft: int, n_bands: int, low: float, high: float, sample_rate: int) -> Tensor:
    """Triangles over the bins of a spectrum's power, from `low` to `high` Hz on the mel scale: (n_fft/2 + 1, bands)."""
    bands: Tensor = audio.melscale_fbanks(n_fft // 2 + 1, low, high, n_bands, sample_rate)
    return bands


class Spectra(nn.Module):
    """Hann-windowed spectra whose frames are centred on multiples of `hop` samples."""

    window: Tensor

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """(batch, channels, samples) -> complex (batch, channels, n_fft/2 + 1, samples // hop + 1)."""
        spectrum: Tensor = audio.spectrogram(
            waveform, pad=0, window=self.window, n_fft=self.n_fft, hop_length=self.hop, win_length=self.n_fft, power=None, normalized=False
        )
        return spectrum

    def inverse(self, spectrum: Tensor, n_samples: int) -> Tensor:
        """Complex (batch, channels, bins, frames) -> (batch, channels, n_samples)."""
        waveform: Tensor = audio.inverse_spectrogram(
            spectrum,
            length=n_samples,
            pad=0,
            window=self.window,
            n_fft=self.n_fft,
            hop_length=self.hop,
            win_length=self.n_fft,
            normalized=False,
        )
        return waveform
