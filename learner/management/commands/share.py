"""`manage.py share CAMPAIGN [CHECKPOINT]`: give a campaign its first checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotation.models import Campaign
from learner import bases, services
from learner.core.bases import FOR_REAL_SONGS, NotFetched
from learner.management.campaigns import campaign_named
from learner.models import UnfitCheckpoint, check_stem


class Command(BaseCommand):
    help = "Try a checkpoint on a second of sound and let a campaign start from it; afterwards only gate and roll-back change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument("checkpoint", type=Path, nargs="?", help="a safetensors file of ours, in place of a base")
        parser.add_argument(
            "--base",
            choices=bases.NAMES,
            help=f"what to begin with, fetched where it is not there (default: shipped, which was trained on generated songs; where the "
            f"campaign's songs have a higher rate than it knows, {FOR_REAL_SONGS})",
        )

    def handle(self, *args: Any, campaign: str, checkpoint: Path | None, base: str | None, **options: Any) -> None:
        from learner.core.checkpoint import BadCheckpoint
        from learner.core.teaching.adapt import BadRecipe, NoReplay
        from learner.readiness import check_ready

        into = campaign_named(campaign)
        if checkpoint and base:
            raise CommandError("Give a checkpoint or --base, not both.")
        try:
            services.check_unshared(into)
            file = checkpoint or self.base_file(into, base or bases.base_for(into))
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
        if campaign.stem not in (extracted := bases.stems_of(name)):
            check_stem(campaign, extracted[0], f"The base {name}")
        self.stdout.write(f"It begins with the base {name}.")
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("MB"), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"Fetching {name}", total=None)
            return bases.base_file(name, campaign.stem, lambda done, total, what: bar.update(task, completed=done, total=total))
