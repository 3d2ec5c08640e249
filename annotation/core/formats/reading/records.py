"""Label Studio's JSON_MIN and CSV: one record for each annotation, turned back into a task as its JSON has it.

What they lack stays unknown: which tag belongs to which region, and which annotation was cancelled (those are not in them).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import IO, Any

from annotation.core import strict_json
from annotation.core.formats.label_studio import ALWAYS
from annotation.core.formats.reading.faults import BadFile, Fault
from annotation.core.formats.reading.json_list import LARGEST, MOST
from annotation.core.formats.reading.label_studio import END, START

ENDINGS = (".csv", ".tsv")
NUMBERS = ("id", "annotation_id", "lead_time", *START, *END)
_BESIDE = "_data_"  # stands before the name of data that is named like a control


def as_task(item: Any) -> Any:
    """A record as a task with its one annotation; anything else is left as it is."""
    if not isinstance(item, dict) or "annotation_id" not in item or "data" in item:
        return item
    result = [
        {"from_name": name, "value": value}
        for name, values in item.items()
        if isinstance(values, list) and name not in ALWAYS
        for value in values
        if isinstance(value, dict) and {"start", "end"} & set(value)
    ]
    controls = {region["from_name"] for region in result}
    data = {name.removeprefix(_BESIDE): value for name, value in item.items() if name not in (*ALWAYS, "id") and name not in controls}
    whole = {"id": item.get("id"), "data": data}
    if item["annotation_id"] is None:
        return {**whole, "annotations": []}
    about = {name: item.get(name) for name in ("created_at", "updated_at", "lead_time")}
    return {**whole, "annotations": [{"id": item["annotation_id"], "completed_by": item.get("annotator"), "result": result, **about}]}


def rows(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Each record of a CSV as `elements` of a JSON list are: where it stands, and its cells by column, or a `Fault`.

    Cells are separated by commas, tabs or semicolons, whichever the first line has most of. Raises `BadFile` where it is no text in
    UTF-8 (or UTF-16 that says so), or none of Label Studio's.
    """
    csv.field_size_limit(LARGEST)
    coding = "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    file.seek(0)
    text = io.TextIOWrapper(file, coding, newline="")
    try:
        head = text.readline(LARGEST)
        sign = max(",\t;", key=head.count)
        names = next(csv.reader([head], delimiter=sign), [])
        if "annotation_id" not in names:
            raise BadFile(
                f"A CSV of Label Studio has the columns {', '.join(ALWAYS)} and one for each control; this one has "
                f"{', '.join(names)[:200] or 'none'}. Marks as start, end and label are read from files of Audacity, Raven and others."
            )
        if twice := {name for name in names if names.count(name) > 1}:
            raise BadFile(f"Two columns are called {min(twice)[:60]!r}.")
        reader = csv.reader(text, delimiter=sign, strict=True)
        line = 2
        for number, cells in enumerate(reader):
            if number >= MOST:
                raise BadFile(f"The file has more than {MOST:,} lines: cut it into several.")
            if cells:
                where = f"line {line}"
                yield where, _record(names, cells, where)
            line = reader.line_num + 2
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise BadFile(f"The file is not text in UTF-8 ({reason}): save it as UTF-8.") from error
    except csv.Error as error:
        raise BadFile(f"Line {line} cannot be read: {error}.") from error
    finally:
        text.detach()  # whoever opened the file closes it


def _record(names: list[str], cells: list[str], where: str) -> Mapping[str, Any] | Fault:
    if len(cells) != len(names):
        return Fault(where, "", f"has {len(cells)} cells; the first line names {len(names)} columns.")
    record: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        cell = cell[1:] if cell[:1] == "'" and cell[1:].lstrip()[:1] in ("=", "+", "-", "@", "|") else cell  # it was disarmed
        if strict_json.UNKEEPABLE.search(cell):
            return Fault(where, name, "holds NUL characters.")
        record[name] = cell
        try:
            if cell[:2] == "[{":
                record[name] = strict_json.read(cell, names_once=True)
            elif name in NUMBERS:
                record[name] = strict_json.read(cell) if cell else None
        except strict_json.BadJson as bad:
            if cell[:2] == "[{":
                return Fault(where, name, f"cannot be read. {bad} (Excel cuts cells after 32,767 characters.)")
            return Fault(where, name, f"is {cell[:40]!r}; it must be a number.")
    record["annotator"] = record.get("annotator") or None
    return record
