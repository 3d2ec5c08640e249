"""Sounds and pictures of the first visit's examples: made when they are asked for, or before that by a worker."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from annotation.core.first_visit_sounds import BY_NAME, PRACTICE, SHOWN
from annotation.files.previews import is_kept, kept

VERSION = 1  # raised when `first_visit_sounds` changes what they sound like


def example_file(name: str, stem: str) -> bytes | None:
    """A sound or the picture of an example; None: there is no such."""
    if name.rpartition("-")[0] not in BY_NAME:
        return None
    return kept(_kept_as(name, stem), lambda target: target.write_bytes(made_apart([name], stem)[name]))


def prepare(stem: str) -> int:
    """Make what a newcomer hears and sees first, as far as it is not there; returns how many files."""
    missing = [name for name in _first(stem) if not is_kept(_kept_as(name, stem))]
    made = made_apart(missing, stem) if missing else {}
    for name, content in made.items():
        kept(_kept_as(name, stem), lambda target, content=content: target.write_bytes(content))  # type: ignore[misc]
    return len(made)


def are_prepared(stem: str) -> bool:
    """Whether the last of them is there."""
    return is_kept(_kept_as(_first(stem)[-1], stem))


def _first(stem: str) -> list[str]:
    return [f"{one.name}-{which}" for one in (*SHOWN, *PRACTICE) for which in (stem, "mix", "removed", "picture")]


def _kept_as(name: str, stem: str) -> str:
    return f"first-visit-{stem}-{name}-{VERSION}.{'png' if name.endswith('-picture') else 'flac'}"


def made_apart(names: Iterable[str], stem: str) -> dict[str, bytes]:
    """Files of examples, made in a process of its own: what it needs of SciPy would stay in this one for good (70 MB)."""
    command = [sys.executable, "-m", "annotation.core.first_visit_sounds", stem, *names]
    made = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True).stdout
    with zipfile.ZipFile(io.BytesIO(made)) as files:
        return {name: files.read(name) for name in files.namelist()}
