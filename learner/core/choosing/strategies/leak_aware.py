"""With chances proportional to the leak that is expected: the baseline that methods of active learning hardly ever beat.

Its like on medical images is "foreground-aware random" (Lüth et al. 2025, arXiv 2511.19183).
"""

from dataclasses import dataclass

import numpy as np

from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies.drawing import draw
from learner.core.choosing.strategies.interface import Pick, Quota

LEAST = 0.01  # of the mean: a clip that is expected not to leak, or of which nothing is known, may still be drawn


@dataclass(frozen=True)
class LeakAware:
    """Draws in proportion to `Clips.leak`."""

    name: str = "leak-aware"

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        leak = np.where(np.isfinite(clips.leak), clips.leak, 0.0)
        mean = float(leak.mean()) if len(clips) else 0.0
        return draw(np.maximum(leak, LEAST * mean) if mean > 0 else np.ones(len(clips)), clips, n, quota, generator)
