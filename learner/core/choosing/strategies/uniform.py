"""Every clip with the same chance: what all other strategies are held against."""

from dataclasses import dataclass

import numpy as np

from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies.drawing import draw
from learner.core.choosing.strategies.interface import Pick, Quota


@dataclass(frozen=True)
class Uniform:
    """Draws, whatever is known of the clips."""

    name: str = "random"

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        return draw(np.ones(len(clips)), clips, n, quota, generator)
