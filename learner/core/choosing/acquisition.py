"""Choose the clips that are worth a person's next minutes: most by a strategy, a share at random, which tells what the strategy gains."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies import Pick, Quota, Strategy
from learner.core.choosing.strategies.drawing import draw

Arm = Literal["score", "random"]

# Share of the draws for the gate that leak has no say in, so that no clip counts more than about twice as much as others, and clips that
# hardly leak, which tell what voices lose, are heard (a defensive mixture: Hesterberg 1995, Technometrics 37:185).
APART_FLOOR = 0.5


@dataclass(frozen=True)
class Chosen:
    """A clip that was chosen, how, and why."""

    index: int
    arm: Arm
    chance: float  # of being drawn, before the draw, where chance took part; otherwise 1
    reason: str
    parts: dict[str, float] = field(default_factory=dict)  # what its score is made of, by name


def choose(
    clips: Clips, n: int, random_share: float, strategy: Strategy, generator: np.random.Generator, quota: Quota | None = None
) -> list[Chosen]:
    """Choose `n` clips within the quota, in an order that says nothing of how they were chosen.

    The control comes first: of `n`, the rounded `random_share` (at least one clip, if the share is not 0) is drawn from all clips,
    whatever is known of them, each with the same chance as far as the quota lets it be; see `drawing.draw`. Then the strategy fills up,
    on what the quota leaves. Fewer clips come back where there are not enough.

    Raises ValueError for a share outside 0 ... 1 or a negative number.
    """
    if not 0 <= random_share <= 1:
        raise ValueError(f"random_share must be 0 to 1, not {random_share}")
    quota = quota or Quota()
    if n < 0 or quota.per_track < 1:
        raise ValueError(f"n must be at least 0 and per_track at least 1, not {n} and {quota.per_track}")
    n_random = min(n, max(1, round(n * random_share))) if random_share > 0 else 0
    control = draw(np.ones(len(clips)), clips, n_random, quota, generator)
    chosen = [
        Chosen(pick.index, "random", pick.chance, f"Drawn at random as a control, with a chance of {pick.chance:.1%}.") for pick in control
    ]
    taken = np.array([pick.index for pick in control], dtype=np.intp)
    left = np.setdiff1d(np.arange(len(clips)), taken)
    rest = replace(quota, of_tracks=_and(quota.of_tracks, clips.tracks[taken]), of_groups=_and(quota.of_groups, clips.groups[taken]))
    for rank, pick in enumerate(strategy.pick(clips.only(left), n - len(control), rest, generator), start=1):
        index = int(left[pick.index])
        chosen.append(Chosen(index, "score", pick.chance, reason(strategy.name, clips, index, pick, rank), pick.parts))
    return [chosen[at] for at in generator.permutation(len(chosen))]


def choose_apart(clips: Clips, n: int, generator: np.random.Generator, quota: Quota | None = None) -> list[Chosen]:
    """Draw `n` clips for the gate, more likely the more leak is expected in them: few marks are found in clips drawn alike.

    Only what chance drew says without flattery what a child does, so no strategy has a say; what was likelier to be drawn counts the
    less (`judging.active_testing`).
    """
    drawn = draw(sizes_apart(clips.leak), clips, n, quota or Quota(), generator)
    return [Chosen(one.index, "random", one.chance, reason("leak-aware", clips, one.index, one, 0)) for one in drawn]


def sizes_apart(leak: ArrayLike) -> NDArray[np.float64]:
    """What the chance of each clip to be drawn for the gate is proportional to, by its expected leak; NaN where nothing is known."""
    known = np.nan_to_num(np.asarray(leak, dtype=np.float64))
    return (1 - APART_FLOOR) * known + APART_FLOOR * known.mean() if known.any() else np.ones(known.size)


def reason(strategy: str, clips: Clips, index: int, pick: Pick, rank: int) -> str:
    """Why a strategy took a clip, in words."""
    if strategy == "random":
        return f"Drawn at random, with a chance of {pick.chance:.1%}."
    if strategy == "leak-aware":
        return f"Drawn at random, more likely the more leak is expected ({clips.leak[index]:.1f} s), with a chance of {pick.chance:.1%}."
    told = {
        "expected": f"{clips.leak[index]:.1f} s of leak are expected",
        "uncertainty": f"The model is unsure of it ({clips.unsure[index]:.3g})",
        "noisy-uncertainty": f"The model is unsure of it ({clips.unsure[index]:.3g}), with chance mixed in",
        "coverage": "It sounds unlike what was heard before",
    }.get(strategy, f"Priority {pick.score:.3g} by the strategy {strategy!r}")
    return f"{told}, choice {rank} of {len(clips)} clips."


def _and(counts: Mapping[int, int], more: NDArray[np.int64]) -> dict[int, int]:
    return dict(Counter(counts) + Counter(more.tolist()))
