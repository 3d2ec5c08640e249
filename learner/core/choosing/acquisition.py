"""Choose the clips that are worth a person's next minutes: most by score, a share at random as the control that tells what scores gain."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Arm = Literal["score", "random"]


@dataclass(frozen=True)
class Candidate:
    """A clip that could be put before people."""

    track: Hashable
    start: float  # seconds from the start of the track
    end: float
    score: float  # the higher, the more an answer is expected to teach


@dataclass(frozen=True)
class Chosen:
    """A clip that was chosen, how, and why."""

    candidate: Candidate
    arm: Arm
    chance: float  # of a random clip: that of being drawn, before the draw; 1.0 where the score decided
    reason: str


def choose(
    candidates: Sequence[Candidate], n: int, random_share: float, generator: np.random.Generator, per_track: int = 2
) -> list[Chosen]:
    """Choose `n` clips, at most `per_track` of each track, in an order that says nothing of how they were chosen.

    The control comes first: of `n`, the rounded `random_share` (at least one clip, if the share is not 0) is drawn from all
    candidates, whatever their scores. Then the highest scores fill up, on what the cap leaves; equal scores are taken in random
    order. A control clip's chance is exact: its track is first thinned to `per_track` clips at random, then all that is left has
    equal chances. Fewer clips come back where there are not enough.

    Raises ValueError for a share outside 0 ... 1, a negative number, or a score that is no number.
    """
    if not 0 <= random_share <= 1:
        raise ValueError(f"random_share must be 0 to 1, not {random_share}")
    if n < 0 or per_track < 1:
        raise ValueError(f"n must be at least 0 and per_track at least 1, not {n} and {per_track}")
    if bad := [candidate for candidate in candidates if math.isnan(candidate.score)]:
        raise ValueError(f"every candidate needs a score; track {bad[0].track} has none from {bad[0].start:g} s")
    n_random = min(n, max(1, round(n * random_share))) if random_share > 0 else 0
    control = _draw(candidates, n_random, generator, per_track)
    chosen = [
        Chosen(candidates[index], "random", chance, f"Drawn at random as a control, with a chance of {chance:.1%}.")
        for index, chance in control.items()
    ]
    used = Counter(choice.candidate.track for choice in chosen)
    shuffled = generator.permutation(len(candidates))
    ranked = sorted(shuffled, key=lambda index: -candidates[index].score)  # sorting is stable, so ties stay shuffled
    for rank, index in enumerate(ranked, start=1):
        candidate = candidates[index]
        if len(chosen) >= n:
            break
        if index in control or used[candidate.track] >= per_track:
            continue
        used[candidate.track] += 1
        reason = f"Score {candidate.score:.3g}, number {rank} of {len(candidates)} clips."
        chosen.append(Chosen(candidate, "score", 1.0, reason))
    return [chosen[index] for index in generator.permutation(len(chosen))]


def _draw(candidates: Sequence[Candidate], n: int, generator: np.random.Generator, per_track: int) -> dict[int, float]:
    """Draw up to `n` candidates and return their indices with the chance that each had."""
    of_track: dict[Hashable, list[int]] = {}
    for index, candidate in enumerate(candidates):
        of_track.setdefault(candidate.track, []).append(index)
    kept: dict[int, float] = {}  # index: chance of surviving the thinning
    for indices in of_track.values():
        survivors = generator.permutation(indices)[:per_track]
        kept |= {int(index): len(survivors) / len(indices) for index in survivors}
    n = min(n, len(kept))
    drawn = generator.permutation(list(kept))[:n]
    return {int(index): kept[int(index)] * n / len(kept) for index in drawn}
