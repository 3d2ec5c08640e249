"""One answer taken back by who gave it, as long as no round was frozen with it."""

from __future__ import annotations

from django.db import transaction

from annotation.events import record
from annotation.models import Membership, Submission, Task
from annotation.selectors.answers import is_frozen
from annotation.services.answers import RoundFrozen, lock_freezing, withdraw_answers


@transaction.atomic
def take_back(*, task: Task, by: Membership) -> bool:
    """Withdraw what this member answered to a task, and free its slot. False: nothing stood. Raises `RoundFrozen`."""
    task = Task.objects.select_for_update().select_related("campaign").get(pk=task.pk)
    mine = Submission.objects.filter(task=task, by=by)
    frozen = lock_freezing(task.campaign)
    if any(is_frozen(one.created, frozen) for one in mine.filter(status=Submission.Status.ACCEPTED)):
        raise RoundFrozen
    n = withdraw_answers(by=by, answers=mine)
    if n:
        record(task.campaign, "answers.withdrawn", who=by, after={"task": task.pk, "answers": n})
    return bool(n)
