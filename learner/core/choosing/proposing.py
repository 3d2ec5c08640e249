"""Marks that are proposed to people: where it is probable that they would mark a leak."""

import numpy as np

from learner.core.choosing.clips import Floats, Span, frames_of
from learner.core.metrics import SHORT_FRAME

LEAST = 0.5  # probability of a frame
PAUSE = 0.3  # seconds; shorter ones are proposed as part of what is around them
SHORTEST = 0.4  # seconds
MOST = 8  # in a clip, the most probable ones


def regions(probability: Floats, span: Span) -> list[tuple[float, float, float]]:
    """What is proposed in a clip of a track whose frames leak with these probabilities: start, end (track seconds), mean probability."""
    frames = frames_of(span, len(probability))
    likely = np.nan_to_num(probability[frames]) >= LEAST
    edges = np.flatnonzero(np.diff(likely, prepend=False, append=False)).reshape(-1, 2).tolist()
    joined: list[list[int]] = []
    for first, last in edges:
        if joined and (first - joined[-1][1]) * SHORT_FRAME < PAUSE:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    found = [
        (
            max(span[0], (frames.start + first) * SHORT_FRAME),
            min(span[1], (frames.start + last) * SHORT_FRAME),
            float(np.nanmean(probability[frames][first:last])),
        )
        for first, last in joined
        if (last - first) * SHORT_FRAME >= SHORTEST - 1e-9
    ]
    best = sorted(found, key=lambda one: -one[2] * (one[1] - one[0]))[:MOST]
    return [(round(start, 3), round(end, 3), round(share, 4)) for start, end, share in sorted(best)]
