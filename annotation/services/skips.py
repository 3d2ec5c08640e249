"""Giving a task up unanswered, and taking that back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext

from annotation.core.errors import DomainError
from annotation.events import record, send
from annotation.models import Assignment, Campaign, Membership, Task
from annotation.selectors.answers import is_frozen
from annotation.services.answers import RoundFrozen
from annotation.services.first_visit import check_consent
from annotation.services.leases import NotYours, free_place, give_back, one_at_a_time


class NoWayBack(DomainError):
    """Somebody else has taken this clip meanwhile, or it is answered: the skip stands."""


@transaction.atomic
def skip(*, task: Task, by: Membership, reason: str) -> None:
    """Give a task up unanswered; whom it goes to is the campaign's policy (`Campaign.SkipPolicy`). Raises `NotYours` and `NotReady`."""
    check_consent(by)
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task.pk)
    state = _after_skip(task, by)
    lease = Assignment.objects.filter(task=task, by=by, state=Assignment.State.LEASED)
    if not lease.update(state=state, skip_reason=reason, lease_until=Now()):
        raise NotYours
    if state == Assignment.State.IGNORED:
        send("agree_on_task", task.pk)  # it may have been the last that the task waited for
    else:
        give_back(task)
    record(task.campaign, "task.skipped", who=by, after={"task": task.pk, "reason": reason})


def _after_skip(task: Task, by: Membership) -> Assignment.State:
    """How a skip ends a lease. What comes back comes back once: nobody is shown for ever what they cannot answer."""
    if task.campaign.skip_policy == Campaign.SkipPolicy.IGNORED:
        return Assignment.State.IGNORED
    earlier = Assignment.objects.filter(task=task, by=by, state=Assignment.State.RETURNED)
    if task.campaign.skip_policy == Campaign.SkipPolicy.ME and not earlier.exists():
        return Assignment.State.RETURNED
    return Assignment.State.SKIPPED


def undo_skip(*, task: Task, by: Membership) -> Assignment:
    """Take a skip back: the task is in this member's hand again, and what they had in hand comes next.

    Raises `NotYours` where they skipped nothing, `NoWayBack` where its slot is taken or the task is decided, `RoundFrozen`, `NotReady`.
    """
    check_consent(by)
    free_place(by=by)  # in a transaction of its own: nobody holds one task's row while waiting for another's
    return _undo_skip(task, by)


@transaction.atomic
def _undo_skip(task: Task, by: Membership) -> Assignment:
    until = one_at_a_time(by)
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task.pk)
    mine = Assignment.objects.filter(task=task, by=by)
    if live := mine.filter(state=Assignment.State.LEASED).first():
        return live  # it has come back already, or another tab was quicker
    skipped = mine.filter(state__in=Assignment.GIVEN_UP).order_by("-pk").first()
    if skipped is None or mine.filter(state=Assignment.State.DONE).exists():
        raise NotYours(gettext("You have not skipped this clip."))
    if is_frozen(skipped.lease_until, task.campaign.frozen):
        raise RoundFrozen
    keeps_slot = skipped.state == Assignment.State.IGNORED  # its slot was spent, and is there still
    if task.state != Task.State.OPEN or not (keeps_slot or task.taken < task.overlap):
        raise NoWayBack
    leases = Assignment.objects.filter(by=by, state=Assignment.State.LEASED)
    free = {1, 2} - set(leases.values_list("place", flat=True))
    if not free:  # another tab has just fetched ahead
        raise NoWayBack(gettext("Your other clips have just been fetched. Try again."))
    leases.filter(place=Assignment.IN_HAND).update(place=min(free))
    skipped.state, skipped.place, skipped.lease_until, skipped.skip_reason = Assignment.State.LEASED, Assignment.IN_HAND, until, ""
    skipped.save(update_fields=["state", "place", "lease_until", "skip_reason"])
    if not keeps_slot:
        Task.objects.filter(pk=task.pk).update(taken=F("taken") + 1)
    record(task.campaign, "task.skip_undone", who=by, after={"task": task.pk})
    return skipped
