"""What bases did on songs of a campaign, before anybody listened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.models import Campaign, Track
from learner.core.judging import fit
from learner.models import Job, Trial, TriedSong

SONGS = 5  # that a base is tried on


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
    """Primary keys of the songs to try a base on: those whose stems tell first, and of these such as the model is to learn."""
    tracks = Track.objects.filter(campaign=campaign, set_aside=None)
    with_stem = tracks.filter(stems__name=campaign.stem).filter(stems__name="mixture")
    order = {use: number for number, use in enumerate(("gate", "validation", "pool", "replay", "test"))}
    known = sorted(with_stem.values_list("domain", "use", "pk"), key=lambda one: (one[0] != Track.Domain.TARGET, order[one[1]], one[2]))
    found = [pk for _, _, pk in known[:SONGS]]
    others = tracks.filter(use=Track.Use.POOL, stems__name="mixture").exclude(stems__name=campaign.stem).order_by("pk")
    return found + list(others.values_list("pk", flat=True)[: SONGS - len(found)])
