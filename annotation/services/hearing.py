"""What people say they have heard, held against the server's own clock. Only the database's clock decides."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from annotation.core import hearing
from annotation.core.regions import Regions, total
from annotation.models import Membership, Submission, Task
from annotation.selectors import queue
from annotation.selectors.prepared import Prepared

LATEST = 50  # answers of a person that one more is judged with
LOCK = 0x68656172  # "hear"; of advisory locks, beside a membership's id

_HEARD = [Submission.Status.ACCEPTED, Submission.Status.SURPLUS, Submission.Status.WITHDRAWN]
_latest = Prepared(
    lambda by: queue.with_given(Submission.objects.filter(by=by, status__in=_HEARD)).order_by("-pk")[:LATEST],
    by=-1,
)


def one_answer_at_a_time(by: Membership) -> None:
    """Until this transaction ends, this person's other answers wait: each is judged with those before it.

    Taken before any row is locked. The member's own row will not do, which is locked before a task's where tasks are handed out.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, by.pk % 2**31])


def heard_in_time(*, task: Task, by: Membership, heard: Regions) -> bool:
    """Whether this person can have heard so much of a task's clip by now, beside what they have heard of their other latest clips.

    Not asked of simulated members, nor of reviewers, who may answer what they were never given.
    """
    if by.kind != Membership.Kind.HUMAN or by.reviews:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), (SELECT min(taken_at) FROM annotation_assignment WHERE task_id = %s AND by_id = %s)",
            [task.pk, by.pk],
        )
        clock, given = cursor.fetchone()
    if given is None:
        return False  # nobody has heard what they were never given
    before = {one.task_id: one for one in reversed(_latest(by=by.pk)) if one.task_id != task.pk}
    answers = [_listened(one.given, one.created, one.heard) for one in sorted(before.values(), key=lambda one: -one.pk)]
    return hearing.in_time(_listened(given, clock, heard), answers)


def _listened(given: datetime, answered: datetime, heard: Regions) -> hearing.Listened:
    return hearing.Listened(given.timestamp(), answered.timestamp(), total(heard))
