"""`manage.py gold <campaign>`: make gold tasks from the campaign's songs with stems, beside those that each round brings along."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Campaign
from annotation.services import gold


class Command(BaseCommand):
    help = "Make gold tasks: clips with leak mixed in where nobody sings, so that their truth is known."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug")
        parser.add_argument("--n", type=int, default=10, help="how many (default: %(default)s)")

    def handle(self, *, campaign: str, n: int, **options: Any) -> None:
        found = Campaign.objects.filter(slug=campaign).first()
        if found is None:
            raise CommandError(
                f"There is no campaign {campaign!r}. There are: {', '.join(Campaign.objects.values_list('slug', flat=True))}."
            )
        if n < 1:
            raise CommandError(f"--n is {n}; it must be at least 1.")
        opened = gold.open_gold(campaign=found, golds=gold.prepare_gold(campaign=found, n=n))
        fewer = " The campaign's songs with stems (of the pool, or for replay) give no more." if opened < n else ""
        self.stdout.write(f"{opened} gold tasks opened.{fewer}")
        if not (found.gold_share or found.qualification):
            self.stdout.write("They are handed out when the campaign's gold_share or qualification is above 0.")
