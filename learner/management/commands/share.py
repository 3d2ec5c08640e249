"""`manage.py share CAMPAIGN [CHECKPOINT]`: give a campaign its first checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from annotation.models import Campaign
from learner import selectors, services


class Command(BaseCommand):
    help = "Give a campaign the checkpoint that it starts from; afterwards only the gate and a roll-back change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument("checkpoint", type=Path, nargs="?", help="a safetensors file of ours (default: the shipped base)")

    def handle(self, *args: Any, campaign: str, checkpoint: Path | None, **options: Any) -> None:
        from learner.core.checkpoint import BadCheckpoint, load
        from learner.core.train import BASE

        try:
            into = Campaign.objects.get(slug=campaign)
        except Campaign.DoesNotExist:
            raise CommandError(f"There is no campaign {campaign!r}; a site admin makes one at /admin/.") from None
        try:
            load(checkpoint or BASE)
            row = services.keep_checkpoint(file=checkpoint or BASE)
        except BadCheckpoint as error:
            raise CommandError(str(error)) from error
        if row.stem != into.stem:
            raise CommandError(f"This checkpoint extracts {row.stem}; the campaign listens to {into.stem}.")
        try:
            services.share(campaign=into, checkpoint=row)
        except IntegrityError:
            raise CommandError(f"Campaign {campaign!r} has a checkpoint already: {selectors.current_checkpoint(into)}.") from None
        self.stdout.write(f"Campaign {campaign!r} starts from checkpoint {row}.")
