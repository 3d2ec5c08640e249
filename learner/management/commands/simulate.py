"""`manage.py simulate CAMPAIGN`: let a campaign's simulated annotators answer what is open."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.models import Membership
from learner.management.campaigns import campaign_named
from learner.simulated import GuessesRefused, invite_simulated, simulate_people, waiting_for_people

NAMED = 5  # songs


class Command(BaseCommand):
    help = "Let simulated annotators answer open tasks through the same services as people; they know the truth of tracks with stems."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the campaign's slug, as in its address: /c/SLUG/")
        parser.add_argument("--answers", type=int, help="stop after so many (default: when nothing is left for them)")
        parser.add_argument("--invite", type=int, default=0, help="add so many simulated annotators first")
        parser.add_argument(
            "--without-stems",
            choices=["skip", "estimate"],
            default="skip",
            help="songs of which nobody knows what is wrong: leave them to people, or mark by a guess from the estimate. That teaches the "
            "model nothing, and is for trials of the loop where no people have answered (default: %(default)s)",
        )
        parser.add_argument("--spam-share", type=float, default=0.2, help="of those added, 0-1 (default: %(default)s)")

    def handle(
        self, *args: Any, campaign: str, answers: int | None, invite: int, spam_share: float, without_stems: str, **options: Any
    ) -> None:
        into = campaign_named(campaign)
        if not 0 <= spam_share <= 1:
            raise CommandError(f"--spam-share is {spam_share}; it may be 0 to 1.")
        if invite:
            invite_simulated(campaign=into, n=invite, spam_share=spam_share, seed=into.seed)
        if not into.memberships.filter(kind=Membership.Kind.SIMULATED).exists():
            raise CommandError("This campaign has no simulated annotators; add some with --invite N.")
        try:
            done = simulate_people(campaign=into, most=answers, guess=without_stems == "estimate")
        except GuessesRefused as error:
            raise CommandError(f"{error} Make a campaign for the trial, or leave out --without-stems estimate.") from error
        self.stdout.write(f"{done.given} answers given" + (f", {done.guessed} of them guessed." if done.guessed else "."))
        if left := {task.track.name: None for task in waiting_for_people(into)}:
            names = ", ".join(list(left)[:NAMED]) + (f" and {len(left) - NAMED} more" if len(left) > NAMED else "")
            self.stdout.write(
                f"Songs without stems that wait for people: {len(left)} ({names}). Nobody simulated knows what is wrong in them; "
                "--without-stems estimate lets them guess, for a trial."
            )
