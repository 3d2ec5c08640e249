"""Most expected false-positive seconds per minute of people's time: coverage first, then what the campaign's consensus has taught."""

from dataclasses import dataclass

import numpy as np

from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies.coverage import spread_out
from learner.core.choosing.strategies.interface import Pick, Quota
from learner.core.choosing.strategies.uncertainty import fading

SMALLEST = 0.05  # expected seconds; a clip that is expected to have fewer counts as if it had so many


@dataclass(frozen=True)
class Expected:
    """The highest log of `Clips.leak` per minute, with noise and a bonus for what sounds unlike all that was heard; both fade.

    While little is heard, how much a clip leaks is hardly known, so what is learned from it counts: the bonus (as in DCoM, Mishal and
    Weinshall 2024, arXiv 2407.01804). Later what was learned decides.
    """

    name: str = "expected"
    noise: float = 0.1  # of the log, before anything was heard
    spread: float = 0.25  # weight of the log of the distance, before anything was heard
    fades: float = 12.0  # clips heard after which half of both is left

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        worth = np.maximum(clips.leak, SMALLEST) / np.maximum(clips.minutes, 1e-6)
        worth = np.where(np.isnan(clips.leak) | np.isnan(clips.minutes), np.nan, worth)
        n_heard = len(clips.heard)
        noisy = np.log(worth) + fading(self.noise, self.fades, n_heard) * generator.gumbel(size=len(clips))
        weight = fading(self.spread, self.fades, n_heard)
        return spread_out(noisy, clips, n, quota, generator, weight=weight, parts={"seconds a minute": worth})
