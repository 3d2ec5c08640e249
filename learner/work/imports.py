"""Go through files of marks: look at what is in them, or bring it into their campaign. Begun anew, it keeps nothing twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import transaction
from django.utils.timezone import now

from annotation.core.formats.reading import BadFile, Fault, records
from annotation.core.formats.reading import labels as label_files
from annotation.core.formats.reading.json_list import elements
from annotation.core.formats.reading.label_studio import Meaning, TaskRead, task
from annotation.core.formats.rows import CONSENSUS
from annotation.core.imported import PREDICTIONS, Report
from annotation.core.regions import Region
from annotation.models import Campaign, Mark, MissingMark, Provenance
from annotation.selectors.imports import Song, There, own_key, suggested_people
from annotation.services import imported_gold
from annotation.services.imports import NEW, OUT, Import, record_import
from learner import services
from learner.models import DataImport, Job
from learner.selectors.checkpoints import current_checkpoint
from learner.services.imports import LABEL_STUDIO

AT_ONCE = 100  # tasks and answers of a file in memory, and between two signs of life
LARGEST_TEXT = 20_000_000  # bytes of one file of labels
Progress = Callable[[int, int, str], None]
"""Bytes that were gone through, of how many, and the file's name."""


def go_through(job: Job) -> None:
    """Do one job of the kind import."""
    data = DataImport.objects.select_related("campaign", "who").get(job=job)
    files = [(name, data.folder / str(number)) for number, name in enumerate(data.files)]
    write = data.phase == DataImport.Phase.IMPORT

    def progress(done: int, total: int, name: str) -> None:
        job.beat(100 * done // max(total, 1), 100, f"{'importing' if write else 'looking at'} {name}")

    report = bring(data, files, write=write, progress=progress)
    with transaction.atomic():
        services.finish(job=job)
        DataImport.objects.filter(pk=data.pk).update(report=report.as_json(), done=now() if write else None)
        if write:
            record_import(campaign=data.campaign, who=data.who, file=", ".join(data.files)[:200], report=report)
    if write:
        shutil.rmtree(data.folder, ignore_errors=True)


def bring(data: DataImport, files: list[tuple[str, Path]], *, write: bool, progress: Progress | None = None) -> Report:
    """Look at files, or write what is in them; a file that cannot be read is named in the report, and the others are gone on with."""
    current = current_checkpoint(data.campaign)
    report, done = Report(), 0
    total = sum(path.stat().st_size for _, path in files)
    for name, path in files:
        if progress:
            progress(done, total, name)
        before = report.tasks
        try:
            with path.open("rb") as file:
                kind = label_files.kind_of(name, file.read(4096))
            one = Import(
                data.campaign,
                current.hash if current else "",
                kind,
                name,
                data.key,
                people=people_of(data),
                meanings=data.meanings,
                others=Meaning.MARK if kind == "audacity" else None,
                lines=kind != LABEL_STUDIO,
                report=report,
            )
            for some, at in _chunks(path, name, kind, f"{name} " if len(files) > 1 else ""):
                _do(one, some, gold=data.kept_as == DataImport.As.GOLD, write=write)
                if progress:
                    progress(done + at, total, name)
        except BadFile as bad:
            report.unreadable += 1
            report.fault(Fault(name, "", f"cannot be read{' to its end' if report.tasks > before else ''}. {bad}"))
        done += path.stat().st_size
    if write and data.kept_as == DataImport.As.ANSWERS:
        _count_earlier(data, report)
    else:
        suggest(data.campaign, report, data.person)
    return report


def people_of(data: DataImport) -> dict[str, str]:
    """Who is who, as it was chosen; nobody has chosen yet whether what a consensus says is anybody's answer, and it is not."""
    nobody = f"{NEW}:{data.person}" if data.person else NEW
    return {"": nobody, CONSENSUS: OUT, **data.people}


def suggest(campaign: Campaign, report: Report, person: str = "") -> None:
    """Put beside each person of the file the member who they seem to be."""
    shown = {key: str(about["shown"]) for key, about in report.people.items() if key}
    own = {key: found for key, about in report.people.items() if (found := own_key({"unique_id": about["own"]}))}
    for key, member in suggested_people(campaign, shown, own).items():
        report.people[key]["member"] = member.pk


def _do(one: Import, tasks: list[TaskRead], *, gold: bool, write: bool) -> None:
    matched = one.match(tasks)
    if gold:
        planned = one.plan(imported_gold.one_truth(one, matched))
        (imported_gold.write if write else imported_gold.look)(one, planned)
        return
    planned = one.plan(matched)
    (one.write if write else one.look)(planned)
    _predict(one, matched, write=write)


def _predict(one: Import, matched: list[tuple[TaskRead, Song]], *, write: bool) -> None:
    with_some = [(read, song) for read, song in matched if read.predictions]
    if not with_some:
        return
    there = There.of(one.campaign, one.current, [song.pk for _, song in with_some])
    for read, song in with_some:
        clip = read.clip or Region(0.0, song.duration)
        if row := there.task(song, clip, read.checkpoint, one.current):
            with transaction.atomic():
                one.predict(read, row, write=write)
        else:
            one.report.leave_out(f"{PREDICTIONS}nobody is asked about their clips here.")


def _count_earlier(data: DataImport, report: Report) -> None:
    """What an attempt that was cut short had kept is counted as kept now."""
    kept = Provenance.objects.filter(batch=data.key)
    n = kept.count()
    report.known, report.answers = max(0, report.known - (n - report.answers)), n
    of_it = {"submission__provenance__batch": data.key}
    report.marks = Mark.objects.filter(**of_it).count() + MissingMark.objects.filter(**of_it).count()


def _chunks(path: Path, name: str, kind: str, before: str) -> Iterator[tuple[list[TaskRead], int]]:
    """The tasks of a file, some at once, with how many bytes they reach to; `before` stands before the place of what is wrong."""
    with path.open("rb") as file:
        if kind != LABEL_STUDIO:
            if path.stat().st_size > LARGEST_TEXT:
                raise BadFile(f"It has more than {LARGEST_TEXT / 1e6:.0f} MB: cut it into several.")
            yield list(label_files.READERS[kind](label_files.text_of(file.read()), name)), path.stat().st_size
            return
        some: list[TaskRead] = []
        n = 0
        for where, item in records.rows(file) if name.casefold().endswith(records.ENDINGS) else elements(file):
            some.append(read := task(records.as_task(item), before + where))
            n += 1 + len(read.annotations)
            if n >= AT_ONCE:
                yield some, file.tell()
                some, n = [], 0
        yield some, file.tell()
