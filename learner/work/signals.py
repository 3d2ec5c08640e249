"""What the sound says of each track of a pool: measured while it is separated, kept, and made into scores of its clips."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from django.db import transaction

from annotation import services as annotating
from annotation.files import storage
from annotation.files.unusable import blamed
from annotation.models import Campaign, Estimate, Track
from learner.core import audio, metrics
from learner.core.audio import Samples
from learner.core.choosing import cutting, signals, uncertainty
from learner.core.choosing.clips import frames_of
from learner.core.choosing.signals import dear_column, measure, measure_dearly
from learner.core.files.writing import Writing
from learner.core.separate import BLOCK
from learner.core.separators import Separator
from learner.models import Checkpoint, Score, Signals
from learner.services.leftovers import release
from learner.work.tracks import blocks_of, sounds_of

Spans = list[cutting.Span]


def measure_track(track: Track, row: Checkpoint, separator: Separator, *, dear: bool) -> None:
    """Separate a track; keep its estimate, its signals and the scores of its clips. Raises `UnusableTrack`.

    `dear`: with what takes passes of its own.
    """
    stem = track.campaign.stem
    mixture, sample_rate, channels = blocks_of(track, "mixture")
    with tempfile.TemporaryDirectory() as scratch:
        with (
            blamed(track, "It cannot be separated and scored"),
            Writing(Path(scratch) / "estimate.flac", sample_rate, channels) as file,
        ):
            found = measure(
                separator,
                mixture,
                sample_rate,
                parent=_blocks_of_parent(track, row, sample_rate),
                dear=dear,
                seed=_seed(track, 0.0),
                sink=file.write,
            )
        annotating.keep_estimate(track=track, stem=stem, checkpoint=row.hash, file=file.path)
    # Clips stay what they were for the checkpoint that scored the track first: so none comes again with other edges.
    known, length = spans_of(track), track.campaign.clip_seconds
    spans = known or cutting.cut(track.duration, length, found.columns["level"], found.columns["mix"])
    Score.objects.filter(checkpoint=row, track=track).exclude(start__in=[start for start, _ in spans]).delete()  # of another length
    _keep(track, row, separator, found, spans)


def spans_of(track: Track, row: Checkpoint | None = None) -> Spans | None:
    """How a track was cut for clips of the campaign's length when `row`, or the first of all checkpoints, scored it; None: not yet."""
    scores, length = Score.objects.filter(track=track), track.campaign.clip_seconds
    if row is not None:
        scores = scores.filter(checkpoint=row)
    of_each: dict[int, Spans] = {}
    for checkpoint, start, end in scores.order_by("checkpoint", "start").values_list("checkpoint", "start", "end"):
        of_each.setdefault(checkpoint, []).append((start, end))
    known = ([span for span in spans if cutting.fits(span, track.duration, length)] for spans in of_each.values())
    return next((spans for spans in known if cutting.tiles(spans, track.duration, length)), None)


def measure_clips_dearly(track: Track, row: Checkpoint, separator: Separator, spans: Spans) -> None:
    """Add to the signals of a track, in these clips of it, what takes passes of its own. Raises `UnusableTrack`."""
    found, name = signals_of(track, row), dear_column(separator)
    column = found.columns[name].copy()
    for (start, end), mix in zip(spans, sounds_of(track, "mixture", track.sample_rate, spans), strict=True):
        with blamed(track, "It cannot be scored"):
            new = measure_dearly(separator, mix.samples, mix.sample_rate, _seed(track, start))
        frames = column[frames_of((start, end), len(column))]
        frames[: len(new)] = new[: len(frames)]
    column[(found.columns["mix"] <= metrics.SILENCE_DBFS) & ~np.isnan(column)] = 0
    _keep(track, row, separator, replace(found, columns=found.columns | {name: column}), spans)


def signals_of(track: Track, row: Checkpoint) -> signals.Signals:
    """Raises `Signals.DoesNotExist` where this checkpoint has not measured the track."""
    return signals.load(storage.local(Signals.objects.get(track=track, checkpoint=row, stem=track.campaign.stem).file))


def latest_scores(campaign: Campaign, row: Checkpoint) -> list[Score]:
    """The scores of the pool's clips by this checkpoint, and of songs that it has not scored by the last of its ancestors that has.

    In the order of tracks and time; only of songs in use, and of clips as long as the campaign's are now.
    """
    generation = {one.pk: number for number, one in enumerate(_lineage(row))}
    of_track: dict[int, dict[int, list[Score]]] = {}
    known = Score.objects.filter(checkpoint__in=generation, track__campaign=campaign, track__set_aside=None, track__use=Track.Use.POOL)
    for score in known.select_related("track__campaign", "checkpoint").order_by("track_id", "start"):
        if cutting.fits((score.start, score.end), score.track.duration, campaign.clip_seconds):
            of_track.setdefault(score.track_id, {}).setdefault(generation[score.checkpoint_id], []).append(score)
    return [score for of_each in of_track.values() for score in of_each[min(of_each)]]


def latest_signals(campaign: Campaign, row: Checkpoint) -> dict[int, str]:
    """The storage key of the signals of each track of the pool, by its id and in that order: by which checkpoint, see `latest_scores`."""
    generation = {one.pk: number for number, one in enumerate(_lineage(row))}
    of_pool = Signals.objects.filter(checkpoint__in=generation, track__campaign=campaign, track__use=Track.Use.POOL, stem=campaign.stem)
    found: dict[int, tuple[int, str]] = {}
    for track, checkpoint, file in of_pool.order_by("track").values_list("track_id", "checkpoint_id", "file"):
        mine = generation[checkpoint], file
        found[track] = min(found.get(track, mine), mine)
    return {track: file for track, (_, file) in found.items()}


def _lineage(row: Checkpoint | None) -> Iterator[Checkpoint]:
    while row is not None:
        yield row
        row = row.parent


def is_scored(track: Track, row: Checkpoint) -> bool:
    """Whether an earlier round or attempt has kept the estimate of a track, its signals and the scores of its clips."""
    stem = track.campaign.stem
    kept = Estimate.objects.filter(track=track, stem=stem, checkpoint=row.hash)
    return spans_of(track, row) is not None and kept.exists() and Signals.objects.filter(track=track, stem=stem, checkpoint=row).exists()


def suspicion(score: Score) -> float:
    """How much a clip looks like a leak by what is cheap: its networks' disagreement, where there are two, else how little it rests."""
    return float(score.parts.get("nets", score.predicted_leak))


@transaction.atomic
def _keep(track: Track, row: Checkpoint, separator: Separator, found: signals.Signals, spans: Spans) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        found.save(file := Path(scratch) / "signals.npz")
        key = storage.keep(file, ".npz")
    before = Signals.objects.filter(checkpoint=row, track=track, stem=track.campaign.stem).values_list("file", flat=True).first()
    Signals.objects.update_or_create(checkpoint=row, track=track, stem=track.campaign.stem, defaults={"file": key})
    if before and before != key:
        release([before])
    for start, end in spans:
        columns = found.between(start, end)
        parts = {name: round(float(column.mean()), 6) for name, column in columns.items() if len(column) and not np.isnan(column).any()}
        leak = uncertainty.rest_level(columns["share"], columns["mix"])
        unsure = parts.get(dear_column(separator))
        Score.objects.update_or_create(
            checkpoint=row,
            track=track,
            start=start,
            defaults={
                "end": end,
                "uncertainty": unsure,
                "predicted_leak": leak,
                "value": (unsure or 0.0) + leak,
                "parts": parts,
            },
        )  # both are factors of the mix's amplitude; the leak is what finds damage inside a foreign genre


def _blocks_of_parent(track: Track, row: Checkpoint, sample_rate: int) -> Iterator[Samples] | None:
    """The estimate of the parent, where it is there still and as long as the track."""
    kept = row.parent and Estimate.objects.filter(track=track, stem=track.campaign.stem, checkpoint=row.parent.hash).first()
    if not kept or not (file := storage.local(kept.file)).exists():
        return None
    n_samples, rate, channels = audio.header(file)
    same = (rate, channels) == (sample_rate, track.channels) and n_samples == round(track.duration * sample_rate)
    return audio.blocks(file, round(BLOCK * rate)) if same else None


def _seed(track: Track, start: float) -> int:
    """Of the passes with dropout, from `start` seconds of the track on."""
    return track.campaign.seed * 100_003 + int(track.fingerprint[:6], 16) + round(start)
