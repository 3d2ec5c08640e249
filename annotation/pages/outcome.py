"""What an answer was worth against a truth that is told: lanes under each other, and what was wrong, to be heard again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def outcome(clip: Region, truth: Regions, marks: Regions, grade: Grade) -> dict[str, Any]:
    """For `annotation/parts/outcome.html`: all regions come in the seconds of the clip's track, and go out in those of the clip."""
    return {
        "grade": grade,
        "percent": round(100 * grade.score),
        "lanes": time_line(clip, truth, marks, grade),
        "faults": faults(clip, truth, marks, grade),
        "length": round(clip.duration, 2),
    }


def time_line(clip: Region, truth: Regions, marks: Regions, grade: Grade) -> list[Lane]:
    """What was there, what was marked, and what of it was wrong."""
    return [
        lane(clip, "what leaks", "consensus", truth, "nothing leaks"),
        lane(clip, "your marks", "person", marks, "no marks"),
        lane(clip, "missed", "missed", grade.missed, "nothing missed"),
        lane(clip, "too much", "extra", grade.extra, "nothing too much"),
    ]


def lane(clip: Region, name: str, kind: str, regions: Regions, empty: str) -> Lane:
    """Regions of the track in a lane of the clip."""
    return Lane(name, kind, [(round(r[0] - clip.start, 2), round(r[1] - r[0], 2), round(r[1] - clip.start, 2)) for r in regions], empty)


def faults(clip: Region, truth: Regions, marks: Regions, grade: Grade) -> list[Fault]:
    """What was missed, what was too much, and edges that are off though they count as right."""

    def fault(said: str, start: float, end: float) -> Fault:
        first, last = max(0.0, start - clip.start - AROUND), min(clip.duration, end - clip.start + AROUND)
        return Fault(said.format(start=start - clip.start, end=end - clip.start), round(first, 2), round(last, 2))

    found = [fault("missed {start:.1f} to {end:.1f} s", *region[:2]) for region in grade.missed]
    found += [fault("too much {start:.1f} to {end:.1f} s", *region[:2]) for region in grade.extra]
    for edge in edges_off(marks, truth, clip):
        how = f"{abs(edge.off):.1f} s too {'late' if edge.off > 0 else 'early'}"
        found.append(fault(f"{'begun' if edge.is_start else 'ended'} {how} at {{start:.1f}} s", edge.at, edge.at))
    return sorted(found, key=lambda one: one.start)
