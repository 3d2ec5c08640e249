"""What crowd panels send and get: ids in an address, Prolific's export of submissions, and cells that no spreadsheet runs."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from annotation.core.errors import DomainError

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}")
"""Prolific's ids are 24 hexadecimal digits; other panels also use numbers, UUIDs and mail addresses."""

_TEMPLATE = re.compile(r".*[][{}<>$#%].*|assignment_id_not_available|x[x-]{2,}|0{8}-(0{4}-){3}0{12}", re.IGNORECASE | re.DOTALL)
"""What stands in an address before an id is put there; Mechanical Turk's previews have the long one, .NET's empty GUID the zeros."""
_NOBODY = re.compile(r"(undefined|null|none|nil|nan|void|true|false|unknown|anonymous)+", re.IGNORECASE)
"""What a page's script writes that has no id to put there."""
_NAME = re.compile(
    r"(your|my|the|insert|enter|paste|here|panel|prolific|participant|worker|user|subject|respondent|person|external|study|session|id|pid)+",
    re.IGNORECASE,
)
"""A parameter's name in place of its value, in whatever spelling: PROLIFIC_PID, workerId, your-id."""

LARGEST_EXPORT = 5_000_000  # bytes
WANTED = ("Participant id", "Status")
PROLIFIC_DONE = "https://app.prolific.com/submissions/complete?cc="


class BadVisit(DomainError):
    """The address lacks something, or something in it is not right."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class BadExport(DomainError):
    """This file is not Prolific's export of submissions."""

    status = HTTPStatus.BAD_REQUEST


@dataclass(frozen=True)
class Visit:
    """Who a panel says is coming."""

    external_id: str
    study: str = ""
    session: str = ""


Query = Mapping[str, Sequence[str]]
"""The parameters of an address, each with all its values."""


def prolific_visit(query: Query) -> Visit:
    """From PROLIFIC_PID, STUDY_ID and SESSION_ID; raises `BadVisit`."""
    return Visit(*(_id(query, name) for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")))


def external_visit(query: Query) -> Visit:
    """From id; raises `BadVisit`."""
    return Visit(_id(query, "id"))


def _id(query: Query, name: str) -> str:
    values = query.get(name, ())
    if len(values) > 1:
        raise BadVisit(name, f"{name} is in the address {len(values)} times; it may be there once.")
    value = values[0].strip() if values else ""
    if not value:
        raise BadVisit(name, f"The address has no {name} in it.")
    if is_placeholder(value):
        raise BadVisit(name, f"{name} in the address is a placeholder that was not filled in.")
    if not ID.fullmatch(value):
        raise BadVisit(
            name, f"{name} in the address is not an id: it may have 1 to 64 letters, digits and . _ : @ + -, a letter or digit first."
        )
    return value


def is_placeholder(value: str) -> bool:
    """Whether this stands where an id should have been put, so that everybody who comes with it would be one person."""
    bare = re.sub(r"[ ._:()/-]", "", value)
    return any((_TEMPLATE.fullmatch(value), _NOBODY.fullmatch(bare), _NAME.fullmatch(bare) and "id" in bare.casefold()))


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
    rows = _table(_text(file))
    heads = [head.strip().casefold() for head in rows[0]] if rows else []
    for wanted in WANTED:
        if wanted.casefold() not in heads:
            raise BadExport(
                f"The file has no column “{wanted}” between commas, semicolons or tabs. "
                "Download the submissions of the study from Prolific as CSV."
            )
    place = {head: n for n, head in enumerate(heads)}

    def cell(row: list[str], head: str) -> str:
        n = place.get(head, len(row))
        return row[n].strip() if n < len(row) else ""

    lines = (Exported(cell(row, "participant id"), cell(row, "status").upper(), cell(row, "submission id")) for row in rows[1:])
    return [line for line in lines if line.external_id]


def _text(file: bytes) -> str:
    """Spreadsheets save UTF-8 with a mark before it, or UTF-16, which always has one."""
    try:
        text = file.decode("utf-16" if file.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadExport(f"The file is not text in UTF-8 or UTF-16 ({error}).") from error
    if "\0" in text:
        raise BadExport("The file is not text in UTF-8, nor in UTF-16 with the mark that says so. Save it as UTF-8.")
    return text


def _table(text: str) -> list[list[str]]:
    """The rows, with the separator that finds the columns we want; spreadsheets write semicolons where the comma is the decimal sign."""
    if stated := re.match(r'"?sep=.?"?\r?\n', text):  # Excel's own first line
        text = text[stated.end() :]
    first = text.partition("\n")[0]
    wanted = {one.casefold() for one in WANTED}
    found = (one for one in ",;\t" if wanted <= {head.strip().casefold() for head in next(csv.reader([first], delimiter=one), [])})
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=next(found, ","), strict=True))
    except csv.Error as error:
        raise BadExport(f"The file is not a CSV ({error}).") from error


def harmless(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it."""
    text = str(cell)
    if isinstance(cell, int | float):
        return text
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|")) or text.startswith(("\t", "\r", "\n")) else text


def csv_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A CSV line by line: its head, then each row's cells by the names of the columns."""
    yield csv_line(columns)
    for row in rows:
        yield csv_line(row[name] for name in columns)


def csv_line(cells: Iterable[object]) -> str:
    """One line of a CSV with such cells; None is an empty one."""
    line = io.StringIO()
    csv.writer(line).writerow(["" if cell is None else harmless(cell) for cell in cells])
    return line.getvalue()
