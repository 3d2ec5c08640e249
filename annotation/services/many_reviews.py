"""Contested clips whose consensus is clear, accepted together, and that taken back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from annotation.models import Consensus, Membership, Task
from annotation.services.reviews import (
    DecisionUsed,
    NothingToUndo,
    NotInReview,
    StaleReview,
    accept_review,
    undo_review,
)


class Many(NamedTuple):
    """What became of several clips at once; `name` is what they are taken back by."""

    name: str
    done: int
    left: int  # decided, answered or used meanwhile


def accept_together(*, shown: Iterable[tuple[Task, str]], by: Membership) -> Many:
    """Accept the consensus on each of these tasks, each looked at in a state (`anonymous_answers.seen`); what has changed since is left.

    Each is decided in a transaction of its own. Raises `NotAReviewer`.
    """
    name, done, left = uuid.uuid4().hex[:12], 0, 0
    for task, seen in shown:
        try:
            accept_review(task=task, by=by, seen=seen, together=name)
            done += 1
        except (NotInReview, StaleReview):
            left += 1
    return Many(name, done, left)


def undo_together(*, name: str, by: Membership) -> Many:
    """Take back what was accepted together under this name by the same reviewer; what a round was frozen with stands."""
    done, left = 0, 0
    for decision in Consensus.objects.filter(by=by, parameters__together=name).select_related("task__campaign").order_by("pk"):
        try:
            undo_review(task=decision.task, by=by, only=decision.pk)
            done += 1
        except (NothingToUndo, DecisionUsed):
            left += 1
    return Many(name, done, left)
