"""Draw clips by chance, the likelier the more they are expected to show, with chances that are exactly known."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Of the chance that each clip had if all were alike: no clip weighs more than twice as much, and clips that hardly leak, which tell what
# voices lose, stay. With 0.25 a prediction that was no use (Spleeter on real songs) cost more.
FLOOR = 0.5


def chances(sizes: ArrayLike, n: int, floor: float = FLOOR) -> NDArray[np.float64]:
    """Return for each clip its chance to be among `n` drawn: in proportion to its size, but at least `floor` of what all alike had.

    They sum up to `n`, or to the number of clips where there are fewer. A clip whose share would be more than certain is certain, and
    the others share what is left. Without any size all are alike. The part that is alike keeps weights bounded (Hesterberg 1995,
    Technometrics 37:185, "defensive mixture").

    Raises ValueError for a size that is negative or no number.
    """
    size = np.asarray(sizes, dtype=np.float64)
    if not np.isfinite(size).all() or (size < 0).any():
        raise ValueError("a size must be a number, and not negative")
    if n >= size.size:
        return np.ones(size.size)
    alike = np.full(size.size, 1 / size.size)
    wanted = (1 - floor) * size / size.sum() + floor * alike if size.any() else alike
    certain = np.zeros(size.size, dtype=bool)
    while True:
        left = wanted[~certain].sum()
        chance = np.where(certain, 1.0, (n - certain.sum()) * wanted / left)
        if not (over := chance > 1).any():
            return chance
        certain |= over


def draw(chance: NDArray[np.float64], groups: Sequence[Hashable], generator: np.random.Generator) -> list[int]:
    """Draw clips, each with its chance, and return their indices; `chance` sums up to a whole number, as `chances` gives it.

    Systematic sampling from a random order (Madow 1949, Ann. Math. Statist. 20:333; Hartley and Rao 1962, 33:350): chances are laid end
    to end, and a comb with teeth one apart, set down at random, picks where its teeth fall. What a group has (the clips of one
    track) lies together, so that it gives no more of its clips than its chances sum up to, rounded up.
    """
    places: dict[Hashable, list[int]] = {}
    for index in generator.permutation(chance.size):
        places.setdefault(groups[index], []).append(int(index))
    order = [index for group in places.values() for index in group]
    # Rounded, so that chances which sum up to 1 - 1e-16 do not hide a clip or take it twice.
    ends = np.round(np.cumsum(chance[order]), 9)
    teeth = generator.random() + np.arange(round(chance.sum()))
    return [order[min(int(place), len(order) - 1)] for place in np.searchsorted(ends, teeth, side="right")]
