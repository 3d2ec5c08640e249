"""`manage.py separate FILES --campaign SLUG --to DIR`: what a campaign's checkpoint makes of recordings that lie on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.core.errors import DomainError
from annotation.files import storage
from annotation.models import Campaign
from learner import selectors
from learner.management.campaigns import campaign_named
from learner.models import Checkpoint

FEWEST = 6  # signs of a hash


class Command(BaseCommand):
    help = (
        "Take the campaign's stem out of recordings on this machine, by its current checkpoint or another one of it: DIR/NAME/STEM.flac, "
        "and what is left of the mix beside it. Nothing is sent or kept anywhere else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recordings", nargs="+", metavar="FILE", help="files of songs, or folders of them, of any length")
        parser.add_argument("--campaign", required=True, metavar="SLUG", help="as in its address: /c/SLUG/")
        parser.add_argument("--checkpoint", default="", metavar="HASH", help="the beginning of its hash will do (default: the current one)")
        parser.add_argument("--to", required=True, metavar="DIR", help="the folder to write to")
        parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 … (default: cpu)")

    def handle(self, *args: Any, recordings: list[str], campaign: str, checkpoint: str, to: str, device: str, **options: Any) -> None:
        from learner.core.cli.separating import separate_recordings

        row = self._checkpoint(campaign_named(campaign), checkpoint)
        try:
            file = storage.local(row.stored)
        except DomainError as gone:
            raise CommandError(str(gone)) from gone
        self.stdout.write(f"By checkpoint {row} of campaign {campaign}.")
        asked = argparse.Namespace(
            recordings=[Path(one) for one in recordings],
            checkpoint=file,
            out=Path(to),
            rest=True,
            device=device,
            threads=settings.TORCH_THREADS,
        )
        try:
            if separate_recordings(asked):
                raise CommandError("Nothing was separated.")
        except (OSError, ValueError) as wrong:
            raise CommandError(str(wrong)) from wrong

    def _checkpoint(self, campaign: Campaign, named: str) -> Checkpoint:
        """The one whose hash begins so, or the current one. Raises CommandError."""
        if not named:
            current = selectors.current_checkpoint(campaign)
            if current is None:
                raise CommandError(f"{campaign.name} has no model yet.")
            return current
        found = list(selectors.checkpoints(campaign).filter(hash__startswith=named)[:2]) if len(named) >= FEWEST else []
        if len(found) != 1:
            known = ", ".join(one.short for one in selectors.checkpoints(campaign)[:20]) or "none yet"
            raise CommandError(f"{named!r} names no single checkpoint of {campaign.name}. Known: {known}.")
        return found[0]
