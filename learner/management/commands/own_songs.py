"""`manage.py own_songs`: let people bring one song of their own each, and have it mended by their marks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from learner import bases
from learner.core.bases import FOR_REAL_SONGS, NAMES, NotFetched
from learner.models import UnfitCheckpoint
from learner.services import own_songs


class Command(BaseCommand):
    help = "Let members of the campaign one-song, which this makes, bring songs of their own: each is separated, marked and mended alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--base",
            metavar="NAME-OR-FILE",
            default=FOR_REAL_SONGS,
            help=f"what every song begins with: {', '.join(NAMES)}, fetched where it is not there, or a checkpoint's file "
            "(default: %(default)s)",
        )

    def handle(self, *args: Any, base: str, **options: Any) -> None:
        from learner.core.checkpoint import BadCheckpoint

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("MB"), TimeRemainingColumn()
        try:
            with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task(f"Fetching {base}", total=None)
                file = bases.base_file(base, progress=lambda done, total, what: bar.update(task, completed=done, total=total))
            template = own_songs.open_to_members(file=file)
        except (BadCheckpoint, NotFetched, UnfitCheckpoint) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Members of the campaign {template.slug!r} may bring songs at /mine/: add people to it at /admin/, or by its links. "
            "Its rules are what their songs begin with."
        )
