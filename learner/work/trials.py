"""Try a base on songs of a campaign: extract, measure, and keep an excerpt to listen to."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
from django.db import transaction
from numpy.typing import NDArray

from annotation.events import publish
from annotation.files import storage
from annotation.files.unusable import UnusableTrack, blamed
from annotation.models import Track
from learner import bases, selectors, services
from learner.core import checkpoint
from learner.core.bases import NotFetched
from learner.core.checkpoint import BadCheckpoint
from learner.core.files.names import readable
from learner.core.judging import fit
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.models import Job, Trial, TriedSong, UnfitCheckpoint, check_stem
from learner.services.bases import NotBegun
from learner.services.leftovers import release
from learner.work.plan import Pulse
from learner.work.tracks import sounds_of

MOST = 300.0  # seconds of a song; by whole songs whether a base suits is told much better than by minutes of them


def run_trial(job: Job) -> None:
    """Do one job of the kind trial. Raises `NotBegun`, saying what to do, where the base or every song cannot be used."""
    trial = Trial.objects.select_related("campaign").get(job=job)
    try:
        separator = checkpoint.load(_file(trial, Pulse(job, 0)))
        check_stem(trial.campaign, separator.stem, trial.base)
    except (NotFetched, BadCheckpoint, UnfitCheckpoint) as problem:
        raise NotBegun(str(problem)) from problem
    tracks = list(Track.objects.filter(pk__in=trial.tracks, set_aside=None).prefetch_related("stems").select_related("campaign"))
    tracks.sort(key=lambda track: trial.tracks.index(track.pk))
    pulse, found, unusable = Pulse(job, len(tracks)), [], []
    for number, track in enumerate(tracks):
        pulse(number, f"trying the base on {track.name}")
        try:
            found.append(_tried(trial, track, separator))
        except UnusableTrack as wrong:
            unusable.append(wrong)
    if not found:
        raise NotBegun(" ".join(map(str, unusable)) or "None of the songs is in use any more.")
    with transaction.atomic():
        services.finish(job=job)
        before = TriedSong.objects.filter(trial=trial)
        release(before.values_list("file", flat=True))
        before.delete()
        TriedSong.objects.bulk_create(found)
        publish(trial.campaign_id, "job", job.pk)


def _file(trial: Trial, pulse: Pulse) -> Path:
    """The base's file, fetched where it is not here. Raises `NotFetched`."""
    if trial.base == Trial.OWN:
        began_with = selectors.base_in_use(trial.campaign)
        assert began_with is not None, "services.try_base looked"
        return storage.local(began_with.stored)

    def hear(done: int, total: int, what: str) -> None:
        pulse.total = total
        pulse(done, f"{what} {trial.base}, in MB")

    return bases.base_file(trial.base, trial.campaign.stem, hear)


def _tried(trial: Trial, track: Track, separator: Separator) -> TriedSong:
    """Figures and excerpt of one song, at the base's rate. Raises `UnusableTrack`."""
    rate, stem = separator.sample_rate, trial.campaign.stem
    (mixture,) = sounds_of(track, "mixture", rate, [(0.0, MOST)])
    truth: NDArray[np.floating] | None = None
    if any(one.name == stem for one in track.stems.all()):
        truth = sounds_of(track, stem, rate, [(0.0, MOST)])[0].samples
    with blamed(track, f"{readable(track.name)} cannot be separated"):
        estimate = separate(separator, mixture.samples, rate)
    n = min(sound.shape[1] for sound in (estimate, mixture.samples, truth) if sound is not None)
    signals = estimate[:, :n], mixture.samples[:, :n], rate, None if truth is None else truth[:, :n]
    start = fit.excerpt(*signals)
    piece = estimate[:, round(start * rate) : round((start + fit.EXCERPT) * rate)]
    return TriedSong(trial=trial, track=track, figures=fit.measure(*signals), start=start, file=storage.keep(_flac(piece, rate), ".flac"))


def _flac(samples: NDArray[np.floating], rate: int) -> bytes:
    """A file of sound in memory, (channels, samples); what is over full scale is turned down."""
    file = io.BytesIO()
    soundfile.write(file, (samples / max(1.0, float(np.abs(samples).max(initial=0.0)))).T, rate, format="FLAC")
    return file.getvalue()
