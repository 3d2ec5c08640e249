"""Marks as files hold them: JSON, and labels as Audacity exports them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

Mark = tuple[float, float, float]  # start, end in seconds, how sure it is (0 ... 1)
AFTER_THE_END = 0.05  # seconds that a mark may reach beyond its song: players round up


class BadMarks(ValueError):
    """The file of marks cannot be used."""


def read_json(marks: Path) -> dict[str, Any]:
    """What a file of marks holds of each song. Raises BadMarks."""
    try:
        content = json.loads(marks.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BadMarks(f"{marks} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise BadMarks(f'{marks} must hold {{"song": [[start, end, weight], ...], ...}}, not a {type(content).__name__}')
    return content


def of_song(value: Any, duration: float, where: str) -> tuple[list[Mark], list[tuple[float, float]]]:
    """The marks of one song as JSON gives them, and what was heard of it: everything, unless it says so. Raises BadMarks."""
    parts = value if isinstance(value, dict) else {"marks": value, "heard": [[0.0, duration]]}
    if not parts.keys() <= {"marks", "heard"}:
        raise BadMarks(f"{where}: allowed keys are marks and heard, not {', '.join(sorted(parts))}")
    marks, heard = ([_stretch(item, f"{where}, {key}") for item in parts.get(key, [])] for key in ("marks", "heard"))
    return marks, [(start, end) for start, end, _ in heard]


def _stretch(item: Any, where: str) -> Mark:
    numbers = isinstance(item, list) and len(item) in (2, 3) and all(isinstance(n, int | float) and not isinstance(n, bool) for n in item)
    if not numbers:
        raise BadMarks(f"{where}: {item!r} is not [start, end] or [start, end, weight] in numbers")
    start, end, weight = (*item, 1.0)[:3]
    return float(start), float(end), float(weight)


def of_one_song(marks: Path, song: str, duration: float) -> tuple[list[Mark], list[tuple[float, float]]]:
    """The marks in one song, in order, joined where they overlap, and what was heard of it.

    A file that begins with a brace is JSON that names the song, others are labels. Raises BadMarks, which names the line or the mark.
    """
    try:
        text = marks.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadMarks(f"{marks} is no text: neither labels (start, tab, end, tab, text) nor JSON") from error
    if text.lstrip().startswith("{"):
        content = read_json(marks)
        if song not in content:
            raise BadMarks(f"{marks} does not name {song!r}; it names {', '.join(content) or 'no song'}")
        found, heard = of_song(content[song], duration, f"{marks}, {song}")
        named = {f"{marks}, {song}, mark {number}": mark for number, mark in enumerate(found, start=1)}
    else:
        heard, named = [(0.0, duration)], _labels(text, marks)
    for where, (start, end, weight) in named.items():
        if not (0 <= start < end <= duration + AFTER_THE_END):  # also where one is no number
            raise BadMarks(f"{where}: {start:g} ... {end:g} s; allowed is 0 <= start < end <= {duration:.2f} s, where the song ends")
        if not 0 <= weight <= 1:
            raise BadMarks(f"{where}: the weight is {weight:g}; allowed is 0 ... 1")
    if not named:
        raise BadMarks(f"{marks} holds no marks in {song}; mark at least one stretch where a voice is heard that is none")
    return _joined([(start, min(end, duration), weight) for start, end, weight in named.values()]), heard


def _labels(text: str, marks: Path) -> dict[str, Mark]:
    """The labels of a file as Audacity exports it, by where they stand: one a line; a line that begins with a backslash has frequencies."""
    found: dict[str, Mark] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        where, fields = f"{marks}, line {number}", line.split("\t")
        try:
            start, end = (float(field) for field in fields[:2])
        except ValueError as error:
            raise BadMarks(f"{where}: {line!r} is no label; it must be start, tab, end in seconds, and perhaps tab and a text") from error
        if start == end or not (math.isfinite(start) and math.isfinite(end)):
            raise BadMarks(f"{where}: {line!r} marks no stretch; select one in Audacity before you add the label")
        found[where] = (start, end, 1.0)
    return found


def _joined(marks: list[Mark]) -> list[Mark]:
    joined: list[Mark] = []
    for start, end, weight in sorted(marks):
        if joined and start <= joined[-1][1]:
            first, last, other = joined.pop()
            start, end, weight = first, max(last, end), max(other, weight)
        joined.append((start, end, weight))
    return joined
