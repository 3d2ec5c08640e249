"""Separate one track by one checkpoint, measure it where its true stem is known, and put it into the listening tests that wait for it."""

from __future__ import annotations

import numpy as np
from django.db import transaction

from annotation import services as annotating
from annotation.files import storage
from annotation.files.unusable import blamed
from annotation.models import Estimate, Track
from annotation.selectors.listening import to_place
from annotation.services.listening import place_clips
from learner import services
from learner.core import audio, metrics
from learner.core.files import writing
from learner.core.separate import separate
from learner.models import Checkpoint, Evaluation, Job, Separation
from learner.services.jobs import scratch
from learner.work.measuring import Reference, figures, keep_of_song, reference
from learner.work.plan import load
from learner.work.tracks import sound_of


def separate_track(job: Job) -> None:
    """Do one job of the kind separate: an estimate that is there already is only measured."""
    one = Separation.objects.select_related("track__campaign", "checkpoint").get(job=job)
    track, row, stem = one.track, one.checkpoint, one.track.campaign.stem
    job.beat(0, 2, f"separating {track.name}")
    estimate = Estimate.objects.filter(track=track, stem=stem, checkpoint=row.hash).first()
    with scratch(job) as folder:
        if estimate is None:
            mix = sound_of(track, "mixture")
            with blamed(track, "It cannot be separated"):
                extracted = separate(load(row), mix.samples, mix.sample_rate)
            file = writing.write(folder / "estimate.flac", extracted, mix.sample_rate)
            estimate = annotating.keep_estimate(track=track, stem=stem, checkpoint=row.hash, file=file)
    job.beat(1, 2, f"measuring {track.name}")
    song = reference(track, row.sample_rate) if track.stems.filter(name=stem).exists() else None
    while not _ends(job, track, row, estimate, song):
        job.beat(1, 2, f"comparing {track.name}")
        place_clips(track=track)


def _ends(job: Job, track: Track, row: Checkpoint, estimate: Estimate, song: Reference | None) -> bool:
    """End the job, unless clips of a listening test wait for what it made: who asks for some meanwhile waits for the track's row."""
    with transaction.atomic():
        Track.objects.select_for_update(no_key=True).get(pk=track.pk)
        if to_place(track).exists():
            return False
        if song:
            _measure(song, row, estimate)
        services.finish(job=job)
    return True


def _measure(song: Reference, row: Checkpoint, estimate: Estimate) -> None:
    """Keep the figures of this song: by the checkpoint, and what silence, the mixture and its best constant gain would have."""
    extracted = audio.read(storage.local(estimate.file), song.sample_rate).samples
    n = min(extracted.shape[1], song.vocals.shape[1])
    cut = Reference(song.track, song.mixture[:, :n], song.vocals[:, :n], song.sample_rate)
    extracted = extracted[:, :n]
    gain = metrics.best_constant_gain([extracted], [cut.vocals])
    subject = Evaluation.Subject
    for what, checkpoint, sound in (
        (subject.CHECKPOINT, row, extracted),
        (subject.SILENCE, None, np.zeros_like(cut.mixture)),
        (subject.MIXTURE, None, cut.mixture),
        (subject.GAIN, row, gain * extracted),
    ):
        keep_of_song(track=cut.track, subject=what, checkpoint=checkpoint, figures=figures(cut, sound))
