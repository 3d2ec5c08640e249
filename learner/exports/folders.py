"""Files that are the same bytes whenever they are made of the same: written in order, packed without times and owners."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from annotation.core.formats.rows import BOM

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive can say
STORED = {".flac", ".tar", ".parquet", ".zip"}  # packed already
LONGEST = 80  # characters of a name that is made of a song's


def write_text(path: Path, parts: Iterable[str]) -> Path:
    """Write text of any length, as UTF-8 with the line ends that it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(parts)
    return path


def write_csv(path: Path, lines: Iterable[str]) -> Path:
    """The same, with the mark that Excel knows UTF-8 by."""
    return write_text(path, (part for some in ([BOM], lines) for part in some))


def write_json_lines(path: Path, rows: Iterable[Any]) -> Path:
    return write_text(path, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def packed(folder: Path, target: Path) -> Path:
    """The files of a folder as a zip, in order of their names."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            about = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(about, "w", force_zip64=True) as into:
                while block := source.read(1 << 20):
                    into.write(block)
    return target


def write_sums(folder: Path) -> None:
    """`SHA256SUMS` over all files, as `sha256sum --check` reads it."""
    files = sorted(one for one in folder.rglob("*") if one.is_file() and one.name != "SHA256SUMS")
    write_text(folder / "SHA256SUMS", (f"{digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files))


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_name(number: int, name: str, suffix: str) -> str:
    """A name for a file about a track that every system takes: its number, so that it is one of its own, and what its name is like."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")
    return f"{number:06}-{plain[-LONGEST:]}{suffix}" if plain else f"{number:06}{suffix}"
