"""Take a stem out of a recording of any length, in overlapping pieces."""

import numpy as np
import torch
from numpy.typing import NDArray

from learner.core.audio import resample
from learner.core.separators import Separator

PIECE = 20.0  # seconds that go through the network at once
OVERLAP = 2.0  # seconds over which one piece fades into the next


@torch.no_grad()
def separate(separator: Separator, samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """Return the stem in the shape of `samples`, (channels, samples), at their sample rate.

    Resamples where the separator wants another rate. A separator of one channel hears each channel by itself; one of two hears a
    mono recording twice. The separator is left in the mode (training or not) that it was in; inside, dropout is off.
    """
    if samples.ndim != 2:
        raise ValueError(f"samples have shape {samples.shape}; (channels, samples) is wanted")
    training = separator.training
    separator.eval()
    try:
        mixture = _at_rate(separator, samples, sample_rate).to(next(separator.parameters()).device)
        if separator.channels == 1:
            stem = _in_pieces(separator, mixture[:, None])[:, 0]
        else:
            stem = _with_channels(_in_pieces(separator, _with_channels(mixture, separator.channels)[None])[0], len(mixture))
    finally:
        separator.train(training)
    out = stem.cpu().numpy()
    if sample_rate != separator.sample_rate:
        out = resample(out, separator.sample_rate, sample_rate)
    return _fit(out, samples.shape[1])


def as_input(separator: Separator, samples: NDArray[np.floating], sample_rate: int) -> torch.Tensor:
    """Return (channels, samples) at the separator's own rate and number of channels, as it is trained on."""
    return _with_channels(_at_rate(separator, samples, sample_rate), separator.channels)


def _at_rate(separator: Separator, samples: NDArray[np.floating], sample_rate: int) -> torch.Tensor:
    own = samples if sample_rate == separator.sample_rate else resample(samples, sample_rate, separator.sample_rate)
    return torch.from_numpy(np.ascontiguousarray(own, dtype=np.float32))


def _with_channels(samples: torch.Tensor, channels: int) -> torch.Tensor:
    """The mean of all channels takes the place of each, where their number is not the one wanted."""
    return samples if len(samples) == channels else samples.mean(0, keepdim=True).expand(channels, -1)


def _in_pieces(separator: Separator, mixture: torch.Tensor) -> torch.Tensor:
    """(batch, channels, samples) -> the stem. Pieces start on whole seconds and cross-fade linearly where they overlap."""
    n_samples = mixture.shape[-1]
    n_piece, n_overlap = round(PIECE * separator.sample_rate), round(OVERLAP * separator.sample_rate)
    if n_samples <= n_piece:
        return _one_piece(separator, mixture)
    out = torch.zeros_like(mixture)
    fade = torch.linspace(0, 1, n_overlap, device=mixture.device)
    for start in range(0, n_samples - n_overlap, n_piece - n_overlap):
        piece = _one_piece(separator, mixture[..., start : start + n_piece])
        if start > 0:
            piece[..., :n_overlap] *= fade
        if start + n_piece < n_samples:
            piece[..., -n_overlap:] *= 1 - fade
        out[..., start : start + n_piece] += piece
    return out


def _one_piece(separator: Separator, mixture: torch.Tensor) -> torch.Tensor:
    """A piece shorter than a spectral frame is filled up with silence, which is cut off again."""
    short = max(0, separator.spectra.n_fft - mixture.shape[-1])
    stem: torch.Tensor = separator(torch.nn.functional.pad(mixture, (0, short)))
    return stem[..., : mixture.shape[-1]]


def _fit(samples: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    """Resampling there and back may miss by a sample: cut, or fill with silence."""
    missing = max(0, n_samples - samples.shape[1])
    return np.ascontiguousarray(np.pad(samples, ((0, 0), (0, missing)))[:, :n_samples], dtype=np.float32)
