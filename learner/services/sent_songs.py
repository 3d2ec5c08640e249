"""Songs that people send to be separated: taken in, separated by a checkpoint, removed by them or by the clock."""

from __future__ import annotations

import math
import shutil
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import IO

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet, Sum
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import disk_space
from annotation.models import Membership
from learner.core import audio
from learner.models import Checkpoint, Job, SentSong
from learner.services.intakes import LONGEST_NAME, SPARE, NoRoomFor, NotTaken, TooLarge, add_bytes
from learner.services.jobs import OPEN, finish, queue_job

LARGEST = 500_000_000  # bytes of one file
MOST_EACH = 20  # songs that one person has at a time, in one campaign
A_DAY = timedelta(days=1)  # over which the minutes are counted
PER_SECOND = 4 * 3 * 2 * 44_100  # bytes that four sounds of a second take, about


class NotOpenToYou(DomainError):
    """Only owners, managers and researchers of this campaign have songs separated, unless its settings open that to all members."""

    status = HTTPStatus.FORBIDDEN


class NoModel(DomainError):
    """The campaign has no model yet: there is nothing to separate a song by."""

    status = HTTPStatus.CONFLICT


class TooMany(DomainError):
    """You have sent as many songs as one person may have here at a time: remove one that you need no more."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, first_goes: datetime) -> None:
        super().__init__()
        self.retry_after = _seconds_until(first_goes)


class TooManyMinutes(DomainError):
    """That is more than one person may have separated in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, words: str, first_asked: datetime | None) -> None:
        super().__init__(words)
        self.retry_after = _seconds_until(first_asked + A_DAY) if first_asked else None


class NotHere(NotTaken):
    """This song was removed, or is being separated."""

    status = HTTPStatus.CONFLICT


def check_allowed(member: Membership) -> None:
    """Raise `NotOpenToYou` where this person may not have songs separated."""
    if not (member.takes_data or (member.active and member.campaign.all_separate)):
        raise NotOpenToYou


def minutes_left(member: Membership) -> float:
    """Minutes of song that this person may have separated now."""
    taken: float = _of_today(member).aggregate(taken=Sum("charged"))["taken"] or 0.0
    return max(0.0, settings.SEPARATED_MINUTES - taken / 60)


def _of_today(member: Membership) -> QuerySet[SentSong]:
    return SentSong.objects.filter(who=member, asked__gt=now() - A_DAY)


def _seconds_until(when: datetime) -> int:
    """Whole ones, at least one."""
    return max(1, math.ceil((when - now()).total_seconds()))


def begin_song(*, who: Membership, path: str, size: int) -> SentSong:
    """A place for the file of one song; the same name and size again give the same place, so that what came of it stays.

    Raises `NotOpenToYou`, `NotTaken` and `TooMany`.
    """
    same = SentSong.objects.filter(who=who, removed=None, job=None, path=_name(path), size=size)
    return same.select_related("job").order_by("-pk").first() or new_song(who=who, path=path, size=size)


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


@transaction.atomic
def new_song(*, who: Membership, path: str, size: int) -> SentSong:
    """The same, and a place of its own in any case."""
    check_allowed(who)
    name = _name(path)
    if not name.isprintable() or len(name.encode()) > LONGEST_NAME or not name.casefold().endswith(audio.SUFFIXES):
        raise NotTaken(f"{name[:100]!r} is no kind of file that is read here; allowed are {audio.ALLOWED}.")
    if size < 1:
        raise NotTaken(f"{name} is empty.")
    if size > LARGEST:
        raise TooLarge(f"{name} has {size / 1e6:.0f} MB; a song may have at most {LARGEST // 1_000_000} MB.")
    # Locked, so that songs sent at once are counted right.
    Membership.objects.select_for_update(of=("self",)).get(pk=who.pk)
    here = SentSong.objects.filter(who=who, removed=None)
    if here.count() >= MOST_EACH:
        raise TooMany(min(one.goes for one in here))
    song = SentSong(campaign=who.campaign, who=who, path=name, size=size)
    if (free := disk_space.free(song.folder)) < size + SPARE:
        raise NoRoomFor(f"{name} needs {size / 1e6:.0f} MB, and {max(0, free - SPARE) / 1e6:.0f} MB are free for songs.")
    song.save()
    return song


def append(*, song: SentSong, offset: int, source: IO[bytes]) -> int:
    """Add bytes to its file, and return how many are here then. Raises `WrongOffset`, `Busy`, `NotTaken` and `NotHere`."""
    _check_open(song)
    return add_bytes(song, offset, source)


@transaction.atomic
def separate_song(*, song: SentSong, checkpoint: Checkpoint, beside: Checkpoint | None = None) -> Job:
    """Have a worker separate a song that is here whole, or once more by others; asked for twice, it is one job.

    What another checkpoint makes of it, `beside`, is to be compared with; what is there already stays. Raises `NotOpenToYou`,
    `NotTaken` where it cannot be read, `TooManyMinutes`, `NoRoomFor`, `NotHere` and `FileRemoved`.
    """
    check_allowed(song.who)
    Membership.objects.select_for_update(of=("self",)).get(pk=song.who_id)
    row = SentSong.objects.select_for_update(of=("self",)).select_related("job", "campaign", "who").get(pk=song.pk)
    if row.job and row.job.is_open:
        return row.job
    if row.removed or row.refused:
        raise NotHere
    seconds = row.seconds or _length(row)
    left = minutes_left(row.who)
    if seconds > 60 * left:
        raise TooManyMinutes(
            f"{row.path} lasts {seconds / 60:.1f} minutes, and {left:.1f} are left of the {settings.SEPARATED_MINUTES} that one person may "
            "have separated in 24 hours.",
            _of_today(row.who).aggregate(first=Min("asked"))["first"],
        )
    if disk_space.free(row.folder) < seconds * PER_SECOND + SPARE:
        raise NoRoomFor(f"The disk has no room for what is made of {row.path}.")
    wanted = {"stem": checkpoint, "rest": checkpoint, "before": beside if beside != checkpoint else None}
    assert checkpoint.stored and (beside is None or beside.stored)
    had = {"stem": row.checkpoint, "rest": row.checkpoint, "before": row.beside}
    for name in [name for name in wanted if wanted[name] != had[name]]:
        if made := row.sound(name):
            made.unlink()
    row.charged = seconds + (row.charged if row.asked and row.asked > now() - A_DAY else 0.0)
    row.seconds, row.checkpoint, row.beside, row.asked = seconds, checkpoint, wanted["before"], now()
    row.job = queue_job(campaign=row.campaign, kind=Job.Kind.SONG)
    row.save()
    record(row.campaign, "songs.separated", who=row.who, after={"seconds": round(seconds, 1), "checkpoint": checkpoint.hash})
    return row.job


def _length(song: SentSong) -> float:
    """Seconds, by the file's header where that says it: the worker counts what it decodes."""
    if not song.whole.is_file():
        raise NotTaken(f"{song.path} is not here whole: send the rest of it, or remove it.")
    try:
        n_samples, rate, _ = audio.header(song.whole)
    except audio.BadAudio as wrong:
        raise NotTaken(f"{song.path}: {wrong}") from wrong
    return n_samples / rate


def _check_open(song: SentSong) -> None:
    if not song.is_open:
        raise NotHere


def drop(*, song: SentSong) -> None:
    """Forget a song that was refused before anything was made of it."""
    song.delete()
    shutil.rmtree(song.folder, ignore_errors=True)


@transaction.atomic
def remove_song(*, song: SentSong) -> None:
    """Remove a song with all that was made of it, at once; a worker that is at it throws away what it makes."""
    if not SentSong.objects.filter(pk=song.pk, removed=None).update(removed=now(), path="", notes=[]):
        return
    Job.objects.filter(sent_song=song, state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, finished=now(), reason="The song was removed."
    )
    record(song.campaign, "songs.removed", who=song.who)
    transaction.on_commit(lambda: shutil.rmtree(song.folder, ignore_errors=True))


def remove_songs_of(member_id: int) -> int:
    """Remove all songs of a person who has left; returns how many."""
    return _remove(SentSong.objects.filter(who=member_id))


def old_songs() -> QuerySet[SentSong]:
    """Songs that were sent so many days ago, and rows of removed ones that no day counts any more; none that a worker is at."""
    of_days = Q(removed=None, created__lt=now() - timedelta(days=settings.SEPARATED_DAYS)) & ~Q(job__state__in=OPEN)
    return SentSong.objects.filter(of_days | Q(removed__lt=now() - A_DAY)).exclude(job__state=Job.State.RUNNING)


def remove_old() -> int:
    """Remove these; returns how many songs they were."""
    return _remove(old_songs())


def _remove(songs: QuerySet[SentSong]) -> int:
    n = 0
    for song in songs.select_related("job"):
        n += song.removed is None
        shutil.rmtree(song.folder, ignore_errors=True)
        if song.asked and song.asked > now() - A_DAY:
            song.removed, song.path, song.notes = song.removed or now(), "", []
            song.save(update_fields=["removed", "path", "notes"])
        else:
            song.delete()
    return n


@transaction.atomic
def keep_separated(*, song: SentSong, seconds: float) -> None:
    """The sounds are there, as long as the song says."""
    assert song.job
    finish(job=song.job)
    SentSong.objects.filter(pk=song.pk).update(seconds=seconds)


@transaction.atomic
def refuse(*, song: SentSong, reason: str) -> None:
    """It cannot be separated, which is no fault of the job."""
    assert song.job
    finish(job=song.job)
    SentSong.objects.filter(pk=song.pk).update(refused=reason)
