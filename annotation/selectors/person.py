"""One person as managers see them: what they did, how well it agrees with others and with the truth, over time, and what they earn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation.core.grading import grade, mean
from annotation.core.regions import Region, subtract, total
from annotation.core.steadiness import Measured, drift, share
from annotation.models import Consensus, Membership, Submission, Task
from annotation.selectors import crowd_links
from annotation.selectors.payout import amount

LATEST = 1000  # answers that figures are made of


@dataclass(frozen=True)
class Judged:
    """One answer, and how it agrees with what its clip closed with; None: nobody knows yet, and nothing of it is told."""

    answer: Submission
    agreement: float | None
    marked: float | None  # seconds


@dataclass(frozen=True)
class Week:
    """The mean agreement of the answers of one week, by its Monday."""

    monday: date
    agreement: float
    n: int


@dataclass(frozen=True)
class About:
    """Figures of one person; each None where there is too little to say."""

    minutes: float
    spent: float  # minutes at it
    found: Measured | None  # share of agreed or known bleed that they marked
    left_alone: Measured | None  # share of the rest that they left unmarked
    drift: Measured | None  # of agreement, lately against before
    weeks: list[Week]
    earned: list[tuple[str, Decimal]]  # currency, amount


def answers_of(person: Membership) -> QuerySet[Submission]:
    """Their answers as they stand, the latest first, with all that `judged` needs."""
    latest = Consensus.objects.order_by("-version").prefetch_related("regions")
    return (
        Submission.objects.filter(by=person)
        .exclude(status=Submission.Status.SUPERSEDED)
        .select_related("task__track", "task__gold")
        .prefetch_related("marks", Prefetch("task__consensuses", latest, to_attr="agreed"))
        .order_by("-pk")
    )


@dataclass(frozen=True)
class Sums:
    """Over all answers of a person: how many there are, and of those that count the seconds heard, and spent at it."""

    answers: int
    heard: float
    spent: float


def sums(person: Membership) -> Sums:
    counts = Q(status=Submission.Status.ACCEPTED)
    seconds = Coalesce("asked", F("task__end") - F("task__start"))
    found = Submission.objects.filter(by=person).aggregate(
        answers=Count("pk", filter=~Q(status=Submission.Status.SUPERSEDED)),
        heard=Sum(seconds, filter=counts, default=0.0),
        spent=Sum("lead_time", filter=counts, default=0.0),
    )
    return Sums(**found)


def answers_and_latest(person: Membership, shown: Sequence[int]) -> list[Submission]:
    """Of `answers_of` those with these ids and the `LATEST` that count, which figures are made of; all that is drawn of a person."""
    counted = Submission.objects.filter(by=person, status=Submission.Status.ACCEPTED).order_by("-pk")[:LATEST]
    return list(answers_of(person).filter(Q(pk__in=shown) | Q(pk__in=counted.values("pk"))))


def judged(answers: Sequence[Submission]) -> list[Judged]:
    """Before its clip is closed nothing is told of an answer: who reads it may be asked about the clip too."""
    return [_judged(one) for one in answers]


def _judged(one: Submission) -> Judged:
    truth = _truth(one.task)
    if truth is None:
        return Judged(one, None, None)
    marks = [mark.region for mark in one.marks.all()]
    return Judged(one, grade(marks, truth, one.task.clip).score, total(marks))


def _truth(task: Task) -> list[Region] | None:
    """What a clip closed with, or what is known of it, in track seconds."""
    if task.kind == Task.Kind.GOLD:
        gold = getattr(task, "gold", None)
        return None if gold is None else [Region(start, end) for start, end in gold.regions]
    agreed: list[Consensus] = task.agreed  # type: ignore[attr-defined]
    if task.state != Task.State.CLOSED or not agreed:
        return None
    return [Region(region.start, region.end) for region in agreed[0].regions.all()]


def about(person: Membership, sums: Sums, answers: Sequence[Submission]) -> About:
    """All figures of a person, from the latest of these answers that count; newest first, as `answers_and_latest` gives them."""
    counted = [one for one in answers if one.status == Submission.Status.ACCEPTED][:LATEST]
    latest = [one for one in counted if _truth(one.task) is not None][::-1]
    rows = judged(latest)
    hits, rests, weeks = [], [], dict[date, list[float]]()
    for row in rows:
        truth, clip = _truth(row.answer.task) or [], row.answer.task.clip
        marks = [mark.region for mark in row.answer.marks.all()]
        rest = subtract([clip], truth)
        hits.append((total(truth) - total(subtract(truth, marks)), total(truth)))
        rests.append((total(subtract(rest, marks)), total(rest)))
        day = row.answer.created.date()
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(row.agreement or 0.0)
    rng = np.random.default_rng(0)  # the same figures at every look
    return About(
        minutes=sums.heard / 60,
        spent=sums.spent / 60,
        found=share(hits, rng=rng),
        left_alone=share(rests, rng=rng),
        drift=drift([row.agreement or 0.0 for row in rows], rng=rng),
        weeks=[Week(monday, mean(scores), len(scores)) for monday, scores in sorted(weeks.items())],
        earned=_earned(person),
    )


def _earned(person: Membership) -> list[tuple[str, Decimal]]:
    """By currency, what the links that they came by pay for what counts, as the payout CSV has it."""
    sums: dict[str, Decimal] = {}
    for one in person.participations.select_related("link").filter(link__pay_per_task__isnull=False):
        rate = one.link.pay_per_task
        assert rate is not None
        sums[one.link.currency] = sums.get(one.link.currency, Decimal(0)) + amount(one, crowd_links.n_done(one), rate)
    return sorted(sums.items())


def with_last_answer(people: QuerySet[Any]) -> QuerySet[Any]:
    """Members with `last_answer`: when they gave it."""
    theirs = Submission.objects.filter(by=OuterRef("pk")).order_by("-pk")
    return people.annotate(last_answer=Subquery(theirs.values("created")[:1]))
