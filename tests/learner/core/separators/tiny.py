"""Every architecture with as few weights as it can have."""

import importlib.util
from typing import Any

import pytest
import torch

from learner.core.separators import Separator, build

TINY: dict[str, dict[str, Any]] = {
    "unet": {"widths": [2, 2, 2]},
    "spleeter": {"widths": [2, 2, 2], "n_fft": 512, "hop": 128},
    "openunmix": {"hidden_size": 8, "layers": 1, "max_bin": 64, "n_fft": 512, "hop": 256},
    "hdemucs": {"width": 4, "depth": 5, "n_fft": 1024},
    "htdemucs": {"settings": {"channels": 8, "t_layers": 1, "t_heads": 2}},
    "bsroformer": {
        "settings": {
            "dim": 8,
            "depth": 1,
            "time_transformer_depth": 1,
            "freq_transformer_depth": 1,
            "dim_head": 4,
            "heads": 1,
            "freqs_per_bands": [32, 32, 65],
            "stft_n_fft": 256,
            "stft_win_length": 256,
            "stft_hop_length": 128,
            "mask_estimator_depth": 1,
        }
    },
}
PACKAGES = {"openunmix": "openunmix", "htdemucs": "demucs", "bsroformer": "bs_roformer"}


def tiny(architecture: str, **more: Any) -> Separator:
    package = PACKAGES.get(architecture)
    if package and not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed (an extra)")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(architecture, TINY[architecture] | more)
