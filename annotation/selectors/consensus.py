"""The answers to a task as consensus reads them, what they agree on, and who may be asked for one more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from annotation.core.consensus import Closed, Person, close_one
from annotation.core.regions import FRAME
from annotation.models import Consensus, Reliability, Submission, Task

CHAIN = "two-coin Dawid-Skene, two-state chain"


def answer_tuples(task: Task, submissions: Iterable[Submission]) -> list[tuple[Any, ...]]:
    """Answers in clip seconds, as `consensus` takes them."""
    length = task.end - task.start
    return [
        (
            task.pk,
            submission.by_id,
            length,
            [(mark.start - task.start, mark.end - task.start) for mark in submission.marks.all()],
            [(start - task.start, end - task.start) for start, end in submission.heard] if submission.heard else [(0.0, length)],
        )
        for submission in submissions
    ]


def accepted_answers(task: Task) -> list[Submission]:
    return list(task.submissions.filter(status=Submission.Status.ACCEPTED).prefetch_related("marks").order_by("pk"))


def outcome_of(task: Task, submissions: list[Submission]) -> Closed:
    """What these answers agree on, each weighed by its person's stored reliability."""
    people: dict[int | str, Person] = {
        one.membership_id: Person(one.sensitivity, one.specificity, one.onset_lag, one.offset_lag, edge_jitter=one.edge_jitter)
        for one in Reliability.objects.filter(membership__in=[submission.by_id for submission in submissions])
    }
    return close_one(answer_tuples(task, submissions), people, frame=FRAME, certain_enough=task.campaign.certainty)


def posterior_of(consensus: Consensus) -> list[float]:
    """For every `FRAME` seconds of the clip, how probable it is that it bleeds: from the answers that this consensus used.

    Worked out anew, by people's reliability as it is known now. Empty where nothing was answered.
    """
    submissions = list(consensus.submissions.prefetch_related("marks").order_by("pk"))
    return [float(one) for one in outcome_of(consensus.task, submissions).posterior] if submissions else []


def stored_not_tie_breakers() -> QuerySet[Reliability]:
    """People too unreliable to be asked for an extra answer when the first ones disagree, as they were last fitted."""
    return Reliability.objects.filter(settles=False)
