"""What one track can do to a job: be gone, damaged, or too much for the separator. And what is never a track's fault."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError

from annotation.files import disk_space
from annotation.models import Track

OF_THE_MACHINE = {errno.EMFILE, errno.ENFILE}
"""Too many open files: another track would fare no better, and no better where a disk has no room."""


class UnusableTrack(Exception):
    """This track cannot be used."""

    def __init__(self, track: Track, reason: str) -> None:
        super().__init__(f"{track.name}: {reason}")
        self.track, self.reason = track, reason


class NoneLeft(Exception):
    """No track is left to work with."""


@contextmanager
def blamed(track: Track, what: str) -> Iterator[None]:
    """Around work with one track's sound alone: an error in it becomes `UnusableTrack`, except of those that are the machine's.

    `what` says what could not be done, for example "It cannot be separated". That the fault is really this track's, only work on
    another can show.
    """
    try:
        yield
    except (UnusableTrack, DatabaseError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise
        if disk_space.lack_of_room(error) or disk_space.lacking_now():
            raise
        raise UnusableTrack(track, f"{what}: {words(error)}") from error


def words(error: BaseException) -> str:
    """What an error says, for people: its kind and its text, or the text of its kind where it has none."""
    return f"{type(error).__name__}: {str(error).strip() or inspect.cleandoc(type(error).__doc__ or '')}"
