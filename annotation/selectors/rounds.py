"""Questions about how far a round is, and what happened in a campaign."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, F, Max, Q, QuerySet, Subquery, Sum, TextField
from django.db.models.functions import Cast, JSONObject
from django.utils.timezone import now

from annotation.core.forecast import HOURS
from annotation.models import Campaign, ConsensusRegion, Event, Mark, Submission, Task


@dataclass(frozen=True)
class Progress:
    """How far the tasks of one round are."""

    open: int
    in_review: int
    closed: int
    withdrawn: int
    answers: int
    wanted: int
    contested: int
    by_hour: tuple[int, ...] = field(default=(), compare=False)  # accepted answers of each of the last hours, the latest first

    @property
    def tasks(self) -> int:
        return self.open + self.in_review + self.closed

    @property
    def percent(self) -> int:
        return round(100 * min(1.0, self.answers / self.wanted)) if self.wanted else 0


def tasks_of(campaign: Campaign, round_number: int) -> QuerySet[Task]:
    """The tasks that a round opened, and those of earlier rounds that it asked one more person about."""
    return Task.objects.filter(Q(round_number=round_number) | Q(asked_again=round_number), campaign=campaign)


def progress(campaign: Campaign, round_number: int) -> Progress:
    """Tasks and answers of a round, and of clips of earlier ones about which it asks one more person; one question."""
    tasks = tasks_of(campaign, round_number)
    accepted = Submission.objects.filter(task__in=tasks.exclude(state=Task.State.WITHDRAWN), status=Submission.Status.ACCEPTED)
    ends = [now() - timedelta(hours=n) for n in range(HOURS + 1)]
    hours = {f"h{n}": Count("pk", filter=Q(created__lte=ends[n], created__gt=ends[n + 1])) for n in range(HOURS)}
    both = Cast(JSONObject(n=Count("pk"), **hours), TextField())
    answers = accepted.order_by().values("task__campaign").annotate(both=both).values("both")
    counted = tasks.aggregate(
        open=Count("pk", filter=Q(state=Task.State.OPEN)),
        in_review=Count("pk", filter=Q(state=Task.State.IN_REVIEW)),
        closed=Count("pk", filter=Q(state=Task.State.CLOSED)),
        withdrawn=Count("pk", filter=Q(state=Task.State.WITHDRAWN)),
        contested=Count("pk", filter=Q(contested=True)),
        wanted=Sum("overlap", filter=~Q(state=Task.State.WITHDRAWN), default=0),
        answers=Max(Subquery(answers), default="{}"),  # one text beside all tasks: counted once
    )
    given = json.loads(counted.pop("answers"))
    return Progress(answers=given.get("n", 0), by_hour=tuple(given.get(f"h{n}", 0) for n in range(HOURS)), **counted)


def marked_seconds(campaign: Campaign, up_to_round: int) -> float:
    """Seconds in all accepted marks of the rounds so far, people added up: a second of work where there are a million marks."""
    return _marked(Task.objects.filter(campaign=campaign, round_number__lte=up_to_round))


def marked_seconds_in(campaign: Campaign, round_number: int) -> float:
    """The same of one round alone."""
    return _marked(tasks_of(campaign, round_number))


def _marked(tasks: QuerySet[Task]) -> float:
    marks = Mark.objects.filter(submission__task__in=tasks.filter(kind=Task.Kind.POOL), submission__status=Submission.Status.ACCEPTED)
    return marks.aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


def consensus_seconds(consensuses: QuerySet) -> float:
    """Seconds in the regions of these consensuses."""
    return ConsensusRegion.objects.filter(consensus__in=consensuses).aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


def latest_events(campaign: Campaign, n: int = 20) -> QuerySet[Event]:
    """What happened last."""
    return campaign.events.select_related("who").order_by("-id")[:n]
