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
from learner.selectors import Figure, Figures, Turn

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
        if said := selectors.said_of_pool(one):
            self.stdout.write(said)
        turns = [turn for turn in selectors.history(one) if turn.adaptation]
        if not turns:
            self.stdout.write("No round has come to an adaptation yet.")
            return
        console = Console(width=max(NARROWEST, shutil.get_terminal_size().columns))
        figures = selectors.figures(one)
        for turn in turns:
            _print(console, one, turn, figures)
        console.print(what_changed(one, turns, figures), highlight=False, soft_wrap=True)


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
        if not any(row.figures[domain] for row in rows):
            continue
        table = Table(f"{domain} test songs")
        for _, heading in COLUMNS:
            table.add_column(heading, justify="right")
        for row in rows:
            found = row.figures[domain]
            table.add_row(row.what, *(_cell(found.get(metric)) for metric, _ in COLUMNS))
        console.print(table, highlight=False)
    console.print(f"Gate: {adaptation.get_verdict_display()}.", highlight=False)
    for reason in adaptation.reasons:
        console.print(f"  - {reason}", highlight=False)
    console.print()


def _cell(figure: Figure | None) -> str:
    """A value over its 95 % interval over songs, where there are several."""
    if figure is None or figure.value is None:
        return ""
    interval = "" if figure.low is None else f"\n[dim]{figure.low:.1f} … {figure.high:.1f}[/dim]"
    return f"{figure.value:.2f}{interval}"


def what_changed(campaign: Campaign, turns: list[Turn], figures: Figures) -> str:
    """What the rounds came to, by the checkpoint in use and the base on the test songs of the music to learn."""
    base, current = turns[0].round.parent, selectors.current_checkpoint(campaign)
    if current is None or current == base:
        return "In all, nothing was gained: no child took the base's place."
    was, now = (figures.of("checkpoint", one, "target") for one in (base, current))
    if not (was and now):
        return (
            "In all, a child took the base's place; what it changed was not measured, since there are no target songs with stems for test."
        )
    leak, at_level = "false_positive_seconds_per_minute", "false_positives_at_base_level"
    return (
        f"In all, on target test songs: false positives {_of(was, leak)} -> {_of(now, leak)} s/min, at the base's voice level "
        f"{_of(now, at_level)}; song SDR {_of(was, 'song_sdr')} -> {_of(now, 'song_sdr')} dB; voice kept {_of(was, 'voice_kept_db')} -> "
        f"{_of(now, 'voice_kept_db')} dB. In brackets 95 % intervals over songs."
    )


def _of(figures: dict[str, Figure], metric: str) -> str:
    figure = figures.get(metric)
    if figure is None or figure.value is None:
        return "unknown"
    return f"{figure.value:.2f}" + ("" if figure.low is None else f" [{figure.low:.2f}, {figure.high:.2f}]")
