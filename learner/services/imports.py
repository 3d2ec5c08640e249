"""What comes into a campaign from elsewhere: tasks that a program sends at once, and files, which a worker goes through."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.formats.reading.faults import BadFile
from annotation.core.formats.reading.label_studio import LONGEST_CLIP, Meaning, TaskRead, task
from annotation.core.imported import Report
from annotation.core.label_studio import Marks
from annotation.core.regions import Region
from annotation.events import record
from annotation.models import Campaign, Membership, Task
from annotation.selectors.imports import Planned, Song, There
from annotation.services.imports import Import, check_choices, record_import
from learner.models import DataImport, Job
from learner.selectors.checkpoints import current_checkpoint
from learner.services.intakes import KEPT, LONGEST_NAME, NotTaken, TooLarge
from learner.services.jobs import OPEN, queue_job

LABEL_STUDIO = "label studio"
LARGEST = 100_000_000  # bytes of all files of an import together
MOST_FILES = 500


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


# ---------------------------------------------------------------- files


class NotOpen(DomainError):
    """These files were imported or thrown away, or a worker goes through them just now."""


@transaction.atomic
def begin_import(*, who: Membership, files: Sequence[UploadedFile[Any]], kept_as: str, person: str = "") -> DataImport:
    """Keep files until they are imported, and have a worker look at what is in them. Raises `NotTaken` and `ValidationError`."""
    if not files:
        raise NotTaken("Choose a file first.")
    if len(files) > MOST_FILES:
        raise NotTaken(f"At most {MOST_FILES} files can be brought together.")
    if sum(one.size or 0 for one in files) > LARGEST:
        raise TooLarge(f"These files have more than {LARGEST / 1e6:.0f} MB together: bring them in parts.")
    names = [_name(one.name or "") for one in files]
    if twice := {name for name in names if names.count(name) > 1}:
        raise NotTaken(f"Two files are called {min(twice)!r}.")
    one = DataImport(campaign=who.campaign, who=who, kept_as=kept_as, person=person.strip(), files=names)
    if last := DataImport.objects.filter(campaign=who.campaign, done__isnull=False).order_by("-done").first():
        one.meanings = last.meanings  # else the same file again would be read otherwise than the first time
    one.full_clean(exclude=["job"])
    one.folder.mkdir(parents=True)
    for number, sent in enumerate(files):
        with (one.folder / str(number)).open("wb") as file:
            file.writelines(sent.chunks())
    one.job = queue_job(campaign=who.campaign, kind=Job.Kind.IMPORT)
    one.save()
    record(who.campaign, "import.begun", who=who, after={"files": len(names), "file": names[0], "as": kept_as})
    return one


def _name(path: str) -> str:
    """The name that a file was sent by; only rows know it, since on the disk it lies under a number. Raises `NotTaken`."""
    name = path.replace("\\", "/").rpartition("/")[2]
    if not name or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise NotTaken(f"{path[:100]!r} cannot be kept: a name may have {LONGEST_NAME} bytes, and must be printable.")
    return name


@transaction.atomic
def go_on(*, data: DataImport, who: Membership, people: Mapping[str, str], meanings: Mapping[str, str], do_import: bool) -> DataImport:
    """Look again with these choices, or import. Raises `NotOpen` and `BadChoice`."""
    data = DataImport.objects.select_for_update(of=("self",)).select_related("job", "campaign").get(pk=data.pk)
    if not data.is_open:
        raise NotOpen
    if do_import and (data.report is None or data.report["unreadable"]):
        raise NotOpen("A file of these cannot be read to its end: nothing of them is imported. Bring them again without it.")
    check_choices(data.campaign, people)
    data.people, data.meanings = dict(people), {label: one for label, one in meanings.items() if one in list(Meaning)}
    data.phase = DataImport.Phase.IMPORT if do_import else DataImport.Phase.LOOK
    data.job = queue_job(campaign=data.campaign, kind=Job.Kind.IMPORT)
    data.save(update_fields=["people", "meanings", "phase", "job"])
    if do_import:
        record(data.campaign, "import.agreed", who=who, after={"file": data.files[0], "files": len(data.files)})
    return data


@transaction.atomic
def discard(*, data: DataImport) -> None:
    """Throw files away that were not imported. Raises `NotOpen`."""
    data = DataImport.objects.select_for_update(of=("self",)).select_related("job").get(pk=data.pk)
    if not data.is_open:
        raise NotOpen
    data.discarded = now()
    data.save(update_fields=["discarded"])
    shutil.rmtree(data.folder, ignore_errors=True)


def old() -> QuerySet[DataImport]:
    """Files that nobody imported within two weeks."""
    return DataImport.objects.filter(done=None, discarded=None, created__lt=now() - KEPT).exclude(job__state__in=OPEN)


def discard_old() -> int:
    """Throw these away; returns how many imports they were of."""
    found = list(old())
    for one in found:
        discard(data=one)
    return len(found)
