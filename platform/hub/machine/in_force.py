"""Versions and settings in force, as those who run the site may read them: nothing secret is shown."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.db import connection

from hub import settings as documented
from hub.backup import LAST

PACKAGES = ("unbleed", "django", "torch", "dramatiq", "dramatiq-postgres", "uvicorn", "numpy", "scikit-learn")
SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|KEY")
WITH_PASSWORD = re.compile(r"://.*@|(?<=password=)[^&\s]+", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    """An environment variable as `hub.settings` documents it; `value` empty: it is not set, and the default holds."""

    name: str
    value: str
    about: str


def versions() -> list[tuple[str, str]]:
    """Programs with their versions; packages are not imported for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        found = [("Python", platform.python_version()), ("PostgreSQL", str(cursor.fetchone()[0]))]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def in_force() -> list[Setting]:
    """Every documented setting, with secrets, and names and passwords in addresses, left out."""
    return [Setting(name, _shown(name, os.environ.get(name, "")), about) for name, about in _documented()]


def _shown(name: str, value: str) -> str:
    if value and SECRET.search(name):
        return "(hidden)"
    return WITH_PASSWORD.sub(lambda found: "://(hidden)@" if found[0].startswith(":") else "(hidden)", value)


def _documented() -> Iterator[tuple[str, str]]:
    """Name and meaning of each, from the docstring of the settings; a few are named in the text of others."""
    text = documented.__doc__ or ""
    entries = re.findall(r"^([A-Z][A-Z_]+)\s{2,}(.*(?:\n {4,}.*)*)", text, re.MULTILINE)
    for name, about in entries:
        yield name, " ".join(about.split())
        for beside in re.findall(r"\b(?:OIDC|EMAIL)_[A-Z_]+\b", about):
            if beside not in dict(entries):
                yield beside, f"with {name}"


def last_backup(home: Path) -> dict[str, Any] | None:
    """Where and when the last backup of this home was made, as `hub.backup` noted it: made, folder, files, bytes. None: none is known."""
    try:
        said: dict[str, Any] = json.loads((home / LAST).read_text())
        return said | {"made": datetime.fromisoformat(said["made"])}
    except (FileNotFoundError, ValueError, KeyError):
        return None
