"""Files of songs that people send piece by piece, and what becomes of them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import IO, Protocol

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.words import count
from annotation.events import record
from annotation.files import disk_space
from annotation.models import Membership
from learner.core import audio
from learner.core.files.names import readable
from learner.models import Intake, Job, Upload
from learner.services.jobs import queue_job

LARGEST = 2 * 1024**3  # bytes of one file
MOST_FILES = 5000  # of one intake
SPARE = 1024**3  # bytes that stay free on the disk
LONGEST_NAME = 200  # bytes of a file's or folder's name
ENDINGS = (*audio.SUFFIXES, ".mp4", ".zip")
KEPT = timedelta(days=14)  # that files wait which nobody takes in
PIECE = 1 << 20


class NotTaken(DomainError):
    """This file cannot be taken."""

    status = HTTPStatus.BAD_REQUEST


class NoRoomFor(NotTaken):
    """The disk has no room for this file."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    retry_after = 30


class TooLarge(NotTaken):
    """This file is too large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Busy(DomainError):
    """Another connection sends this file just now."""

    status = HTTPStatus.LOCKED


class WrongOffset(DomainError):
    """The bytes that were sent do not begin where those that are here end."""


class NotOpen(DomainError):
    """These files were taken in, or discarded: begin anew."""

    status = HTTPStatus.GONE


class Arriving(Protocol):
    """A file that arrives in pieces: what it is called, its bytes when it is whole, and where it lies before and then."""

    path: str
    size: int

    @property
    def part(self) -> Path: ...

    @property
    def whole(self) -> Path: ...


def begin_intake(*, who: Membership, use: str, domain: str, licence: str = "") -> Intake:
    """A place for files of songs for one use. Raises `ValidationError`."""
    intake = Intake(campaign=who.campaign, who=who, use=use, domain=domain, licence=licence)
    intake.full_clean()
    intake.save()
    return intake


@transaction.atomic
def begin_upload(*, intake: Intake, path: str, size: int) -> Upload:
    """A place for one file; the same path and size again give the same place, so that what came of it stays.

    Raises `NotTaken` and `NotOpen`.
    """
    intake = Intake.objects.select_for_update().get(pk=intake.pk)
    _check_open(intake)
    path = _checked(path)
    if size < 1:
        raise NotTaken(f"{path} is empty.")
    if size > LARGEST:
        raise TooLarge(f"{path} has {size / 1e9:.1f} GB; a file may have at most 2 GB.")
    if known := intake.uploads.filter(path=path).first():
        if known.size == size:
            return known
        _remove(known)
    if intake.uploads.count() >= MOST_FILES:
        raise NotTaken(f"At most {MOST_FILES} files can be sent together; send the others by themselves.")
    coming = sum(one.size - one.offset for one in intake.uploads.all())
    if (free := disk_space.free(intake.folder)) < size + coming + SPARE:
        raise NoRoomFor(f"{path} needs {size / 1e6:.0f} MB, and {max(0, free - SPARE - coming) / 1e6:.0f} MB are free for songs.")
    return Upload.objects.create(intake=intake, path=path, size=size)


def _checked(path: str) -> str:
    """The path below the folder that was dropped, as it may be kept. Raises `NotTaken`."""
    names = path.replace("\\", "/").strip("/").split("/")
    if any(name in ("", ".", "..") or not name.isprintable() or len(name.encode()) > LONGEST_NAME for name in names):
        raise NotTaken(f"{path[:100]!r} cannot be kept: a name may have {LONGEST_NAME} bytes, and none may be '..' or unprintable.")
    checked = "/".join(names)
    if len(checked) > (Upload._meta.get_field("path").max_length or 0):
        raise NotTaken(f"{path[:100]!r} … is too long: put it into fewer folders.")
    if not checked.casefold().endswith(ENDINGS):
        raise NotTaken(f"{names[-1]} is no kind of file that is read here; allowed are {audio.ALLOWED}, .stem.mp4, and .zip of these.")
    return checked


def append(*, upload: Upload, offset: int, source: IO[bytes]) -> int:
    """Add bytes to a file, and return how many are here then; what came before a broken line stays.

    `source` is read to its end. Raises `WrongOffset`, `Busy`, `NotTaken` (more bytes than the file has) and `NotOpen`.
    """
    _check_open(upload.intake)
    return add_bytes(upload, offset, source)


def add_bytes(upload: Arriving, offset: int, source: IO[bytes]) -> int:
    """The same for a file of any kind that arrives in pieces. Raises `WrongOffset`, `Busy` and `NotTaken`."""
    upload.part.parent.mkdir(parents=True, exist_ok=True)
    if upload.whole.is_file():
        raise WrongOffset(f"{upload.path} is here whole.")
    with _locked(upload) as file:
        if file.tell() != offset:
            raise WrongOffset(f"{file.tell()} bytes of {upload.path} are here, and what was sent begins at {offset}.")
        try:
            while piece := source.read(PIECE):
                if file.tell() + len(piece) > upload.size:
                    raise NotTaken(f"{upload.path} was said to have {upload.size} bytes, and more came.")
                file.write(piece)
        finally:
            file.flush()
            os.fsync(file.fileno())
        here = file.tell()
        if here == upload.size:
            upload.whole.parent.mkdir(parents=True, exist_ok=True)
            upload.part.rename(upload.whole)
    return here


@contextmanager
def _locked(upload: Arriving) -> Iterator[IO[bytes]]:
    """The part of the file that is here, at its end, for this connection alone."""
    with upload.part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{upload.path} is sent by another connection just now.") from None
        yield file


@transaction.atomic
def remove_upload(*, upload: Upload) -> None:
    """Take one file out of its intake. Raises `NotOpen`."""
    _check_open(Intake.objects.select_for_update().get(pk=upload.intake_id))
    _remove(upload)


def _remove(upload: Upload) -> None:
    upload.part.unlink(missing_ok=True)
    upload.whole.unlink(missing_ok=True)
    upload.delete()


@transaction.atomic
def take_in(*, intake: Intake) -> Job:
    """Have a worker take the files into the campaign. Raises `NotOpen`, and `NotTaken` where some are not whole."""
    intake = Intake.objects.select_for_update().get(pk=intake.pk)
    if intake.job and not intake.is_open:
        return intake.job
    _check_open(intake)
    uploads = list(intake.uploads.all())
    if not uploads:
        raise NotTaken("Nothing was sent yet: choose files first.")
    if coming := [one for one in uploads if one.offset < one.size]:
        raise NotTaken(f"{count(len(coming), 'file')} not here whole: send the rest, or remove them. The first is {coming[0].path}.")
    intake.job = queue_job(campaign=intake.campaign, kind=Job.Kind.INGEST)
    intake.save(update_fields=["job"])
    record(intake.campaign, "songs.sent", who=intake.who, after={"files": len(uploads), "use": intake.use, "domain": intake.domain})
    return intake.job


@transaction.atomic
def take_in_folder(*, intake: Intake, who: Membership, folder: Path) -> Job:
    """Have a worker take in what lies in a folder of the server, which stays as it is.

    That the folder may be taken in is for `server_folders` to say. Raises `NotOpen`, and `NotTaken` after files were sent.
    """
    intake = Intake.objects.select_for_update().get(pk=intake.pk)
    if intake.job and not intake.is_open:
        return intake.job
    _check_open(intake)
    if intake.uploads.exists():
        raise NotTaken("Files were sent already: take those in, or throw them away and begin anew.")
    intake.server_folder = str(folder)
    intake.job = queue_job(campaign=intake.campaign, kind=Job.Kind.INGEST)
    intake.save(update_fields=["job", "server_folder"])
    about = {"folder": readable(folder), "use": intake.use, "domain": intake.domain}
    record(intake.campaign, "songs.of_server", who=who, after=about)
    return intake.job


def discard(*, intake: Intake) -> bool:
    """Throw away files that were sent and not taken in. False: they are gone, or are taken in already."""
    if not _unused().filter(pk=intake.pk).update(discarded=now()):
        return False
    shutil.rmtree(intake.folder, ignore_errors=True)
    return True


def discard_old() -> int:
    """Throw away what nobody took in within two weeks; returns how many intakes that were."""
    return sum(discard(intake=one) for one in old())


def old() -> QuerySet[Intake]:
    """Intakes with files that nobody took in within two weeks."""
    return _unused().filter(created__lt=now() - KEPT)


def _unused() -> QuerySet[Intake]:
    """Those whose files were neither taken in nor thrown away."""
    return Intake.objects.filter(Q(job=None) | Q(job__state=Job.State.FAILED), discarded=None)


def _check_open(intake: Intake) -> None:
    if not intake.is_open:
        raise NotOpen(str(NotOpen.__doc__))
