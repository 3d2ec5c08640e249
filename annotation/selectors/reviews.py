"""What reviewers look at: which tasks wait, how much people disagree on each, the answers side by side, and who decided what."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BigIntegerField, Count, Exists, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from annotation.core import agreement, hearing, words
from annotation.core.regions import FRAME, Region
from annotation.models import Campaign, Consensus, Event, Membership, MissingMark, MissingRegion, Referral, Submission, Task
from annotation.models.events import EVENTS_OF_REVIEWS
from annotation.models.people import Right, holders
from annotation.selectors import anonymous_answers
from annotation.selectors.answers import is_frozen
from annotation.selectors.consensus import answer_tuples, posterior
from annotation.selectors.review_queue import USUAL, View, in_order

AT_ONCE = 30  # tasks of the queue on its page; the others come up as these are decided
LATELY = 10  # decided tasks beside them
TOGETHER = 3  # times that several were accepted at once

Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Agreement:
    """How well the answers to one task agree: F1 of marked seconds over all pairs of people, and Krippendorff's alpha; None: no pair."""

    frame_f1: float | None
    alpha: float | None
    n_people: int

    @property
    def words(self) -> str:
        if self.frame_f1 is None:
            return "one answer only"
        return {"bad": "agree hardly at all", "warn": "agree in part", "good": "agree mostly"}[self.level]

    @property
    def level(self) -> Literal["bad", "warn", "good"]:
        """How a page shows it."""
        if self.frame_f1 is None or self.frame_f1 < 0.3:
            return "bad"
        return "warn" if self.frame_f1 < 0.7 else "good"


@dataclass(frozen=True)
class Waiting:
    """A task of the review queue with what is drawn of it."""

    task: Task
    agreement: Agreement
    answers: list[Submission]
    consensus: Consensus | None


def _with_answers(tasks: QuerySet[Task], campaign: Campaign) -> QuerySet[Task]:
    """What is missing is asked for only where people may mark it."""
    marks, regions = MissingMark.objects.all(), MissingRegion.objects.all()
    if not campaign.collects_missing:
        marks, regions = marks.none(), regions.none()
    given = Submission.objects.filter(status__in=anonymous_answers.SHOWN).order_by("pk")
    shown = given.prefetch_related("marks", Prefetch("missing", marks))
    agreed = Consensus.objects.order_by("-version").prefetch_related("regions", Prefetch("missing", regions))
    return tasks.select_related("track").prefetch_related(Prefetch("submissions", shown), Prefetch("consensuses", agreed))


def waiting(campaign: Campaign, view: View = USUAL, viewer: Membership | None = None, first: int = 0) -> list[Waiting]:
    """`AT_ONCE` tasks of the queue from number `first` on, as this view orders them."""
    return with_agreement(in_order(campaign, view, viewer)[first : first + AT_ONCE], campaign)


def with_agreement(wanted: QuerySet[Task], campaign: Campaign) -> list[Waiting]:
    """These tasks of a campaign with all that is drawn of them."""
    tasks = list(_with_answers(wanted, campaign))
    answers = {task.pk: anonymous_answers.in_lanes(task.submissions.all()) for task in tasks}
    agreed = _agreement(tasks, answers)
    return [Waiting(task, agreed[task.pk], answers[task.pk], next(iter(task.consensuses.all()), None)) for task in tasks]


def decided_lately(campaign: Campaign) -> list[Consensus]:
    """Decisions of reviewers that stand, newest first."""
    decisions = Consensus.objects.filter(task__campaign=campaign, by__isnull=False, task__state=Task.State.CLOSED)
    return list(decisions.select_related("task__track", "by").order_by("-pk")[:LATELY])


def accepted_together(member: Membership) -> list[Any]:
    """What this reviewer accepted at once lately and may take back: name, `n` clips and `last`, the latest first."""
    mine = Consensus.objects.filter(by=member, task__state=Task.State.CLOSED, parameters__together__isnull=False)
    if member.campaign.frozen:
        mine = mine.filter(made__gt=member.campaign.frozen)
    named = mine.annotate(name=KT("parameters__together")).order_by().values("name").annotate(n=Count("pk"), last=Max("made"))
    return list(named.order_by("-last")[:TOGETHER])


def reviewable(campaign: Campaign) -> QuerySet[Task]:
    """Tasks that wait for a reviewer, or have been before one; with how many of the campaign are `waiting` with them."""
    sent_back = Event.objects.filter(campaign=campaign, what="review.sent_back").annotate(of=Cast(KT("after__task"), BigIntegerField()))
    tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL)
    found = tasks.filter(Q(contested=True) | Q(pk__in=sent_back.values("of"))).select_related("campaign", "track")
    waiting = Task.objects.filter(campaign=OuterRef("campaign"), state=Task.State.IN_REVIEW).order_by().values("campaign")
    return found.annotate(waiting=Coalesce(Subquery(waiting.annotate(n=Count("pk")).values("n")), 0))


def next_after(task: Task, view: View = USUAL, viewer: Membership | None = None) -> int | None:
    """What a reviewer does next, by its id: the task after this one in the queue as they look at it, and after the last the first."""
    ids = list(in_order(task.campaign, view, viewer).values_list("pk", flat=True)[: AT_ONCE * 10])
    others = [pk for pk in ids if pk != task.pk]
    if not others:
        return None
    return others[ids.index(task.pk) % len(others)] if task.pk in ids else others[0]


def agreement_on(task: Task, answers: list[Submission]) -> Agreement:
    """How well these answers to one task agree."""
    return _agreement([task], {task.pk: answers})[task.pk]


def _agreement(tasks: Iterable[Task], answers: dict[int, list[Submission]]) -> dict[int, Agreement]:
    """Without intervals: one task has too little of it for any."""
    given = [one for task in tasks for one in answer_tuples(task, answers[task.pk])]
    measured = agreement.among(given, rng=np.random.default_rng(0), frame=FRAME).tasks if given else {}
    found = {}
    for pk, of_task in answers.items():
        figures = measured.get(pk)
        frame_f1, alpha = (figures.frame_f1.value, figures.alpha.value) if figures else (math.nan, math.nan)
        found[pk] = Agreement(_known(frame_f1), _known(alpha), len(of_task))
    return found


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)


# ---------------------------------------------------------------- one task


@dataclass(frozen=True)
class Lane:
    """What one person answered, in seconds of the track; `unheard` is what they never played."""

    name: str
    marks: Spans
    tags: list[str]  # of each mark; "" is none
    missing: Spans
    unheard: Spans
    late: bool  # too late to count: not part of the consensus


@dataclass(frozen=True)
class Found:
    """A consensus as it is drawn; `posterior` has a probability for every `frame` seconds of the clip."""

    regions: list[tuple[float, float, float]]
    tags: list[str]  # of each region
    missing: list[tuple[float, float, float]]
    certainty: float
    posterior: list[float]
    frame: float = FRAME


@dataclass(frozen=True)
class Past:
    """Something that happened to a task: by whom, in words, and the regions before and after where it changed any."""

    when: datetime
    who: str
    words: str
    note: str
    before: Spans | None
    after: Spans | None


@dataclass(frozen=True)
class Waits:
    """Whom a clip waits for since when; somebody who answered it is named by their number."""

    words: str
    note: str
    when: datetime


@dataclass(frozen=True)
class Review:
    """All that a reviewer sees of one task. Nobody who answered is named."""

    task: Task
    seen: str
    lanes: list[Lane]
    crowd: Found | None
    decision: Found | None
    agreement: Agreement
    may_return: list[int]
    referrals: list[Waits]
    history: list[Past]
    may_undo: bool


def review(task: Task, viewer: Membership) -> Review:
    """Put together what a reviewer of this task sees. While it is open for answers again, answers are shown to nobody."""
    is_open = task.state == Task.State.OPEN
    given = list(task.submissions.select_related("by__reliability").prefetch_related("marks", "missing").order_by("pk"))
    in_lanes = anonymous_answers.in_lanes(given)
    answers = [] if is_open else in_lanes
    used = ArrayAgg("submissions", filter=Q(submissions__isnull=False), default=Value([]))
    latest = list(task.consensuses.annotate(used=used).order_by("-version").prefetch_related("regions", "missing"))
    crowd = next((one for one in latest if one.by_id is None), None)
    decision = latest[0] if latest and latest[0].by_id is not None else None
    numbers = {answer.by_id: n for n, answer in enumerate(answers, start=1)}
    return Review(
        task=task,
        seen=anonymous_answers.state_of(task, [one.pk for one in latest], in_lanes),
        lanes=[_lane(n, task, answer) for n, answer in enumerate(answers, start=1)],
        crowd=None if crowd is None or is_open else _found(crowd, _posterior(task, crowd, given)),
        decision=None if decision is None else _found(decision, []),
        agreement=agreement_on(task, answers),
        may_return=_askable(task, answers) if task.state == Task.State.IN_REVIEW else [],
        referrals=_waits(task, viewer, numbers),
        history=_history(task, viewer, {one.pk: numbers[one.by_id] for one in given if one.by_id in numbers}),
        may_undo=decision is not None and task.state == Task.State.CLOSED,
    )


def _posterior(task: Task, consensus: Any, given: list[Submission]) -> list[float]:
    answers = [one for one in given if one.pk in consensus.used]
    return posterior(task, answers, [one.by.reliability for one in answers if hasattr(one.by, "reliability")])


def _lane(number: int, task: Task, answer: Submission) -> Lane:
    heard = [Region(start, end) for start, end in answer.heard] if answer.heard else [task.clip]
    marks = sorted(answer.marks.all(), key=lambda mark: mark.start)
    return Lane(
        name=f"Person {number}",
        marks=[(mark.start, mark.end) for mark in marks],
        tags=[mark.tag for mark in marks],
        missing=sorted((one.start, one.end) for one in answer.missing.all()),
        unheard=[(gap.start, gap.end) for gap in hearing.missing(heard, task.clip) if gap.duration >= hearing.SHORTEST_GAP],
        late=answer.status == Submission.Status.SURPLUS,
    )


def _found(consensus: Consensus, posterior: list[float]) -> Found:
    found = sorted((region.start, region.end, round(region.probability, 3), region.tag) for region in consensus.regions.all())
    missing = sorted((one.start, one.end, round(one.probability, 3)) for one in consensus.missing.all())
    regions, tags = [(start, end, share) for start, end, share, _ in found], [tag for *_, tag in found]
    return Found(regions, tags, missing, round(consensus.certainty, 3), [round(one, 3) for one in posterior])


def _askable(task: Task, answers: list[Submission]) -> list[int]:
    """The numbers of those who may be asked to hear the clip again: people who are here, with an answer that counts and is not frozen."""
    here = [one.by.active and one.by.user_id is not None and one.by.kind == Membership.Kind.HUMAN for one in answers]
    counts = [one.status == Submission.Status.ACCEPTED and not is_frozen(one.created, task.campaign.frozen) for one in answers]
    return [n for n, (is_here, counted) in enumerate(zip(here, counts, strict=True), start=1) if is_here and counted]


def _waits(task: Task, viewer: Membership, numbers: dict[int, int]) -> list[Waits]:
    waiting = Referral.objects.filter(task=task, done=None).select_related("to").order_by("pk")
    return [Waits(_waits_for(one, viewer, numbers), one.note, one.created) for one in waiting]


def _waits_for(referral: Referral, viewer: Membership, numbers: dict[int, int]) -> str:
    if referral.kind == Referral.Kind.ANSWER:
        return f"Waits for Person {numbers[referral.to_id]} to hear it again" if referral.to_id in numbers else "Waits for one person"
    return f"Passed to {words.who(referral.to.pseudonym, reads_it=referral.to_id == viewer.pk)}"


def others_who_review(member: Membership) -> list[Membership]:
    """To whom this reviewer may pass a clip."""
    those = Membership.objects.filter(holders(Right.REVIEW), campaign=member.campaign_id, user__isnull=False)
    return list(those.exclude(pk=member.pk).order_by("pseudonym"))


def _history(task: Task, viewer: Membership, given: dict[int, int]) -> list[Past]:
    """What happened to a task, newest first; `given` has the number of the person of each answer, as answers are shown."""
    events = Event.objects.alias(of=KT("after__task")).filter(of=str(task.pk), what__in=EVENTS_OF_REVIEWS, campaign=task.campaign)
    return [_past(event, viewer, given) for event in events.select_related("who").order_by("-pk")]


def _past(event: Event, viewer: Membership, numbers: dict[int, int]) -> Past:
    before, after = event.before or {}, event.after or {}
    named = {"named": "it"}
    if number := numbers.get(after.get("submission", 0)):
        named["person"] = f"Person {number}"
    said = words.SENTENCES[event.what](before, after | named)
    who = words.who(event.who.pseudonym if event.who else None, reads_it=event.who_id == viewer.pk)
    return Past(event.when, who, said, str(after.get("note", "")), _spans(before), _spans(after))


def _spans(said: dict[str, Any]) -> Spans | None:
    return [(start, end) for start, end in said["at"]] if "at" in said else None


def waiting_reviews(user: Any) -> list[tuple[Any, int]]:
    """The campaigns whose contested tasks this user may decide, and how many wait in each for them; most first.

    Each with `steered`: whether they manage it.
    """
    steers = Membership.objects.filter(holders(Right.MANAGE), campaign=OuterRef("pk"), user=user)
    own = Membership.objects.filter(holders(Right.REVIEW), campaign=OuterRef("pk"), user=user)
    campaigns = Campaign.objects.filter(Exists(own), archived=None, deleted=None)
    elsewhere = Referral.objects.filter(~Q(to__user=user, kind=Referral.Kind.DECIDE), task=OuterRef("pk"), done=None)
    in_review = Task.objects.filter(campaign=OuterRef("pk"), state=Task.State.IN_REVIEW)  # few, and an index holds just these
    in_review = in_review.exclude(Exists(elsewhere))
    waiting = in_review.order_by().values("campaign").annotate(n=Count("pk")).values("n")
    counted = campaigns.annotate(waiting=Coalesce(Subquery(waiting), 0), steered=Exists(steers))
    return [(campaign, campaign.waiting) for campaign in counted.order_by("-waiting", "name")]
