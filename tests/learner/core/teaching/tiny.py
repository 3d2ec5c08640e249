"""An adaptation of a few steps, and what ends it on the way."""

from collections.abc import Callable

from learner.core.teaching.adapt import Recipe
from learner.core.teaching.progress import Progress

TINY = Recipe(
    steps=6,
    n_frames=16,
    new_patches=2,
    replay_patches=2,
    keep_every=2,
    factors=(0.5, 1.0),
    half_way=0.0,
    voice_kept_db=-60,
    past_lost_db=60,
)


class Killed(Exception):
    """Stands for the process's end."""


def kill_at(step: int) -> Callable[[Progress], None]:
    def progress(now: Progress) -> None:
        if now.step >= step:
            raise Killed

    return progress
