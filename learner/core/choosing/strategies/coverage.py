"""Clips that lie far from all that was heard or taken: each next one is the farthest.

CoreSet (Sener and Savarese 2018, arXiv 1708.00489), by its greedy rule.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learner.core.choosing.clips import Clips, Floats, alike
from learner.core.choosing.strategies.interface import Pick, Quota


@dataclass(frozen=True)
class Coverage:
    """Needs no score at all, so it is what to begin with."""

    name: str = "coverage"

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        return spread_out(np.zeros(len(clips)), clips, n, quota, generator, weight=1.0)


def spread_out(
    values: Floats,
    clips: Clips,
    n: int,
    quota: Quota,
    generator: np.random.Generator,
    *,
    weight: float,
    parts: dict[str, Floats] | None = None,
) -> list[Pick]:
    """Take one clip after another, the highest of `values` + `weight` * log distance to what was heard or taken before.

    The distance is to the nearest, relative to the median over the pool when it is first known; where nothing was heard, the first clip
    is the one of the highest value alone. NaN values come last, in random order.
    """
    if not len(clips):
        return []
    embedding, heard = alike(clips.embedding, clips.heard.reshape(-1, clips.embedding.shape[1]))
    known = np.where(np.isnan(values), -1e6, values) + 1e-9 * generator.random(len(clips))
    away = nearest(embedding, heard) if len(heard) else np.full(len(clips), np.inf)
    unit = 0.0
    free = allowed(clips, quota)
    of_tracks, of_groups = dict(quota.of_tracks), dict(quota.of_groups)
    picks: list[Pick] = []
    while len(picks) < n and free.any():
        if not unit and np.isfinite(away).all():
            unit = float(np.median(away)) or 1.0
        bonus = np.log(np.maximum(away / unit, 1e-3)) if unit else np.zeros(len(clips))
        scores = np.where(free, known + weight * bonus, -np.inf)
        index = int(np.argmax(scores))
        own = {name: float(column[index]) for name, column in (parts or {}).items()}
        picks.append(Pick(index, float(scores[index]), own | {"distance": float(away[index] / unit) if unit else 1.0}))
        free[index] = False
        track, group = int(clips.tracks[index]), int(clips.groups[index])
        of_tracks[track], of_groups[group] = of_tracks.get(track, 0) + 1, of_groups.get(group, 0) + 1
        if of_tracks[track] >= quota.per_track:
            free &= clips.tracks != track
        if quota.per_group is not None and of_groups[group] >= quota.per_group:
            free &= clips.groups != group
        away = np.minimum(away, np.linalg.norm(embedding - embedding[index], axis=1))
    return picks


def allowed(clips: Clips, quota: Quota) -> NDArray[np.bool_]:
    """Which clips the quota allows before any is taken, (n,)."""
    tracks = np.array([quota.left_in_track(int(track)) > 0 for track in clips.tracks], dtype=bool)
    return np.asarray(tracks & np.array([quota.left_in_group(int(group), 1) > 0 for group in clips.groups], dtype=bool))


def nearest(points: Floats, others: Floats, block: int = 2000) -> Floats:
    """The distance of each point, (n, e), to the nearest of the others, (m, e)."""
    squares = (others**2).sum(axis=1)
    found = [
        np.sqrt(np.maximum(0.0, (part**2).sum(axis=1) + (squares[None] - 2 * part @ others.T).min(axis=1)))
        for part in (points[at : at + block] for at in range(0, len(points), block))
    ]
    return np.concatenate(found) if found else np.zeros(0)
