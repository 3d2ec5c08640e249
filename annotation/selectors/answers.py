"""What a member has answered and skipped, the latest first, and whether they may still change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.utils.timezone import now

from annotation.models import Assignment, Membership, Submission

MOST = 30
SKIPPED = "skipped"


@dataclass(frozen=True)
class Given:
    """One clip that a member is done with."""

    task_id: int
    what: str  # accepted, surplus, too soon or skipped
    when: datetime
    may_change: bool  # a skip only while nobody else has its clip
    marks: int = 0
    seconds: float = 0.0  # marked
    reason: str = ""  # of a skip

    @property
    def is_skip(self) -> bool:
        return self.what == SKIPPED

    @property
    def age(self) -> timedelta:
        return now() - self.when


def is_frozen(given: datetime, frozen: datetime | None) -> bool:
    """Whether what was given then stands for good, feedback having been frozen last at `frozen`.

    By time and not by task: so it is the same for clips whose truth is known, and nobody can tell them by it.
    """
    return frozen is not None and given <= frozen


def history(member: Membership, most: int = MOST) -> list[Given]:
    """The clips that this member was done with last. Nothing tells those whose truth is known."""
    found = sorted([*_answers(member, most), *_skips(member, most)], key=lambda one: one.when, reverse=True)
    latest = {one.task_id: one for one in reversed(found)}  # the first of each clip
    return sorted(latest.values(), key=lambda one: one.when, reverse=True)[:most]


def _answers(member: Membership, most: int) -> list[Given]:
    counts = Submission.objects.filter(task=OuterRef("task"), by=member, status=Submission.Status.ACCEPTED)
    beside = Q(status__in=[Submission.Status.SURPLUS, Submission.Status.TOO_SOON]) & ~Exists(counts)
    shown = Submission.objects.filter(Q(status=Submission.Status.ACCEPTED) | beside, by=member)
    counted = shown.annotate(n_marks=Count("marks"), marked=Sum(F("marks__end") - F("marks__start"), default=0.0))
    return [
        Given(one.task_id, one.status, one.created, not is_frozen(one.created, member.campaign.frozen), one.n_marks, one.marked)
        for one in counted.order_by("-pk")[:most]
    ]


def _skips(member: Membership, most: int) -> list[Given]:
    again = Assignment.objects.filter(task=OuterRef("task"), by=member, state__in=[Assignment.State.LEASED, Assignment.State.DONE])
    skips = Assignment.objects.filter(by=member, state__in=Assignment.GIVEN_UP).exclude(Exists(again))
    return [
        Given(one.task_id, SKIPPED, one.lease_until, not is_frozen(one.lease_until, member.campaign.frozen), reason=one.skip_reason)
        for one in skips.order_by("-lease_until")[:most]
    ]
