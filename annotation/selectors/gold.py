"""Questions about gold tasks: whose turn it is for one, which are left, and how members did on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.core.grading import Grade, grade, grade_segments, mean
from annotation.core.regions import Regions, shift
from annotation.models import Assignment, Campaign, GoldScore, Membership, Submission, Task
from annotation.selectors.access import must_qualify


def has_gold(campaign: Campaign) -> bool:
    """Whether gold tasks are handed out in this campaign at all."""
    return campaign.gold_share > 0 or campaign.qualification > 0


def is_gold_turn(campaign: Campaign, member_id: int, position: int) -> bool:
    """Whether the task at this position (from 0) of a member's stream is gold: one in each run of 1/share, nobody can tell which."""
    block = block_of(campaign)
    return block > 0 and position % block == _place(campaign, member_id, position // block, block)


def block_of(campaign: Campaign) -> int:
    """The length of the runs that hold one gold task each; 0: no gold."""
    return max(2, round(1 / campaign.gold_share)) if campaign.gold_share > 0 else 0


def _place(campaign: Campaign, member_id: int, run: int, block: int) -> int:
    drawn = hashlib.sha256(f"gold:{campaign.seed}:{campaign.pk}:{member_id}:{run}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % block


def position_of(member: Membership) -> int:
    """How many tasks this member has been handed so far."""
    return Assignment.objects.filter(by=member).count()


def unseen_gold(member: Membership, question: str = Task.Question.DRAW) -> QuerySet[Task]:
    """Gold tasks that ask `question` and that this member could be given, newest first."""
    seen = Assignment.objects.filter(task=OuterRef("pk"), by=member).exclude(state=Assignment.State.EXPIRED)
    gold = Task.objects.filter(campaign=member.campaign, kind=Task.Kind.GOLD, question=question, state=Task.State.OPEN)
    return gold.exclude(Exists(seen)).exclude(Exists(_told(member))).order_by("-pk")


def _told(member: Membership) -> QuerySet[Submission]:
    """Answers to the task by which a member could read its truth; they may have taken them back since."""
    given = Submission.objects.filter(task=OuterRef("pk"), by=member)
    return given.filter(created__lte=member.campaign.frozen) if member.campaign.frozen else given.none()


def gold_to_come(member: Membership, n_pool: int, question: str = Task.Question.DRAW) -> int:
    """How many gold tasks that ask `question` this member will be handed while `n_pool` tasks of the pool last: they count as open too."""
    if not has_gold(member.campaign) or n_pool <= 0:
        return 0
    unseen = unseen_gold(member, question).order_by().values("campaign").annotate(n=Count("pk")).values("n")
    of_gold = Q(assignments__task__kind=Task.Kind.GOLD) & ~Q(assignments__state=Assignment.State.EXPIRED)
    about: Any = (
        Membership.objects.annotate(
            left=Coalesce(Subquery(unseen), 0),
            position=Count("assignments"),
            of_gold=Count("assignments", filter=of_gold),
        )
        .values("left", "position", "of_gold", "qualified")
        .get(pk=member.pk)
    )
    asked = about["qualified"] is None and must_qualify(member)
    to_qualify = max(0, member.campaign.qualification - about["of_gold"]) if asked else 0
    return min(about["left"], to_qualify + n_turns(member.campaign, member.pk, about["position"] + to_qualify, n_pool))


def n_turns(campaign: Campaign, member_id: int, position: int, n_pool: int) -> int:
    """Gold turns before the last of `n_pool` other tasks is handed out; whole runs are not walked through."""
    block = block_of(campaign)
    if not block:
        return 0
    turns = 0
    while n_pool > 0:
        if position % block == 0 and n_pool >= block:
            whole = (n_pool - 1) // (block - 1)
            turns, position, n_pool = turns + whole, position + whole * block, n_pool - whole * (block - 1)
        if is_gold_turn(campaign, member_id, position):
            turns += 1
        else:
            n_pool -= 1
        position += 1
    return turns


def grade_of(answer: Submission, truth: Regions) -> Grade:
    """How well an answer, drawn or to quick questions, meets a truth in track seconds."""
    marks, clip = [mark.region for mark in answer.marks.all()], answer.task.clip
    if answer.is_quick:
        return grade_segments(marks, truth, clip, shift(answer.task.segments or [], clip.start))
    return grade(marks, truth, clip)


def gold_scores() -> QuerySet[GoldScore]:
    """Every grade that still counts. Who changes their answer keeps the grade of the one that was graded, better or worse."""
    counts = Submission.objects.filter(task=OuterRef("submission__task"), by=OuterRef("submission__by"), status="accepted")
    return GoldScore.objects.filter(Exists(counts)).exclude(submission__status="withdrawn")


def scores_of(member: Membership) -> QuerySet[GoldScore]:
    """The grades of a member that still count, oldest first."""
    return gold_scores().filter(submission__by=member).order_by("pk")


def seconds_on_gold(campaign: Campaign) -> list[tuple[int, float, float, float, float]]:
    """Of each person with answers to other clips that count, over their gold answers: how many, then seconds that they marked, marked where
    nothing leaks, that leak, and missed. In one query."""
    others = Submission.objects.filter(by=OuterRef("submission__by"), status=Submission.Status.ACCEPTED, task__kind=Task.Kind.POOL)
    scores = gold_scores().filter(Exists(others), submission__by__campaign=campaign)
    rows = scores.values_list("submission__by", "extra", "missed", "submission__task__gold__regions").order_by("submission__by")
    found: dict[int, list[float]] = {}
    for by, extra, missed, regions in rows:
        leaks = sum(end - start for start, end in regions)
        theirs = found.setdefault(by, [0.0] * 5)
        for place, value in enumerate((1, leaks - missed + extra, extra, leaks, missed)):
            theirs[place] += value
    return [(int(n), marked, extra, leaks, missed) for n, marked, extra, leaks, missed in found.values()]


@dataclass(frozen=True)
class OnGold:
    """How a member did on gold tasks."""

    score: float | None  # None: no gold answers yet
    n: int


def on_gold(member: Membership) -> OnGold:
    """The mean score over all gold answers of a member."""
    scores = list(scores_of(member).values_list("score", flat=True))
    return OnGold(mean(scores) if scores else None, len(scores))
