"""Content-addressed storage: a file's key is the SHA-256 of its bytes, so the same file is kept once and never changes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.core.files.storage import FileSystemStorage, storages
from django.utils.deconstruct import deconstructible

from annotation.files import disk_space

LATELY = 24 * 3600.0  # seconds; longer than any job takes from keeping a file to writing the row that names it
COPYING = 0x756E6270  # "unbp"; an advisory lock of the database, which backups share while they copy files, and nobody removes any


class Damaged(Exception):
    """This file is not what was kept."""


@deconstructible
class ContentStorage(FileSystemStorage):
    """A local folder of files named by their content; written to a temporary name first, then renamed."""

    def keep(self, source: Path | bytes, suffix: str) -> str:
        """Store a file or bytes and return the key, like `ab/abcdef….flac`. Keeping it again changes nothing."""
        folder = Path(self.location)
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, unfinished = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with disk_space.naming(folder), os.fdopen(handle, "wb") as target:
                for block in _blocks(source):
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
            key = f"{digest.hexdigest()[:2]}/{digest.hexdigest()}{suffix}"
            final = folder / key
            final.parent.mkdir(exist_ok=True)
            os.replace(unfinished, final)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        return key


def _blocks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def keep(source: Path | bytes, suffix: str) -> str:
    """Store in the project's storage; returns the key."""
    return _storage().keep(source, suffix)


def local(key: str) -> Path:
    """Where the file of this key lies on this machine."""
    return Path(_storage().path(key))


def intact(key: str) -> Path:
    """Where the file of this key lies, once its bytes were held against its name. Raises `Damaged` where it is gone or has changed."""
    path, digest = local(key), hashlib.sha256()
    try:
        for block in _blocks(path):
            digest.update(block)
    except FileNotFoundError as error:
        raise Damaged(f"The file {key} is gone from the storage.") from error
    if digest.hexdigest() != path.stem:
        raise Damaged(f"The file {key} is damaged: its bytes are not those that were kept.")
    return path


def size(key: str) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return local(key).stat().st_size
    except FileNotFoundError:
        return 0


def kept_lately(key: str) -> bool:
    """Whether somebody kept this file within a day, perhaps once more: a row that names it may be on its way."""
    try:
        return _is_new(local(key))
    except FileNotFoundError:
        return False


def remove(key: str) -> int | None:
    """Remove a file that no row names; returns its bytes, 0 where it was gone, None where it stays, since it was kept lately.

    It is moved out of its place before it is judged: who keeps the same bytes meanwhile keeps them anew. Killed in between, the
    next call goes on.
    """
    if kept_lately(key):
        return None
    path = local(key)
    aside = path.with_name(f"{path.name}.part")
    try:
        if path.is_file():
            os.replace(path, aside)
        if _is_new(aside):
            os.replace(aside, path)
            return None
        n_bytes = aside.stat().st_size
        aside.unlink()
        return n_bytes
    except FileNotFoundError:
        return 0


def unfinished() -> list[Path]:
    """Files that somebody began to write and was killed over, at least a day ago."""
    with suppress(FileNotFoundError):
        return [path for path in Path(_storage().location).glob("*.part") if not _is_new(path)]
    return []


def _is_new(path: Path) -> bool:
    return path.stat().st_mtime > time.time() - LATELY


def _storage() -> ContentStorage:
    storage = storages["default"]
    assert isinstance(storage, ContentStorage), "STORAGES['default'] must be content-addressed"
    return storage
