"""`manage.py share CAMPAIGN [CHECKPOINT]`: give a campaign its first checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from learner import services
from learner.management.campaigns import campaign_named
from learner.models import UnfitCheckpoint


class Command(BaseCommand):
    help = "Try a checkpoint on a second of sound and let a campaign start from it; afterwards only gate and roll-back change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument("checkpoint", type=Path, nargs="?", help="a safetensors file of ours (default: the shipped base)")

    def handle(self, *args: Any, campaign: str, checkpoint: Path | None, **options: Any) -> None:
        from learner.core.checkpoint import BadCheckpoint
        from learner.core.teaching.adapt import BadRecipe, NoReplay
        from learner.core.teaching.train import BASE
        from learner.readiness import check_ready

        into = campaign_named(campaign)
        try:
            with transaction.atomic():  # of which nothing stays where a round could not end
                row = services.share_file(campaign=into, file=checkpoint or BASE)
                check_ready(into)
        except (BadCheckpoint, BadRecipe, NoReplay, UnfitCheckpoint, services.AlreadyShared) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Campaign {campaign!r} starts from checkpoint {row}.")
        if n := into.tracks.filter(sample_rate__gt=row.sample_rate).count():
            above = f"{row.sample_rate / 2:g} Hz"
            self.stdout.write(
                f"It works at {row.sample_rate} Hz: of {n} songs with a higher rate nothing above {above} is in its estimates."
            )
