"""Clips that the model is most unsure of; the same with noise on the log of the score, which fades as rounds go by."""

from dataclasses import dataclass

import numpy as np

from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies.interface import Pick, Quota, by_score

SMALLEST = 1e-9  # of a score whose log is taken


@dataclass(frozen=True)
class Uncertainty:
    """The highest `Clips.unsure`."""

    name: str = "uncertainty"

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        return by_score(clips.unsure, clips, n, quota, generator, {"unsure": clips.unsure})


@dataclass(frozen=True)
class NoisyUncertainty:
    """The highest log of `Clips.unsure` with Gumbel noise on it: as if drawn with chances in proportion to a power of it.

    PowerBALD (Kirsch et al. 2023, arXiv 2106.12059); that noise should fade is ClaSP PE's finding (2026, arXiv 2601.13677).
    """

    name: str = "noisy-uncertainty"
    noise: float = 1.0  # of the log score before anything was heard
    fades: float = 30.0  # clips heard after which half of it is left

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        noisy = np.log(np.maximum(clips.unsure, SMALLEST)) + fading(self.noise, self.fades, len(clips.heard)) * generator.gumbel(
            size=len(clips)
        )
        return by_score(noisy, clips, n, quota, generator, {"unsure": clips.unsure})


def fading(noise: float, fades: float, n_heard: int) -> float:
    """How strong noise is after so many clips were heard."""
    return noise * fades / (fades + n_heard)
