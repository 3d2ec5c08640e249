"""Signals, without truth, of where an estimate may be wrong: disagreement under dropout, and an estimate that never rests.

Uncertainty finds music that is foreign to the model rather than the damage inside it (there the model is confidently wrong), so
`predicted_leak` stands beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learner.core import metrics
from learner.core.audio import resample
from learner.core.separate import as_input, separate
from learner.core.separators import Separator

FASTER = (103, 100)  # rates from and to which a mix is resampled to be so much faster
PIECE = 20.0  # seconds that go through the network at once, or what it takes at most


def has_dropout(separator: Separator) -> bool:
    """Whether there is an uncertainty to measure: without dropout a separator would be sure of everything."""
    return bool(_dropout_layers(separator))


@torch.no_grad()
def uncertainty(
    separator: Separator, mix: NDArray[np.floating], sample_rate: int, generator: torch.Generator, passes: int | None = None
) -> NDArray[np.float64]:
    """Return, for each 0.1 s of a mix `(channels, samples)`, how much the estimate's level differs from one dropout to the next.

    The figure is the standard deviation over `passes` (by default as many as the separator says) of the level of the estimate relative
    to the mix (a factor, so 0.1 is 10 % of the mix's amplitude); it is 0 where the mix is silent. MC-dropout after Gal and Ghahramani
    (2016, arXiv 1506.02142): dropout is on, batch-norm stays as it was learned. The separator is left in the mode that it was in, and
    the global random state too.

    Raises ValueError for a separator without dropout: see `has_dropout`.
    """
    mixture = as_input(separator, mix, sample_rate).to(next(separator.parameters()).device)
    passes = passes or separator.passes
    n_piece = round(min(PIECE, separator.piece) * separator.sample_rate)
    seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    spreads = []
    devices = [mixture.device] if mixture.device.type == "cuda" else []
    # nn.Dropout draws from the global generator alone, so that one is seeded from ours and put back.
    with torch.random.fork_rng(devices), _dropout_alone(separator):
        torch.manual_seed(seed)
        for start in range(0, mixture.shape[-1], n_piece):
            piece = mixture[:, start : start + n_piece]
            short = max(0, separator.spectra.n_fft - piece.shape[-1])
            estimates = separator.under_dropout(nn.functional.pad(piece, (0, short)), passes)[..., : piece.shape[-1]]
            of_mix = _amplitudes(piece, separator.sample_rate)
            relative = _amplitudes(estimates, separator.sample_rate) / of_mix.clamp_min(1e-6)
            spreads.append(torch.where(of_mix > 10 ** (metrics.SILENCE_DBFS / 20), relative.std(dim=0, correction=0), 0.0))
    return torch.cat(spreads).double().cpu().numpy()


def change(separator: Separator, mix: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Return, for each 0.1 s of a mix `(channels, samples)`, how much the estimate's level differs between two small changes of the mix.

    One is 6 dB quieter and begins later, by what moves it against the separator's grid; one is 3 % faster and higher. The figure is on the
    scale of `uncertainty`, and stands for that where there is no dropout. It takes as long as separating twice.
    """
    mix = np.asarray(mix, np.float32)
    n = mix.shape[1]
    n_later = round(max(separator.spectra.hop, separator.grid // 2) * sample_rate / separator.sample_rate)
    later = 2 * separate(separator, np.pad(mix / 2, ((0, 0), (n_later, 0))), sample_rate)[:, n_later:]
    higher = resample(separate(separator, resample(mix, *FASTER), sample_rate), *FASTER[::-1])[:, :n]
    higher = np.pad(higher, ((0, 0), (0, n - higher.shape[1])))
    of_mix, *found = (_amplitudes(torch.from_numpy(np.ascontiguousarray(x)), sample_rate).double() for x in (mix, later, higher))
    relative = torch.stack(found) / of_mix.clamp_min(1e-6)
    return torch.where(of_mix > 10 ** (metrics.SILENCE_DBFS / 20), relative.std(dim=0, correction=0), 0.0).numpy()


def predicted_leak(estimate: NDArray[np.floating], mixture: NDArray[np.floating], sample_rate: int) -> float:
    """Return how little the estimate rests: the 10th percentile over 0.1 s frames of its amplitude relative to the mix's.

    Singers breathe; an estimate near 0 in at least a tenth of its frames does too. One that never does holds an instrument. Frames
    in which the mix is silent do not count; without others the answer is 0. Both signals are (channels, samples).
    """
    ours, of_mix = (_amplitudes(torch.from_numpy(np.ascontiguousarray(x)), sample_rate).numpy() for x in (estimate, mixture))
    return rest_level(ours / np.maximum(of_mix, 1e-6), 20 * np.log10(np.maximum(of_mix, 1e-6)))


def rest_level(share: NDArray[np.floating], mix: NDArray[np.floating]) -> float:
    """`predicted_leak` of a clip whose frames' amplitudes relative to the mix, and the mix's levels in dBFS, are known."""
    sounding = mix > metrics.SILENCE_DBFS
    return float(np.percentile(share[sounding], 10)) if sounding.any() else 0.0


def _amplitudes(samples: Tensor, sample_rate: int) -> Tensor:
    """Root mean square per frame over channels and samples: (..., channels, samples) -> (..., frames). The last may be shorter."""
    n_frame = round(metrics.SHORT_FRAME * sample_rate)
    power = samples.square().mean(dim=-2)
    n_samples = power.shape[-1]
    n_frames = -(-n_samples // n_frame)
    padded = nn.functional.pad(power, (0, n_frames * n_frame - n_samples))
    sums = padded.reshape(*power.shape[:-1], n_frames, n_frame).sum(dim=-1)
    lengths = torch.full((n_frames,), n_frame, device=samples.device)
    lengths[-1] = n_samples - (n_frames - 1) * n_frame
    return torch.sqrt(sums / lengths)


def _dropout_layers(separator: Separator) -> list[nn.Module]:
    return [module for module in separator.modules() if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0]


@contextmanager
def _dropout_alone(separator: Separator) -> Iterator[None]:
    """Put dropout layers into training mode and all else into evaluation mode; afterwards all is as it was."""
    layers = _dropout_layers(separator)
    if not layers:
        raise ValueError(f"a separator of architecture {separator.architecture!r} without dropout has no uncertainty to measure")
    modes = {module: module.training for module in separator.modules()}
    separator.eval()
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
