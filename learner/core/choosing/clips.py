"""Clips that could be put before people, as rows of numbers: where they lie, what the sound says of them, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from learner.core.metrics import SHORT_FRAME

if TYPE_CHECKING:
    from learner.core.choosing.signals import Signals

Floats = NDArray[np.float64]
Span = tuple[float, float]  # seconds from the start of a track

TOP = 10.0  # per cent: the frames of a clip that its summary "top" is the mean of
SUMMARIES = ("mean", "top", "low")  # of a column over a clip's frames; "low" is the 10th percentile


@dataclass(frozen=True)
class Clips:
    """Clips of a pool, in parallel arrays; what is not known is NaN."""

    tracks: NDArray[np.int64]  # (n,)
    starts: Floats  # (n,) seconds
    ends: Floats  # (n,) seconds
    groups: NDArray[np.int64]  # (n,) artist or album; a track that has none is a group of its own
    features: Floats  # (n, d)
    names: tuple[str, ...]  # of the features, (d,)
    embedding: Floats  # (n, e): where two clips are near each other, they sound alike
    minutes: Floats  # (n,) that a person needs for a clip
    leak: Floats  # (n,) expected false-positive seconds
    unsure: Floats  # (n,) how unsure the model is of them
    heard: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (m, e) embedding of clips that people have heard before

    def __len__(self) -> int:
        return len(self.tracks)

    def column(self, name: str) -> Floats:
        """One of the features, (n,)."""
        return self.features[:, self.names.index(name)]


def frames_of(span: Span, n_frames: int) -> slice:
    """Which frames of a track lie in a span; at least one."""
    first = min(round(span[0] / SHORT_FRAME), n_frames - 1)
    return slice(first, max(first + 1, min(round(span[1] / SHORT_FRAME), n_frames)))


def summaries(columns: Mapping[str, NDArray[np.floating]], spans: Sequence[Span]) -> tuple[Floats, tuple[str, ...]]:
    """The columns of one track, each (frames,), as one row a span: (spans, features), and the features' names."""
    names = tuple(f"{column} {summary}" for column in columns for summary in SUMMARIES)
    rows = np.full((len(spans), len(names)), np.nan)
    for row, span in zip(rows, spans, strict=True):
        for at, values in enumerate(columns.values()):
            some = values[frames_of(span, len(values))]
            some = some[np.isfinite(some)].astype(np.float64)
            if some.size:
                high = np.partition(some, -max(1, round(some.size * TOP / 100)))[-max(1, round(some.size * TOP / 100)) :]
                row[3 * at : 3 * at + 3] = some.mean(), high.mean(), np.percentile(some, 10)
    return rows, names


def means(seconds: NDArray[np.floating], spans: Sequence[Span]) -> Floats:
    """The mean over each span of an embedding (seconds, dimensions): (spans, dimensions)."""
    found = np.zeros((len(spans), seconds.shape[1]))
    for row, (start, end) in zip(found, spans, strict=True):
        first = min(int(start), len(seconds) - 1)
        row[:] = seconds[first : max(first + 1, min(round(end), len(seconds)))].mean(axis=0)
    return found


def alike(embedding: Floats, *more: Floats) -> list[Floats]:
    """Embeddings on one scale: every dimension has the mean 0 and the deviation 1 over the first, which holds the pool's clips."""
    middle, scale = embedding.mean(axis=0), embedding.std(axis=0)
    return [(some - middle) / np.where(scale > 0, scale, 1.0) for some in (embedding, *more)]


def of(
    signals: Iterable[tuple[int, int, Signals, Sequence[Span]]],
    *,
    leak: Floats,
    unsure: Floats,
    minutes_per_minute: float = 1.0,
    heard: Floats | None = None,
) -> Clips:
    """Clips made of (track, group, what the sound says of it, its spans), in that order."""
    tracks, groups, spans, rows, embeddings, names = [], [], [], [], [], ()  # type: ignore[var-annotated]
    for track, group, one, own in signals:
        found, names = summaries(one.columns, own)
        rows.append(found)
        embeddings.append(means(one.embedding, own))
        tracks += [track] * len(own)
        groups += [group] * len(own)
        spans += list(own)
    starts, ends = (np.array([span[at] for span in spans], dtype=np.float64) for at in (0, 1))
    embedding = np.concatenate(embeddings) if embeddings else np.zeros((0, 1))
    return Clips(
        np.array(tracks, dtype=np.int64),
        starts,
        ends,
        np.array(groups, dtype=np.int64),
        np.concatenate(rows) if rows else np.zeros((0, 0)),
        names,
        embedding,
        (ends - starts) / 60 * minutes_per_minute,
        leak,
        unsure,
        np.zeros((0, embedding.shape[1])) if heard is None else heard,
    )
