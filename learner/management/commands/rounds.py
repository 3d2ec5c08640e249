"""`manage.py rounds CAMPAIGN`: the round table, in the terminal."""

from __future__ import annotations

import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from annotation.models import Campaign
from annotation.selectors.rounds import consensus_seconds, marked_seconds
from learner import selectors
from learner.management.campaigns import campaign_named
from learner.selectors import Figures, Turn

COLUMNS = (
    ("sdr_mean", "SDR mean\ndB, active"),
    ("sdr_median", "SDR median\ndB, active"),
    ("song_sdr", "song SDR\ndB"),
    ("si_sdr", "SI-SDR\ndB"),
    ("pes_dbfs", "leak\nPES, dBFS"),
    ("false_positive_seconds_per_minute", "false positives\ns/min"),
    ("false_positives_at_parent_level", "at parent's voice\ns/min"),
    ("false_positives_at_base_level", "at base's voice\ns/min"),
    ("voice_kept_db", "voice kept\ndB"),
)
NARROWEST = 175  # columns; a narrower table would break its headings


class Command(BaseCommand):
    help = "Print what each round changed, beside the trivial baselines, and the gate's verdict with its reasons."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")

    def handle(self, *args: Any, campaign: str, **options: Any) -> None:
        one = campaign_named(campaign)
        turns = [turn for turn in selectors.history(one) if turn.adaptation]
        if not turns:
            self.stdout.write("No round has come to an adaptation yet.")
            return
        console = Console(width=max(NARROWEST, shutil.get_terminal_size().columns))
        figures = selectors.figures(one)
        for turn in turns:
            _print(console, one, turn, figures)


def _print(console: Console, campaign: Campaign, turn: Turn, figures: Figures) -> None:
    adaptation, feedback = turn.adaptation, turn.feedback_set
    assert adaptation is not None and feedback is not None
    algorithm = (turn.child.recipe if turn.child else adaptation.recipe).get("algorithm", "default recipe")
    console.print(
        f"[bold]Round {turn.round.number}[/bold]: {algorithm}; {marked_seconds(campaign, turn.round.number):.0f} s marked, "
        f"{consensus_seconds(feedback.clips.values('consensus')):.0f} s agreed on; {turn.parent} -> {turn.child or 'no child'}",
        highlight=False,
    )
    rows = selectors.round_table(turn, figures)
    for domain in selectors.DOMAINS:
        table = Table(f"{domain} test songs")
        for _, heading in COLUMNS:
            table.add_column(heading, justify="right")
        for row in rows:
            found = row.figures[domain]
            values = [found[metric].value if metric in found else None for metric, _ in COLUMNS]
            table.add_row(row.what, *("" if value is None else f"{value:.2f}" for value in values))
        console.print(table)
    console.print(f"Gate: {adaptation.get_verdict_display()}.", highlight=False)
    for reason in adaptation.reasons:
        console.print(f"  - {reason}", highlight=False)
    console.print()
