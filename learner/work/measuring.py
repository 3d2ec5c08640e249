"""Measure checkpoints: for the gate, on test songs beside the trivial baselines, and the rows that figures are kept as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils.timezone import now
from numpy.typing import NDArray

from annotation.files.unusable import blamed
from annotation.models import Campaign, Task, Track
from learner.core import metrics
from learner.core.judging import active_testing, evidence, gate
from learner.core.judging.evidence import Evidence, KeptApart
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.teaching import pseudo
from learner.models import Checkpoint, Evaluation, FeedbackClip, Score, SongFigures
from learner.work.judged import Kind, Listening
from learner.work.past import from_pool, mixes
from learner.work.plan import Plan, listened_clips, load, spans_of
from learner.work.tracks import in_use, sound_of, sounds_of

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
    """A track whose true stem (the campaign's, mostly vocals) is known. Raises `UnusableTrack`."""
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
    """Write the figures as Evaluation rows, one per domain and metric, with bootstrap intervals over songs, and each song's own.

    Again replaces them.
    """
    for track in tracks:
        if own := measured.by_track.get(track.pk):
            keep_of_song(track=track, subject=subject, checkpoint=checkpoint, figures=own)
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


def keep_of_song(*, track: Track, subject: str, checkpoint: Checkpoint | None, figures: Figures) -> None:
    """Write the figures of one track; again replaces them."""
    found = {metric: float(figures[metric]) for metric in SHOWN if metric in figures and np.isfinite(figures[metric])}
    SongFigures.objects.update_or_create(track=track, subject=subject, checkpoint=checkpoint, defaults={"figures": found, "made": now()})


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


def measured_for_gate(plan: Plan, *separators: Separator, listening: Listening | None = None) -> list[gate.Measured]:
    """What parent, child and perhaps the base do on gate songs and on clips whose marks nobody learns from: each by all, or by none.

    Without gate songs that tell what a child forgot, on songs remixed from what the base makes of mixes of the pool. What the first two
    make of each goes to `listening`.
    """
    rate, clips = plan.parent.sample_rate, listened_clips(plan, kept_apart=True)
    weights = _weights(plan, [clip for of_track in clips.values() for clip in of_track])

    def on_song(track: Track) -> list[gate.Measured]:
        song = reference(track, rate)

        def hear(name: str, estimates: Sequence[Audio]) -> None:
            if listening:
                listening.song(track, Kind.GATE, estimates[0], estimates[1], song.vocals, song.mixture, rate)

        with blamed(track, "It cannot be separated and measured"):
            return evidence.measure(
                Evidence({track.domain: [Song(str(track.pk), rate, song.mixture, song.vocals)]}), *separators, hear=hear
            )

    def on_clips(track: Track) -> list[gate.Measured]:
        apart, known = [], {}
        for clip, mix in zip(clips[track], sounds_of(track, "mixture", rate, spans_of(clips[track])), strict=True):
            marks = [(item.start - clip.start, item.end - clip.start) for item in clip.items.order_by("start")]
            at_random = clip.consensus.task.arm == Task.Arm.RANDOM
            apart.append(KeptApart(f"{track.pk}:{clip.start}", mix.samples, rate, marks, at_random, weights[clip.pk]))
            known[apart[-1].name] = clip, apart[-1]

        def hear(name: str, estimates: Sequence[Audio]) -> None:
            if listening:
                clip, one = known[name]
                kind = Kind.RANDOM if one.random_clip else Kind.SCORED
                marks = [(clip.start + start, clip.start + end) for start, end in one.marks]
                listening.clip(track, kind, name, (clip.start, clip.end), estimates[0], estimates[1], rate, marks)

        with blamed(track, "It cannot be separated and measured"):
            return evidence.measure(Evidence(clips=apart), *separators, hear=hear)

    parts = plan.usable.through("measured for the gate", in_use(plan.campaign, Track.Use.GATE, "mixture", plan.campaign.stem), on_song)
    parts += plan.usable.through("measured that are kept apart for the gate", list(clips), on_clips)
    if remixed := pseudo.remixed(
        mixes(plan, Track.Use.GATE, from_pool(plan).get(Track.Use.GATE, [])), separators[-1 if len(separators) > 2 else 0]
    ):
        parts.append(evidence.measure(Evidence({"remixed": remixed}), *separators))
    return [gate.join(part[number] for part in parts) for number in range(len(separators))]


def _weights(plan: Plan, clips: Sequence[FeedbackClip]) -> dict[int, float]:
    """How much each kept-apart clip counts for the gate, by the chance that its round drew it with."""
    rounds: dict[int, list[FeedbackClip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.consensus.task.round_number):
        rounds.setdefault(clip.consensus.task.round_number, []).append(clip)
    apart = [track for track in in_use(plan.campaign, Track.Use.POOL) if track.kept_apart]
    n_clips = Score.objects.filter(checkpoint=plan.parent, track__in=apart).count()
    # Since a clip was drawn, clips may have become longer, or its track may have been set aside.
    found = active_testing.weights([[clip.consensus.task.chance for clip in drawn] for drawn in rounds.values()], max(n_clips, len(clips)))
    return {
        clip.pk: weight
        for drawn, of_round in zip(rounds.values(), found, strict=True)
        for clip, weight in zip(drawn, of_round, strict=True)
    }


def measured_on_test_songs(
    plan: Plan, separators: dict[str, Separator], trivial: bool = True, listening: Listening | None = None
) -> tuple[list[Track], dict[str, Measured]]:
    """The figures of these separators, and of the trivial baselines, on the test songs: each song by all, or by none.

    What parent and child make of each goes to `listening`.
    """
    rate, parent = plan.parent.sample_rate, separators.get("parent") or load(plan.parent)
    base = parent if plan.base == plan.parent else load(plan.base)
    gain = _best_gain(plan) if trivial else 1.0

    def on_song(track: Track) -> tuple[Track, dict[str, Figures]]:
        song = reference(track, rate)
        with blamed(track, "It cannot be separated and measured"):
            parents = separate(parent, song.mixture, rate)
            bases = parents if base is parent else separate(base, song.mixture, rate)
            found: dict[str, Figures] = {}
            for name, separator in separators.items():
                estimate = parents if separator is parent else separate(separator, song.mixture, rate)
                found[name] = figures(song, estimate, {"base": bases} if name == "parent" else {"parent": parents, "base": bases})
            if trivial:
                found |= {"silence": figures(song, np.zeros_like(song.mixture)), "mixture": figures(song, song.mixture)}
                found |= {"gain": figures(song, gain * parents)}
            if listening:
                listening.song(track, Kind.TEST, parents, estimate, song.vocals, song.mixture, rate)
        return track, found

    measured = plan.usable.through("measured for the test", in_use(plan.campaign, Track.Use.TEST, "mixture", plan.campaign.stem), on_song)
    subjects = [*separators, *(("silence", "mixture", "gain") if trivial else ())]
    return [track for track, _ in measured], {name: Measured({track.pk: found[name] for track, found in measured}) for name in subjects}


def _best_gain(plan: Plan) -> float:
    """The constant factor on the parent's output that is best for the validation songs, by song SDR."""
    parent = load(plan.parent)

    def pair(track: Track) -> tuple[Audio, Audio]:
        song = reference(track, plan.parent.sample_rate)
        with blamed(track, "It cannot be separated"):
            return separate(parent, song.mixture, song.sample_rate), song.vocals

    pairs = plan.usable.through("measured for validation", in_use(plan.campaign, Track.Use.VALIDATION, "mixture", plan.campaign.stem), pair)
    return metrics.best_constant_gain([estimate for estimate, _ in pairs], [vocals for _, vocals in pairs]) if pairs else 1.0
