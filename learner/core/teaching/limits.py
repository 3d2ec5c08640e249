"""What a point on the way from parent to child may cost, by the recipe's limits."""

import math
from dataclasses import dataclass

from learner.core.teaching.recipe import Recipe

GRACE = 2.0  # times the limits that the mildest point may break and still be put before the gate


@dataclass(frozen=True)
class Candidate:
    """A point on the way, or on the line from it back to the parent, and what it costs."""

    step: int
    factor: float
    leak_db: float  # energy left on the marks, re the parent's; NaN without feedback
    kept_db: float  # accepted voice, re the parent's; NaN where no voice was accepted
    past_db: float  # what the validation songs lost in song SDR re the parent's, see `_lost`; NaN without such songs
    past_median_db: float  # the same of the median SDR of their sung seconds
    all_db: float = math.nan  # what they lost in song SDR re the base; NaN where that is the parent
    solo_db: float = math.nan  # least song SDR of voices that sing alone; NaN where the parent knows none, or none are asked for


def within(candidate: Candidate, recipe: Recipe, grace: float = 1.0) -> bool:
    """Whether it keeps the limits, or so many times them. A figure that could not be taken (NaN) forbids nothing."""
    return not broken(candidate, recipe, grace)


def broken(candidate: Candidate, recipe: Recipe, grace: float = 1.0) -> list[str]:
    """Which limits, or so many times them, a point breaks, in words."""
    voice, past, median, since = (
        grace * limit for limit in (recipe.voice_kept_db, recipe.past_lost_db, recipe.median_lost_db, recipe.all_lost_db)
    )
    solo = recipe.solo_sdr_db / grace
    return [
        words
        for breaks, words in (
            (
                candidate.kept_db < voice,
                f"the accepted voice would change by {candidate.kept_db:.1f} dB (allowed {voice:g})",
            ),
            (
                candidate.past_db < -past,
                f"the validation songs would lose {-candidate.past_db:.2f} dB (allowed {past:g})",
            ),
            (
                candidate.past_median_db < -median,
                f"their sung seconds would lose {-candidate.past_median_db:.2f} dB (allowed {median:g})",
            ),
            (
                candidate.all_db < -since,
                f"they would have lost {-candidate.all_db:.2f} dB since the base (allowed {since:g})",
            ),
            (
                candidate.solo_db < solo,
                f"held voices that sing alone would be kept at {candidate.solo_db:.0f} dB (at least {solo:g})",
            ),
        )
        if breaks
    ]
