"""What an answer was worth against a truth that is told: lanes under each other, and what was wrong, to be heard again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from annotation.core.grading import Grade, edges_off
from annotation.core.regions import Region, Regions


@dataclass(frozen=True)
class Lane:
    """One line of a time line; blocks are (start, length, end) in seconds of the clip."""

    name: str
    kind: str
    blocks: list[tuple[float, float, float]]
    empty: str


@dataclass(frozen=True)
class Fault:
    """Something that was wrong, in words, and where to hear it, in seconds of the clip."""

    said: str
    start: float
    end: float


AROUND = 0.5  # seconds that are heard before and after a fault


def outcome(clip: Region, truth: Regions, marks: Regions, grade: Grade, *, name: str = "", edges: bool = True) -> dict[str, Any]:
    """For `annotation/parts/outcome.html`: all regions come in the seconds of the clip's track, and go out in those of the clip.

    `name` is that of the truth's lane. Without `edges` those that are slightly off are not named: whoever answered questions drew none.
    """
    return {
        "grade": grade,
        "percent": round(100 * grade.score),
        "lanes": time_line(clip, truth, marks, grade, name or _("what leaks")),
        "faults": faults(clip, truth, marks, grade, edges=edges),
        "length": round(clip.duration, 2),
    }


def time_line(clip: Region, truth: Regions, marks: Regions, grade: Grade, name: str) -> list[Lane]:
    """What was there, what was marked, and what of it was wrong."""
    return [
        lane(clip, name, "consensus", truth, _("nothing leaks")),
        own_lane(clip, marks),
        lane(clip, _("missed"), "missed", grade.missed, _("nothing missed")),
        lane(clip, _("too much"), "extra", grade.extra, _("nothing too much")),
    ]


def own_lane(clip: Region, marks: Regions) -> Lane:
    """What the reader marked."""
    return lane(clip, _("your marks"), "person", marks, _("no marks"))


def lane(clip: Region, name: str, kind: str, regions: Regions, empty: str) -> Lane:
    """Regions of the track in a lane of the clip."""
    return Lane(name, kind, [(round(r[0] - clip.start, 2), round(r[1] - r[0], 2), round(r[1] - clip.start, 2)) for r in regions], empty)


def faults(clip: Region, truth: Regions, marks: Regions, grade: Grade, *, edges: bool = True) -> list[Fault]:
    """What was missed, what was too much, and edges that are off though they count as right."""

    def fault(said: str, start: float, end: float, off: float = 0.0) -> Fault:
        first, last = max(0.0, start - clip.start - AROUND), min(clip.duration, end - clip.start + AROUND)
        values = {"start": start - clip.start, "end": end - clip.start, "off": abs(off)}
        return Fault(said % {key: number_format(round(value, 1), 1) for key, value in values.items()}, round(first, 2), round(last, 2))

    found = [fault(_("missed %(start)s to %(end)s s"), *region[:2]) for region in grade.missed]
    found += [fault(_("too much %(start)s to %(end)s s"), *region[:2]) for region in grade.extra]
    said = {
        (True, False): _("begun %(off)s s too early at %(start)s s"),
        (True, True): _("begun %(off)s s too late at %(start)s s"),
        (False, False): _("ended %(off)s s too early at %(start)s s"),
        (False, True): _("ended %(off)s s too late at %(start)s s"),
    }
    for edge in edges_off(marks, truth, clip) if edges else ():
        found.append(fault(said[edge.is_start, edge.off > 0], edge.at, edge.at, edge.off))
    return sorted(found, key=lambda one: one.start)
