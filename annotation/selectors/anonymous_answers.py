"""Answers as a reviewer sees them: one of each person, nobody named, in an order that does not tell who is who."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.utils.crypto import salted_hmac

from annotation.models import Submission, Task

SHOWN = (Submission.Status.ACCEPTED, Submission.Status.SURPLUS)


def answers_to(task: Task) -> list[Submission]:
    """The answers that a reviewer of this task sees, in the order in which they are numbered."""
    return in_lanes(task.submissions.filter(status__in=SHOWN).prefetch_related("marks", "missing").order_by("pk"))


def in_lanes(submissions: Iterable[Submission]) -> list[Submission]:
    """One answer of each person to one task: the accepted one, else the latest that came too late to count.

    Their order is another for every task and cannot be worked out without the site's secret; it stays while answers are added.
    """
    of_person: dict[int, Submission] = {}
    for submission in submissions:
        known = of_person.get(submission.by_id)
        if submission.status in SHOWN and (known is None or known.status != Submission.Status.ACCEPTED):
            of_person[submission.by_id] = submission
    return sorted(of_person.values(), key=lambda one: salted_hmac("annotation.anonymous", f"{one.task_id}:{one.by_id}").digest())


def seen(task: Task) -> str:
    """What names the state that a reviewer's page shows: any decision and any answer after it give another one."""
    answers = in_lanes(task.submissions.filter(status__in=SHOWN).order_by("pk"))
    return state_of(task, task.consensuses.values_list("pk", flat=True), answers)


def seen_of(task: Task) -> str:
    """The same of a task whose consensuses and answers were fetched with it (`reviews.with_agreement`)."""
    return state_of(task, [one.pk for one in task.consensuses.all()], in_lanes(task.submissions.all()))


def state_of(task: Task, agreed: Iterable[int], answers: list[Submission]) -> str:
    """The same of a task, the ids of its consensuses, and its answers in lanes."""
    # Ids and not versions: a decision that was undone and made again is another one.
    parts = [str(task.state), task.overlap, sorted(agreed), [answer.pk for answer in answers]]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
