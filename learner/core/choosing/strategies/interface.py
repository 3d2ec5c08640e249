"""What every strategy is, and the quotas that all of them keep."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from learner.core.choosing.clips import Clips, Floats


@dataclass(frozen=True)
class Quota:
    """How many clips of one track, and of one artist or album, may be taken at once; counting what is taken already."""

    per_track: int = 2
    per_group: int | None = None  # None: as many as there are
    of_tracks: Mapping[int, int] = field(default_factory=dict)  # taken already
    of_groups: Mapping[int, int] = field(default_factory=dict)

    def left_in_track(self, track: int) -> int:
        return max(0, self.per_track - self.of_tracks.get(track, 0))

    def left_in_group(self, group: int, n: int) -> int:
        """At most `n`."""
        return n if self.per_group is None else max(0, min(n, self.per_group - self.of_groups.get(group, 0)))


@dataclass(frozen=True)
class Pick:
    """One clip that a strategy takes."""

    index: int
    score: float  # the higher, the better, on the strategy's own scale
    parts: dict[str, float] = field(default_factory=dict)  # what the score is made of, by name
    chance: float = 1.0  # of being drawn, before the draw, where strategies draw; otherwise 1


class Strategy(Protocol):
    """A way of choosing; settings are its fields."""

    @property
    def name(self) -> str:
        """As settings and pages call it."""

    def pick(self, clips: Clips, n: int, quota: Quota, generator: np.random.Generator) -> list[Pick]:
        """Return up to `n` different clips within the quota, the best first; fewer only where there are no more.

        A clip of which a strategy knows nothing (NaN) comes after all others.
        """


def by_score(
    scores: Floats, clips: Clips, n: int, quota: Quota, generator: np.random.Generator, parts: Mapping[str, Floats] | None = None
) -> list[Pick]:
    """The highest scores within the quota; equal ones in random order, NaN last."""
    shuffled = generator.permutation(len(clips))
    known = np.where(np.isnan(scores), -np.inf, scores)
    order = shuffled[np.argsort(-known[shuffled], kind="stable")]
    return [
        Pick(int(index), float(scores[index]), {name: float(values[index]) for name, values in (parts or {}).items()})
        for index in within(order, clips, n, quota)
    ]


def within(order: Iterable[int] | NDArray[np.integer], clips: Clips, n: int, quota: Quota) -> list[int]:
    """The first `n` of an order that the quota allows."""
    tracks, groups = Counter(quota.of_tracks), Counter(quota.of_groups)
    taken: list[int] = []
    for index in order:
        if len(taken) >= n:
            break
        track, group = int(clips.tracks[index]), int(clips.groups[index])
        if tracks[track] >= quota.per_track or (quota.per_group is not None and groups[group] >= quota.per_group):
            continue
        tracks[track] += 1
        groups[group] += 1
        taken.append(int(index))
    return taken
