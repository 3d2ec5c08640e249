"""How many people, answers, minutes and money a wanted consensus takes: from simulated crowds (`grid`), made once and kept beside it."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("grid.json")
Z = 1.28  # eight of ten crowds lie within so many standard deviations
AXES = ("sensitivity", "spammers", "leak")
FIGURES = ("f1", "f1_sd", "found")


class Expected(NamedTuple):
    """What so many answers to a clip are expected to give."""

    answers: int
    f1: float  # of consensus and truth, by frames of all clips
    low: float  # 8 of 10 crowds lie between these
    high: float
    found: float  # share of the bleeding time that is agreed on


@dataclass(frozen=True)
class Wanted:
    """What a study is to reach, and with whom."""

    f1: float = 0.85
    minutes: float = 2.0  # of bleed that people agree on
    sensitivity: float = 0.8  # share of the bleed that people who listen mark
    spammers: float = 0.1  # share of people who do not listen
    leak: float = 4.0  # seconds a minute of what people hear
    clip_seconds: float = 15.0
    pace: float = 1.5  # seconds of a person's time for a second of a clip, all told
    minutes_each: float = 30.0  # that a person gives
    pay: float = 0.0  # for an hour


@dataclass(frozen=True)
class Cost:
    """What a study with so many answers to a clip takes."""

    expected: Expected
    clips: int
    minutes: float  # of people, together
    people: int
    money: float
    enough: bool  # the wanted F1 is expected
    surely: bool  # it is reached by 9 of 10 crowds


def costs(wanted: Wanted) -> list[Cost]:
    """A row for each number of answers to a clip, from one on."""
    rows = []
    for one in expected(wanted.sensitivity, wanted.spammers, wanted.leak):
        agreed = wanted.leak / 60 * wanted.clip_seconds * max(one.found, 0.01)  # seconds a clip
        clips = math.ceil(60 * wanted.minutes / agreed)
        minutes = clips * one.answers * wanted.clip_seconds * wanted.pace / 60
        rows.append(
            Cost(
                expected=one,
                clips=clips,
                minutes=minutes,
                people=max(one.answers, math.ceil(minutes / wanted.minutes_each)),
                money=minutes / 60 * wanted.pay,
                enough=round(one.f1, 2) >= wanted.f1,  # as it is shown
                surely=one.low >= wanted.f1,
            )
        )
    return rows


def chosen(rows: list[Cost]) -> Cost | None:
    """The least that gives the wanted F1; None: none of them does."""
    return next((row for row in rows if row.enough), None)


def expected(sensitivity: float, spammers: float, leak: float) -> list[Expected]:
    """What each number of answers gives, between the simulated crowds; outside of them, as at their edge."""
    axes, values = _table()
    at = [sensitivity, spammers, math.log(max(leak, 1e-3))]
    for axis, point in zip(axes, at, strict=True):
        values = _between(axis, values, point)
    f1, spread, found = values.T
    return [
        Expected(n + 1, float(f1[n]), float(max(0.0, f1[n] - Z * spread[n])), float(min(1.0, f1[n] + Z * spread[n])), float(found[n]))
        for n in range(len(f1))
    ]


def _between(axis: NDArray[np.float64], values: NDArray[np.float64], point: float) -> NDArray[np.float64]:
    """Linearly along the first axis of the values."""
    at = float(np.interp(point, axis, np.arange(len(axis))))
    below = min(int(at), len(axis) - 2)
    share = at - below
    return np.asarray((1 - share) * values[below] + share * values[below + 1])


@cache
def _table() -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """The axes (the leak by its logarithm), and (sensitivity, spammers, leak, answers, figure)."""
    cells: list[dict[str, Any]] = json.loads(FILE.read_text())["cells"]
    axes = [sorted({cell[name] for cell in cells}) for name in AXES]
    n_answers = len(cells[0]["by_answers"])
    values = np.zeros((*map(len, axes), n_answers, len(FIGURES)))
    for cell in cells:
        where = tuple(axis.index(cell[name]) for axis, name in zip(axes, AXES, strict=True))
        values[where] = [[row[name] for name in FIGURES] for row in cell["by_answers"]]
    sensitivity, spammers, leak = (np.array(axis) for axis in axes)
    return [sensitivity, spammers, np.log(leak)], values


def crowds() -> int:
    """How many crowds of each kind were simulated."""
    return int(json.loads(FILE.read_text())["seeds"])
