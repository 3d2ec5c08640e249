"""Campaigns side by side: what each has cost so far, and what came of it. As many questions for six as for two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum

from annotation.models import Campaign, Membership, Participation, Submission, Task, Track
from annotation.models.people import Right, holders
from learner.core.judging.names import FALSE_POSITIVES
from learner.models import Checkpoint, Evaluation, Job, Round, SharedModel
from learner.selectors.figures import Figure
from learner.selectors.rounds import Turn, turns

UNPAID = (*Participation.RECLAIMED, Participation.State.REJECTED)


@dataclass(frozen=True)
class Reached:
    """How much a campaign leaked after a round, and how many minutes of clips people had answered by then."""

    minutes: float
    leak: Figure | None
    round: int  # 0: the base, before any round


@dataclass
class Compared:
    """One campaign; minutes of clips as people heard them, each person counted; leak on target test songs."""

    campaign: Any
    turns: list[Turn] = field(default_factory=list)
    course: list[Reached] = field(default_factory=list)
    songs: int = 0
    people: int = 0  # who answered
    answers: int = 0
    clips: int = 0  # that anybody answered
    minutes: float = 0.0
    worker_minutes: float = 0.0
    pay: dict[str, Decimal] = field(default_factory=dict)  # by currency
    closed: int = 0
    contested: int = 0  # of the closed clips
    leak_at_start: Figure | None = None
    leak_now: Figure | None = None

    @property
    def promoted(self) -> int:
        return sum(turn.round.state == Round.State.PROMOTED for turn in self.turns)

    @property
    def refused(self) -> int:
        return sum(turn.round.state == Round.State.REFUSED for turn in self.turns)

    @property
    def answers_a_clip(self) -> float | None:
        return self.answers / self.clips if self.clips else None

    @property
    def agreed(self) -> float | None:
        """The share of closed clips on which people agreed by themselves."""
        return 1 - self.contested / self.closed if self.closed else None


def comparable(user: Any) -> QuerySet[Campaign]:
    """The campaigns whose data this user may take home, by name; those who run the site may compare all."""
    there = Campaign.objects.filter(deleted=None).order_by("name")
    if user.is_superuser:
        return there
    return there.filter(Exists(Membership.objects.filter(holders(Right.TAKE_DATA), campaign=OuterRef("pk"), user=user, active=True)))


def compare(campaigns: Iterable[Campaign]) -> list[Compared]:
    """All that is said of these campaigns, in eight questions."""
    found = {one.pk: Compared(one) for one in campaigns}
    for turn in turns(Round.objects.filter(campaign__in=found).order_by("campaign", "number")):
        found[turn.round.campaign_id].turns.append(turn)
    heard = _answers(found)
    _rows(found)
    leaks, current = _leaks(found), dict(SharedModel.objects.filter(campaign__in=found).values_list("campaign", "current"))
    for pk, one in found.items():
        base = one.turns[0].round.parent_id if one.turns else current.get(pk)
        one.leak_at_start, one.leak_now = leaks.get((pk, base)), leaks.get((pk, current.get(pk)))
        one.course = _course(one, base, heard[pk], {of: leak for (campaign, of), leak in leaks.items() if campaign == pk})
    return list(found.values())


def _answers(found: dict[int, Compared]) -> dict[int, dict[int, float]]:
    """Seconds of clips that people answered, by campaign and round; what belongs to all of a campaign is put down on the way."""
    accepted = Submission.objects.filter(task__campaign__in=found, task__kind=Task.Kind.POOL, status=Submission.Status.ACCEPTED).order_by()
    long = Sum(F("task__end") - F("task__start"))
    heard: dict[int, dict[int, float]] = defaultdict(dict)
    for pk, number, answers, clips, seconds in accepted.values_list("task__campaign", "task__round_number").annotate(
        n=Count("pk"), clips=Count("task", distinct=True), seconds=long
    ):
        heard[pk][number or 0] = seconds
        found[pk].answers += answers
        found[pk].clips += clips
        found[pk].minutes += seconds / 60
    for pk, people in accepted.values_list("task__campaign").annotate(n=Count("by", distinct=True)):
        found[pk].people = people
    return heard


def _rows(found: dict[int, Compared]) -> None:
    """What is counted in one question each: songs, closed clips, minutes of workers, pay."""
    songs = Track.objects.filter(campaign__in=found, use=Track.Use.POOL, set_aside=None).order_by()
    for pk, n in songs.values_list("campaign").annotate(n=Count("pk")):
        found[pk].songs = n
    closed = Task.objects.filter(campaign__in=found, kind=Task.Kind.POOL, state=Task.State.CLOSED).order_by()
    for pk, n, contested in closed.values_list("campaign").annotate(n=Count("pk"), contested=Count("pk", filter=Q(contested=True))):
        found[pk].closed, found[pk].contested = n, contested
    took = ExpressionWrapper(F("finished") - F("started"), output_field=DurationField())
    ended = Job.objects.filter(campaign__in=found, started__isnull=False, finished__isnull=False).order_by()
    for pk, long in ended.values_list("campaign").annotate(took=Sum(took)):
        found[pk].worker_minutes = long.total_seconds() / 60
    paid = Participation.objects.filter(link__campaign__in=found, link__pay_per_task__isnull=False).exclude(state__in=UNPAID)
    of_link = Q(membership__submissions__status=Submission.Status.ACCEPTED, membership__submissions__created__gte=F("began"))
    for pk, currency, amount in (
        paid.filter(of_link).order_by().values_list("link__campaign", "link__currency").annotate(amount=Sum("link__pay_per_task"))
    ):
        found[pk].pay[currency] = amount


def _leaks(found: dict[int, Compared]) -> dict[tuple[int, int | None], Figure]:
    """The leak of each campaign's checkpoints on its target test songs."""
    measured = Evaluation.objects.filter(
        campaign__in=found, use=Track.Use.TEST, domain=Track.Domain.TARGET, metric=FALSE_POSITIVES, subject=Evaluation.Subject.CHECKPOINT
    )
    rows = measured.values_list("campaign", "checkpoint", "value", "low", "high")
    return {(pk, checkpoint): Figure(value, low, high) for pk, checkpoint, value, low, high in rows}


def _course(one: Compared, base: int | None, heard: dict[int, float], leaks: dict[int | None, Figure]) -> list[Reached]:
    """From the base on, after each round that is over."""
    course, seconds = [Reached(0.0, leaks.get(base), 0)], 0.0
    for turn in one.turns:
        seconds += heard.get(turn.round.number, 0.0)
        after: Checkpoint | None = turn.after
        if after is not None and turn.round.state in (Round.State.PROMOTED, Round.State.REFUSED):
            course.append(Reached(seconds / 60, leaks.get(after.pk), turn.round.number))
    return course
