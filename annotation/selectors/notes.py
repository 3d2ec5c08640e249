"""Notes to the lab: which wait for a reply, which have one, and somebody's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.models import Campaign, Membership, Note, Task
from annotation.selectors.reviews import reviewable


def open_notes(campaign: Campaign) -> QuerySet[Note]:
    """Those that wait for a reply, the oldest first."""
    waiting = Note.objects.filter(task__campaign=campaign, replied=None)
    return waiting.select_related("task__track", "by").order_by("pk")


class Waiting(NamedTuple):
    """How much waits for the reviewers of a campaign."""

    clips: int = 0
    notes: int = 0


def waiting_for_reviewers(campaign: Campaign) -> Waiting:
    """Contested clips and notes without a reply, in one question: each look at the campaign's page asks it."""
    in_review = Task.objects.filter(campaign=campaign, state=Task.State.IN_REVIEW)
    clips = in_review.order_by().values("campaign").annotate(n=Count("pk")).values("n")
    notes = open_notes(campaign).order_by().values("task__campaign").annotate(n=Count("pk")).values("n")
    counted = Campaign.objects.filter(pk=campaign.pk)
    return Waiting(*counted.values_list(Coalesce(Subquery(clips), 0), Coalesce(Subquery(notes), 0)).get())


def answered_notes(campaign: Campaign) -> QuerySet[Note]:
    """Those with a reply, the latest reply first."""
    answered = Note.objects.filter(task__campaign=campaign, replied__isnull=False)
    return answered.select_related("task__track", "by", "replied_by").order_by("-replied", "-pk")


def own_notes(member: Membership) -> QuerySet[Note]:
    """What this member wrote, the latest first."""
    return Note.objects.filter(by=member).order_by("-pk")


def with_review_pages(campaign: Campaign, tasks: Iterable[Task]) -> set[int]:
    """Ids of those tasks that a reviewer can open; of the others there is the page of their round, unless they are of none."""
    return set(reviewable(campaign).filter(pk__in=[task.pk for task in tasks]).values_list("pk", flat=True))
