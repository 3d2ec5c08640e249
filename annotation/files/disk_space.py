"""Room on the disk: which errors come of its lack, and how much there is."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import Error as DatabaseError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Nothing can be written there, whoever tries. `learner.core.files.disk_space` has the same for what works without this."""

AS_SAID = tuple(os.strerror(number) for number in NO_ROOM)  # PostgreSQL passes the system's words on
PROBE = bytes(1 << 20)
LONGEST_PATH = 120  # characters that are told of it


@dataclass(frozen=True)
class Lack:
    """What the system said about a disk without room, and of which file, as far as that is known."""

    said: str
    path: Path | None = None

    def __str__(self) -> str:
        read_only = os.strerror(errno.EROFS) in self.said
        room = "it cannot be written" if read_only else f"{free(self.path or Path(settings.HOME)) / 1e6:.0f} MB are free"
        path = str(self.path) if self.path else ""
        named = f": {path if len(path) <= LONGEST_PATH else f'…{path[1 - LONGEST_PATH :]}'}" if path else ""
        return f"{room}. {self.said}{named}"


def lack_of_room(error: BaseException | None) -> Lack | None:
    """What is known of the disk where an error comes of its lack of room, also by way of others; None: it comes of something else.

    Of the database it is one too: PostgreSQL passes on what its own disk said.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return Lack(os.strerror(error.errno), Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None)
        if isinstance(error, psycopg.errors.DiskFull) or (
            isinstance(error, psycopg.Error | DatabaseError) and any(words in str(error) for words in AS_SAID)
        ):
            return Lack(str(error).partition("\n")[0])
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def free(path: Path) -> int:
    """Bytes that are free on the disk of `path`, or of its nearest parent that there is; 0 where not even that can be asked."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(next(one for one in (path, *path.parents) if one.exists())).free
    return 0


def lacking_now() -> Lack | None:
    """What a disk says that cannot take another megabyte now, of those that jobs write to; None: there is room on all of them.

    For errors that do not say where they come from: libraries know many words for a full disk ("System error", "write failed").
    """
    for folder in places("storage", "work"):
        try:
            with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
                left = PROBE
                while left:  # the system takes what there is room for, and says no to the rest
                    left = left[probe.write(left) :]
        except OSError as error:
            if error.errno in NO_ROOM:
                return Lack(os.strerror(error.errno), folder)
    return None


def places(*inside: str) -> list[Path]:
    """Folders that are written to, one of each disk: the home, those `inside` it that have a disk of their own, and scratch."""
    home = Path(settings.HOME)
    try:
        scratch = Path(tempfile.gettempdir())
    except FileNotFoundError:  # which it says also where all are full
        scratch = Path(os.environ.get("TMPDIR") or "/tmp")
    found: dict[int, Path] = {}
    for folder in (home, *(home / name for name in inside), scratch):
        with contextlib.suppress(OSError):
            found.setdefault(folder.stat().st_dev, folder)
    return list(found.values()) if home.exists() else [home, *found.values()]


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Where what is done in it finds no room, the error says for which file: writing to an open one, the system names none."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise
