"""What one more opinion on a clip is worth that people have agreed on, in the unit of a new clip: seconds rightly known a minute.

The question is ActiveLab's (Goh and Mueller 2023, arXiv 2301.11856), asked of frames.
"""

from collections.abc import Sequence

import numpy as np

from annotation.core.consensus.answers import Floats
from annotation.core.consensus.people import Prior

(_HIT, _MISSED), (_LEFT, _MARKED) = Prior().sensitivity, Prior().specificity
SENSITIVITY, SPECIFICITY = _HIT / (_HIT + _MISSED), _LEFT / (_LEFT + _MARKED)  # of one more person, of whom nothing is known
# Times as much as posteriors expect was set right by opinions that seemed worth it, in simulated crowds: whether the people before
# listened at all is known less well than what they said.
MEASURED = 2.0
MOST = 0.5  # share of a round's new clips that may give way


def seconds_set_right(posterior: Floats, frame: float, sensitivity: float = SENSITIVITY, specificity: float = SPECIFICITY) -> float:
    """Seconds by which one more answer is expected to lessen what a consensus has wrong.

    `posterior` is the probability of each frame, (frames,), by the answers so far. A frame is wrong by the chance of what is less
    probable; that the answer turns out either way is weighed by how probable it is. An answer that changes no decision is worth nothing.
    """
    p, wrong = posterior, np.minimum(posterior, 1 - posterior)
    marked = np.minimum(p * sensitivity, (1 - p) * (1 - specificity))
    unmarked = np.minimum(p * (1 - sensitivity), (1 - p) * specificity)
    return max(0.0, float((wrong - marked - unmarked).sum())) * frame


def worth_of_more(posterior: Floats, frame: float, minutes: float) -> float:
    """Seconds that one more answer sets right, per minute that it costs its person."""
    return MEASURED * seconds_set_right(posterior, frame) / minutes


def worth_of_new(expected: float, minutes: float, people: int) -> float:
    """Seconds that people find in a clip that is expected to hold so many, per minute that it costs them all; `minutes` of each."""
    return expected * SENSITIVITY / (people * minutes)


def n_giving_way(new: Sequence[float], more: Sequence[float], people: int) -> int:
    """How many of a round's new clips, the least valuable first, give way to `people` opinions each, the most valuable first.

    As long as each of these is worth more than the clip; at most half of the clips do. So people's minutes stay about the same.
    """
    least, most = sorted(new), sorted(more, reverse=True)
    n = 0
    while n < int(MOST * len(least)) and (n + 1) * people <= len(most) and most[(n + 1) * people - 1] > least[n]:
        n += 1
    return n
