"""Clips that could be put before people: where they lie, what is expected of them, and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import SHORT_FRAME

Floats = NDArray[np.float64]
Span = tuple[float, float]  # seconds from the start of a track


@dataclass(frozen=True)
class Clips:
    """Clips of a pool, in parallel arrays; what is not known is NaN."""

    tracks: NDArray[np.int64]  # (n,)
    groups: NDArray[np.int64]  # (n,) artist or album; a track that has none is a group of its own
    embedding: Floats  # (n, e): where two clips are near each other, they sound alike
    minutes: Floats  # (n,) that a person needs for a clip
    leak: Floats  # (n,) expected false-positive seconds
    unsure: Floats  # (n,) how unsure the model is of them
    heard: Floats  # (m, e) embedding of clips that people have heard before

    def __len__(self) -> int:
        return len(self.tracks)

    def only(self, which: NDArray[np.intp]) -> "Clips":
        """Some of them, by their numbers."""
        own = ("tracks", "groups", "embedding", "minutes", "leak", "unsure")
        return replace(self, **{name: getattr(self, name)[which] for name in own})


def frames_of(span: Span, n_frames: int) -> slice:
    """Which frames of a track lie in a span; at least one."""
    first = min(round(span[0] / SHORT_FRAME), n_frames - 1)
    return slice(first, max(first + 1, min(round(span[1] / SHORT_FRAME), n_frames)))


def mean(column: NDArray[np.floating], span: Span) -> float:
    """The mean of a column (frames,) over a span; NaN where it is known nowhere."""
    some = column[frames_of(span, len(column))]
    known = some[np.isfinite(some)]
    return float(known.mean(dtype=np.float64)) if known.size else float("nan")


def seconds(frames: NDArray[np.floating], span: Span) -> float:
    """The seconds that chances of frames add up to in a span."""
    return float(frames[frames_of(span, len(frames))].sum(dtype=np.float64)) * SHORT_FRAME


def means(embedding: NDArray[np.floating], spans: Sequence[Span]) -> Floats:
    """The mean over each span of an embedding (seconds, dimensions): (spans, dimensions)."""
    found = np.zeros((len(spans), embedding.shape[1]))
    for row, (start, end) in zip(found, spans, strict=True):
        first = min(int(start), len(embedding) - 1)
        row[:] = embedding[first : max(first + 1, min(round(end), len(embedding)))].mean(axis=0)
    return found


def alike(embedding: Floats, *more: Floats) -> list[Floats]:
    """Embeddings on one scale: every dimension has the mean 0 and the deviation 1 over the first, which holds the pool's clips."""
    middle, scale = embedding.mean(axis=0), embedding.std(axis=0)
    return [(some - middle) / np.where(scale > 0, scale, 1.0) for some in (embedding, *more)]
