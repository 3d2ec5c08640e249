"""What one member has answered: changed for as long as no round was frozen with it, and withdrawn. (`queue.submit` keeps an answer.)"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.models import Assignment, Campaign, Membership, Submission, Task
from annotation.selectors.answers import is_frozen


class AlreadyAnswered(DomainError):
    """You have answered this clip already, in another tab or on another device."""

    def __init__(self, answer: Submission) -> None:
        """`answer` is the one that stands."""
        super().__init__()
        self.revision = answer.revision
        self.marks = answer.marks.count()
        self.age = (now() - answer.created).total_seconds()  # seconds


class RoundFrozen(DomainError):
    """The round of this clip is closed, and a model may have learned from it: what you gave stays as it is."""


def latest_of(answers: Iterable[Submission]) -> Submission | None:
    """The last of one member's answers to a task that they have not taken back; `answers` come in the order of their revisions."""
    return next((one for one in reversed(list(answers)) if one.status != Submission.Status.WITHDRAWN), None)


def answer_of(task: Task, by: Membership) -> Submission | None:
    """What this member has answered to a task."""
    return latest_of(Submission.objects.filter(task=task, by=by).order_by("revision"))


def check_revision(task: Task, by: Membership, revises: int) -> None:
    """Raise `AlreadyAnswered` unless what this member has answered is revision `revises`; 0: nothing."""
    check_latest(answer_of(task, by), revises)


def check_latest(answer: Submission | None, revises: int) -> None:
    if answer is not None and answer.revision != revises:
        raise AlreadyAnswered(answer)


def to_change(*, task: Task, by: Membership) -> Submission | None:
    """The answer that this member may change; None: they gave none. Raises `RoundFrozen`."""
    counts = Submission.objects.filter(task=task, by=by, status=Submission.Status.ACCEPTED).first()
    answer = answer_of(task, by)
    if answer is not None and is_frozen((counts or answer).created, by.campaign.frozen):
        raise RoundFrozen
    return answer


def lock_freezing(campaign: Campaign) -> datetime | None:
    """When feedback was frozen last; until the transaction ends, nothing is frozen. The task's row is locked before."""
    return Campaign.objects.select_for_update(no_key=True).values_list("frozen", flat=True).get(pk=campaign.pk)


def withdraw_answers(*, by: Membership, answers: QuerySet[Submission]) -> int:
    """Withdraw these answers of one member, free their slots, and return how many they were; to be called in a transaction."""
    mine = answers.filter(status=Submission.Status.ACCEPTED)
    # The tasks' rows first, in order, as everywhere: answers and the closing of their task never cross.
    tasks = list(Task.objects.select_for_update().filter(pk__in=mine.values("task")).order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk__in=tasks, taken__gt=0).update(taken=F("taken") - 1)
    Assignment.objects.filter(by=by, task__in=tasks, state=Assignment.State.DONE).update(state=Assignment.State.EXPIRED)
    beside = (Submission.Status.SURPLUS, Submission.Status.TOO_SOON)
    others = answers.filter(status__in=beside).update(status=Submission.Status.WITHDRAWN)
    return mine.update(status=Submission.Status.WITHDRAWN) + others
