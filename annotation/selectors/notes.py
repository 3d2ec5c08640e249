"""Threads on clips: which wait for a reply, which have one, somebody's own, and those on one clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.core.words import who
from annotation.models import Campaign, Membership, Note, Reply, Task
from annotation.selectors.reviews import reviewable


def open_notes(campaign: Campaign) -> QuerySet[Note]:
    """Those that wait for a reply, the oldest first."""
    waiting = Note.objects.filter(task__campaign=campaign, replied=None)
    return _with_replies(waiting).order_by("pk")


def _with_replies(notes: QuerySet[Note]) -> QuerySet[Note]:
    return notes.select_related("task__track", "by", "person").prefetch_related(Prefetch("replies", Reply.objects.select_related("by")))


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
    return _with_replies(answered).order_by("-replied", "-pk")


def own_notes(member: Membership) -> QuerySet[Note]:
    """The threads that this member is in as who was given the clip, the latest first."""
    return _with_replies(Note.objects.filter(person=member)).order_by("-pk")


def notes_of(member: Membership) -> QuerySet[Note]:
    """Every thread in which this member wrote, or which is with them, the oldest first."""
    theirs = Q(person=member) | Q(by=member) | Q(Exists(Reply.objects.filter(note=OuterRef("pk"), by=member)))
    return _with_replies(Note.objects.filter(theirs)).order_by("pk")


@dataclass(frozen=True)
class Message:
    """What somebody wrote, as a reviewer of the clip reads it: whoever was given it has no name."""

    who: str
    text: str
    when: datetime


@dataclass(frozen=True)
class Thread:
    """A thread on a clip; `person` says with whom it is, and is empty among those who review."""

    id: int
    person: str
    waits: bool
    messages: list[Message]


def threads_on(task: Task, viewer: Membership, numbers: Mapping[int, int]) -> list[Thread]:
    """The threads on a clip, the oldest first; `numbers` are those of the people whose answers are shown."""
    return [_thread(one, viewer, numbers) for one in _with_replies(Note.objects.filter(task=task)).order_by("pk")]


def _thread(note: Note, viewer: Membership, numbers: Mapping[int, int]) -> Thread:
    person = "" if note.person_id is None else f"Person {numbers[note.person_id]}" if note.person_id in numbers else "one person"
    said: list[Note | Reply] = [note, *note.replies.all()]
    messages = [Message(_writer(one.by, note, viewer, person), one.text, one.created) for one in said]
    return Thread(note.pk, person, note.replied is None, messages)


def with_review_pages(campaign: Campaign, tasks: Iterable[Task]) -> set[int]:
    """Ids of those tasks that a reviewer can open; of the others there is the page of their round, unless they are of none."""
    return set(reviewable(campaign).filter(pk__in=[task.pk for task in tasks]).values_list("pk", flat=True))


def _writer(by: Membership, note: Note, viewer: Membership, person: str) -> str:
    return person.capitalize() if by.pk == note.person_id else who(by.pseudonym, reads_it=by.pk == viewer.pk)
