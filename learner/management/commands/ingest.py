"""`manage.py ingest CAMPAIGN DIR --use … --domain …`: take a folder of songs into a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from annotation.models import Track
from learner.core.files.names import print_anything
from learner.ingest import ingest
from learner.management.campaigns import campaign_named


class Command(BaseCommand):
    help = "Take the songs of a folder into a campaign: <song>/{mixture,vocals,accompaniment}.{wav,flac} (drums, bass, other where "
    "the campaign extracts them), or plain mixes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--use", required=True, choices=Track.Use.values, help="what the songs are for; it never changes afterwards")
        parser.add_argument(
            "--domain",
            required=True,
            choices=Track.Domain.values,
            help="target: music to learn; source: like what it was trained on",
        )
        parser.add_argument("--licence", default="", help="of the songs, by its SPDX name")

    def handle(self, *args: Any, campaign: str, folder: Path, use: str, domain: str, licence: str, **options: Any) -> None:
        into = campaign_named(campaign)
        longest = Track._meta.get_field("licence").max_length or 0
        if len(licence) > longest:
            raise CommandError(f"The licence is {len(licence)} characters long; at most {longest} are allowed, such as CC-BY-4.0.")
        print_anything()
        console = Console()
        columns = TextColumn("Checking and keeping songs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        try:
            with Progress(*columns, console=console) as bar:
                task = bar.add_task("", total=None)
                outcome = ingest(
                    campaign=into,
                    folder=folder,
                    use=use,
                    domain=domain,
                    licence=licence,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
        except NotADirectoryError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            mend = f"let this user read {folder}" if isinstance(error, PermissionError) else f"make room in {settings.HOME}"
            raise CommandError(f"{error}. What was taken so far is kept; {mend} and run it again.") from error
        for word, colour, told in (("note", "yellow", outcome.notes), ("left out", "red", outcome.bad)):
            for one in told:
                console.print(Text.assemble((word, colour), f" {one}"), soft_wrap=True, highlight=False)
        console.print(f"{len(outcome.added)} added, {len(outcome.known)} already there, {len(outcome.bad)} left out.")
        if not (outcome.added or outcome.known or outcome.bad):
            console.print(
                "No songs were found there: expected <song>/mixture.wav, vocals.wav … or plain .wav, .flac, .mp3, .ogg, .m4a … files."
            )
        if outcome.bad and not (outcome.added or outcome.known):
            raise CommandError("Nothing could be taken.")
