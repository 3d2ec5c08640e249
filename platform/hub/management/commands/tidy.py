"""`manage.py tidy`: remove what the operator's rules let go; the clock does the same every hour."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from hub.tidy import Rules, tidy, together, what_may_go
from learner.models import ReleasedFile


class Command(BaseCommand):
    help = (
        "Remove what goes by the rules PREVIEW_DAYS, ESTIMATE_DAYS, REFUSED_CHECKPOINT_DAYS and EXPORT_DAYS, and sessions that ran "
        "out. The clock does so every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="remove nothing: say what would go, and how many MB")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        found = together((what_may_go if dry_run else tidy)(Rules.of_settings()))
        for one in found:
            self.stdout.write(f"{'would go: ' if dry_run else 'gone: '}{one}")
        if not found:
            self.stdout.write("Nothing is to go.")
        if waiting := ReleasedFile.objects.count():
            self.stdout.write(f"Files that were let go and wait: {waiting}. They were kept within a day, or a backup copies files now.")
