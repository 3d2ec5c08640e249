"""The campaign whose jobs run through the faults: its people answer at once, so that it turns round after round."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from deploy.load import soak

ROUNDS = 24  # more than a drill needs: an idle machine turns one in half a minute
KEEP_EVERY = 20  # steps

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Work:
    """A job in the middle of its work."""

    job: int
    kind: str
    step: int
    since: datetime | None = None  # the fault's end: only what it says later shows that it goes on


class Rounds:
    """Turns the campaign "soak" on beside the faults; whatever it asks of a database that is away, it asks again."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.over = threading.Event()
        self.people = threading.Thread(target=self._answer, daemon=True)

    def start(self) -> None:
        soak.make(ROUNDS, self.steps, KEEP_EVERY)
        self.people.start()

    def stop(self) -> None:
        self.over.set()
        self.people.join()

    def at_work(self, seconds: float) -> Work | None:
        """A job that has begun and is not about to end; None where there is none for so long."""
        from learner.models import Job

        def look() -> Work | None:
            busy = Job.objects.filter(kind=Job.Kind.ADAPT, state=Job.State.RUNNING, step__gt=0, step__lt=self.steps * 4 // 5).first()
            return Work(busy.pk, busy.kind, busy.step) if busy else None

        return soon(look, seconds)

    def went_on(self, work: Work) -> bool:
        """Whether that job is done, or lives and is further than it was."""
        from learner.models import Job

        one = Job.objects.filter(pk=work.job)
        further = one.filter(state=Job.State.RUNNING, step__gt=work.step, heartbeat__gt=work.since)
        return one.filter(state=Job.State.DONE).exists() or further.exists()

    def given_up(self) -> list[str]:
        """What somebody has to press a button for."""
        from annotation.models import Campaign
        from learner.models import Job, Round

        failed = [f"{job}: {job.reason}" for job in Job.objects.filter(state=Job.State.FAILED)]
        rounds = [str(one) for one in Round.objects.filter(state=Round.State.FAILED)]
        paused = ["the campaign is paused"] if Campaign.objects.get(slug="soak").paused else []
        return failed + rounds + paused

    def finish(self, seconds: float) -> str:
        """Wait until the round that is open ends; returns how it ended, empty where it does not."""
        from learner.models import Round

        last = Round.objects.order_by("-number").first()
        if last is None:
            return ""
        return (
            soon(
                lambda: str(Round.objects.filter(pk=last.pk, finished__isnull=False).values_list("state", flat=True).first() or ""), seconds
            )
            or ""
        )

    def _answer(self) -> None:
        from django.db import DatabaseError, InterfaceError, connection

        from annotation.models import Campaign
        from learner.models import Round
        from learner.simulated import simulate_people

        while not self.over.wait(1.0):
            try:
                if Round.objects.filter(state=Round.State.ANNOTATING).exists():
                    simulate_people(campaign=Campaign.objects.get(slug="soak"))
            except (DatabaseError, InterfaceError, OSError):
                connection.close()
        connection.close()


def soon(question: Callable[[], Answer], seconds: float, pause: float = 0.25) -> Answer | None:
    """Ask until the answer is true; None, or the last answer, when time is up. A database that is away is asked again."""
    from django.db import DatabaseError, InterfaceError, connection

    until = time.monotonic() + seconds
    answer: Answer | None = None
    while True:
        try:
            if answer := question():
                return answer
        except (DatabaseError, InterfaceError):
            connection.close()
        if time.monotonic() > until:
            return answer
        time.sleep(pause)
