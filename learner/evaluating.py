"""Figures of checkpoints and the trivial baselines on a campaign's songs with known stems, and the rows that they are kept as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotation.models import Campaign, Track
from learner.core import metrics
from learner.models import Checkpoint, Evaluation
from learner.tracks import sound_of

Audio = NDArray[np.floating]
Figures = dict[str, float]
SHOWN = (
    "sdr_mean",
    "sdr_median",
    "song_sdr",
    "si_sdr",
    "pes_dbfs",
    "false_positive_seconds_per_minute",
    "voice_kept_db",
    "false_positives_at_parent_level",
    "false_positives_at_base_level",
)
MEDIANS = {"sdr_median"}


@dataclass(frozen=True)
class Reference:
    """A track with known stems, of which `vocals` is the campaign's, at the separator's rate: (channels, samples) each."""

    track: Track
    mixture: Audio
    vocals: Audio
    sample_rate: int


def reference(track: Track, sample_rate: int) -> Reference:
    """A track whose true stem (the campaign's, mostly vocals) is known. Raises `SpoiltTrack`."""
    mixture, vocals = (sound_of(track, name, sample_rate).samples for name in ("mixture", track.campaign.stem))
    n = min(mixture.shape[1], vocals.shape[1])
    return Reference(track, mixture[:, :n], vocals[:, :n], sample_rate)


def figures(reference: Reference, estimate: Audio, levels: Mapping[str, Audio] | None = None) -> Figures:
    """All metrics of one estimate; `levels` maps "parent" or "base" to the estimate whose voice level is taken for the last ones."""
    measured = metrics.evaluate(estimate, reference.vocals, reference.mixture, reference.sample_rate)
    for name, other in (levels or {}).items():
        level = metrics.equal_voice_level(estimate, reference.vocals, other)
        at_level = metrics.evaluate(level, reference.vocals, reference.mixture, reference.sample_rate)
        measured[f"false_positives_at_{name}_level"] = at_level["false_positive_seconds_per_minute"]
    return measured


@dataclass(frozen=True)
class Measured:
    """The figures of one subject on the songs of one use."""

    by_track: dict[int, Figures]

    def of(self, tracks: Iterable[Track]) -> list[Figures]:
        return [self.by_track[track.pk] for track in tracks if track.pk in self.by_track]


@transaction.atomic
def keep(
    *, campaign: Campaign, subject: str, checkpoint: Checkpoint | None, use: str, tracks: Sequence[Track], measured: Measured, seed: int = 0
) -> None:
    """Write the figures as Evaluation rows, one per domain and metric, with bootstrap intervals over songs; again replaces them."""
    for domain in Track.Domain.values:
        per_song = measured.of(track for track in tracks if track.domain == domain)
        if not per_song:
            continue
        for metric in SHOWN:
            values = np.array([song[metric] for song in per_song if metric in song and np.isfinite(song[metric])])
            if not any(metric in song for song in per_song):
                continue
            low, value, high = _interval(values, metric in MEDIANS, seed)
            Evaluation.objects.update_or_create(
                campaign=campaign,
                subject=subject,
                checkpoint=checkpoint,
                use=use,
                domain=domain,
                metric=metric,
                defaults={"value": value, "low": low, "high": high, "n_songs": len(per_song)},
            )


def _interval(values: NDArray[np.float64], median: bool, seed: int) -> tuple[float | None, float | None, float | None]:
    """Value over songs with its 95 % bootstrap interval; no interval for a single song."""
    if not len(values):
        return None, None, None
    middle = np.median if median else np.mean
    if len(values) == 1:
        return None, float(values[0]), None
    draws = np.random.default_rng(seed).integers(0, len(values), (2000, len(values)))
    low, high = np.percentile(middle(values[draws], axis=1), [2.5, 97.5])
    return float(low), float(middle(values)), float(high)
