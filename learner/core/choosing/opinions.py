"""A new clip, or one more opinion on one that people heard already: both in seconds of false positives that are rightly known, a minute.

The question is ActiveLab's (Goh and Mueller 2023, arXiv 2301.11856), asked of frames.
"""

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import SHORT_FRAME

Floats = NDArray[np.float64]

SENSITIVITY, SPECIFICITY = 0.8, 0.95  # of one more person of whom nothing is known


def worth_of_new(predicted: Floats, minutes: float, sensitivity: float = SENSITIVITY) -> float:
    """False-positive seconds that people are expected to find in a clip, per minute that it costs them all.

    `predicted` is the probability of each frame, (frames,), before anybody heard it.
    """
    return float(predicted.sum()) * sensitivity * SHORT_FRAME / minutes


def worth_of_more(posterior: Floats, minutes: float, sensitivity: float = SENSITIVITY, specificity: float = SPECIFICITY) -> float:
    """Seconds by which one more answer is expected to lessen what consensus has wrong in a clip, per minute that it costs one person.

    `posterior` is the probability of each frame, (frames,), that it is a false positive, by the answers so far. A frame counts as wrong
    by the chance of what is less probable; that the answer turns out either way is weighed by how probable it is.
    """
    p, wrong = posterior, np.minimum(posterior, 1 - posterior)
    marked = np.minimum(p * sensitivity, (1 - p) * (1 - specificity))
    unmarked = np.minimum(p * (1 - sensitivity), (1 - p) * specificity)
    return max(0.0, float((wrong - marked - unmarked).sum())) * SHORT_FRAME / minutes


def asks_again(posterior: Floats, predicted: Floats, *, minutes: float, people: int) -> bool:
    """Whether one more opinion on a heard clip is worth more than a new clip, that `people` hear; `minutes` of one person for either."""
    return worth_of_more(posterior, minutes) > worth_of_new(predicted, people * minutes)
