"""The checkpoints of a campaign as a picture: each to the right of the one that it was made from, the promoted ones in one line."""

from __future__ import annotations

from dataclasses import dataclass

from learner.models import Checkpoint
from learner.selectors.family import Relation

WIDTH, HEIGHT = 142, 46  # of a box, in units of the picture; so the next ones
ACROSS, DOWN = 188, 62  # from one box to the next
EDGE = 8
MOST = 60  # children, the latest


@dataclass(frozen=True)
class Box:
    """One checkpoint: where it stands, and what is said of it."""

    checkpoint: Checkpoint
    x: int
    y: int
    said: str
    kind: str  # base, promoted or refused
    is_current: bool
    is_shown: bool  # the one whose page it is


@dataclass(frozen=True)
class Line:
    """From a parent to its child, with the number of regions that it learned from."""

    path: str
    kind: str
    regions: int
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]


def picture(relations: list[Relation], current: Checkpoint | None, shown: Checkpoint) -> Picture | None:
    """Boxes and lines; None where nothing was made yet."""
    if not relations:
        return None
    made = {one.child: one for one in relations}
    relations = relations[-MOST:]
    checkpoints = list(dict.fromkeys(one for pair in relations for one in (pair.parent, pair.child)))
    parents = {one.child: one.parent for one in relations}
    places: dict[Checkpoint, tuple[int, int]] = {}
    for one in checkpoints:  # a parent always comes before its children
        column, row = places[parents[one]] if one in parents else (-1, 0)
        column, row = column + 1, row if one not in parents or made[one].promoted else row + 1
        while (column, row) in places.values():
            row += 1
        places[one] = (column, row)
    spots = {one: (EDGE + ACROSS * column, EDGE + DOWN * row) for one, (column, row) in places.items()}
    boxes = [Box(one, *spots[one], _said(made.get(one)), _kind(made.get(one)), one == current, one == shown) for one in checkpoints]
    lines = [_line(one, spots) for one in relations]
    width = max(x for x, _ in spots.values()) + WIDTH + EDGE
    return Picture(width, max(y for _, y in spots.values()) + HEIGHT + EDGE, boxes, lines)


def _said(relation: Relation | None) -> str:
    return f"round {relation.number}: {relation.verdict}" if relation else "base"


def _kind(relation: Relation | None) -> str:
    return "base" if relation is None else "promoted" if relation.promoted else "refused"


def _line(one: Relation, spots: dict[Checkpoint, tuple[int, int]]) -> Line:
    (x1, y1), (x2, y2) = spots[one.parent], spots[one.child]
    begin, end, middle = (x1 + WIDTH, y1 + HEIGHT // 2), (x2, y2 + HEIGHT // 2), x2 - (ACROSS - WIDTH) // 2
    path = f"M{begin[0]} {begin[1]} H{middle} V{end[1]} H{end[0]}"
    return Line(path, _kind(one), one.regions, x2 - 4, end[1] - 5)
