"""Make one export: its files in a folder, and of these the one file that people download."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.utils.timezone import now

from annotation.models import Campaign
from learner.exports.folders import packed
from learner.exports.marks import FILES, write_label_studio, write_songs
from learner.exports.snapshot import snapshot
from learner.exports.table_files import write_tables
from learner.models import Export, Job
from learner.services.exports import keep_export

Format = Export.Format
Write = Callable[[Export, Campaign, Path], None]
READING, PACKING = "reading the rows as they are now", "packing the files"

WRITERS: dict[Export.Format, Write] = {
    Format.LABEL_STUDIO: write_label_studio,
    Format.LABEL_STUDIO_MIN: write_label_studio,
    Format.LABEL_STUDIO_CSV: write_label_studio,
    **dict.fromkeys(FILES, write_songs),
    Format.TABLES: write_tables,
    Format.PARQUET: write_tables,
}


def make(job: Job) -> None:
    """Do one job of the kind export; done again, it makes another file of the rows as they are then."""
    export = Export.objects.select_related("campaign").get(job=job)
    job.beat(0, 2, READING)
    with tempfile.TemporaryDirectory(prefix="unbleed-export-") as scratch:
        folder = Path(scratch) / "files"
        taken_at = write(export, folder)
        job.beat(1, 2, PACKING)
        file = one_file(folder, Path(scratch))
        keep_export(export=export, job=job, file=file, called=called(export, file.suffix, taken_at), taken_at=taken_at)


def write(export: Export, folder: Path) -> datetime:
    """Write the files of an export into a folder; returns the moment whose rows they show."""
    folder.mkdir(parents=True, exist_ok=True)
    with snapshot():
        taken_at = now()
        WRITERS[Format(export.format)](export, Campaign.objects.get(pk=export.campaign_id), folder)
    return taken_at


def one_file(folder: Path, scratch: Path) -> Path:
    """The only file of a folder, or all of them packed."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return files[0] if len(files) == 1 else packed(folder, scratch / "packed.zip")


def called(export: Export, suffix: str, taken_at: datetime) -> str:
    return f"{export.campaign.slug}-{export.format}-{taken_at:%Y-%m-%d}{suffix}"
