"""The tracks of one job: read from the storage, and set aside where they alone spoil the work, so that one costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import transaction

from annotation import services as annotating
from annotation.files import storage
from annotation.files.unusable import NoneLeft, UnusableTrack, blamed
from annotation.models import Campaign, Stem, Track
from learner.core import audio
from learner.core.separate import BLOCK
from learner.models import Job

NAMED = 5  # tracks that a reason names one by one; the campaign's page of tracks has all that were set aside
Done = TypeVar("Done")


def in_use(campaign: Campaign, use: str, *stems: str) -> list[Track]:
    """The tracks of one use that jobs take up and that have these stems, in the order in which they came."""
    tracks = Track.objects.filter(campaign=campaign, use=use, set_aside=None).order_by("pk").prefetch_related("stems")
    return [track for track in tracks if set(stems) <= {stem.name for stem in track.stems.all()}]


def sound_of(track: Track, stem: str, sample_rate: int | None = None) -> audio.Sound:
    """A stem as it was taken in, resampled if a rate in Hz is given. Raises `UnusableTrack` where it is gone, changed or unreadable."""
    return next(_sounds(track, stem, sample_rate, [(0.0, None)]))


def blocks_of(track: Track, stem: str) -> tuple[Iterator[audio.Samples], int, int]:
    """A stem as it was taken in, in blocks of some seconds, its sample rate in Hz and channels. Raises `UnusableTrack`, also later."""
    kept, what = _kept(track, stem)
    with blamed(track, what):
        file = storage.intact(kept.file)
        _, sample_rate, channels = audio.header(file)

    def blocks() -> Iterator[audio.Samples]:
        with blamed(track, what):
            for block in audio.blocks(file, round(BLOCK * sample_rate)):
                audio.refuse_no_numbers(block)
                yield block

    return blocks(), sample_rate, channels


def sounds_of(track: Track, stem: str, sample_rate: int, spans: Iterable[tuple[float, float]]) -> list[audio.Sound]:
    """Stretches of a stem, in seconds, as `sound_of` gives the whole."""
    return list(_sounds(track, stem, sample_rate, spans))


def _sounds(track: Track, name: str, sample_rate: int | None, spans: Iterable[tuple[float, float | None]]) -> Iterator[audio.Sound]:
    stem, what = _kept(track, name)
    with blamed(track, what):
        file = storage.intact(stem.file)
        for start, end in spans:
            yield audio.read(file, sample_rate, start, end)


def _kept(track: Track, name: str) -> tuple[Stem, str]:
    """The row of a stem, and how to say that its file cannot be read. Raises `UnusableTrack`."""
    stem = next((stem for stem in track.stems.all() if stem.name == name), None)
    if stem is None:
        raise UnusableTrack(track, f"It has no {name}.")
    return stem, f"Its {name} ({stem.file}) cannot be read"


@dataclass
class UsableTracks:
    """Tells the tracks that one job can work with from those that only spoil it.

    A track is to blame where another comes through: else the fault is the machine's or the checkpoint's, and the job fails with it.
    """

    job: Job
    left_out: list[UnusableTrack] = field(default_factory=list)  # in this job, in order

    def through(
        self, doing: str, tracks: Sequence[Track], work: Callable[[Track], Done], again: Callable[[Track], object] | None = None
    ) -> list[Done]:
        """Do `work`, which may raise `UnusableTrack`, with each track, and return what came of those with which it succeeds.

        The others are set aside. Where it succeeds with none, or no longer with one that it did (`again`, or else the same work), none
        is, and `NoneLeft` says what is wrong. `doing` goes on after "could be", for example "separated and scored".
        """
        done, good, unusable = [], [], []
        for track in tracks:
            try:
                done.append(work(track))
                good.append(track)
            except UnusableTrack as error:
                unusable.append(error)
        if unusable and not good:
            raise NoneLeft(f"Not one of {len(unusable)} tracks could be {doing}. {_listed(unusable)}")
        self.set_aside(unusable, doing, lambda: (again or work)(good[-1]))
        return done

    def set_aside(self, unusable: Iterable[UnusableTrack], doing: str, proof: Callable[[], object]) -> None:
        """Set these tracks aside, once `proof` has shown that another track still comes through; raises `NoneLeft` where it does not."""
        unusable = list(unusable)
        if not unusable:
            return
        try:
            proof()
        except UnusableTrack as error:
            raise NoneLeft(
                f"From some moment on no track could be {doing}, so no track is to blame. {error} "
                f"That one had come through before. {_listed(unusable)}"
            ) from error
        with transaction.atomic():
            self.job.hold()
            for one in unusable:
                annotating.set_aside(track=one.track, reason=one.reason)
        self.left_out += unusable

    @property
    def words(self) -> list[str]:
        """What was left out, for those who read a verdict."""
        named = [f"Left out: {one.track.name} ({one.track.use}). {one.reason}" for one in self.left_out[:NAMED]]
        return named + ([f"Left out: {len(self.left_out) - NAMED} more."] if len(self.left_out) > NAMED else [])


def _listed(unusable: Sequence[UnusableTrack]) -> str:
    more = f" And {len(unusable) - NAMED} more." if len(unusable) > NAMED else ""
    return " ".join(str(one) for one in unusable[:NAMED]) + more
