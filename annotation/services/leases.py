"""Leases: who has which task in hand or ahead, and for how long. Only the database's clock decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from annotation.core.errors import DomainError
from annotation.events import publish
from annotation.models import Assignment, Campaign, Membership, Task
from annotation.selectors.access import gets_no_tasks
from annotation.selectors.queue import FREE_FOR, for_tie_breakers, unseen_by
from annotation.services import gold
from annotation.services.answers import check_revision
from annotation.services.first_visit import check_consent


class NotYours(DomainError):
    """You are not working on this task: take it from your queue first."""


# The slot is found, taken and written down in one statement; a task half answered goes first, so that it closes soon.
# NO KEY: rows that only refer to the task (a draft being saved) do not make it look busy.
_LEASE = """
WITH free AS (
    SELECT id FROM annotation_task AS task
    WHERE campaign_id = %(campaign)s AND {free_for}    ORDER BY taken DESC, id
    LIMIT 1
    FOR NO KEY UPDATE {busy}
), leased AS (
    INSERT INTO annotation_assignment (task_id, by_id, state, place, skip_reason, taken_at, lease_until)
    SELECT id, %(by)s, 'leased', %(place)s, '', statement_timestamp(), %(until)s FROM free
    ON CONFLICT DO NOTHING  -- another tab of the same person has just answered it
    RETURNING id, task_id, taken_at
)
UPDATE annotation_task AS task SET taken = taken + 1 FROM leased WHERE task.id = leased.task_id
RETURNING task.*, leased.id AS lease, leased.taken_at, %(place)s AS place
"""
_PASSING_BUSY_TASKS, _WAITING = _LEASE.format(free_for=FREE_FOR, busy="SKIP LOCKED"), _LEASE.format(free_for=FREE_FOR, busy="")
_GIVEN = [str(state) for state in Assignment.GIVEN]
_GIVEN_OR_RETURNED = [*_GIVEN, str(Assignment.State.RETURNED)]


# A lease whose answer is being kept at this moment is waited for, and passed over when it is over then.
_TAKE_IN_HAND = """
WITH oldest AS (
    SELECT id FROM annotation_assignment WHERE by_id = %(by)s AND state = 'leased' ORDER BY place > 0, id LIMIT 1 FOR NO KEY UPDATE
)
UPDATE annotation_assignment AS lease SET place = 0, lease_until = %(until)s
FROM oldest, annotation_task AS task WHERE lease.id = oldest.id AND task.id = lease.task_id
RETURNING task.*, lease.id AS lease, lease.taken_at, lease.place
"""
_KEEP_AHEAD = """
UPDATE annotation_assignment AS lease SET lease_until = %(until)s FROM annotation_task AS task
WHERE by_id = %(by)s AND lease.state = 'leased' AND place > 0 AND task.id = lease.task_id
RETURNING task.*, lease.id AS lease, lease.taken_at, lease.place
"""


def assign_task(*, by: Membership, question: str = Task.Question.DRAW) -> Assignment | None:
    """Give this member a task that asks `question`: the one in hand, else the oldest fetched ahead, else a free one; None: nothing left.

    What they hold of the other kind is given back: they have gone from one page to the other.
    """
    if lease := _assign(by, question):
        return lease
    expire_leases(campaign=by.campaign)  # each in a transaction of its own: nobody holds one task's row while waiting for another's
    return _assign_what_is_left(by, question)


@transaction.atomic
def _assign(by: Membership, question: str) -> Assignment | None:
    """Tasks that somebody else is taking at this moment are passed over."""
    until = one_at_a_time(by)
    _give_back_others(by, question)
    return _in_hand(by, until) or _lease(_PASSING_BUSY_TASKS, _GIVEN_OR_RETURNED, by, until, question)


@transaction.atomic
def _assign_what_is_left(by: Membership, question: str) -> Assignment | None:
    """Before saying "nothing left", those are waited for; then come what this member skipped, and what others only hold ahead."""
    until = one_at_a_time(by)
    _give_back_others(by, question)
    return (
        _in_hand(by, until)  # another tab was quicker
        or _lease(_WAITING, _GIVEN_OR_RETURNED, by, until, question)
        or _lease(_WAITING, _GIVEN, by, until, question)
        or _lease_from_another(by, until, question)
    )


def _give_back_others(by: Membership, question: str) -> None:
    if not by.campaign.asks_quickly:
        return
    others = Assignment.objects.filter(by=by, state=Assignment.State.LEASED).exclude(task__question=question)
    for lease in others.select_related("task").order_by("task"):
        Task.objects.select_for_update(no_key=True).get(pk=lease.task_id)
        if Assignment.objects.filter(pk=lease.pk, state=Assignment.State.LEASED).update(state=Assignment.State.EXPIRED):
            give_back(lease.task)


@transaction.atomic
def prefetch(*, by: Membership, question: str = Task.Question.DRAW) -> list[Assignment]:
    """Reserve the tasks that this member gets next, at most two, in that order; `assign_task` puts the first of them in hand."""
    until = one_at_a_time(by)
    _give_back_others(by, question)
    held = sorted(_leased(_KEEP_AHEAD, by, until), key=lambda lease: lease.pk)  # waits for an answer that is being kept at this moment
    for place in sorted({1, 2} - {one.place for one in held}):
        if lease := _lease(_PASSING_BUSY_TASKS, _GIVEN_OR_RETURNED, by, until, question, place):
            held.append(lease)
    return held


def one_at_a_time(by: Membership) -> datetime:
    """Lock the row of this person, so that two tabs get the same task instead of two, and return when a lease taken now ends.

    NO KEY, since answers refer to this row.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() FROM annotation_membership WHERE id = %s FOR NO KEY UPDATE", [by.pk])
        clock: datetime = cursor.fetchone()[0]
    return clock + timedelta(seconds=by.campaign.lease_seconds)


def _in_hand(by: Membership, until: datetime) -> Assignment | None:
    return next(_leased(_TAKE_IN_HAND, by, until), None)


def _lease(
    statement: str, given: list[str], by: Membership, until: datetime, question: str, place: int = Assignment.IN_HAND
) -> Assignment | None:
    if gets_no_tasks(by):
        return None
    lease = next(_leased(statement, by, until, campaign=by.campaign_id, given=given, place=place, question=str(question)), None)
    return gold.replace_by_gold(lease, by) if lease else None


def _leased(statement: str, by: Membership, until: datetime, **values: Any) -> Iterator[Assignment]:
    """This member's leases, with their tasks, that the statement has made or renewed."""
    rows: Iterable[Any] = Task.objects.raw(statement, {"by": by.pk, "until": until, **values})
    for task in rows:
        yield Assignment(pk=task.lease, task=task, by=by, place=task.place, taken_at=task.taken_at, lease_until=until)


def _lease_from_another(by: Membership, until: datetime, question: str) -> Assignment | None:
    """Take a task that another member has only fetched ahead: nobody sits idle while others hold more than they can do."""
    ahead = Assignment.objects.filter(task=OuterRef("pk"), state=Assignment.State.LEASED, place__gt=Assignment.IN_HAND)
    if gets_no_tasks(by):
        return None
    pool = Task.objects.filter(Exists(ahead), campaign=by.campaign, state=Task.State.OPEN, kind=Task.Kind.POOL, question=question)
    held = pool.filter(unseen_by(OuterRef("pk"), by), for_tie_breakers(by))
    while task := held.select_for_update(no_key=True).order_by("-pk").first():
        last = Assignment.objects.filter(task=task, state=Assignment.State.LEASED, place__gt=Assignment.IN_HAND).order_by("-pk")
        # Its holder may begin it at this moment; then we look again.
        if last.filter(pk__in=last.values("pk")[:1]).update(state=Assignment.State.EXPIRED):
            publish(by.campaign_id, "task", task.pk)
            taken_at = until - timedelta(seconds=by.campaign.lease_seconds)  # by the database's clock, as everybody else's
            return Assignment.objects.create(task=task, by=by, taken_at=taken_at, lease_until=until)
    return None


def renew_lease(*, task: Task, by: Membership) -> Assignment:
    """Keep the task, and what this member has fetched besides, for longer.

    Raises `NotYours` when the lease is gone, `AlreadyAnswered` when it is since they have answered elsewhere, and `NotReady`.
    """
    with transaction.atomic():
        check_consent(by)
        until = one_at_a_time(by)
        leases = Assignment.objects.filter(by=by, state=Assignment.State.LEASED)
        if not leases.filter(task=task).update(lease_until=until):
            check_revision(task, by, revises=0)
            raise NotYours
        leases.exclude(task=task).update(lease_until=until)
        return leases.get(task=task)


@transaction.atomic
def free_place(*, by: Membership) -> None:
    """Let go of the last task fetched ahead, if this member holds as many as may be."""
    one_at_a_time(by)
    last = Assignment.objects.filter(by=by, state=Assignment.State.LEASED, place=Assignment.MOST_AHEAD).select_related("task").first()
    held = Assignment.objects.filter(by=by, state=Assignment.State.LEASED).count()
    if last is None or held <= Assignment.MOST_AHEAD:
        return
    Task.objects.select_for_update(no_key=True).get(pk=last.task_id)
    if Assignment.objects.filter(pk=last.pk, state=Assignment.State.LEASED).update(state=Assignment.State.EXPIRED):
        give_back(last.task)


def expire_leases(*, campaign: Campaign) -> int:
    """Free the slots of leases that ran out; their drafts stay."""
    late = Assignment.objects.filter(task__campaign=campaign, state=Assignment.State.LEASED, lease_until__lt=Now())
    return sum(_expire(lease) for lease in late.select_related("task"))


@transaction.atomic
def _expire(lease: Assignment) -> bool:
    """End a lease and give its slot back, if it still is one and was not renewed meanwhile."""
    Task.objects.select_for_update(no_key=True).get(pk=lease.task_id)
    over = Assignment.objects.filter(pk=lease.pk, state=Assignment.State.LEASED, lease_until__lt=Now())
    if not over.update(state=Assignment.State.EXPIRED):
        return False
    give_back(lease.task)
    return True


def give_back(task: Task) -> None:
    """Free one slot; the task's row must be locked."""
    Task.objects.filter(pk=task.pk).update(taken=F("taken") - 1)
    publish(task.campaign_id, "task", task.pk)
