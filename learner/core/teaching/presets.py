"""Named sizes and sample rates of the built-in U-Net. Knows nothing of PyTorch."""

from typing import Any

# "medium" has 1.8 million weights, three times those of "small": on real songs, ten minutes of training are better spent on it.
# Jansson et al. (2017) have six layers of 5 x 5 kernels and about 9.8 million weights. They worked at 8192 Hz.
_SHAPES: dict[str, dict[str, Any]] = {
    "small": {},
    "medium": {"widths": [16, 32, 64, 128, 192, 256]},
    "jansson": {"widths": [16, 32, 64, 128, 256, 512], "kernel": 5},
}
_RATES: dict[str, dict[str, Any]] = {
    "16k": {"sample_rate": 16_000},
    "22k": {"sample_rate": 22_050},
    "44k": {"sample_rate": 44_100, "n_fft": 2048, "hop": 1024},
}
PRESETS = {f"{shape}-{rate}": _SHAPES[shape] | _RATES[rate] for shape in _SHAPES for rate in _RATES}
