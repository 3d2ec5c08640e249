"""Backup and restore: database, files and secrets of one home, taken while everything runs.

A backup folder holds `storage/`, where each file lies once under its hash however many backups need it, and one folder for each
backup, named by its time: `database.dump` (pg_dump's custom format), `secrets/`, and `manifest.json`, which is written last. A
folder without a manifest is no backup.

The dump is the database at one instant. Files are copied after it: a file is kept before a row names it, never changes, and is not
removed while a backup copies, so every file that the dump names is there by then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from annotation.files.storage import COPYING
from hub import postgres
from hub.home import private_folder

DUMP, MANIFEST, SECRETS, STORAGE = "database.dump", "manifest.json", "secrets", "storage"
LAST = "last-backup.json"  # in the home: where and when the last one was made, for the page that says so
FORMAT = 1
TIME = "%Y-%m-%dT%H-%M-%S.%f"


class BadBackup(Exception):
    """This backup cannot be used."""


@dataclass(frozen=True)
class Backup:
    """What one backup holds and what it had to copy."""

    folder: Path
    n_files: int
    n_copied: int
    n_bytes: int  # of what was copied, the dump included


def back_up(*, base: Path, target: Path) -> Backup:
    """Add a backup of the home `base` to the folder `target`. Raises OSError, and BadBackup for a file that is damaged."""
    made = datetime.now(UTC)
    folder = private_folder(target) / made.strftime(TIME)
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    try:
        with nothing_removed():
            _dump(unfinished / DUMP)
            files, copied = _copy_files(base / STORAGE, target / STORAGE)
        if (base / SECRETS).is_dir():
            shutil.copytree(base / SECRETS, unfinished / SECRETS)
        n_bytes = (unfinished / DUMP).stat().st_size
        manifest = {
            "format": FORMAT,
            "made": made.isoformat(),
            "unbleed": version("unbleed"),
            "dump": {"sha256": _hash(unfinished / DUMP), "bytes": n_bytes},
            "files": files,
            "migrations": _migrations(),
        }
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        _sync(unfinished / MANIFEST)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    made_it = Backup(folder, len(files), len(copied), n_bytes + sum(files[key] for key in copied))
    note = {"made": made.isoformat(), "folder": str(folder), "files": len(files), "bytes": made_it.n_bytes}
    with suppress(OSError):  # the backup is whole without
        (base / LAST).write_text(json.dumps(note))
    return made_it


def backups(target: Path) -> list[Path]:
    """The folders of the backups there, oldest first."""
    return sorted(manifest.parent for manifest in target.glob(f"*/{MANIFEST}"))


def check(folder: Path) -> dict[str, Any]:
    """Hash everything that a backup holds and return its manifest; raise BadBackup, naming the file, where something is not as it was."""
    manifest = _manifest(folder)
    if _hash(folder / DUMP) != manifest["dump"]["sha256"]:
        raise BadBackup(f"{folder / DUMP} is damaged: its hash is not the one in {MANIFEST}. Use another backup.")
    for key in manifest["files"]:
        path = folder.parent / STORAGE / key
        if not path.is_file():
            raise BadBackup(f"{path} is missing. Use another copy of the backup folder.")
        if _hash(path) != _named(key):
            raise BadBackup(f"{path} is damaged: its content does not match its name. Use another copy of the backup folder.")
    return manifest


def restore(*, folder: Path, base: Path, known_migrations: set[tuple[str, str]]) -> int:
    """Put a backup into the empty home `base` and its database; returns how many files. Raises BadBackup, before anything is written.

    `known_migrations` are those of the program: a backup of a newer one is refused. The database must be reachable, and hold no table.
    """
    manifest = check(folder)
    apps = {app for app, _ in known_migrations}  # an app that is not installed any more does not count
    if newer := sorted({(app, name) for app, name in manifest["migrations"] if app in apps} - known_migrations):
        app, name = newer[0]
        raise BadBackup(f"{folder} is of a newer Unbleed ({manifest['unbleed']}; migration {app} {name}): restore it with that version.")
    if (base / STORAGE).is_dir() and any((base / STORAGE).iterdir()):
        raise BadBackup(f"{base / STORAGE} holds files already; a backup is restored into an empty home. Set UNBLEED_HOME to a new folder.")
    with psycopg.connect(**postgres.keywords()) as connection:
        (n_tables,) = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'dramatiq')").fetchone() or (0,)
    if n_tables:
        raise BadBackup("The database holds tables already; a backup is restored into an empty one. Set UNBLEED_HOME to a new folder.")
    _copy_files(folder.parent / STORAGE, base / STORAGE, set(manifest["files"]))
    if (folder / SECRETS).is_dir():
        shutil.copytree(folder / SECRETS, private_folder(base / SECRETS), dirs_exist_ok=True)
    _run("pg_restore", "--single-transaction", "--no-owner", "--no-privileges", "--exit-on-error", str(folder / DUMP))
    return len(manifest["files"])


def remove_old(*, target: Path, keep: int) -> int:
    """Remove all but the latest `keep` backups, and the files that none of these needs; returns how many backups went."""
    every = backups(target)
    old = every[: max(0, len(every) - keep)]
    for folder in old:
        (folder / MANIFEST).unlink()  # first: from here on it is no backup
        shutil.rmtree(folder)
    needed = {key for folder in backups(target) for key in _manifest(folder)["files"]}
    for key in set(_keys(target / STORAGE)) - needed if old else ():
        (target / STORAGE / key).unlink()
    return len(old)


@contextmanager
def nothing_removed() -> Iterator[None]:
    """No file is removed from the storage meanwhile; raises ServerError where that was not so to the end."""
    try:
        with psycopg.connect(**postgres.keywords(), autocommit=True, application_name="unbleed backup") as connection:
            connection.execute("SELECT pg_advisory_lock_shared(%s)", [COPYING])
            yield
            connection.execute("SELECT pg_advisory_unlock_shared(%s)", [COPYING])
    except psycopg.OperationalError as error:
        raise postgres.ServerError(
            f"The database does not answer, or went away while files were copied: {' '.join(str(error).split())}"
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        known = ", ".join(one.name for one in backups(folder)) or "none"
        raise BadBackup(f"{folder} is no backup: it holds no {MANIFEST}. Backups in it: {known}.") from None
    except ValueError as error:
        raise BadBackup(f"{folder / MANIFEST} is damaged ({error}).") from error
    if manifest.get("format") != FORMAT:
        raise BadBackup(f"{folder} has format {manifest.get('format')!r}; this version reads {FORMAT}.")
    return manifest


def _copy_files(source: Path, target: Path, only: set[str] | None = None) -> tuple[dict[str, int], list[str]]:
    """Copy what is not there yet, each file whole and checked against its name; returns sizes by key, and the keys that were copied."""
    sizes: dict[str, int] = {}
    copied: list[str] = []
    for key in sorted(_keys(source) if only is None else only):
        there, size = target / key, (source / key).stat().st_size
        if not there.is_file() or there.stat().st_size != size:
            there.parent.mkdir(parents=True, exist_ok=True)
            unfinished = there.with_name(f".{there.name}.part")
            try:
                shutil.copyfile(source / key, unfinished)
                if _hash(unfinished) != _named(key):
                    raise BadBackup(f"{source / key} is damaged: its content does not match its name.")
                _sync(unfinished)
                unfinished.replace(there)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
            copied.append(key)
        sizes[key] = size
    return sizes, copied


def _keys(storage: Path) -> Iterator[str]:
    """Keys of the files that are whole, like `ab/abcdef….flac`."""
    for path in storage.glob("??/*"):
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".part":
            yield f"{path.parent.name}/{path.name}"


def _named(key: str) -> str:
    """The hash that a key names."""
    return key.split("/")[1].split(".")[0]


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadBackup(f"{path} is missing.") from None


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _migrations() -> list[tuple[str, str]]:
    with psycopg.connect(**postgres.keywords()) as connection:
        try:
            rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
        except psycopg.errors.UndefinedTable:
            raise BadBackup("The database is empty: there is nothing to back up yet.") from None
    return [(app, name) for app, name in rows]


def _dump(target: Path) -> None:
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(target))


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database that Django uses. Raises ServerError with what it said."""
    reached = postgres.keywords()
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE"}
    # By the environment: a password among the arguments could be read by everybody on the machine.
    environment = os.environ | {variable: str(reached[name]) for name, variable in names.items() if name in reached}
    into = ["--dbname", str(reached["dbname"])] if program == "pg_restore" else []
    done = subprocess.run([str(postgres.program(program)), *into, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise postgres.ServerError(f"{program} ended with status {done.returncode}: {' '.join(done.stderr.split())}")
