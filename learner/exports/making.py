"""Make one export: its files in a folder, and of these the one file that people download."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.utils.timezone import now

from annotation.models import Campaign
from learner.exports.folders import packed
from learner.exports.marks import FILES, write_label_studio, write_songs
from learner.exports.release.files import Step, write_release
from learner.exports.snapshot import snapshot
from learner.exports.table_files import write_tables
from learner.models import Export, Job
from learner.services.exports import keep_export
from learner.services.jobs import scratch

Format = Export.Format
Write = Callable[[Export, Campaign, Path], list[Step] | None]
READING, PACKING = "reading the rows as they are now", "packing the files"

WRITERS: dict[Export.Format, Write] = {
    Format.LABEL_STUDIO: write_label_studio,
    Format.LABEL_STUDIO_MIN: write_label_studio,
    Format.LABEL_STUDIO_CSV: write_label_studio,
    **dict.fromkeys(FILES, write_songs),
    Format.TABLES: write_tables,
    Format.PARQUET: write_tables,
    Format.DATASET: write_release,
    Format.WEBDATASET: write_release,
}


def make(job: Job) -> None:
    """Do one job of the kind export; done again, it makes another file of the rows as they are then."""
    export = Export.objects.select_related("campaign").get(job=job)
    job.beat(0, 2, READING)
    with scratch(job) as unfinished:
        folder = unfinished / "files"
        taken_at, steps = write_rows(export, folder)
        for n, (doing, step) in enumerate(steps, start=1):
            job.beat(n, 2 + len(steps), doing)
            step()
        job.beat(1 + len(steps), 2 + len(steps), PACKING)
        file = one_file(folder, unfinished)
        keep_export(export=export, job=job, file=file, called=called(export, file.suffix, taken_at), taken_at=taken_at)


def write(export: Export, folder: Path) -> None:
    """Write all files of an export into a folder."""
    for _, step in write_rows(export, folder)[1]:
        step()


def write_rows(export: Export, folder: Path) -> tuple[datetime, list[Step]]:
    """Write what comes of rows into a folder; returns the moment whose rows they are, and the steps that are left, which need none."""
    folder.mkdir(parents=True, exist_ok=True)
    with snapshot():
        taken_at = now()
        steps = WRITERS[Format(export.format)](export, Campaign.objects.get(pk=export.campaign_id), folder)
    return taken_at, steps or []


def one_file(folder: Path, scratch: Path) -> Path:
    """The only file of a folder, or all of them packed."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return files[0] if len(files) == 1 else packed(folder, scratch / "packed.zip")


def called(export: Export, suffix: str, taken_at: datetime) -> str:
    return f"{export.campaign.slug}-{export.format}-{taken_at:%Y-%m-%d}{suffix}"
