"""Models that take a stem out of a mix, behind one interface: waveform in, stem out, differentiable.

`Separator` is what the rest of the library knows; `build` makes one from the name and settings that a checkpoint holds. Each
architecture is imported only when it is asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from learner.core.separators.interface import Separator

ARCHITECTURES = {
    "unet": ("learner.core.separators.unet", "UNetSeparator"),
    "hdemucs": ("learner.core.separators.hdemucs", "HDemucsSeparator"),
}


def build(architecture: str, config: Mapping[str, Any]) -> Separator:
    """Return an untrained separator. Raises ValueError for an unknown architecture, TypeError for settings it does not take."""
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture {architecture!r} is unknown; allowed are {', '.join(sorted(ARCHITECTURES))}")
    module, name = ARCHITECTURES[architecture]
    separator: Separator = getattr(import_module(module), name)(**config)
    return separator


__all__ = ["ARCHITECTURES", "Separator", "build"]
