"""What bases did on songs of a campaign, before anybody listened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from annotation.models import Campaign, Track
from learner.core.judging import fit
from learner.models import Job, Trial, TriedSong

SONGS = 5  # that a base is tried on
SOME = 1000  # songs without stems among which they are looked for
USES = (Track.Use.GATE, Track.Use.POOL, Track.Use.VALIDATION, Track.Use.REPLAY, Track.Use.TEST)


@dataclass(frozen=True)
class Tried:
    """A base, the job that tries it, and what came of it so far."""

    trial: Trial
    songs: Sequence[TriedSong]

    @property
    def job(self) -> Job:
        return self.trial.job

    @property
    def on_songs(self) -> list[fit.OnSong]:
        return [fit.OnSong(song.track.name, song.figures) for song in self.songs]

    @property
    def fit(self) -> fit.Fit | None:
        """Whether it suits the songs; None: it was not tried yet."""
        return fit.of_songs(self.on_songs) if self.songs else None


def trials(campaign: Campaign) -> dict[str, Tried]:
    """By the name of the base, or `Trial.OWN`; in the order in which they were asked for first."""
    found = Trial.objects.filter(campaign=campaign).select_related("job").prefetch_related("songs__track").order_by("pk")
    return {one.base: Tried(one, sorted(one.songs.all(), key=lambda song: song.pk)) for one in found}


def songs_to_try(campaign: Campaign) -> list[int]:
    """Primary keys of the songs to try a base on: those whose stems tell first, and of these such as the model is to learn.

    They are spread over uses, and over the songs of each use: songs that were added together are often of one recording or album.
    """
    tracks = Track.objects.filter(campaign=campaign, set_aside=None)
    with_stem = tracks.filter(stems__name=campaign.stem).filter(stems__name="mixture").order_by("pk")
    found: list[int] = []
    for domain in (Track.Domain.TARGET, Track.Domain.SOURCE):
        of_use = [_spread(list(with_stem.filter(domain=domain, use=use).values_list("pk", flat=True))) for use in USES]
        found += [pk for turn in zip_longest(*of_use) for pk in turn if pk is not None]
    others = tracks.filter(use=Track.Use.POOL, stems__name="mixture").exclude(stems__name=campaign.stem).order_by("pk")
    return (found + _spread(list(others.values_list("pk", flat=True)[:SOME])))[:SONGS]


def _spread(keys: list[int]) -> list[int]:
    """At most `SONGS` of them, far from each other; those that come first are farthest."""
    n = min(SONGS, len(keys))
    even = [keys[number * (len(keys) - 1) // max(n - 1, 1)] for number in range(n)]
    return even[::4] + even[2::4] + even[1::2]
