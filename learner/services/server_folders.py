"""Folders of the server that songs may be taken from: those that the operator named, and what lies in them; nothing by a link."""

from __future__ import annotations

import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from django.conf import settings

from annotation.core.errors import DomainError
from learner.services.intakes import ENDINGS

MOST_SHOWN = 500  # folders of one


class NoSuchFolder(DomainError):
    """This folder is not among those that songs may be taken from."""

    status = HTTPStatus.NOT_FOUND


@dataclass(frozen=True)
class Inside:
    """What lies in a folder: the names of its folders, how many files may be songs, and how many links are passed over."""

    folders: list[str]
    n_files: int
    n_links: int
    n_more: int  # folders that are not shown


def roots() -> list[Path]:
    """What the operator named, in that order."""
    return [Path(folder) for folder in settings.SERVER_FOLDERS]


def folder_below(root: int, path: str) -> Path:
    """The folder `path`, names with slashes between them, below the root of this number. Raises `NoSuchFolder`.

    No part of it may be "..", or a link: so nothing outside of the root can be named.
    """
    if not 0 <= root < len(roots()):
        raise NoSuchFolder
    found = roots()[root]
    for name in path.split("/") if path else []:
        if name in ("", ".", "..") or "\0" in name:
            raise NoSuchFolder
        found = found / name
        if found.is_symlink():
            raise NoSuchFolder(f"{name} is a link, and links are not followed.")
    if not found.is_dir():
        raise NoSuchFolder
    return found


def is_allowed(folder: Path) -> bool:
    """Whether a folder still lies below a root, with no link on the way there."""
    for number, root in enumerate(roots()):
        if folder == root or root in folder.parents:
            try:
                return folder_below(number, folder.relative_to(root).as_posix().removeprefix(".")) == folder
            except NoSuchFolder:
                return False
    return False


def inside(folder: Path) -> Inside:
    """What lies in a folder itself. Raises `NoSuchFolder` where it cannot be read."""
    folders, n_files, n_links = [], 0, 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    n_links += 1
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.name.casefold().endswith(ENDINGS):
                    n_files += 1
    except OSError as error:
        raise NoSuchFolder(f"{folder.name} cannot be read: {error.strerror}.") from error
    return Inside(sorted(folders)[:MOST_SHOWN], n_files, n_links, max(0, len(folders) - MOST_SHOWN))
