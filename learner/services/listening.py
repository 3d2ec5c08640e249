"""Listening tests are made here, since checkpoints have to separate their songs; what people then say is annotation's."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from http import HTTPStatus

import numpy as np
from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, ListeningClip, ListeningTest, Membership, Track
from learner.models import Checkpoint
from learner.selectors.listening import lacks_estimate, songs_to_draw
from learner.services.separations import queue_separation

MOST_SONGS, MOST_EACH = 60, 3


class NobodyListens(DomainError):
    """This campaign has ended, and asks nobody any more: open it again first."""


class NothingToCompare(DomainError):
    """A listening test needs two different checkpoints that extract the same stem."""

    status = HTTPStatus.BAD_REQUEST


class NoSongLeft(DomainError):
    """There is no song in the pool that nobody has marked: choose songs by hand."""


@transaction.atomic
def begin_test(
    *,
    campaign: Campaign,
    who: Membership,
    checkpoint: Checkpoint,
    other: Checkpoint,
    tracks: Sequence[Track] = (),
    n_songs: int = 10,
    n_each: int = 1,
    place: str = ListeningTest.Place.MOST,
    seconds: float = 10.0,
    asks_leak: bool = False,
    by_links: bool = False,
) -> ListeningTest:
    """Begin to compare two checkpoints on these songs, or on `n_songs` drawn among those of the pool that nobody has marked.

    `n_each` clips of each song, where it has room for them. A clip is before the listeners as soon as both checkpoints have separated its
    song. Raises `NothingToCompare`, `NoSongLeft`, `NobodyListens`, and `FileRemoved` where a checkpoint's file is gone.
    """
    if campaign.ended:
        raise NobodyListens
    if checkpoint == other or {checkpoint.stem, other.stem} != {campaign.stem}:
        raise NothingToCompare
    seed = secrets.randbelow(2**31)
    chosen = list(tracks)[:MOST_SONGS] or _drawn(campaign, min(n_songs, MOST_SONGS), np.random.default_rng(seed))
    if not chosen:
        raise NoSongLeft
    test = ListeningTest.objects.create(
        campaign=campaign,
        checkpoint=checkpoint.hash,
        other=other.hash,
        drawn=not tracks,
        place=place,
        seconds=seconds,
        asks_leak=asks_leak,
        by_links=by_links,
        seed=seed,
    )
    numbers = range(min(n_each, MOST_EACH))
    ListeningClip.objects.bulk_create(ListeningClip(test=test, track=track, number=n) for track in chosen for n in numbers)
    _separate(chosen, checkpoint, other)
    about = {"test": test.pk, "checkpoint": checkpoint.hash, "other": other.hash, "songs": len(chosen)}
    record(campaign, "listening.begun", who=who, after=about)
    return test


@transaction.atomic
def ask_again(*, test: ListeningTest, who: Membership) -> int:
    """Have the songs separated again whose clips have no place yet; returns how many. Raises `FileRemoved`."""
    if test.ended:
        return 0
    tracks = list(Track.objects.filter(pk__in=test.clips.filter(start=None).values("track")).order_by("pk"))
    both = [Checkpoint.objects.get(hash=one) for one in (test.checkpoint, test.other)]
    _separate(tracks, *both)
    record(test.campaign, "listening.asked_again", who=who, after={"test": test.pk, "songs": len(tracks)})
    return len(tracks)


def _separate(tracks: Sequence[Track], checkpoint: Checkpoint, other: Checkpoint) -> None:
    """Queue what is missing; where nothing is, one job all the same, since it is the worker that finds the clips' places."""
    for track in sorted(tracks, key=lambda one: one.pk):
        missing = [one for one in (checkpoint, other) if lacks_estimate(track, one.hash)]
        for one in missing or [checkpoint]:
            queue_separation(track=track, checkpoint=one)


def _drawn(campaign: Campaign, n: int, generator: np.random.Generator) -> list[Track]:
    found = list(songs_to_draw(campaign).order_by("pk"))
    return [found[int(place)] for place in sorted(generator.permutation(len(found))[:n])]
