"""Files of labels: Audacity, Raven, RTTM, TextGrid and JAMS as tasks like Label Studio's, so that one road leads into a campaign.

A label becomes a region that knows its line. What is wrong with a line is named with it, and the other lines are read.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from annotation.core import strict_json
from annotation.core.formats.reading import records
from annotation.core.formats.reading.faults import BadFile, Fault
from annotation.core.formats.reading.label_studio import LONGEST, NOBODY, Given, TaskRead, names_of_file
from annotation.core.regions import Region

MOST_LINES = 200_000
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?\s*")


@dataclass
class Labels:
    """What a file says of one song, or of one clip of it, by person."""

    where: str
    names: tuple[str, ...]
    clip: Region | None = None
    said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, person: str, line: int, start: float, end: float, text: str) -> None:
        """One label, in seconds of the song."""
        begin = self.clip.start if self.clip else 0.0
        value = {"start": start - begin, "end": end - begin, "labels": [text.strip()[:LONGEST]]}
        self.said.setdefault(person[:LONGEST], []).append({"value": value, "line": line})

    def wrong(self, line: int, name: str, what: str) -> None:
        self.faults.append(Fault(f"{self.where} line {line}", name, what))

    def task(self) -> TaskRead:
        """The same as a task, whose annotations are those of each person; a clip in which somebody marked nothing has an empty one."""
        given = tuple(Given(self.where, person, person, items, {}) for person, items in self.said.items())
        return TaskRead(self.where, self.names, self.clip, annotations=given, line_faults=tuple(self.faults))


def text_of(body: bytes) -> str:
    """A file's text. Raises `BadFile` for what is not UTF-8 (or UTF-16 that says so) or holds characters that no text has."""
    coding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = body.decode(coding)
    except UnicodeDecodeError as error:
        raise BadFile(f"The file is not text in UTF-8 ({error.reason}): save it as UTF-8.") from error
    if strict_json.UNKEEPABLE.search(text):
        raise BadFile("The file holds NUL characters: it is no text.")
    return text


def audacity(text: str, file: str) -> Iterator[TaskRead]:
    """Audacity's label track: start, end and text between tabs; lines that begin with a backslash hold frequencies and are passed over."""
    found = Labels(file, tuple(names_of_file(file)), said={NOBODY: []})
    for number, line in _lines(text):
        if line.startswith("\\"):
            continue
        start, _, rest = line.partition("\t")
        end, _, words = rest.partition("\t")
        times = _times(found, number, start, end, ("start", "end"))
        if times and times[0] == times[1]:
            found.wrong(number, "end", f"is {end.strip()[:40]}, as start is: a point is no stretch of time.")
        elif times:
            found.add(NOBODY, number, *times, words)
    yield found.task()


def raven(text: str, file: str) -> Iterator[TaskRead]:
    """Raven's selection table, by the names of its columns. The waveform's row of a selection is passed over, since it repeats it."""
    found = Labels(file, tuple(names_of_file(file)))
    rows = csv.reader((line for _, line in _lines(text)), delimiter="\t", quoting=csv.QUOTE_NONE)
    head = [name.strip() for name in next(rows, [])]
    if not {"Begin Time (s)", "End Time (s)"} <= set(head):
        raise BadFile(f"{file}: a selection table has the columns Begin Time (s) and End Time (s); this one has {', '.join(head)[:200]}.")
    for number, cells in enumerate(rows, start=2):
        row = dict(zip(head, cells, strict=False))
        if row.get("View", "").startswith("Waveform"):
            continue
        start, end = row.get("Begin Time (s)", ""), row.get("End Time (s)", "")
        label, tag = row.get("Annotation", "").strip(), row.get("Tag", "").strip()
        if times := _times(found, number, start, end, ("Begin Time (s)", "End Time (s)")):
            found.add(row.get("Annotator", NOBODY).strip(), number, *times, f"{label}: {tag}" if tag else label)
    yield found.task()


def rttm(text: str, file: str) -> Iterator[TaskRead]:
    """RTTM: the file that a line names is the song, its speaker's name is the label; `;;` begins a remark."""
    songs: dict[str, Labels] = {}
    stray = Labels(file, (file,))
    for number, line in _lines(text):
        cells = line.split()
        if cells[0].startswith(";;") or cells[0].upper() not in ("SPEAKER", "LEXEME", "SEGMENT", "NON-SPEECH"):
            continue
        if len(cells) < 8:
            stray.wrong(number, "", f"has {len(cells)} fields; a line of RTTM has ten.")
            continue
        found = songs.setdefault(cells[1], Labels(file, (*names_of_file(cells[1]),), said={NOBODY: []}))
        if times := _times(found, number, cells[3], cells[4], ("start", "length")):
            found.add(NOBODY, number, times[0], times[0] + times[1], cells[7].replace("_", " "))
    if stray.faults:
        yield TaskRead(file, faults=tuple(stray.faults))
    yield from (found.task() for found in songs.values())


_FIELD = re.compile(r'^\s*(name|xmin|xmax|text|class)\s*=\s*(?:"((?:[^"]|"")*)"|(\S+))\s*$')


def textgrid(text: str, file: str) -> Iterator[TaskRead]:
    """Praat's TextGrid in its long form: a tier is a person, an interval with a text is a label. Tiers of points are passed over."""
    if "ooTextFile" not in text[:200] or "item" not in text:
        raise BadFile(f"{file}: this is no TextGrid in its long form: save it in Praat with “Save as text file”.")
    found = Labels(file, tuple(names_of_file(file)))
    tier, is_intervals, times = NOBODY, False, {"xmin": "", "xmax": ""}
    for number, line in _lines(text):
        if not (field_ := _FIELD.match(line)):
            continue
        name, value = field_[1], (field_[2] or "").replace('""', '"') if field_[3] is None else field_[3]
        if name == "class":
            is_intervals, tier = value == "IntervalTier", NOBODY
        elif name == "name":
            tier = re.sub(r" \d+$", "", value) if (re.sub(r" \d+$", "", value) in found.said) else value
            if is_intervals:
                found.said.setdefault(tier[:LONGEST], [])
        elif name == "text":
            if is_intervals and value.strip() and (both := _times(found, number, times["xmin"], times["xmax"], ("xmin", "xmax"))):
                found.add(tier, number, *both, value)
        else:
            times[name] = value
    yield found.task()


def jams(text: str, file: str) -> Iterator[TaskRead]:
    """JAMS: each annotation of stretches is one of its annotator, and its time and duration say which clip was heard."""
    try:
        whole = strict_json.read(text, names_once=True)
    except strict_json.BadJson as bad:
        raise BadFile(f"{file}: {bad}") from bad
    if not isinstance(whole, dict) or not isinstance(whole.get("annotations"), list) or "data" in whole:
        raise BadFile(
            f"{file} is one object, and no JAMS, which has file_metadata and annotations; Label Studio's tasks stand in a list: [ … ]."
        )
    about = whole.get("file_metadata")
    title = about.get("title") if isinstance(about, dict) else None
    duration = _finite(about.get("duration")) if isinstance(about, dict) else None
    names = [*([title] if isinstance(title, str) and title else []), *names_of_file(file)]
    for number, one in enumerate(whole["annotations"]):
        where = f"{file} annotations[{number}]"
        data = one.get("data") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(data, list):
            yield TaskRead(where, faults=(Fault(where, "data", "is no list of stretches."),))
            continue
        start, length = _finite(one.get("time")) or 0.0, _finite(one.get("duration"))
        whole_song = length is None or length <= 0 or (duration is not None and length > duration - 0.5)
        found = Labels(where, tuple(names), None if whole_song or length is None else Region(start, start + length))
        metadata = one.get("annotation_metadata")
        annotator = metadata.get("annotator") if isinstance(metadata, dict) else None
        person = annotator.get("name") if isinstance(annotator, dict) else None
        person = person if isinstance(person, str) else NOBODY
        found.said.setdefault(person[:LONGEST], [])
        for place, span in enumerate(data):
            begin, lasts = (_finite(span.get(key)) if isinstance(span, dict) else None for key in ("time", "duration"))
            if begin is None or lasts is None or lasts <= 0:
                found.faults.append(Fault(where, f"data[{place}]", "has no time and duration in seconds."))
            else:
                value = span.get("value")
                found.add(person, place + 1, begin, begin + lasts, value if isinstance(value, str) else "")
        yield found.task()


READERS = {"audacity": audacity, "raven": raven, "rttm": rttm, "textgrid": textgrid, "jams": jams}
ENDINGS = {".txt": "audacity", ".rttm": "rttm", ".textgrid": "textgrid", ".jams": "jams"}
LABEL_STUDIO = "label studio"
ALL_ENDINGS = sorted([".json", *records.ENDINGS, *ENDINGS])


def kind_of(file: str, begins: bytes) -> str:
    """The format of a file by its name's ending and how it begins: one of `READERS`, or "label studio". Raises `BadFile`."""
    name = file.casefold()
    if name.endswith(records.ENDINGS):
        return LABEL_STUDIO
    if name.endswith(".json"):
        return "jams" if begins.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else LABEL_STUDIO
    if name.endswith(".txt") and b"Begin Time (s)" in begins[:4000]:
        return "raven"
    for ending, kind in ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise BadFile(f"{file} is of no kind that is read here: {', '.join(ALL_ENDINGS)}.")


def _lines(text: str) -> Iterable[tuple[int, str]]:
    """Lines with something in them, counted from 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        if number > MOST_LINES:
            raise BadFile(f"The file has more than {MOST_LINES:,} lines: cut it into several.")
        if line.strip():
            yield number, line


def _times(found: Labels, line: int, first: str, second: str, names: tuple[str, str]) -> tuple[float, float] | None:
    """Both numbers of a line; else what is wrong is named. Where a comma is the sign of decimals, Audacity writes it."""
    numbers = []
    for name, cell in zip(names, (first, second), strict=True):
        value = float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell[:100]) else math.nan
        if not math.isfinite(value):
            found.wrong(line, name, f"is {cell.strip()[:40]!r}; it must be a number of seconds.")
            return None
        numbers.append(value)
    return numbers[0], numbers[1]


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
