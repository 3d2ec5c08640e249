"""What goes by the operator's rules: what can be made again, has run out, or was never used.

`tidy` does it a small step at a time, so that the clock can do other things in between; killed anywhere, the next call goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.utils.timezone import now

from annotation.files import previews, storage
from annotation.services import effects
from hub.accounts.models import Tries
from hub.accounts.wrong_passwords import KNOWN
from learner.models import Export
from learner.services import deleting, exports, imports, intakes, leftovers, sent_songs, uploaded_bases

EFFECTS = "sounds of what marks change"
PREVIEWS = "sounds and pictures of clips"
CHECKPOINTS = "files of checkpoints that were never used"
ESTIMATES = "estimates by checkpoints out of use"
FILES = "files of both removed"
SESSIONS = "sessions that ran out"
TRIES = "counts of wrong passwords"
UNFINISHED = "files that were never finished"
CAMPAIGNS = "rows of campaigns that were deleted"
UPLOADS = "uploads that nobody took in"
EXPORTS = "files of old exports"
SENT_SONGS = "songs that were sent to be separated"


@dataclass(frozen=True)
class Rules:
    """Days after which each kind goes; 0: never."""

    previews: int
    estimates: int
    checkpoints: int

    @classmethod
    def of_settings(cls) -> Rules:
        return cls(settings.PREVIEW_DAYS, settings.ESTIMATE_DAYS, settings.REFUSED_CHECKPOINT_DAYS)


STRICTEST = Rules(1, 1, 1)


@dataclass(frozen=True)
class Gone:
    """So many of one kind, and their bytes where these are files."""

    what: str
    n: int
    n_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.what}: {self.n}" + (f" ({self.n_bytes / 1e6:.1f} MB)" if self.n_bytes else "")


def tidy(rules: Rules) -> Iterator[Gone]:
    """Remove what may go, in small steps; each says what went."""
    yield Gone(SESSIONS, _sessions().delete()[0])
    _listed_sessions().delete()
    yield Gone(TRIES, _tries().delete()[0])
    yield Gone(EFFECTS, effects.old_effects().delete()[0])
    for n in deleting.remove_deleted():
        yield Gone(CAMPAIGNS, n)
    for n in leftovers.release_estimates(rules.estimates) if rules.estimates else ():
        yield Gone(ESTIMATES, n)
    for n in leftovers.release_checkpoints(rules.checkpoints) if rules.checkpoints else ():
        yield Gone(CHECKPOINTS, n)
    yield Gone(EXPORTS, exports.remove_old())
    for sizes in leftovers.remove_released():
        yield Gone(FILES, len(sizes), sum(sizes))
    for file in _unopened(rules):
        yield Gone(PREVIEWS, 1, _removed(file))
    for file in storage.unfinished():
        yield Gone(UNFINISHED, 1, _removed(file))
    yield Gone(UPLOADS, intakes.discard_old() + uploaded_bases.discard_old() + imports.discard_old())
    yield Gone(SENT_SONGS, sent_songs.remove_old())


def what_may_go(rules: Rules) -> list[Gone]:
    """The same, with nothing removed. Bytes that several rows name are counted for each, and stay until the last of them goes."""
    found = [
        _files(PREVIEWS, _unopened(rules)),
        _files(UNFINISHED, storage.unfinished()),
        Gone(UPLOADS, intakes.old().count() + uploaded_bases.old_uploads().count() + imports.old().count()),
        Gone(SENT_SONGS, sent_songs.old_songs().filter(removed=None).count()),
        Gone(SESSIONS, _sessions().count()),
        Gone(TRIES, _tries().count()),
        Gone(EFFECTS, effects.old_effects().count()),
        Gone("campaigns that were deleted", deleting.due().count()),
        Gone(EXPORTS, *_number_and_bytes(exports.old_exports())),
    ]
    if rules.estimates:
        found.append(_stored(ESTIMATES, leftovers.unused_estimates(rules.estimates)))
    if rules.checkpoints:
        found.append(_stored(CHECKPOINTS, leftovers.unused_checkpoints(rules.checkpoints)))
    return found


def together(gone: Iterable[Gone]) -> list[Gone]:
    """One for each kind of which there was any."""
    n: Counter[str] = Counter()
    n_bytes: Counter[str] = Counter()
    for one in gone:
        n[one.what] += one.n
        n_bytes[one.what] += one.n_bytes
    return [Gone(what, n[what], n_bytes[what]) for what in n if n[what]]


def _number_and_bytes(rows: QuerySet[Export]) -> tuple[int, int]:
    found = rows.aggregate(n=Count("pk"), n_bytes=Sum("n_bytes", default=0))
    return found["n"], found["n_bytes"]


def _unopened(rules: Rules) -> Iterable[Path]:
    return previews.unopened(rules.previews) if rules.previews else ()


def _sessions() -> QuerySet[Any]:
    sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    found: QuerySet[Any] = sessions.objects.filter(expire_date__lt=now())
    return found


def _listed_sessions() -> QuerySet[Any]:
    """What people were shown of sessions that are no more, the browser's name among it."""
    found: QuerySet[Any] = UserSession.objects.exclude(Exists(Session.objects.filter(session_key=OuterRef("session_key"))))
    return found


def _tries() -> QuerySet[Tries]:
    return Tries.objects.filter(wait_until__lt=now() - KNOWN)


def _removed(file: Path) -> int:
    """Remove a file and return its bytes; 0: somebody was quicker."""
    n_bytes = _size(file)
    file.unlink(missing_ok=True)
    return n_bytes


def _stored(what: str, rows: QuerySet[Any]) -> Gone:
    return _files(what, map(storage.local, rows.values_list("file", flat=True)))


def _files(what: str, files: Iterable[Path]) -> Gone:
    sizes = [_size(file) for file in files]
    return Gone(what, len(sizes), sum(sizes))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
