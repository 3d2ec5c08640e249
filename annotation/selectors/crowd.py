"""What people do in a campaign: how many answers come, how well they agree, what waits for reviewers, and where newcomers stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Avg, Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate
from django.utils.timezone import now

from annotation.core.forecast import HOURS, LEAST, Forecast, forecast
from annotation.models import Campaign, Consensus, FirstVisit, Invitation, Membership, PracticeAnswer, Submission, Task
from annotation.selectors.rounds import Progress

DAYS = 14
ROUNDS = 8  # the latest ones
ROUNDS_BACK = 3  # among which one is looked for that tells a pace


@dataclass(frozen=True)
class Day:
    """The answers that count of one day, UTC."""

    day: date
    answers: int
    people: int


def days(campaign: Campaign) -> list[Day]:
    """Today and the days before it, back to the first with answers of the last `DAYS`; the latest first."""
    today = now().date()
    since = now() - timedelta(days=DAYS)
    given = Submission.objects.filter(by__campaign=campaign, status=Submission.Status.ACCEPTED, created__gte=since).order_by()
    counted = given.annotate(day=TruncDate("created")).values("day").annotate(n=Count("pk"), people=Count("by", distinct=True))
    found = {row["day"]: Day(row["day"], row["n"], row["people"]) for row in counted}
    back = (today - min(found, default=today)).days
    return [found.get(day, Day(day, 0, 0)) for day in (today - timedelta(days=n) for n in range(back + 1))]


def forecast_of(campaign: Campaign, progress: Progress, number: int, opened: datetime) -> Forecast | None:
    """When the round that people listen to will have the answers that it wants now, at the pace of the last day.

    While few have come of this round, at the pace of the last one that had enough.
    """
    missing, hours = progress.wanted - progress.answers, min(float(HOURS), (now() - opened).total_seconds() / 3600)
    found = forecast(missing, progress.by_hour[: max(1, -int(-hours // 1))], hours)
    return _as_before(campaign, missing, number) if found is None and missing > 0 else found


def _as_before(campaign: Campaign, missing: int, number: int) -> Forecast | None:
    latest = {"task__round_number__range": (number - ROUNDS_BACK, number - 1)}
    given = Submission.objects.filter(task__campaign=campaign, **latest, status=Submission.Status.ACCEPTED)
    paces = given.values("task__round_number").order_by("-task__round_number")
    last = paces.annotate(n=Count("pk"), first=Min("created"), last=Max("created")).filter(n__gte=LEAST).first()
    if last is None:
        return None
    found = forecast(missing, [last["n"]], (last["last"] - last["first"]).total_seconds() / 3600)
    return replace(found, of_round=last["task__round_number"]) if found else None


@dataclass(frozen=True)
class Agreed:
    """How well people agreed in one round."""

    number: int
    tasks: int
    closed: int
    contested: int
    certainty: float | None


def agreed(campaign: Campaign) -> list[Agreed]:
    """The latest rounds, the last one first."""
    latest = Consensus.objects.filter(task=OuterRef("pk"), by=None).order_by("-version").values("certainty")[:1]
    numbers = campaign.tasks.filter(kind=Task.Kind.POOL).order_by("-round_number").values("round_number")[:1]
    tasks = campaign.tasks.filter(kind=Task.Kind.POOL, round_number__gt=Subquery(numbers) - ROUNDS).exclude(state=Task.State.WITHDRAWN)
    counted = (
        tasks.annotate(certain=Subquery(latest))
        .order_by()
        .values("round_number")
        .annotate(
            n=Count("pk"),
            closed=Count("pk", filter=Q(state=Task.State.CLOSED)),
            disputed=Count("pk", filter=Q(contested=True)),
            certainty=Avg("certain"),
        )
        .order_by("-round_number")
    )
    return [Agreed(row["round_number"], row["n"], row["closed"], row["disputed"], row["certainty"]) for row in counted]


@dataclass(frozen=True)
class Backlog:
    """What waits for reviewers, since when, and how many they decided within a week."""

    waiting: int
    since: datetime | None
    decided: int


def backlog(campaign: Campaign) -> Backlog:
    """In one query: what a reviewer decides was contested."""
    latest = Consensus.objects.filter(task=OuterRef("pk"), by=None).order_by("-version").values("made")[:1]
    waits, week = Q(state=Task.State.IN_REVIEW), now() - timedelta(days=7)
    found = (
        campaign.tasks.filter(contested=True)
        .annotate(since=Subquery(latest))
        .aggregate(
            n=Count("pk", filter=waits, distinct=True),
            first=Min("since", filter=waits),
            decided=Count("consensuses", filter=Q(consensuses__by__isnull=False, consensuses__made__gte=week)),
        )
    )
    return Backlog(found["n"], found["first"], found["decided"])


# ---------------------------------------------------------------- newcomers

_ANSWERED = Exists(Submission.objects.filter(by=OuterRef("pk")))
_PRACTISED = Exists(PracticeAnswer.objects.filter(membership=OuterRef("pk")))
_CONSENTED = Q(first_visit__consent=FirstVisit.Consented.GIVEN)
_PASSED = Q(first_visit__finished__isnull=False)

STEPS: dict[str, tuple[str, Q]] = {
    "came": ("came in", Q()),
    "consented": ("gave consent", _CONSENTED | _PASSED | Q(_ANSWERED)),
    "practised": ("began the practice", Q(_PRACTISED) | _PASSED | Q(_ANSWERED)),
    "passed": ("passed it", _PASSED | Q(_ANSWERED)),
    "answered": ("gave a first answer", Q(_ANSWERED)),
}
"""The steps of a newcomer in their order, each with who has come so far; who went further has done what is before it."""


@dataclass(frozen=True)
class Step:
    """How many people came to a step, and how many of them no further."""

    name: str
    words: str
    n: int
    stopped: int


@dataclass(frozen=True)
class Newcomers:
    """From an invitation to the first answer."""

    invited: int  # places of invitations
    steps: list[Step]


def newcomers(campaign: Campaign) -> Newcomers:
    """People who listen: annotators who are human."""
    counts = {name: Count("pk", filter=reached) if reached else Count("pk") for name, (_, reached) in STEPS.items()}
    n = _listeners(campaign).aggregate(**counts)
    names = list(STEPS)
    steps = [
        Step(name, STEPS[name][0], n[name], n[name] - (n[after] if after else n[name]))
        for name, after in zip(names, [*names[1:], ""], strict=True)
    ]
    places = Invitation.objects.filter(campaign=campaign, role=Membership.Role.ANNOTATOR, revoked=None)
    return Newcomers(sum(places.values_list("max_uses", flat=True)), steps)


def _listeners(campaign: Campaign) -> QuerySet[Membership]:
    return campaign.memberships.filter(kind=Membership.Kind.HUMAN, role=Membership.Role.ANNOTATOR)


def stopped_at(campaign: Campaign, step: str) -> QuerySet[Membership]:
    """Who came to this step and no further."""
    names = list(STEPS)
    after = names[names.index(step) + 1 :][:1]
    there = _listeners(campaign).filter(STEPS[step][1])
    return there.exclude(pk__in=_listeners(campaign).filter(STEPS[after[0]][1]).values("pk")) if after else there
