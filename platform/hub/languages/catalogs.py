"""Catalogs of translated texts: read from the .po files in `hub/locale`, kept sorted, and written as the .mo files that Django reads.

Nothing beside Python is needed. What is read is the part of GNU gettext's format that our files use: comments, `msgid`,
`msgid_plural`, `msgstr` and `msgstr[n]`.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import struct
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parents[1] / "locale"

Key = tuple[str, str]
"""A text, and what it is for several things; "" where it has no plural."""

Catalog = dict[Key, list[str]]
"""Text -> its translations, one for each plural form; the text "" has the head of the file."""


def read_po(text: str) -> Catalog:
    """The entries of a .po file. One that comes twice counts as it comes last with a translation. Raises ValueError with the line."""
    entries: Catalog = {}
    parts: dict[str, str] = {}
    name = ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        line = line.strip()
        if line.startswith("#"):
            continue
        found = re.fullmatch(r'(?:(msgid|msgid_plural|msgstr(?:\[\d+\])?)\s+)?(".*")', line)
        if line and not found:
            raise ValueError(f"line {number} is not understood: {line}")
        if parts and (not found or found[1] == "msgid"):
            key = (parts.pop("msgid", ""), parts.pop("msgid_plural", ""))
            if any(parts.values()) or key not in entries:
                entries[key] = list(parts.values())
            parts, name = {}, ""
        if found:
            name = found[1] or name
            parts[name] = parts.get(name, "") + ast.literal_eval(found[2])
    return entries


def write_po(catalog: Mapping[Key, list[str]], head: str = "") -> str:
    """As a .po file, in the order of the texts; `head` are the comment lines at its top."""
    blocks = []
    for (one, many), said in sorted(catalog.items()):
        lines = [f"msgid {_quoted(one)}"] + ([f"msgid_plural {_quoted(many)}"] if many else [])
        lines += [f"msgstr[{n}] {_quoted(form)}" for n, form in enumerate(said)] if many else [f"msgstr {_quoted(said[0])}"]
        blocks.append("\n".join(lines))
    return head + "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if "\n" not in text:
        return f'"{escaped}"'
    return '""\n' + "\n".join('"' + line.replace("\n", "\\n") + '"' for line in escaped.splitlines(keepends=True))


def mo(catalog: Mapping[Key, list[str]]) -> bytes:
    """As a .mo file (GNU gettext manual, "The Format of GNU MO Files"), little-endian; what has no translation is left out."""
    pairs = sorted(("\0".join(filter(None, key)).encode(), "\0".join(said).encode()) for key, said in catalog.items() if said and all(said))
    at = 28 + 16 * len(pairs)
    tables: list[bytes] = []
    for texts in zip(*pairs, strict=True):
        for text in texts:
            tables.append(struct.pack("<II", len(text), at))
            at += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, at)
    return head + b"".join(tables) + b"".join(text + b"\0" for texts in zip(*pairs, strict=True) for text in texts)


def compiled(below: Path) -> Path:
    """The folder with a .mo file for every language, made below this one where it is not there; named by what it is made of."""
    sources = sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))
    named = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = below / named
    for source in sources:
        target = folder / source.relative_to(LOCALE).with_suffix(".mo")
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(mo(read_po(source.read_text("utf-8"))))
        os.replace(fresh, target)
    return folder


@cache
def of_scripts(language: str) -> dict[str, list[str]]:
    """What the scripts of a page say in this language: text -> its translations, one for each plural form; {} in English."""
    source = LOCALE / language / "LC_MESSAGES" / "djangojs.po"
    if not source.exists():
        return {}
    return {one: said for (one, _), said in read_po(source.read_text("utf-8")).items() if one and all(said)}
