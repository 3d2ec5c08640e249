"""Bases that site admins bring by the browser: sent piece by piece, looked at by a worker, kept for every campaign."""

from __future__ import annotations

import shutil
from http import HTTPStatus
from typing import IO

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import disk_space
from annotation.models import Membership
from learner.core.bases import NAMES
from learner.core.bases.limited import LARGEST
from learner.models import Checkpoint, Job, UploadedBase
from learner.services.intakes import KEPT, LONGEST_NAME, SPARE, NoRoomFor, NotOpen, NotTaken, TooLarge, add_bytes
from learner.services.jobs import OPEN, queue_job

ENDING = ".safetensors"


class NotThisName(DomainError):
    """A base that is fetched has this name: choose another."""

    status = HTTPStatus.BAD_REQUEST


def begin_base(*, who: Membership, name: str, licence: str) -> UploadedBase:
    """A place for the file of a base. Raises `ValidationError`, and `NotThisName`."""
    base = UploadedBase(name=name.strip(), licence=licence.strip(), campaign=who.campaign, who=who)
    base.full_clean()
    if base.name in NAMES:
        raise NotThisName
    base.save()
    return base


@transaction.atomic
def begin_file(*, base: UploadedBase, path: str, size: int) -> UploadedBase:
    """A place for its file; the same name and size again give the same place, so that what came of it stays.

    Raises `NotTaken` and `NotOpen`.
    """
    base = _open(base)
    name = path.replace("\\", "/").rpartition("/")[2]
    if not name.casefold().endswith(ENDING) or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise NotTaken(
            f"{path[:100]!r} is not taken: a base is a checkpoint in a {ENDING} file. Who has weights of another kind makes one of them "
            'with "python -m learner.core import".'
        )
    if not 0 < size <= LARGEST:
        raise TooLarge(f"{name} has {size / 1e9:.1f} GB; a base may have at most {LARGEST / 1e9:.1f} GB, and must not be empty.")
    if (base.path, base.size) == (name, size):
        return base
    shutil.rmtree(base.folder, ignore_errors=True)
    if (free := disk_space.free(base.folder)) < 2 * size + SPARE:  # it is kept beside, when it was looked at
        raise NoRoomFor(f"{name} needs {2 * size / 1e6:.0f} MB, and {max(0, free - SPARE) / 1e6:.0f} MB are free.")
    base.path, base.size = name, size
    base.save(update_fields=["path", "size"])
    return base


def append(*, base: UploadedBase, offset: int, source: IO[bytes]) -> int:
    """Add bytes to its file, and return how many are here then. Raises `WrongOffset`, `Busy`, `NotTaken` and `NotOpen`."""
    _open(base, lock=False)
    return add_bytes(base, offset, source)


@transaction.atomic
def check_base(*, base: UploadedBase, who: Membership) -> Job:
    """Have a worker look at the file; asked for twice, it is one job. Raises `NotOpen`, and `NotTaken` where it is not here whole."""
    locked = UploadedBase.objects.select_for_update(of=("self",)).select_related("job").get(pk=base.pk)
    if locked.job and locked.job.is_open:
        return locked.job
    _open(locked, lock=False)
    if not locked.is_here:
        raise NotTaken("The file is not here whole: choose it first, or again to go on.")
    locked.job = queue_job(campaign=who.campaign, kind=Job.Kind.CHECK)
    locked.save(update_fields=["job"])
    record(who.campaign, "base.sent", who=who, after={"base": locked.name, "file": locked.path, "size": locked.size})
    return locked.job


@transaction.atomic
def keep_base(*, base: UploadedBase, checkpoint: Checkpoint) -> None:
    """What the file has become, when it was looked at: from now on campaigns may begin with it."""
    UploadedBase.objects.filter(pk=base.pk).update(checkpoint=checkpoint)
    Checkpoint.objects.filter(pk=checkpoint.pk, name="").update(name=base.name)
    if base.campaign:
        about = {"base": base.name, "licence": base.licence, "checkpoint": checkpoint.hash}
        record(base.campaign, "base.uploaded", who=base.who, after=about)


def old_uploads() -> QuerySet[UploadedBase]:
    """Those that nobody had looked at within two weeks, or that were refused as long ago."""
    return UploadedBase.objects.filter(checkpoint=None, created__lt=now() - KEPT).exclude(job__state__in=OPEN)


def discard_old() -> int:
    """Throw these away; returns how many they were."""
    found = list(old_uploads())
    for one in found:
        shutil.rmtree(one.folder, ignore_errors=True)
        one.delete()
    return len(found)


def _open(base: UploadedBase, *, lock: bool = True) -> UploadedBase:
    if lock:
        base = UploadedBase.objects.select_for_update(of=("self",)).select_related("job").get(pk=base.pk)
    if not base.is_open:
        raise NotOpen("This base is being looked at, or is kept already: begin anew to bring another.")
    return base
