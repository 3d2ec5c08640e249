"""People of a campaign as its managers see them: gold, signs of not listening, first visits, pauses and appeals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from annotation.core import spam
from annotation.core.grading import mean
from annotation.core.regions import Region
from annotation.models import Campaign, FirstVisit, Membership, Pause, Submission
from annotation.selectors import queue
from annotation.selectors.crowd import stopped_at
from annotation.selectors.gold import gold_scores
from annotation.selectors.marking import Marking, by_person, judged_lately, spans
from annotation.selectors.practice import spent

LATEST = 2000  # answers of the campaign that signs are looked for in
ODD = 0.5  # a sign this strong is worth a look
WORDS = {
    "too_fast": "answers sooner than the clip lasts",
    "unheard": "leaves much of the clip unplayed",
    "nothing": "marks nothing where others do",
    "everything": "marks the whole clip",
    "same": "draws marks of always the same lengths",
    "copied": "has the marks of somebody who answered before",
}


@dataclass(frozen=True)
class Row:
    """One member, and all that a manager may want to know of them."""

    person: Membership
    too_soon: int  # answers that do not count
    gold: float | None
    n_gold: int
    signs: spam.Signs
    reasons: list[str]
    visit: FirstVisit | None
    pause: Pause | None
    out_of_tries: bool  # at the practice
    marking: Marking  # of what was closed or is gold

    @property
    def odd(self) -> bool:
        return self.signs.suspicion >= ODD or self.too_soon > 0


@dataclass(frozen=True)
class Wanted:
    """What the list of people is narrowed to; empty: to nothing."""

    words: str = ""  # in the name
    tag: str = ""
    state: str = ""
    stopped: str = ""  # a step of newcomers that they came no further than


def is_paused() -> Q:
    """By a manager, or by gold tasks."""
    return Q(paused__isnull=False) | Q(Exists(_open_pauses()))


STATES = ("in", "paused", "odd", "out")


class Found:
    """The people of a campaign that are wanted, appeals first, then whoever is worth a look; and what is to be said of some of them."""

    def __init__(self, campaign: Campaign, wanted: Wanted | None = None) -> None:
        self.campaign, self.wanted = campaign, wanted or Wanted()
        self.signs = spam.signs(_answers(campaign))

    @property
    def people(self) -> QuerySet[Any]:
        """Filtered and ordered in the database, with `answers` and `too_soon`."""
        odd = Q(too_soon__gt=0) | Q(pk__in=[pk for pk, one in self.signs.items() if one.suspicion >= ODD], kind=Membership.Kind.HUMAN)
        waits = Exists(_open_pauses().filter(appealed__isnull=False, decided=None))
        turn = Case(When(waits, then=0), When(Exists(_open_pauses()), then=1), When(odd, then=2), default=3)
        found = people(self.campaign).annotate(turn=turn).order_by("turn", "-answers", "pseudonym")
        if self.wanted.words:
            found = found.filter(pseudonym__icontains=self.wanted.words)
        if self.wanted.tag:
            found = found.filter(tags__contains=[self.wanted.tag])
        if self.wanted.stopped:
            found = found.filter(pk__in=stopped_at(self.campaign, self.wanted.stopped).values("pk"))
        states = {"in": Q(active=True), "paused": is_paused(), "odd": odd, "out": Q(active=False)}
        return found.filter(states[self.wanted.state]) if self.wanted.state in states else found

    def rows(self, some: Iterable[Any]) -> list[Row]:
        """All that is to be said of these of them."""
        some = list(some)
        scores: defaultdict[int, list[float]] = defaultdict(list)
        for member_id, score in gold_scores().filter(submission__by__in=some).values_list("submission__by", "score"):
            scores[member_id].append(score)
        visits = {visit.membership_id: visit for visit in FirstVisit.objects.filter(membership__in=some)}
        pauses = {
            pause.membership_id: pause for pause in Pause.objects.filter(membership__in=some, ended=None).select_related("decided_by")
        }
        out_of_tries, marked = spent(self.campaign), by_person(judged_lately(self.campaign, {one.pk for one in some}))
        signs = {one.pk: self.signs.get(one.pk) or spam.Signs() for one in some if one.kind == Membership.Kind.HUMAN}
        copied = {int(one.copied_from) for one in signs.values() if one.copied_from is not None}
        names = dict(self.campaign.memberships.filter(pk__in=copied).values_list("pk", "pseudonym"))
        return [
            Row(
                person=person,
                too_soon=person.too_soon,
                gold=mean(given) if (given := scores[person.pk]) else None,
                n_gold=len(given),
                signs=signs.get(person.pk) or spam.Signs(),  # those that are no humans hear nothing, and say so
                reasons=_reasons(signs.get(person.pk) or spam.Signs(), names),
                visit=visits.get(person.pk),
                pause=pauses.get(person.pk),
                out_of_tries=person.pk in out_of_tries,
                marking=marked.get(person.pk) or Marking(()),
            )
            for person in some
        ]


def _open_pauses() -> QuerySet[Pause]:
    return Pause.objects.filter(membership=OuterRef("pk"), ended=None)


def tags(campaign: Campaign) -> list[str]:
    """Every tag that somebody of the campaign has."""
    kept = campaign.memberships.exclude(tags=[]).order_by().values_list("tags", flat=True).distinct()
    return sorted({tag for some in kept for tag in some})


def _answers(campaign: Campaign) -> list[spam.Answer]:
    # Of what was imported nobody knows how long it took and what was heard.
    latest = Submission.objects.filter(task__campaign=campaign, status=Submission.Status.ACCEPTED, provenance=None).order_by("-pk")[:LATEST]
    found = (
        queue.with_given(latest)
        .annotate(spans=spans())
        .values_list("task", "by", "task__start", "task__end", "asked", "spans", "heard", "lead_time", "created", "given")
    )
    return [
        spam.Answer(
            task=task,
            person=by,
            clip=Region(start, end),
            asked=asked,
            marks=[(one["start"], one["end"]) for one in marks],
            heard=heard,
            lead_time=min(lead_time, (created - given).total_seconds()),
            when=created.timestamp(),
        )
        for task, by, start, end, asked, marks, heard, lead_time, created, given in found
    ]


def _reasons(signs: spam.Signs, names: dict[int, str]) -> list[str]:
    found = []
    for name, share in sorted(signs.shares.items(), key=lambda one: -one[1]):
        if share >= ODD:
            source = f" ({names.get(int(signs.copied_from), '?')})" if name == "copied" and signs.copied_from is not None else ""
            found.append(f"{WORDS[name]}{source} ({share:.2f})")
    return found


def people(campaign: Campaign) -> QuerySet[Any]:
    """Members with `answers`, `too_soon` and their stored reliability, most active first."""
    return (
        campaign.memberships.select_related("reliability", "user")
        .annotate(answers=_answers_that_are(Submission.Status.ACCEPTED), too_soon=_answers_that_are(Submission.Status.TOO_SOON))
        .order_by("-answers", "pseudonym")
    )


@dataclass(frozen=True)
class Counts:
    """How many people are in a campaign, have answered ever, and within a week."""

    members: int
    answered: int
    lately: int


def counts(campaign: Campaign) -> Counts:
    theirs = Submission.objects.filter(by=OuterRef("pk"), status=Submission.Status.ACCEPTED)
    week = theirs.filter(created__gte=now() - timedelta(days=7))
    found = campaign.memberships.filter(active=True).aggregate(
        members=Count("pk"), answered=Count("pk", filter=Exists(theirs)), lately=Count("pk", filter=Exists(week))
    )
    return Counts(**found)


def _answers_that_are(status: str) -> Coalesce:
    """How many answers of one member are. Counted apart for each: beside each other in one query they would be multiplied."""
    theirs = Submission.objects.filter(by=OuterRef("pk"), status=status).order_by().values("by")
    return Coalesce(Subquery(theirs.annotate(n=Count("*")).values("n")), 0)  # of rows: the index alone tells
