"""Where people hear a voice in the mix that the parent left out: what a child should give there instead."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from learner.core.spectral import Spectra
from learner.core.teaching.tensor_store import OnDisk, TensorStore

# Nobody knows what the voice is, only that it is there. Of the parent's mask where it missed 6 dB or more of the true voice (Spleeter,
# four real songs), its cube root comes nearest to that voice; all of the mix in the bands of a voice is two to five times as far off.
ROOT = 1 / 3


@dataclass(frozen=True)
class Missed:
    """Of one song."""

    weights: Tensor  # (frames,), probability that voice is missing
    voice: Tensor | OnDisk  # (channels, samples), what is asked for in its stead

    def on(self, store: TensorStore) -> "Missed":
        return replace(self, voice=store.put(self.voice[..., :]))


def raised(spectra: Spectra, mixture: Tensor, estimate: Tensor) -> Tensor:
    """Return what of the mixture the estimate's mask, raised to its cube root, keeps: most where the parent heard at least some voice.

    All are (channels, samples), on the CPU, wherever the spectra's window is.
    """
    whole, part = (spectra(sound[None].to(spectra.window.device)) for sound in (mixture, estimate))
    mask = (part.abs() / whole.abs().clamp(min=1e-6)).clamp(0, 1) ** ROOT
    voice: Tensor = spectra.inverse(whole * mask, mixture.shape[-1])[0]
    return torch.nan_to_num(voice).cpu()
