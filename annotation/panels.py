"""What crowd panels send and get: ids in an address, Prolific's export of submissions, and cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}")
"""Prolific's ids are 24 hexadecimal digits; other panels also use numbers, UUIDs and mail addresses."""

LARGEST_EXPORT = 5_000_000  # bytes
PROLIFIC_DONE = "https://app.prolific.com/submissions/complete?cc="


class BadVisit(Exception):
    """The address lacks something, or something in it is not right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class BadExport(Exception):
    """This file is not Prolific's export of submissions."""


@dataclass(frozen=True)
class Visit:
    """Who a panel says is coming."""

    external_id: str
    study: str = ""
    session: str = ""


def prolific_visit(query: Mapping[str, str]) -> Visit:
    """From PROLIFIC_PID, STUDY_ID and SESSION_ID; raises `BadVisit`."""
    return Visit(*(_id(query, name) for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")))


def external_visit(query: Mapping[str, str]) -> Visit:
    """From id; raises `BadVisit`."""
    return Visit(_id(query, "id"))


def _id(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "").strip()
    if not value:
        raise BadVisit(name, f"The address has no {name} in it.")
    if "{" in value or "%" in value or value == "ID":
        raise BadVisit(name, f"{name} in the address is a placeholder that was not filled in.")
    if not ID.fullmatch(value):
        raise BadVisit(
            name, f"{name} in the address is not an id: it may have 1 to 64 letters, digits and . _ : @ + -, a letter or digit first."
        )
    return value


@dataclass(frozen=True)
class Exported:
    """One line of Prolific's export."""

    external_id: str
    status: str  # as Prolific writes it, in capitals: APPROVED, AWAITING REVIEW, RETURNED, TIMED-OUT, …
    session: str  # the submission's id; empty where the file has none


def read_export(file: bytes) -> list[Exported]:
    """Prolific's CSV of a study's submissions: columns “Participant id” and “Status”, and “Submission id” if there. Raises `BadExport`."""
    if len(file) > LARGEST_EXPORT:
        raise BadExport(f"The file is larger than {LARGEST_EXPORT // 1_000_000} MB.")
    try:
        rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadExport(f"The file is not a CSV in UTF-8 ({error}).") from error
    heads = [head.strip().casefold() for head in rows[0]] if rows else []
    for wanted in ("Participant id", "Status"):
        if wanted.casefold() not in heads:
            raise BadExport(f"The file has no column “{wanted}”. Download the submissions of the study from Prolific as CSV.")
    place = {head: n for n, head in enumerate(heads)}

    def cell(row: list[str], head: str) -> str:
        n = place.get(head, len(row))
        return row[n].strip() if n < len(row) else ""

    lines = (Exported(cell(row, "participant id"), cell(row, "status").upper(), cell(row, "submission id")) for row in rows[1:])
    return [line for line in lines if line.external_id]


def harmless(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it."""
    text = str(cell)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|")) or text.startswith(("\t", "\r", "\n")) else text
