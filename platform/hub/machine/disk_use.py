"""How much of the disk each kind of file takes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from annotation.models import Estimate, GoldTruth, Stem
from learner.models import Checkpoint

SECONDS = 5.0  # for counting files; what lies behind is then not counted


@dataclass(frozen=True)
class Use:
    """So many files of one kind and their bytes."""

    what: str
    n: int
    n_bytes: int


def by_kind() -> tuple[list[Use], bool]:
    """Every kind, largest first, and whether all files were counted in time. A file that rows of several kinds name counts once."""
    until = time.monotonic() + SECONDS
    stored = dict(_sizes(settings.HOME / "storage", until))
    names = {
        "songs as they came": Stem.objects.values_list("file", flat=True),
        "checkpoints": Checkpoint.objects.values_list("file", flat=True),
        "gold clips": GoldTruth.objects.values_list("file", flat=True),
        "estimates: what checkpoints extracted": Estimate.objects.values_list("file", flat=True),
    }
    found = []
    for what, keys in names.items():
        sizes = [size for key in set(keys.iterator(chunk_size=10_000)) if (size := stored.pop(key, None)) is not None]
        found.append(Use(what, len(sizes), sum(sizes)))
    found.append(Use("uploads, and files that no row names any more", len(stored), sum(stored.values())))
    for what, folder in {
        "sounds and pictures of clips, made again when asked for": "previews",
        "work of jobs": "work",
        "songs that were sent to be separated": "separated",
        "logs": "logs",
    }.items():
        sizes = [size for _, size in _sizes(settings.HOME / folder, until)]
        found.append(Use(what, len(sizes), sum(sizes)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        found.append(Use("database", 1, cursor.fetchone()[0]))
    return sorted(found, key=lambda one: -one.n_bytes), time.monotonic() < until


def _sizes(folder: Path, until: float) -> Iterator[tuple[str, int]]:
    """Path below the folder and bytes of each file in it, as long as there is time."""
    waiting = [folder]
    while waiting and time.monotonic() < until:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        yield str(Path(entry.path).relative_to(folder)), entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
