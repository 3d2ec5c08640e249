"""What a campaign knows of its people and clips that a study is planned by."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

from django.db.models import Exists, F, OuterRef, Sum

from annotation.core.consensus.people import LISTENS
from annotation.models import Campaign, Consensus, Membership, Reliability, Submission, Task

LEAST_ANSWERS = 5  # of a person whose reliability is gone by
LATEST = 1000  # answers that the pace is taken from
LEAST_PEOPLE, LEAST_CLIPS = 3, 5  # fewer tell too little
MOST_PACE = 6.0  # longer, somebody has left the page open


@dataclass(frozen=True)
class Known:
    """None: not known yet, or of too few."""

    n_people: int = 0
    sensitivity: float | None = None  # mean of those who listen
    spammers: float | None = None  # share of the others
    n_clips: int = 0
    leak: float | None = None  # seconds a minute that people agreed on, in clips that were answered
    pace: float | None = None  # seconds of a person's time for a second of a clip


def known(campaign: Campaign) -> Known:
    """The campaign's own reliabilities, leak and pace, as far as there are enough of them."""
    people = Reliability.objects.filter(membership__campaign=campaign, n_tasks__gte=LEAST_ANSWERS)
    fits = list(people.values_list("sensitivity", "specificity"))
    listening = [sensitivity for sensitivity, specificity in fits if sensitivity + specificity - 1 >= LISTENS]
    enough = len(fits) >= LEAST_PEOPLE and bool(listening)
    n_clips, leak = _leak(campaign)
    return Known(
        n_people=len(fits),
        sensitivity=fmean(listening) if enough else None,
        spammers=1 - len(listening) / len(fits) if enough else None,
        n_clips=n_clips,
        leak=leak if n_clips >= LEAST_CLIPS else None,
        pace=_pace(campaign),
    )


def _leak(campaign: Campaign) -> tuple[int, float]:
    tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED)
    seconds = tasks.aggregate(all=Sum(F("end") - F("start")))["all"] or 0.0
    newer = Consensus.objects.filter(task=OuterRef("task"), version__gt=OuterRef("version"))
    agreed = Consensus.objects.filter(~Exists(newer), task__in=tasks).aggregate(all=Sum("seconds"))["all"] or 0.0
    return tasks.count(), 60 * agreed / seconds if seconds else 0.0


def _pace(campaign: Campaign) -> float | None:
    answers = Submission.objects.filter(
        task__campaign=campaign, task__question=Task.Question.DRAW, by__kind=Membership.Kind.HUMAN, lead_time__gt=0
    )
    times = answers.filter(status=Submission.Status.ACCEPTED).order_by("-pk").values_list("lead_time", "task__start", "task__end")[:LATEST]
    paces = [min(MOST_PACE, lead / (end - start)) for lead, start, end in times]
    return median(paces) if len(paces) >= LEAST_CLIPS else None
