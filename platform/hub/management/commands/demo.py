"""`manage.py demo`: make a campaign, let the loop turn with simulated annotators, show what it changed, and serve it."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hub import postgres, upgrade
from hub.home import COMMAND
from hub.supervisor import PROGRAM, Stop, Supervisor, refuse_taken_port, stop_on_signals
from learner import bases
from learner.core.audio import BadAudio
from learner.core.bases import FOR_REAL_SONGS, NAMES, SHIPPED, NotFetched

SLUG = "demo"
PAUSE = 0.3  # seconds between two looks at the rows
LONGEST_SEED = 10_000
FOR_SONGS = """What is done, in about 8 minutes on two idle cores (the base is fetched once, 73 MB):
    excerpts of your songs are taken, and {base} is tried on them; twelve simulated annotators, who know the stems, mark
    two rounds; each time the model learns, the gate judges, and the same is done without marks, for comparison."""


def seed(text: str) -> int:
    if not text.isdecimal() or int(text) > LONGEST_SEED:
        raise ArgumentTypeError(f"{text!r} is no seed; it may be a whole number from 0 to {LONGEST_SEED}")
    return int(text)


class Command(BaseCommand):
    help = "Run the whole loop on generated songs (or on a folder of yours) with simulated annotators, then serve it until Ctrl-C."
    requires_system_checks = ()  # they run with migrate, when the database is there

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=2, help="rounds to run before serving (default: %(default)s)")
        parser.add_argument("--seed", type=seed, default=7, help="of songs, people and learning (default: %(default)s)")
        parser.add_argument(
            "--songs",
            type=Path,
            help="folder of <song>/{mixture,vocals,accompaniment}.{wav,flac} and of mixes; excerpts are taken; roles.json is optional",
        )
        parser.add_argument(
            "--leads",
            help="folder of recordings of single instruments to lay over the songs, or none (default: generated ones, where the songs "
            "themselves hardly leak)",
        )
        parser.add_argument(
            "--base",
            metavar="NAME-OR-FILE",
            help=f"what to begin with: {', '.join(NAMES)}, fetched where it is not there, or a checkpoint's file (default: {SHIPPED}; with "
            f"--songs {FOR_REAL_SONGS})",
        )
        parser.add_argument("--no-serve", action="store_true", help="end when the rounds are done")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(
        self,
        *,
        rounds: int,
        seed: int,
        songs: Path | None,
        leads: str | None,
        base: str | None,
        no_serve: bool,
        host: str,
        port: int,
        **options: Any,
    ) -> None:
        self.base, self.leads = base or (FOR_REAL_SONGS if songs else SHIPPED), leads
        self.console, self.began = Console(soft_wrap=True), time.monotonic()
        if songs is not None and not songs.is_dir():
            raise CommandError(f"There is no folder {songs}.")
        if leads is not None and songs is None:
            raise CommandError("--leads are laid over your songs: give their folder by --songs.")
        stop_on_signals()
        supervisor = Supervisor(settings.HOME, self.say)
        try:
            if not no_serve:
                refuse_taken_port(host, port)
            supervisor.start_database()
            self.run(supervisor, rounds, seed, songs, serve=not no_serve)
        except Stop:
            self.say("Stopping; everything done so far is kept.")
            return
        except postgres.ServerError as error:
            raise CommandError(str(error)) from None
        finally:
            connections.close_all()
            supervisor.stop()
        if not no_serve:
            self.say(f"Serving; the campaign's page will be http://{host}:{port}{settings.PREFIX}/c/{SLUG}/")
            # A fresh process in place of this one, which has learned too much (torch) to stay as a supervisor.
            os.execv(sys.executable, [sys.executable, *PROGRAM, "up", "--host", host, "--port", str(port)])

    def run(self, supervisor: Supervisor, rounds: int, seed: int, songs: Path | None, *, serve: bool) -> None:
        from annotation.models import Campaign

        upgrade.migrate(lambda text: None)
        campaign = Campaign.objects.filter(slug=SLUG).first()
        passwords: dict[str, str] = {}
        if campaign is None:
            from hub import demo

            campaign, passwords = demo.create_campaign(seed, SLUG)
            self.show_passwords(passwords)
        elif campaign.seed != seed:
            self.say(f"Going on with the demo that is there (seed {campaign.seed}); for another, set UNBLEED_HOME to a new folder.")
        if not campaign.rounds.filter(number__gte=rounds).exclude(finished=None).exists():
            supervisor.rescue()
            self.build(campaign, songs)
            connections.close_all()
            supervisor.start(supervisor.workers())
            self.turn(supervisor, campaign, rounds)
            call_command("rounds", SLUG)
            self.show_passwords(passwords)
        if serve:
            Campaign.objects.filter(pk=campaign.pk).update(max_rounds=None)  # from here on the loop goes on with whoever listens

    # ---- making the campaign

    def build(self, campaign: Any, songs: Path | None) -> None:
        """Take songs in; done before, it does nothing."""
        from hub import demo, demo_songs

        if songs is not None and not campaign.tracks.exists():
            self.say(FOR_SONGS.format(base=self.base))
        with self.bars() as bars:
            bar = bars.add_task(f"Bringing the base {self.base}", total=None)
            try:
                demo.share_base(campaign, self.base, lambda done, total: bars.update(bar, completed=done, total=total))
            except NotFetched as error:
                raise CommandError(
                    f"{error}\nThen start the demo again. With --base {SHIPPED} it goes on without; that base was trained on "
                    "generated songs, and is worse than silence on real ones."
                ) from error
            demo.open_own_songs(campaign, self.base)
            bars.update(bar, completed=1, total=1)
            if songs is not None:
                bar = bars.add_task("Taking excerpts of your songs", total=None)
                try:
                    demo_songs.add_folder(
                        campaign,
                        songs,
                        self.leads,
                        bases.base_file(self.base),
                        lambda done, total: bars.update(bar, completed=done, total=total),
                        lambda line: bars.console.print(line, soft_wrap=True, highlight=False),
                    )
                except (demo.BadRoles, BadAudio) as error:
                    raise CommandError(str(error)) from error
            else:
                bar = bars.add_task("Generating songs", total=None)
                demo.generate(campaign, demo.batches(campaign.seed), lambda done, total: bars.update(bar, completed=done, total=total))
            bars.update(bar, completed=1, total=1)
        self.say(f"Songs: {demo.counted(campaign)}")

    # ---- turning the loop

    def turn(self, supervisor: Supervisor, campaign: Any, rounds: int) -> None:
        """Let workers and simulated people turn the loop until so many rounds are finished, and compared with replay alone."""
        type(campaign).objects.filter(pk=campaign.pk).update(max_rounds=rounds)
        with self.bars() as bars:
            for number in range(1, rounds + 1):
                if not self.one_round(supervisor, campaign, number, bars):
                    break
            waiting = bars.add_task("Comparing with replay without feedback", total=None)
            while self.follow(supervisor, campaign, "baseline", bars, waiting):
                self.wait(supervisor)
            bars.update(waiting, completed=1, total=1)

    def one_round(self, supervisor: Supervisor, campaign: Any, number: int, bars: Progress) -> bool:
        """Follow a round to its end; False when the pool has no clips left, so that no other can follow."""
        from annotation.selectors.rounds import progress
        from learner import services
        from learner.models import Job, Round
        from learner.simulated import simulate_people

        began = time.monotonic()
        services.advance(campaign=campaign)
        bar = bars.add_task(f"Round {number}", total=None)
        while True:
            round_ = Round.objects.filter(campaign=campaign, number=number).first()
            if round_ is None:
                bars.update(bar, description=f"Round {number}: waiting for its start")
            elif round_.state == Round.State.ANNOTATING:
                at = progress(campaign, number)
                bars.update(bar, description=f"Round {number}: people listen", completed=at.answers, total=at.wanted)
                wanted = at.wanted

                def said(n: int, wanted: int = wanted, answers: int = at.answers) -> None:
                    bars.update(bar, completed=min(wanted, answers + n), total=wanted)

                if not simulate_people(campaign=campaign, progress=said).given and not _human_work(campaign):
                    services.advance(campaign=campaign)
                    # What is still open, on songs whose true vocals nobody knows, waits for people and not for this round.
                    services.freeze_feedback(round_=round_)
            elif round_.finished:
                said_in_words = f"Round {number}: {round_.get_state_display()}, {time.monotonic() - began:.0f} s"
                bars.update(bar, description=said_in_words, completed=1, total=1)
                if round_.state == Round.State.FAILED:
                    failed = Job.objects.filter(campaign=campaign, state=Job.State.FAILED).last()
                    raise CommandError(
                        f"Round {number} failed. {failed.reason if failed else ''}\n"
                        f"What is there is served by: {COMMAND} up (and Resume lets rounds go on). "
                        "For a fresh demo, set UNBLEED_HOME to a new folder."
                    )
                return round_.state != Round.State.EXHAUSTED
            else:
                self.follow(supervisor, campaign, {"scoring": "score", "adapting": "adapt"}[round_.state], bars, bar, f"Round {number}")
            self.wait(supervisor)

    def follow(self, supervisor: Supervisor, campaign: Any, kind: str, bars: Progress, bar: TaskID, head: str = "Replay alone") -> bool:
        """Show the open job of this kind; False when there is none."""
        from learner.models import Job

        job = Job.objects.filter(campaign=campaign, kind=kind, state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()
        if job is None:
            return False
        doing = job.doing or ("waiting for a worker" if job.state == Job.State.QUEUED else "starting")
        bars.update(bar, description=f"{head}: {doing}", completed=job.step, total=job.total or None)
        return True

    def wait(self, supervisor: Supervisor) -> None:
        """Before the next look at the rows: do what the clock would, and see that every part still runs. Raises when one cannot."""
        from learner import services

        services.send_patient_jobs()
        supervisor.look()
        time.sleep(PAUSE)

    # ---- saying

    def say(self, text: str) -> None:
        self.console.print(f"{time.monotonic() - self.began:6.1f} s  {text}", highlight=False)

    def bars(self) -> Progress:
        return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=self.console)

    def show_passwords(self, passwords: dict[str, str]) -> None:
        if passwords:
            self.console.print("Sign in as one of these (shown now and kept nowhere):", highlight=False)
            for name, password in passwords.items():
                self.console.print(f"    {name:<10} {password}", highlight=False)


def _human_work(campaign: Any) -> bool:
    """Whether open tasks are in somebody's hands, so that waiting makes sense."""
    return campaign.tasks.filter(state="open", assignments__state="leased").exists()
