"""A separator as an ONNX file: waveform in, stem out, of any length.

The Fourier transform is in the file as two convolutions with the windowed basis, not as ONNX's own DFT and STFT: onnxruntime 1.32
computes those wrongly where the length is no power of two, and exporters know no inverse. So the file needs opset 17 and no more, is
larger by the basis (2 x 2 x n_fft x (n_fft/2 + 1) floats), and gives what PyTorch gives up to rounding.
"""

import math
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from learner.core import checkpoint
from learner.core.separators import Separator
from learner.core.separators.interface import MissingExtra

OPSET = 17
TRACED = 3.0  # seconds that the exporter follows the network on


class Waveform(nn.Module):
    """(batch, channels, samples) of a mix -> the stem, by plain convolutions; of separators that make it by a mask."""

    forth: Tensor
    back: Tensor
    envelope: Tensor

    def __init__(self, separator: Separator):
        super().__init__()
        self.separator = separator
        self.n_fft, self.hop = separator.spectra.n_fft, separator.spectra.hop
        window, n_bins = separator.spectra.window.double().cpu(), self.n_fft // 2 + 1
        angles = 2 * math.pi / self.n_fft * torch.outer(torch.arange(n_bins), torch.arange(self.n_fft)).remainder(self.n_fft).double()
        forth = torch.cat([torch.cos(angles), -torch.sin(angles)]) * window
        twice = torch.full((n_bins, 1), 2.0, dtype=torch.float64)  # each stands for its negative frequency too
        twice[0] = twice[-1] = 1.0
        back = torch.cat([twice * torch.cos(angles), -twice * torch.sin(angles)]) * window / self.n_fft
        self.register_buffer("forth", forth[:, None].float())
        self.register_buffer("back", back[:, None].float())
        self.register_buffer("envelope", window.square()[None, None].float())

    def forward(self, mixture: Tensor) -> Tensor:
        n_samples, n_channels = mixture.shape[-1], self.separator.channels
        padded = F.pad(mixture, (self.n_fft // 2, self.n_fft // 2), mode="reflect")
        parts = F.conv1d(padded.reshape(-1, 1, padded.shape[-1]), self.forth, stride=self.hop)
        parts = parts.reshape(-1, n_channels, 2, self.n_fft // 2 + 1, parts.shape[-1])
        mask = self.separator.mask((parts.square().sum(dim=2) + 1e-20).sqrt())
        parts = (parts * mask[:, :, None]).reshape(-1, self.n_fft + 2, parts.shape[-1])
        stem = F.conv_transpose1d(parts, self.back, stride=self.hop)
        overlapped = F.conv_transpose1d(torch.ones_like(parts[:1, :1]), self.envelope, stride=self.hop)
        stem = (stem / overlapped.clamp_min(1e-11))[..., self.n_fft // 2 :][..., :n_samples]
        return stem.reshape(-1, n_channels, n_samples)


def export(separator: Separator, path: Path, *, about: dict[str, str]) -> None:
    """Write `path`, whole or not at all, with `about` and what a reader needs in its metadata; the input is `mix`, the output `stem`.

    Raises ValueError where the stem is not made by a mask, MissingExtra.
    """
    try:
        import onnx
    except ImportError as lacking:
        raise MissingExtra(f"onnx is not installed: pip install 'unbleed[onnx]' ({lacking})") from lacking
    example = torch.zeros(1, separator.channels, round(TRACED * separator.sample_rate))
    graph = Waveform(separator).eval()
    temporary = path.with_name(f".{path.name[:40]}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter that follows the network: another one needs two packages more
            torch.onnx.export(
                graph,
                (example,),
                str(temporary),
                input_names=["mix"],
                output_names=["stem"],
                dynamic_axes={name: {0: "batch", 2: "samples"} for name in ("mix", "stem")},
                opset_version=OPSET,
                dynamo=False,
            )
        model = onnx.load(temporary)
        cut = separator.cut
        needed = {"sample_rate": separator.sample_rate, "channels": separator.channels, "stem": separator.stem}
        pieces = {"piece_samples": cut.n_core, "context_samples": cut.n_context}
        onnx.helper.set_model_props(model, {name: str(value) for name, value in (needed | pieces | about).items()})
        onnx.checker.check_model(model)
        checkpoint.write_whole(path, model.SerializeToString())
    finally:
        temporary.unlink(missing_ok=True)


def difference(path: Path, separator: Separator, mix: NDArray[np.float32]) -> float:
    """The largest difference between what onnxruntime and PyTorch make of a mix, (channels, samples) at the separator's rate.

    In dB below the loudest sample of the stem; -inf where both are the same. Raises MissingExtra.
    """
    try:
        import onnxruntime
    except ImportError as lacking:
        raise MissingExtra(f"onnxruntime is not installed: pip install 'unbleed[onnx]' ({lacking})") from lacking
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"mix": mix[None]})
    with torch.no_grad():
        wanted = separator.eval()(torch.from_numpy(mix)[None]).numpy()
    apart, loudest = float(np.abs(found - wanted).max()), float(np.abs(wanted).max())
    return 20 * math.log10(apart / max(loudest, 1e-9)) if apart else -math.inf
