"""People of a campaign as its managers see them: gold, signs of not listening, first visits, pauses and appeals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.core import spam
from annotation.core.grading import mean
from annotation.models import Campaign, FirstVisit, Mark, Membership, Pause, Submission
from annotation.selectors import queue
from annotation.selectors.gold import gold_scores
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

    @property
    def odd(self) -> bool:
        return self.signs.suspicion >= ODD or self.too_soon > 0


def rows(campaign: Campaign) -> list[Row]:
    """Every member, appeals first, then whoever is worth a look."""
    scores: defaultdict[int, list[float]] = defaultdict(list)
    graded = gold_scores().filter(submission__by__campaign=campaign)
    for member_id, score in graded.values_list("submission__by", "score"):
        scores[member_id].append(score)
    signs = spam.signs(_answers(campaign))
    visits = {visit.membership_id: visit for visit in FirstVisit.objects.filter(membership__campaign=campaign)}
    pauses = {pause.membership_id: pause for pause in Pause.objects.filter(membership__campaign=campaign, ended=None)}
    out_of_tries = spent(campaign)
    names = dict(campaign.memberships.values_list("pk", "pseudonym"))
    found = []
    for person in people(campaign):
        human = person.kind == Membership.Kind.HUMAN  # the others hear nothing, and say so
        of_person, given = (signs.get(person.pk) if human else None) or spam.Signs(), scores[person.pk]
        found.append(
            Row(
                person=person,
                too_soon=person.too_soon,
                gold=mean(given) if given else None,
                n_gold=len(given),
                signs=of_person,
                reasons=_reasons(of_person, names),
                visit=visits.get(person.pk),
                pause=pauses.get(person.pk),
                out_of_tries=person.pk in out_of_tries,
            )
        )
    return sorted(found, key=lambda row: (not (row.pause and row.pause.appealed and not row.pause.decided), row.pause is None, not row.odd))


def _answers(campaign: Campaign) -> list[spam.Answer]:
    latest = Submission.objects.filter(task__campaign=campaign, status=Submission.Status.ACCEPTED).order_by("-pk")[:LATEST]
    return [
        spam.Answer(
            task=answer.task_id,
            person=answer.by_id,
            clip=answer.task.clip,
            asked=answer.asked,
            marks=[mark.region for mark in answer.marks.all()],
            heard=answer.heard,
            lead_time=min(answer.lead_time, (answer.created - answer.given).total_seconds()),
            when=answer.created.timestamp(),
        )
        for answer in queue.with_given(latest).select_related("task").prefetch_related("marks")
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


def most_active(campaign: Campaign, most: int) -> list[Any]:
    """The first of them, with `n_marks` besides: to count everybody's marks takes a second where there are a million."""
    found = list(people(campaign)[:most])
    counted = Mark.objects.filter(submission__by__in=found, submission__status=Submission.Status.ACCEPTED).order_by()
    marks = dict(counted.values_list("submission__by").annotate(Count("pk")))
    for person in found:
        person.n_marks = marks.get(person.pk, 0)
    return found


def _answers_that_are(status: str) -> Coalesce:
    """How many answers of one member are. Counted apart for each: beside each other in one query they would be multiplied."""
    theirs = Submission.objects.filter(by=OuterRef("pk"), status=status).order_by().values("by")
    return Coalesce(Subquery(theirs.annotate(n=Count("pk")).values("n")), 0)
