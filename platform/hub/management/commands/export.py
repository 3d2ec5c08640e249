"""`manage.py export CAMPAIGN --format label-studio --to FOLDER`: data of a campaign as files, without a worker."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from learner.exports import making
from learner.exports.folders import packed
from learner.exports.release.rows import NothingFrozen
from learner.management.campaigns import campaign_named
from learner.models import Export
from learner.services import exports


class Command(BaseCommand):
    help = "Write data of a campaign into a new folder, or into one file that ends in .zip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="its short name, as in addresses")
        parser.add_argument("--format", required=True, choices=Export.Format.values, help="in what format")
        parser.add_argument(
            "--to", required=True, type=Path, metavar="PATH", help="a folder that is not there yet or is empty, or NAME.zip"
        )
        parser.add_argument(
            "--whose", choices=Export.Whose.values, default=Export.Whose.BOTH, help="people's answers, what they agreed on, or both"
        )
        parser.add_argument("--names", choices=Export.Names.values, default=Export.Names.CODES, help="what people are called by (codes)")
        parser.add_argument("--from-round", type=int, metavar="N", help="the first round (the first there is)")
        parser.add_argument("--to-round", type=int, metavar="N", help="the last round (the latest)")
        parser.add_argument("--with-audio", action="store_true", help="of a dataset: the sound of its clips too")

    def handle(self, *args: Any, campaign: str, to: Path, from_round: int | None, to_round: int | None, **said: Any) -> None:
        of = campaign_named(campaign)
        about = {name: said[name] for name in ("format", "whose", "names", "with_audio")}
        wanted = Export(campaign=of, first_round=from_round, last_round=to_round, site=settings.ADDRESS, **about)
        if reason := exports.why_not(of, wanted.format):
            raise CommandError(reason)
        try:
            wanted.clean_fields(exclude=["job", "who"])
            wanted.validate_constraints()
        except ValidationError as wrong:
            raise CommandError(" ".join(wrong.messages)) from wrong
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise CommandError(f"{to} is there already, and not an empty folder. Nothing was written.")
        with tempfile.TemporaryDirectory(prefix="unbleed-export-") as scratch:
            folder = Path(scratch) / "files"
            try:
                making.write(wanted, folder)
            except NothingFrozen as nothing:
                raise CommandError(str(nothing)) from nothing
            n = sum(one.is_file() for one in folder.rglob("*"))
            to.parent.mkdir(parents=True, exist_ok=True)
            if to.suffix == ".zip":
                packed(folder, to)
            else:
                shutil.copytree(folder, to, dirs_exist_ok=True)
        exports.written_by_command(export=wanted)
        self.stdout.write(f"{n} file{'' if n == 1 else 's'} of {of.name} in {to}.")
