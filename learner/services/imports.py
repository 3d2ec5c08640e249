"""What comes into a campaign from elsewhere: tasks that a program sends at once, and files, which a worker goes through."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from annotation.core.formats.reading.faults import BadFile
from annotation.core.formats.reading.label_studio import LONGEST_CLIP, TaskRead, task
from annotation.core.imported import Report
from annotation.core.label_studio import Marks
from annotation.core.regions import Region
from annotation.models import Campaign, Membership, Task
from annotation.selectors.imports import Planned, Song, There
from annotation.services.imports import Import, record_import
from learner.selectors.checkpoints import current_checkpoint

LABEL_STUDIO = "label studio"


class BadImport(BadFile):
    """Something in what was sent cannot be used; nothing of it was kept."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("Nothing was kept. " + " ".join(self.reasons[:5]) + (f" And {len(reasons) - 5} more." if len(reasons) > 5 else ""))


@dataclass(frozen=True)
class ImportedTasks:
    """What came of tasks that a program sent; `task_ids` in their order, several sent of one clip have its one task."""

    task_ids: list[int]
    report: Report


@transaction.atomic
def import_tasks(*, campaign: Campaign, tasks: Sequence[object], by: Membership) -> ImportedTasks:
    """Tasks as Label Studio's import takes them, JSON that was read already: each is matched with a clip of a song here, or opens one.

    Annotations in them are kept as answers of `by`, whoever they name; predictions as proposals, where the campaign shows such. All or
    nothing: raises `BadImport`, naming each place. Sent twice, it adds nothing twice.
    """
    batch, current = uuid.uuid4(), current_checkpoint(campaign)
    done = Import(campaign, current.hash if current else "", LABEL_STUDIO, "", batch)
    reads = [task(item, f"tasks[{number}]") for number, item in enumerate(tasks)]
    done.people = {given.person: str(by.pk) for read in reads for given in read.annotations}
    matched = done.match(reads)
    planned = done.plan(matched)
    reasons = [*done.report.faults, *done.report.songs, *done.report.reasons]
    reasons += [f"{label!r} is no label of this campaign." for label in done.report.labels]
    there = There.of(campaign, done.current, [song.pk for _, song in matched])
    reasons += [why for read, song in matched if (why := _no_clip(read, song, there, done.current))]
    if reasons:
        raise BadImport(reasons)
    rows = [_task_of(done, read, song, there) for read, song in matched]
    done.write(planned)
    for (read, _), row in zip(matched, rows, strict=True):
        done.predict(read, row)
    if done.report.faults:
        raise BadImport(done.report.faults)
    record_import(campaign=campaign, who=by, file="", report=done.report)
    return ImportedTasks([row.pk for row in rows], done.report)


def _clip(read: TaskRead, song: Song) -> Region:
    return Region(read.clip.start, min(read.clip.end, song.duration)) if read.clip else Region(0.0, song.duration)


def _no_clip(read: TaskRead, song: Song, there: There, current: str) -> str:
    """Why no clip can be put before people for this task; empty: one is there, or can be opened."""
    clip = _clip(read, song)
    if clip.duration > LONGEST_CLIP:
        return (
            f"{read.where} is of {clip.duration:.0f} s: say in data.start and data.end which {LONGEST_CLIP:.0f} s of {song.name} it is of."
        )
    if there.task(song, clip, read.checkpoint, current):
        return ""
    if song.pk not in there.extracted:
        return f"{read.where}: nothing was extracted from {song.name} yet."
    return f"{read.where}: a clip of another length begins at {clip.start:g} s." if there.begins(song, clip, current) else ""


def _task_of(done: Import, read: TaskRead, song: Song, there: There) -> Task:
    clip = _clip(read, song)
    if known := there.task(song, clip, read.checkpoint, done.current):
        return known
    return done.opened(Planned(read.where, song, clip, Marks([], []), [], "", uuid.uuid4(), {}), reason="sent by a program")
