"""Room on the disks that a home and scratch lie on."""

from __future__ import annotations

import errno
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from annotation.files.disk_space import NO_ROOM, places

FAULTS = NO_ROOM | {errno.EIO}  # of the disk, not of what is written
LOW = 2e9  # bytes free; a round of a large campaign may take as much
FULL = 1e8  # bytes free; below, PostgreSQL and files may fail at any moment

INSIDE = ("postgres", "storage", "work", "previews")  # folders of the home that may be disks of their own


class Room(StrEnum):
    """How much there is, for programs that watch."""

    ENOUGH = "enough"
    LOW = "low"
    FULL = "full"  # or it cannot be written


def room() -> Room:
    """How much room there is on the disk that has least, of those that the platform writes to."""
    found = {_look(folder)[0] for folder in places(*INSIDE)}
    return next(one for one in (Room.FULL, Room.LOW, Room.ENOUGH) if one in found)


def wrong() -> str | None:
    """What is wrong with the disks, and what to do, in a sentence for each; None: all can be written, and have room."""
    return " ".join(said for folder in places(*INSIDE) if (said := _look(folder)[1])) or None


def _look(folder: Path) -> tuple[Room, str]:
    refused = ""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in NO_ROOM - {errno.EROFS}:
            return Room.FULL, (
                f"{folder} cannot be written ({error.strerror}). Mend the disk or mount it writable; everything goes on by itself then."
            )
        refused = f" ({error.strerror})"  # of files there may be no more, however much is free
    free = shutil.disk_usage(folder).free
    if refused or free < FULL:
        return Room.FULL, (
            f"The disk of {folder} is full: {free / 1e6:.0f} MB are free{refused}. Make room now; answers and jobs wait for it."
        )
    if free < LOW and folder.is_relative_to(settings.HOME):  # scratch is given back, and may be a small disk of its own
        return Room.LOW, (f"The disk of {folder} is nearly full: {free / 1e9:.1f} GB are free. Make room before it stops answers and jobs.")
    return Room.ENOUGH, ""
