"""Measure checkpoints and the trivial baselines on a campaign's songs with known stems, and keep the figures as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotation.models import Campaign, Track
from annotation.storage import local
from learner.core import audio, metrics
from learner.models import Checkpoint, Evaluation

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
    """A track with known stems, at the separator's rate: (channels, samples) each."""

    track: Track
    mixture: Audio
    vocals: Audio
    sample_rate: int


def references(campaign: Campaign, use: str, sample_rate: int) -> list[Reference]:
    """The tracks of this use whose true vocals are known."""
    found = []
    for track in Track.objects.filter(campaign=campaign, use=use).order_by("pk").prefetch_related("stems"):
        stems = {stem.name: stem for stem in track.stems.all()}
        if {"mixture", "vocals"} <= stems.keys():
            sounds = [audio.read(local(stems[name].file), sample_rate).samples for name in ("mixture", "vocals")]
            n = min(sound.shape[1] for sound in sounds)
            found.append(Reference(track, sounds[0][:, :n], sounds[1][:, :n], sample_rate))
    return found


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


def measure(songs: list[Reference], estimate: Callable[[Reference], Audio], levels: Mapping[str, Callable[[Reference], Audio]]) -> Measured:
    """Measure what `estimate` gives for every song, and the false positives at the voice level of each of `levels`."""
    return Measured({song.track.pk: figures(song, estimate(song), {name: other(song) for name, other in levels.items()}) for song in songs})


@transaction.atomic
def keep(
    *, campaign: Campaign, subject: str, checkpoint: Checkpoint | None, use: str, songs: list[Reference], measured: Measured, seed: int = 0
) -> None:
    """Write the figures as Evaluation rows, one per domain and metric, with bootstrap intervals over songs; again replaces them."""
    for domain in Track.Domain.values:
        tracks = [song.track for song in songs if song.track.domain == domain]
        per_song = measured.of(tracks)
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
