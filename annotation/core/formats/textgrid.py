"""Praat's TextGrid, in its long form: tiers of intervals that fill the whole file without overlap.

https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from annotation.core.formats.rows import Span

Tier = list[tuple[float, float, str]]
NO_TIME = 1e-9  # seconds


def textgrid(people: Mapping[str, Iterable[Span]], duration: float) -> str:
    """A tier for each name, the empty stretches between its spans among it; what overlaps goes on into a tier called "name 2", "name 3".

    Times have nine decimals and never an exponent, which readers of Praat's files do not know; `duration` is the file's, in seconds, and
    grows where a span ends later.
    """
    said = {name: sorted(spans, key=lambda one: (one.start, one.end)) for name, spans in people.items()}
    end = max([duration, *(span.end for spans in said.values() for span in spans)])
    tiers = [(name, _filled(row, end)) for name, spans in said.items() for name, row in _rows(name, spans)]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_time(end)}", "tiers? <exists>"]
    lines += [f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}", "        xmin = 0"]
        lines += [f"        xmax = {_time(end)}", f"        intervals: size = {len(intervals)}"]
        for place, (first, last, text) in enumerate(intervals, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {_time(first)}", f"            xmax = {_time(last)}"]
            lines.append(f"            text = {_quoted(text)}")
    return "\n".join(lines) + "\n"


def _rows(name: str, spans: Iterable[Span]) -> list[tuple[str, list[Span]]]:
    """The spans in as few rows as need be, none with an overlap."""
    rows: list[list[Span]] = [[]]
    for span in spans:
        free = next((row for row in rows if not row or row[-1].end <= span.start), None)
        if free is None:
            rows.append(free := [])
        free.append(span)
    return [(name if number == 1 else f"{name} {number}", row) for number, row in enumerate(rows, start=1)]


def _filled(row: Iterable[Span], end: float) -> Tier:
    intervals: Tier = []
    reached = 0.0
    for span in row:
        if span.start - reached > NO_TIME:
            intervals.append((reached, span.start, ""))
        intervals.append((span.start, span.end, span.text))
        reached = span.end
    return [*intervals, (reached, end, "")] if end - reached > NO_TIME else intervals


def _time(seconds: float) -> str:
    return f"{seconds:.9f}"


def _quoted(text: str) -> str:
    doubled = " ".join(text.split()).replace('"', '""')
    return f'"{doubled}"'
