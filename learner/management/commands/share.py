"""`manage.py share CAMPAIGN`: give a campaign the base that it begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotation.models import Campaign
from learner import bases, services
from learner.core.bases import FOR_REAL_SONGS, NAMES, SHIPPED, NotFetched
from learner.management.campaigns import campaign_named
from learner.models import UnfitCheckpoint, check_stem


class Command(BaseCommand):
    help = "Try a base on a second of sound and let a campaign begin with it; afterwards only gate and roll-back change its checkpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument(
            "--base",
            metavar="NAME-OR-FILE",
            help=f"what to begin with: {', '.join(NAMES)}, fetched where it is not there, or a checkpoint's file (default: {SHIPPED}, or "
            f"{FOR_REAL_SONGS} where the campaign's songs have a higher rate than the shipped one knows)",
        )

    def handle(self, *args: Any, campaign: str, base: str | None, **options: Any) -> None:
        from learner.core.checkpoint import BadCheckpoint
        from learner.core.teaching.adapt import BadRecipe, NoReplay
        from learner.readiness import check_ready

        into = campaign_named(campaign)
        try:
            services.check_unshared(into)
            file = self.base_file(into, base or bases.base_for(into))
            with transaction.atomic():  # of which nothing stays where a round could not end
                row = services.share_file(campaign=into, file=file)
                check_ready(into, row)
        except (BadCheckpoint, BadRecipe, NoReplay, NotFetched, UnfitCheckpoint, services.AlreadyShared) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Campaign {campaign!r} starts from checkpoint {row}.")
        if n := into.tracks.filter(sample_rate__gt=row.sample_rate).count():
            above = f"{row.sample_rate / 2:g} Hz"
            self.stdout.write(
                f"It works at {row.sample_rate} Hz: of {n} songs with a higher rate nothing above {above} is in its estimates."
            )

    def base_file(self, campaign: Campaign, name: str) -> Path:
        if name in NAMES and campaign.stem not in (extracted := bases.stems_of(name)):
            check_stem(campaign, extracted[0], f"The base {name}")
        self.stdout.write(f"It begins with the base {name}.")
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("MB"), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"Fetching {name}", total=None)
            return bases.base_file(name, campaign.stem, lambda done, total, what: bar.update(task, completed=done, total=total))
