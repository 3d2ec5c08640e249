"""Take the files of an intake into its campaign: archives opened, songs checked and kept, the folder cleared."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.db import transaction

from annotation.files import disk_space
from learner import services
from learner.core import audio
from learner.core.files.names import readable
from learner.core.songs import Bad
from learner.ingest import Ingested, ingest
from learner.models import Intake, Job
from learner.services.intakes import LARGEST, MOST_FILES, SPARE
from learner.services.server_folders import NoSuchFolder, is_allowed


class BadArchive(ValueError):
    """An archive that is not opened."""


def take_in(job: Job) -> None:
    """Do one job of the kind ingest. Cut short and begun anew, it adds nothing twice, and counts what it added before as added."""
    intake = Intake.objects.select_related("campaign").get(job=job)
    bad = list(_opened_archives(intake))

    def progress(done: int, total: int) -> None:
        job.beat(done, total, f"song {done} of {total}")

    found = Ingested(bad=bad)
    for folder in _folders(intake):
        some = ingest(
            campaign=intake.campaign,
            folder=folder,
            use=intake.use,
            domain=intake.domain,
            licence=intake.licence,
            progress=progress,
            links=False,
        )
        found.add(some)
    since = intake.campaign.tracks.filter(added__gte=intake.created, name__in=found.known)
    earlier = set(since.values_list("name", flat=True))
    outcome = {
        "added": sorted({*found.added, *earlier}),
        "known": sorted({*found.known} - earlier),
        "left_out": [{"file": _below(intake, one.path), "reason": one.reason} for one in found.bad],
        "notes": [{"file": _below(intake, one.path), "reason": one.text} for one in found.notes],
    }
    with transaction.atomic():
        services.finish(job=job)
        Intake.objects.filter(pk=intake.pk).update(outcome=outcome)
    shutil.rmtree(intake.folder, ignore_errors=True)


def _folders(intake: Intake) -> list[Path]:
    """Where songs lie: the server's folder, where there is one, and what was sent or unpacked. Raises `NoSuchFolder`."""
    if not intake.server_folder:
        return [intake.songs]
    folder = Path(intake.server_folder)
    if not is_allowed(folder):
        raise NoSuchFolder(f"{readable(folder)} is not among the folders that songs may be taken from any more.")
    return [folder, *([intake.songs] if intake.songs.is_dir() else [])]


def _below(intake: Intake, path: Path) -> str:
    """The path as it was sent, or as it lies in the server's folder."""
    for folder in (intake.songs, Path(intake.server_folder or intake.songs)):
        if path.is_relative_to(folder):
            return readable(path.relative_to(folder))
    return readable(path.name)


def _opened_archives(intake: Intake) -> Iterator[Bad]:
    """Unpack every .zip into a folder of its name among what was sent; gives what is wrong with those where that is not done.

    Archives that were sent are removed; those in a folder of the server stay, and links there are not followed.
    """
    for folder in _folders(intake):
        for inside, _, names in os.walk(folder):
            for archive in sorted(Path(inside) / name for name in names if name.casefold().endswith(".zip") and not name.startswith(".")):
                if archive.is_symlink() or not archive.is_file():
                    continue  # `scan` names it
                wrong = _opened(archive, intake.songs / archive.relative_to(folder).with_suffix(""))
                if folder == intake.songs:
                    archive.unlink(missing_ok=True)
                if wrong:
                    yield wrong


def _opened(archive: Path, target: Path) -> Bad | None:
    """Unpack a .zip into a folder; what is wrong with it where that is not done."""
    try:
        with zipfile.ZipFile(archive) as packed:
            _unpack(packed, target)
    except (zipfile.BadZipFile, BadArchive, RuntimeError, NotImplementedError) as wrong:  # RuntimeError: it asks for a password
        return Bad(archive, f"The archive cannot be opened: {wrong}")
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
