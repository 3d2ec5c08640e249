"""Bring the base that somebody chose, try it, and let the campaign begin with it, or go on from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

from django.db import transaction

from annotation.files import storage
from annotation.files.unusable import blamed
from annotation.models import Campaign, Membership, Track
from learner import bases, selectors, services
from learner.core.bases import NotFetched, Tell
from learner.core.checkpoint import BadCheckpoint
from learner.core.separate import separate
from learner.core.teaching.adapt import BadRecipe, NoReplay
from learner.models import Checkpoint, ChosenBase, Evaluation, Job, SharedModel, Trial, UnfitCheckpoint
from learner.readiness import check_ready, try_checkpoint
from learner.work.measuring import Figures, Measured, figures, keep, reference
from learner.work.plan import Pulse, load
from learner.work.tracks import UsableTracks, in_use


def bring_base(job: Job, tell: Tell = lambda done, total, what: None) -> None:
    """Do one job of the kind base; `tell` hears how far it is, as the job's row does. Raises `NotBegun`, saying what to do."""
    chosen = ChosenBase.objects.select_related("campaign", "who", "checkpoint").get(job=job)
    pulse = Pulse(job, 0)

    def hear(done: int, total: int, what: str) -> None:
        pulse.total = total
        pulse(done, f"{what} {chosen.name}, in MB")
        tell(done, total, what)

    try:
        kept = chosen.checkpoint
        file = storage.local(kept.stored) if kept else bases.base_file(chosen.name, chosen.campaign.stem, hear)
    except NotFetched as problem:
        raise services.NotBegun(str(problem)) from problem
    pulse(pulse.total, f"trying {chosen.name} on a second of sound")
    done = partial(services.finish, job=job)
    if SharedModel.objects.filter(campaign=chosen.campaign).exists():
        go_on_from(chosen.campaign, file, who=chosen.who, also=done, job=job)
    else:
        begin_with(chosen.campaign, file, who=chosen.who, also=done)


def begin_with(campaign: Campaign, file: Path, *, who: Membership | None = None, also: Callable[[], None] = lambda: None) -> Checkpoint:
    """Give a campaign its first checkpoint, and do `also` what belongs to it; nothing is done where a round could not end.

    Raises `NotBegun`, saying what to do.
    """
    with _said(), transaction.atomic():
        row = services.share_file(campaign=campaign, file=file, who=who)
        check_ready(campaign, row)
        also()
    return row


def go_on_from(
    campaign: Campaign, file: Path, *, job: Job, who: Membership | None = None, also: Callable[[], None] = lambda: None
) -> Checkpoint:
    """The same of a campaign that has a checkpoint: measure both on its gate songs, and let it go on from the base of this file."""
    with _said():
        try_checkpoint(file, campaign)
        with transaction.atomic():
            row = services.keep_checkpoint(file=file)
            check_ready(campaign, row)
        before = SharedModel.objects.select_related("current").get(campaign=campaign).current
        if before != row:
            compare_on_gate_songs(campaign, before, row, job)
        with transaction.atomic():
            services.change_base(campaign=campaign, base=row, who=who)
            also()
            if not services.take_over_trial(campaign=campaign, tracks=selectors.songs_to_try(campaign)):
                with suppress(services.NothingToTry):
                    services.try_base(campaign=campaign, name=Trial.OWN)
    return row


@contextmanager
def _said() -> Iterator[None]:
    """What a base is not fit for becomes the job's reason."""
    try:
        yield
    except (BadCheckpoint, BadRecipe, NoReplay, UnfitCheckpoint, services.AlreadyShared, services.SameBase) as problem:
        raise services.NotBegun(str(problem)) from problem


def compare_on_gate_songs(campaign: Campaign, before: Checkpoint, base: Checkpoint, job: Job) -> None:
    """Keep the figures of both on the gate songs, each song by both or by none: what the change of the base changed."""
    separators = {row: load(row) for row in (before, base)}
    rate, usable = max(row.sample_rate for row in separators), UsableTracks(job)
    songs = in_use(campaign, Track.Use.GATE, "mixture", campaign.stem)
    pulse, numbers = Pulse(job, len(songs)), count(1)

    def on_song(track: Track) -> tuple[Track, dict[Checkpoint, Figures]]:
        job.work_on(track, f"measuring both bases on {track.name}")
        pulse(next(numbers), f"measuring both bases on {track.name}")
        song = reference(track, rate)
        with blamed(track, "It cannot be separated and measured"):
            return track, {row: figures(song, separate(separator, song.mixture, rate)) for row, separator in separators.items()}

    found = usable.through("measured with both bases", songs, on_song)
    job.work_on(None)
    for row in separators:
        measured = Measured({track.pk: of_song[row] for track, of_song in found})
        keep(
            campaign=campaign,
            subject=Evaluation.Subject.CHECKPOINT,
            checkpoint=row,
            use=Track.Use.GATE,
            tracks=[track for track, _ in found],
            measured=measured,
        )
