"""A chart of a page: its lines, its axis, and the table and the CSV that hold the same numbers.

`hub/parts/chart.html` shows it; `static/hub/charts.js` draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from annotation.core.panels import csv_line
from learner.selectors.figures import Figure

Values = Sequence[float | None]
SILENT = -100.0  # dB; below, nobody hears anything, and nothing is drawn
MARGIN = 0.06  # of the axis, above and below what is drawn
LEAST_SHARE = 0.1  # of the largest value: an axis shows no less, lest a change of 0.2 % fill it from top to bottom
COLOURS = 6  # that the style sheet has


@dataclass(frozen=True)
class Series:
    """One line, or points without a line, with a 95 % interval where `low` and `high` are given; None: not measured, a gap.

    A baseline is there to compare with: where it lies far off it is named, and does not stretch the axis.
    """

    label: str
    values: Values
    low: Values = ()
    high: Values = ()
    kind: Literal["line", "points", "baseline"] = "line"
    colour: int = 0
    spans: bool = False  # its line goes on over gaps

    @classmethod
    def of(cls, label: str, figures: Sequence[Figure | None], **look: Any) -> Series:
        """Measured figures with their intervals; `look` are the other fields."""
        values, low, high = ([getattr(one, end) if one else None for one in figures] for end in ("value", "low", "high"))
        return cls(label, values, low, high, **look)

    def interval(self, n: int) -> tuple[float, float] | None:
        low, high = (ends[n] if n < len(ends) else None for ends in (self.low, self.high))
        return None if low is None or high is None else (low, high)

    @property
    def swatch(self) -> str:
        """The classes of its sign in the legend."""
        return f"swatch {self.kind} series-{self.colour % COLOURS + 1}"


@dataclass(frozen=True)
class Chart:
    """Several series over the same x; `names` and `links`: how each x is called, and the page that its points lead to.

    `about`: what is better; `whiskers`: what the intervals are; `missing`: why there is nothing at an x. `least`: the smallest height
    of the axis, in its unit; `from_zero`: the axis begins there.
    """

    id: str
    title: str
    x: Sequence[float]
    x_label: str
    unit: str
    series: Sequence[Series]
    names: Sequence[str] = ()
    links: Sequence[str] = ()
    missing: Sequence[str] = ()
    least: float = 0.0
    from_zero: bool = False
    about: str = ""
    whiskers: str = "95 % intervals over songs"
    ends: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", axis(self.series, least=self.least, from_zero=self.from_zero))

    @property
    def measured(self) -> bool:
        return any(value is not None for one in self.series if one.kind != "baseline" for value in one.values)

    @property
    def near(self) -> list[Series]:
        """What is drawn: all but baselines that lie off the axis."""
        return [one for one in self.series if self._level(one) is None]

    @property
    def beyond(self) -> list[str]:
        """The baselines that lie off the axis, in words."""
        off = [(one.label, level) for one in self.series if (level := self._level(one)) is not None]
        return [
            f"{label}: {said(level)}{'' if level <= SILENT else f' {self.unit}'}, {'above' if level > self.ends[1] else 'below'}"
            for label, level in off
        ]

    def _level(self, one: Series) -> float | None:
        """Where a baseline lies, if that is off the axis."""
        last = next((value for value in reversed(one.values) if value is not None), None)
        low, high = self.ends
        return last if one.kind == "baseline" and last is not None and not low <= last <= high else None

    @property
    def has_intervals(self) -> bool:
        return any(_known(one.low) for one in self.series)

    @property
    def leads_somewhere(self) -> bool:
        return any(self.links)

    @property
    def data(self) -> dict[str, Any]:
        """What charts.js reads."""
        return {
            "x": list(self.x),
            "x_label": self.x_label,
            "y_label": self.unit,
            "names": list(self.names),
            "links": list(self.links),
            "missing": list(self.missing),
            "ends": list(self.ends),
            "series": [
                {
                    "label": one.label,
                    "values": [None if value is not None and value <= SILENT else value for value in one.values],
                    "low": list(one.low),
                    "high": list(one.high),
                    "kind": one.kind,
                    "colour": one.colour,
                    "spans": one.spans,
                }
                for one in self.series
            ],
        }

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table: for each x its name, its page and a cell for each series, as text."""
        return [
            {
                "name": self._name(n),
                "link": self.links[n] if n < len(self.links) else "",
                "missing": self.missing[n] if n < len(self.missing) else "",
                "cells": [_cell(one, n) for one in self.series],
            }
            for n in range(len(self.x))
        ]

    @property
    def csv(self) -> str:
        """The same numbers, unrounded, an interval in columns of its own."""
        return "".join(self._lines())

    @property
    def csv_address(self) -> str:
        """The CSV as an address, so that the file holds what the page shows."""
        return csv_address(self.csv)

    def _lines(self) -> Iterator[str]:
        heads = [self.x_label]
        for one in self.series:
            heads += [f"{one.label} ({self.unit})", *((f"{one.label}, low", f"{one.label}, high") if any(_known(one.low)) else ())]
        missing = any(self.missing)
        yield csv_line([*heads, *(["remark"] if missing else [])])
        for n in range(len(self.x)):
            cells: list[object] = [self.x[n]]
            for one in self.series:
                cells += [one.values[n], *((one.interval(n) or (None, None)) if any(_known(one.low)) else ())]
            yield csv_line([*cells, *([self.missing[n] or None] if missing else [])])

    def _name(self, n: int) -> str:
        return self.names[n] if n < len(self.names) else f"{self.x[n]:g}"


def csv_address(csv: str) -> str:
    """A CSV as an address that a link downloads."""
    return f"data:text/csv;charset=utf-8,{quote(csv)}"


def axis(series: Sequence[Series], *, least: float = 0.0, from_zero: bool = False) -> tuple[float, float]:
    """Both ends of the y axis: all that was measured with its intervals, the baselines that lie near, and no less than `least`."""
    measured = [value for one in series if one.kind != "baseline" for value in _ends(one)]
    if not measured:
        return 0.0, 1.0
    low, high = min(measured), max(measured)
    if from_zero:
        low = min(low, 0.0)
    lacks = max(least, LEAST_SHARE * max(abs(low), abs(high))) - (high - low)
    if lacks > 0:
        low, high = (low, high + lacks) if from_zero and low == 0 else (low - lacks / 2, high + lacks / 2)
    near = [
        value for one in series if one.kind == "baseline" for value in _known(one.values) if abs(value - (low + high) / 2) <= high - low
    ]
    low, high = min([low, *near]), max([high, *near])
    margin = MARGIN * (high - low) or 1.0
    return (low if from_zero and low == 0 else low - margin), high + margin


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None and value > SILENT]


def _ends(one: Series) -> list[float]:
    return [*_known(one.values), *_known(one.low), *_known(one.high)]


def said(value: float) -> str:
    """A value as tables have it: what nobody can hear is silent."""
    return "silent" if value <= SILENT else f"{value:.2f}"


def _cell(one: Series, n: int) -> tuple[str, str]:
    """A value and its interval."""
    value = one.values[n]
    if value is None:
        return "\u2013", ""
    interval = one.interval(n)
    return said(value), f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else ""
