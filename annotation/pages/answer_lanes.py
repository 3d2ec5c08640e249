"""What a clip's answers look like: lanes of marks over the seconds of the track, ready to be drawn as SVG rectangles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annotation.models import Consensus, Membership, Submission, Task

GRID = 5.0  # seconds between two lines


@dataclass(frozen=True)
class Block:
    """A stretch in a lane; `x` and `width` in clip seconds, `start` and `end` in track seconds, `weight` from 0 to 1."""

    x: float
    width: float
    start: float
    end: float
    weight: float = 1.0
    tag: str = ""  # what leaks there
    missing: bool = False  # the opposite of a mark

    @property
    def opacity(self) -> float:
        """Never so faint that it cannot be seen."""
        return round(0.25 + 0.75 * self.weight, 2)


@dataclass(frozen=True)
class Lane:
    """One answer, or the consensus: what it says about the clip."""

    name: str
    kind: str
    blocks: list[Block]
    empty: str


@dataclass(frozen=True)
class Picture:
    """A clip with its lanes; `lines` are clip seconds of the grid, all in (0, length)."""

    length: float
    lanes: list[Lane]
    lines: list[float]


def picture(
    task: Task,
    submissions: Iterable[Submission],
    consensus: Consensus | None,
    viewer: Membership | None,
    *,
    names: bool,
    others: str = "listener",
) -> Picture:
    """The lanes of a task. `names`: whether pseudonyms may be read; without them `others` are counted. None views: nobody is "you"."""
    lanes = []
    for n, submission in enumerate(submissions, start=1):
        mine = viewer is not None and submission.by_id == viewer.pk
        name = "you" if mine else submission.by.pseudonym if names else f"{others} {n}"
        blocks = [_block(task, mark.start, mark.end, tag=mark.tag) for mark in submission.marks.all()]
        blocks += [_block(task, one.start, one.end, missing=True) for one in submission.missing.all()]
        lanes.append(Lane(name, "person", blocks, "heard nothing wrong"))
    if consensus:
        regions = [_block(task, region.start, region.end, region.probability, region.tag) for region in consensus.regions.all()]
        regions += [_block(task, one.start, one.end, one.probability, missing=True) for one in consensus.missing.all()]
        lanes.append(Lane("consensus", "consensus", regions, "nothing agreed on"))
    length = task.end - task.start
    return Picture(length, lanes, [GRID * n for n in range(1, int(length // GRID) + 1) if GRID * n < length])


def _block(task: Task, start: float, end: float, weight: float = 1.0, tag: str = "", *, missing: bool = False) -> Block:
    return Block(round(start - task.start, 3), round(end - start, 3), start, end, weight, tag, missing)
