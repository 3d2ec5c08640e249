"""`manage.py restore DIR`: a backup into an empty home."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.loader import MigrationLoader

from hub import backup, postgres


class Command(BaseCommand):
    help = "Restore a backup into an empty home (UNBLEED_HOME, and DATABASE_URL where set). Afterwards `up` goes on where it was taken."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where backups lie, for the latest of them; or one of them")

    def handle(self, *, folder: Path, **options: Any) -> None:
        chosen = next(reversed(backup.backups(folder)), folder)
        known = set(MigrationLoader(None).disk_migrations)
        try:
            n_files = backup.restore(folder=chosen, base=settings.HOME, known_migrations=known)
        except (backup.BadBackup, postgres.ServerError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error}. Empty {settings.HOME}, and run it again where there is room.") from error
        self.stdout.write(
            f"{chosen} is restored in {settings.HOME}: {n_files} files. Start it with `up`, which goes on where the backup was taken."
        )
