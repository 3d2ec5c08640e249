"""Take the files of an intake into its campaign: archives opened, songs checked and kept, the folder cleared."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from django.db import transaction

from annotation.files import disk_space
from learner import services
from learner.core import audio
from learner.core.files.names import readable
from learner.core.songs import Bad
from learner.ingest import ingest
from learner.models import Intake, Job
from learner.services.intakes import LARGEST, MOST_FILES, SPARE


class BadArchive(ValueError):
    """An archive that is not opened."""


def take_in(job: Job) -> None:
    """Do one job of the kind ingest. Cut short and begun anew, it adds nothing twice, and counts what it added before as added."""
    intake = Intake.objects.select_related("campaign").get(job=job)
    bad = [wrong for archive in sorted(intake.songs.rglob("*")) if (wrong := _opened(archive))]

    def progress(done: int, total: int) -> None:
        job.beat(done, total, f"song {done} of {total}")

    found = ingest(
        campaign=intake.campaign, folder=intake.songs, use=intake.use, domain=intake.domain, licence=intake.licence, progress=progress
    )
    since = intake.campaign.tracks.filter(added__gte=intake.created, name__in=found.known)
    earlier = set(since.values_list("name", flat=True))
    outcome = {
        "added": sorted({*found.added, *earlier}),
        "known": sorted({*found.known} - earlier),
        "left_out": [{"file": _below(intake, one.path), "reason": one.reason} for one in (*bad, *found.bad)],
        "notes": [{"file": _below(intake, one.path), "reason": one.text} for one in found.notes],
    }
    with transaction.atomic():
        services.finish(job=job)
        Intake.objects.filter(pk=intake.pk).update(outcome=outcome)
    shutil.rmtree(intake.folder, ignore_errors=True)


def _below(intake: Intake, path: Path) -> str:
    """The path as it was sent."""
    return readable(path.relative_to(intake.songs)) if path.is_relative_to(intake.songs) else readable(path.name)


def _opened(archive: Path) -> Bad | None:
    """Unpack a .zip into a folder of its name, and remove it; what is wrong with it where that is not done."""
    if archive.suffix.casefold() != ".zip" or not archive.is_file():
        return None
    try:
        with zipfile.ZipFile(archive) as packed:
            _unpack(packed, archive.with_suffix(""))
    except (zipfile.BadZipFile, BadArchive, RuntimeError, NotImplementedError) as wrong:  # RuntimeError: it asks for a password
        return Bad(archive, f"The archive cannot be opened: {wrong}")
    finally:
        archive.unlink(missing_ok=True)
    return None


def _unpack(packed: zipfile.ZipFile, folder: Path) -> None:
    """Write the archive's files of sound below `folder`, and nothing else. Raises `BadArchive`."""
    wanted = [one for one in packed.infolist() if not one.is_dir() and one.filename.casefold().endswith((*audio.SUFFIXES, ".mp4"))]
    if len(wanted) > MOST_FILES or any(one.file_size > LARGEST for one in wanted):
        raise BadArchive(f"it may hold at most {MOST_FILES} files of at most 2 GB.")
    if sum(one.file_size for one in wanted) + SPARE > disk_space.free(folder.parent):
        raise BadArchive("there is no room on the disk for what is in it.")
    for one in wanted:
        parts = Path(one.filename).parts
        if ".." in parts or Path(one.filename).is_absolute():
            raise BadArchive(f"{one.filename[:100]!r} in it points out of it.")
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(one) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
