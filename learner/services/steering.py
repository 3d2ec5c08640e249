"""What people do about a job: cancel it, have one tried again that did not end well, or move one that waits."""

from __future__ import annotations

from typing import Literal

from django.db import transaction
from django.db.models import Max, Q
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from learner.models import Adaptation, Job, Round, SharedModel
from learner.services.jobs import OPEN, end_what_it_worked_for, send_again

MOST_PRIORITY = 1000


class JobIsOver(DomainError):
    """The job has ended already: there is nothing to cancel."""


class NotAgain(DomainError):
    """This job cannot be tried again."""


@transaction.atomic
def cancel_job(*, job: Job, who: Membership) -> None:
    """End a job that waits or is at work. Its worker stops within two heartbeats and writes nothing more; its round ends too.

    Raises `JobIsOver`.
    """
    row = Job.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=job.pk)
    if row.state not in OPEN:
        raise JobIsOver(f"This job is {row.state} already.")
    reason = f"{who.pseudonym} cancelled it."
    log = f"{row.log}{now():%H:%M:%S} cancelled\n"
    Job.objects.filter(pk=row.pk).update(state=Job.State.CANCELLED, reason=reason, finished=now(), in_hand=None, doing="", log=log)
    end_what_it_worked_for(row, reason)
    record(row.campaign, "job.cancelled", who=who, after={"job": row.pk, "kind": row.kind})


@transaction.atomic
def retry_job(*, job: Job, who: Membership) -> None:
    """Queue a job again that failed or was cancelled, and with it the round that it worked for. Raises `NotAgain`."""
    campaign = Campaign.objects.select_for_update().get(pk=job.campaign_id)
    row = Job.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=job.pk)
    if row.state not in (Job.State.FAILED, Job.State.CANCELLED):
        raise NotAgain(f"This job is {row.state}: only one that failed or was cancelled is tried again.")
    adaptation = Adaptation.objects.filter(job=row).select_related("feedback_set__round", "parent").first()
    round_ = adaptation.feedback_set.round if adaptation else Round.objects.filter(scoring=row).first()
    if round_:
        _check_last(campaign, round_)
        Round.objects.filter(pk=round_.pk).update(
            state=Round.State.ADAPTING if adaptation else Round.State.SCORING, finished=None, waiting_since=None
        )
    if adaptation:
        if not SharedModel.objects.filter(campaign=campaign, current=adaptation.parent).exists():
            raise NotAgain("The campaign uses another checkpoint by now; the next round learns from the same marks.")
        Adaptation.objects.filter(pk=adaptation.pk).update(
            verdict=Adaptation.Verdict.PENDING, reasons=[], rests_on={}, advice=[], finished=None
        )
    log = f"{row.log}{now():%H:%M:%S} tried again\n"
    Job.objects.filter(pk=row.pk).update(
        state=Job.State.QUEUED, reason="", started=None, finished=None, heartbeat=None, step=0, total=0, reached=0, no_further=0, log=log
    )
    send_again(row)
    record(campaign, "job.retried", who=who, after={"job": row.pk, "kind": row.kind})


class NotWaiting(DomainError):
    """This job does not wait any more: there is nothing to move."""


@transaction.atomic
def move_job(*, job: Job, how: Literal["up", "down", "first"], by: str) -> Job:
    """Let a waiting job begin before or after others of all campaigns; `by` is the account that did it. Raises `NotWaiting`.

    First: before all that wait in its queue. Moved above 0, a job that gave way to others gives way no more.
    """
    row = Job.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=job.pk)
    if row.state != Job.State.QUEUED:
        raise NotWaiting
    without = Q(kind__in=Job.WITHOUT_GPU)
    others = Job.objects.filter(without if row.kind in Job.WITHOUT_GPU else ~without, state=Job.State.QUEUED).exclude(pk=row.pk)
    highest = max(0, others.aggregate(most=Max("priority", default=0))["most"])
    before, priority = row.priority, {"up": row.priority + 1, "down": row.priority - 1, "first": highest + 1}[how]
    row.priority = max(-MOST_PRIORITY, min(MOST_PRIORITY, priority))
    Job.objects.filter(pk=row.pk).update(priority=row.priority)
    send_again(row)
    about = {"job": row.pk, "kind": row.kind, "priority": row.priority, "by": by}
    record(row.campaign, "job.moved", before={"priority": before}, after=about)
    return row


def _check_last(campaign: Campaign, round_: Round) -> None:
    later = Round.objects.filter(campaign=campaign, number__gt=round_.number).order_by("-number").first()
    if later:
        raise NotAgain(f"Round {later.number} has begun since; it learns from the same marks.")
