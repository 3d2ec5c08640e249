"""`manage.py backup DIR`: database, files and secrets into a folder, while everything runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hub import backup, postgres


class Command(BaseCommand):
    help = (
        "Add a backup of database, files and secrets to a folder, while everything runs. Files that lie there already are not copied again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where backups lie, best on another disk; it is made where missing")
        parser.add_argument("--keep", type=int, metavar="N", help="remove all but the latest N backups afterwards (default: keep all)")
        parser.add_argument("--check", action="store_true", help="make none: hash everything that the latest backup holds")

    def handle(self, *, folder: Path, keep: int | None, check: bool, **options: Any) -> None:
        if keep is not None and keep < 1:
            raise CommandError(f"--keep is {keep}; it may be 1 or more.")
        try:
            if check:
                self.look(folder)
                return
            made = backup.back_up(base=settings.HOME, target=folder.absolute())
            self.stdout.write(
                f"{made.folder}: {made.n_files} files, {made.n_copied} of them new; {made.n_bytes / 1e6:.1f} MB were written."
            )
            if keep and (gone := backup.remove_old(target=folder, keep=keep)):
                self.stdout.write(f"{gone} older removed.")
        except (backup.BadBackup, postgres.ServerError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error}. No backup was made; make room in {folder}, where this user must write, or choose another."
            ) from error

    def look(self, folder: Path) -> None:
        if not (every := backup.backups(folder)):
            raise CommandError(f"There is no backup in {folder}.")
        manifest = backup.check(every[-1])
        self.stdout.write(f"{every[-1]}: whole, with {len(manifest['files'])} files.")
