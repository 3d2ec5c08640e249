"""Models that take a stem out of a mix, behind one interface: waveform in, stem out, differentiable.

`Separator` is what the rest of the library knows; `build` makes one from the name and settings that a checkpoint holds. Each
architecture is imported only when it is asked for; those of other projects come with extras of the same name.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from learner.core.separators.interface import Cut, Inside, Look, MissingExtra, Separator, difference_of_build
from learner.core.teaching.presets import PRESETS

ARCHITECTURES = {
    "unet": ("learner.core.separators.unet", "UNetSeparator"),
    "spleeter": ("learner.core.separators.spleeter", "SpleeterSeparator"),
    "openunmix": ("learner.core.separators.openunmix", "OpenUnmixSeparator"),
    "hdemucs": ("learner.core.separators.hdemucs", "HDemucsSeparator"),
    "htdemucs": ("learner.core.separators.htdemucs", "HTDemucsSeparator"),
    "bsroformer": ("learner.core.separators.bsroformer", "BSRoformerSeparator"),
}


def build(architecture: str, config: Mapping[str, Any]) -> Separator:
    """Return an untrained separator, in training mode and on the CPU.

    Raises ValueError for an unknown architecture or a setting outside what is allowed, TypeError for settings that it does not
    take, MissingExtra where its package is not installed.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture {architecture!r} is unknown; allowed are {', '.join(sorted(ARCHITECTURES))}")
    module, name = ARCHITECTURES[architecture]
    separator: Separator = getattr(import_module(module), name)(**config)
    return separator


__all__ = ["ARCHITECTURES", "PRESETS", "Cut", "Inside", "Look", "MissingExtra", "Separator", "build", "difference_of_build"]
