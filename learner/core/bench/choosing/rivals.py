"""What the field would choose by, in a few lines each: for comparison in the benchmark, not for use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learner.core.choosing.clips import Clips, Floats, alike
from learner.core.choosing.strategies import BY_NAME, Pick, Quota, Strategy
from learner.core.choosing.strategies.coverage import allowed
from learner.core.choosing.strategies.interface import within


def bald(share: NDArray[np.floating], spread: NDArray[np.floating]) -> Floats:
    """BALD (Houlsby et al. 2011, arXiv 1112.5745), frame by frame: what dropout's masks tell of each other, in nats.

    From the mean share of the mix p and its spread s over dropouts, to second order: s^2 / (2 p (1 - p)).
    """
    p = np.clip(share, 0.02, 0.98)
    return np.asarray(spread**2 / (2 * p * (1 - p)))


@dataclass(frozen=True)
class Badge:
    """BADGE (Ash et al. 2020, arXiv 1906.03671): k-means++ on gradients, which `Clips.embedding` has to hold, starting with the longest."""

    name: str = "badge"

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        gradients, order = np.nan_to_num(clips.embedding), list[int]()
        length = away = (gradients**2).sum(axis=1)
        while len(order) < len(clips) and len(within(order, clips, n, quota)) < n:
            weights = np.where(np.isin(np.arange(len(clips)), order), 0.0, away + 1e-12)
            index = int(generator.choice(len(clips), p=weights / weights.sum()) if order else length.argmax())
            to_new = ((gradients - gradients[index]) ** 2).sum(axis=1)
            away = np.minimum(away, to_new) if order else to_new
            order.append(index)
        return [Pick(index, float(n - rank)) for rank, index in enumerate(within(order, clips, n, quota))]


@dataclass(frozen=True)
class ProbCover:
    """ProbCover (Yehuda et al. 2022, arXiv 2205.11514): each next clip has most clips within a ball that no clip before has in its own.

    All balls have one radius: that at which they hold `ball` of the pool on average. Where all is covered, clips come at random.
    """

    name: str = "probcover"
    ball: float = 0.05  # share of the pool that a ball holds on average

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        if not len(clips):
            return []
        embedding, heard = alike(clips.embedding, clips.heard.reshape(-1, clips.embedding.shape[1]))
        apart = np.linalg.norm(embedding[:, None] - embedding[None], axis=2)
        radius = float(np.quantile(apart, self.ball))
        near = apart <= radius
        covered = (np.linalg.norm(embedding[:, None] - heard[None], axis=2) <= radius).any(axis=1)
        free, order, chance = allowed(clips, quota), list[int](), generator.random(len(clips))
        for _ in range(int(free.sum())):
            news = np.where(free, (near & ~covered).sum(axis=1) + chance / 2, -1.0)
            order.append(int(news.argmax()))
            free[order[-1]] = False
            covered |= near[order[-1]]
            if len(within(order, clips, n, quota)) >= n:
                break
        return [Pick(index, float(n - rank)) for rank, index in enumerate(within(order, clips, n, quota))]


STRATEGIES: dict[str, Strategy] = BY_NAME | {one.name: one for one in (Badge(), ProbCover())}
