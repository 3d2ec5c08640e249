"""`unbleed import CAMPAIGN FILE …`: bring answers from elsewhere into a campaign."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.core.errors import DomainError
from annotation.core.formats.reading.label_studio import Meaning
from annotation.core.formats.reading.labels import ALL_ENDINGS
from annotation.core.imported import Report
from annotation.models import Membership
from annotation.services.imports import NEW, check_choices, record_import
from learner.management.campaigns import campaign_named
from learner.models import DataImport


class Command(BaseCommand):
    help = "Bring answers from elsewhere into a campaign: Label Studio's JSON or CSV, labels of Audacity, Raven, RTTM, TextGrid, JAMS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="its name in addresses, as in /c/NAME/")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files, or folders of them")
        parser.add_argument(
            "--as", dest="kept_as", choices=DataImport.As.values, default=DataImport.As.ANSWERS, help="default: %(default)s"
        )
        parser.add_argument("--person", default="", metavar="NAME", help="pseudonym of whoever gave the answers in files that name nobody")
        parser.add_argument(
            "--who",
            action="append",
            default=[],
            metavar="PERSON=CHOICE",
            help="who a person of the files is: the pseudonym of a member, new, new:NAME, or out; who is not said is the member who "
            "they seem to be, or somebody new",
        )
        parser.add_argument(
            "--label", action="append", default=[], metavar="LABEL=MEANING", help=f"what another label means: {', '.join(Meaning)}"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be imported, and write nothing")

    def handle(self, *args: Any, campaign: str, files: list[Path], kept_as: str, person: str, **options: Any) -> None:
        from learner.work.imports import bring

        found = [(path.name, path) for path in _files(files)]
        target = campaign_named(campaign)
        data = DataImport(campaign=target, kept_as=kept_as, person=person, files=[name for name, _ in found], key=uuid.uuid4())
        data.meanings = _pairs(options["label"], "--label")
        if wrong := [one for one in data.meanings.values() if one not in list(Meaning)]:
            raise CommandError(f"{wrong[0]!r} is no meaning; there are: {', '.join(Meaning)}.")
        try:
            data.people = {key: _choice(target.memberships.all(), choice) for key, choice in _pairs(options["who"], "--who").items()}
            check_choices(target, {"": f"{NEW}:{person}", **data.people})
            report = bring(data, found, write=False)
            self._say(report, done=False)
            if options["dry_run"]:
                return
            if report.unreadable:
                raise CommandError("A file cannot be read to its end, so nothing is imported.")
            for key, about in report.people.items():
                if about.get("member"):
                    data.people.setdefault(key, str(about["member"]))
            report = bring(data, found, write=True)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        record_import(campaign=target, who=None, file=", ".join(data.files)[:200], report=report)
        self._say(report, done=True)

    def _say(self, report: Report, *, done: bool) -> None:
        for line in report.lines(done=done):
            self.stdout.write(line)
        for label, n in report.labels.items():
            self.stdout.write(f"{n} regions with the label {label!r} left out: say what it means with --label.")
        for fault in report.faults if not done else []:
            self.stderr.write(fault)


def _files(paths: list[Path]) -> list[Path]:
    """Those that are named, and those in folders that are named. Raises `CommandError`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.iterdir() if one.suffix.casefold() in ALL_ENDINGS and one.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise CommandError(f"There is no file {path}.")
    if not found:
        raise CommandError(f"There is nothing to import in {paths[0]}.")
    return found


def _pairs(given: list[str], option: str) -> dict[str, str]:
    if wrong := [one for one in given if "=" not in one]:
        raise CommandError(f"{option} {wrong[0]}: give it as A=B.")
    return {name: value for name, _, value in (one.rpartition("=") for one in given)}


def _choice(members: Any, choice: str) -> str:
    member: Membership | None = members.filter(pseudonym=choice).first()
    return str(member.pk) if member else choice
