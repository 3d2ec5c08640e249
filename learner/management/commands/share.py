"""`manage.py share CAMPAIGN`: give a campaign the base that it begins with."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotation.models import Campaign
from learner import bases, selectors, services
from learner.actors import run
from learner.core.bases import FOR_REAL_SONGS, NAMES, SHIPPED, NotFetched
from learner.management.campaigns import campaign_named
from learner.models import Checkpoint, Job, SharedModel, UnfitCheckpoint

LOOK = 0.3  # seconds between two looks at a job that a worker does


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
        into = campaign_named(campaign)
        name = base or bases.base_for(into)
        try:
            row = self.bring(into, name) if name in NAMES else self.take(into, name)
        except (services.NotBegun, services.AlreadyShared, services.AnotherBaseComes, UnfitCheckpoint) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Campaign {campaign!r} starts from checkpoint {row}.")
        if lacks := selectors.lacks(into):
            self.stdout.write("What the campaign does without, and what that costs:")
            self.stdout.write("\n".join(f"  - {sentence}" for sentence in lacks))
        if into.tracks.filter(use="pool").exists():
            self.stdout.write(
                "Which songs of the pool leak, or seem to, is on the campaign's page when the first round has chosen its clips."
            )
        if n := into.tracks.filter(sample_rate__gt=row.sample_rate).count():
            above = f"{row.sample_rate / 2:g} Hz"
            self.stdout.write(
                f"It works at {row.sample_rate} Hz: of {n} songs with a higher rate nothing above {above} is in its estimates."
            )

    def bring(self, campaign: Campaign, name: str) -> Checkpoint:
        """Do the job that a button on the campaign's page asks for, so that the page shows it, or wait for a worker that was quicker."""
        from learner.work.bases import bring_base

        self.stdout.write(f"It begins with the base {name}.")
        job = services.choose_base(campaign=campaign, name=name)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("MB"), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"Bringing {name}", total=None)

            def tell(done: int, total: int, what: str) -> None:
                bar.update(task, completed=done, total=total or None)

            run(job.pk, partial(bring_base, tell=tell))
            job.refresh_from_db()
            while job.is_open and not job.waits_for_room:
                time.sleep(LOOK)
                job.refresh_from_db()
                tell(job.step, job.total, job.doing)
        if job.state != Job.State.DONE:
            raise services.NotBegun(job.reason or f"It {job.doing or job.state}.")
        return SharedModel.objects.select_related("current").get(campaign=campaign).current

    def take(self, campaign: Campaign, name: str) -> Checkpoint:
        from learner.work.bases import begin_with

        try:
            file = bases.base_file(name)
        except NotFetched as problem:
            raise services.NotBegun(str(problem)) from problem
        services.check_unshared(campaign)
        return begin_with(campaign, file)
