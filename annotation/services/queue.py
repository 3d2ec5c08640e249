"""Tasks and the queue: opened, leased, answered, skipped, withdrawn."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now

from annotation import label_studio
from annotation.events import publish, record
from annotation.models import (
    Assignment,
    Campaign,
    Draft,
    Estimate,
    Mark,
    Membership,
    Submission,
    Task,
    Track,
)


class NotYours(Exception):
    """You are not working on this task: take it from your queue first."""


@dataclass(frozen=True)
class Clip:
    """A stretch of a track to be listened to, and why."""

    track: Track
    start: float
    end: float
    arm: str
    chance: float
    reason: str
    kept_apart: bool = False


@transaction.atomic
def open_tasks(*, campaign: Campaign, checkpoint: str, round_number: int, clips: Iterable[Clip]) -> list[Task]:
    """Put clips before annotators. The clips' estimates must be kept already; a clip opened before is not opened again."""
    clips = list(clips)
    heard = set(Estimate.objects.filter(checkpoint=checkpoint, stem=campaign.stem).values_list("track_id", flat=True))
    if missing := [clip.track.name for clip in clips if clip.track.pk not in heard]:
        raise ValueError(f"no estimate of {campaign.stem} by checkpoint {checkpoint[:8]} for: {', '.join(missing)}")
    known = Task.objects.filter(campaign=campaign).count()
    Task.objects.bulk_create(
        [
            Task(
                campaign=campaign,
                track=clip.track,
                stem=campaign.stem,
                checkpoint=checkpoint,
                round_number=round_number,
                start=clip.start,
                end=clip.end,
                arm=clip.arm,
                chance=clip.chance,
                reason=clip.reason[:200],
                kept_apart=clip.kept_apart,
                min_overlap=campaign.min_overlap,
                max_overlap=campaign.max_overlap,
                overlap=campaign.min_overlap,
            )
            for clip in clips
        ],
        ignore_conflicts=True,
    )
    tasks = list(Task.objects.filter(campaign=campaign, checkpoint=checkpoint, round_number=round_number))
    opened = Task.objects.filter(campaign=campaign).count() - known
    record(campaign, "tasks.opened", after={"round": round_number, "tasks": opened})
    return tasks


@transaction.atomic
def withdraw_untouched(*, campaign: Campaign, checkpoint: str) -> int:
    """Withdraw open tasks of this checkpoint that nobody has taken; tasks in hand stay, and their answers stay true."""
    untouched = Task.objects.filter(campaign=campaign, checkpoint=checkpoint, state=Task.State.OPEN, taken=0)
    n = untouched.exclude(assignments__state=Assignment.State.DONE).update(state=Task.State.WITHDRAWN, closed=now())
    if n:
        record(campaign, "tasks.withdrawn", before={"checkpoint": checkpoint}, after={"tasks": n})
    return n


def assign_task(*, by: Membership) -> Assignment | None:
    """Give this member a task: the one they have in hand, else the open task nearest to its last answer; None: nothing left for them."""
    expire_leases(campaign=by.campaign)  # each in a transaction of its own: nobody holds one task's row while waiting for another's
    return _assign(by)


@transaction.atomic
def _assign(by: Membership) -> Assignment | None:
    # One row per person is locked, so that two tabs get the same task instead of two; `no_key`, since answers refer to this row.
    Membership.objects.select_for_update(no_key=True).get(pk=by.pk)
    until = now() + timedelta(seconds=by.campaign.lease_seconds)
    in_hand = Assignment.objects.filter(by=by, state=Assignment.State.LEASED)
    if in_hand.update(lease_until=until):  # none where its answer is being kept at this moment
        return in_hand.select_related("task__track").get()
    seen = Assignment.objects.filter(task=OuterRef("pk"), by=by).exclude(state=Assignment.State.EXPIRED)
    answered = Submission.objects.filter(task=OuterRef("pk"), by=by)
    free = (
        Task.objects.filter(campaign=by.campaign, state=Task.State.OPEN, taken__lt=F("overlap"))
        .exclude(Exists(seen))
        .exclude(Exists(answered))
        .order_by("-taken", "pk")
    )
    # Tasks that somebody else is taking at this moment are passed over first; before saying "nothing left" we wait for them.
    task = free.select_for_update(skip_locked=True).first() or free.select_for_update().first()
    if task is None:
        return None
    Task.objects.filter(pk=task.pk).update(taken=F("taken") + 1)
    assignment = Assignment.objects.create(task=task, by=by, lease_until=until)
    publish(by.campaign_id, "task", task.pk)
    return assignment


def expire_leases(*, campaign: Campaign) -> int:
    """Free the slots of leases that ran out; their drafts stay."""
    late = Assignment.objects.filter(task__campaign=campaign, state=Assignment.State.LEASED, lease_until__lt=now())
    n = 0
    for assignment in late.select_related("task"):
        n += _release(assignment, Assignment.State.EXPIRED, if_still=Q(lease_until__lt=now()))
    return n


@transaction.atomic
def _release(assignment: Assignment, state: str, skip_reason: str = "", if_still: Q | None = None) -> bool:
    """End a lease and give its slot back, if it is still a lease (and, renewed meanwhile, one that has run out)."""
    Task.objects.select_for_update().get(pk=assignment.task_id)
    leased = Assignment.objects.filter(if_still or Q(), pk=assignment.pk, state=Assignment.State.LEASED)
    ended = leased.update(state=state, skip_reason=skip_reason)
    if ended:
        Task.objects.filter(pk=assignment.task_id).update(taken=F("taken") - 1)
        publish(assignment.task.campaign_id, "task", assignment.task_id)
    return bool(ended)


def renew_lease(*, task: Task, by: Membership) -> Assignment:
    """Keep the task in hand for longer; raises `NotYours` when the lease is gone."""
    until = now() + timedelta(seconds=by.campaign.lease_seconds)
    if not Assignment.objects.filter(task=task, by=by, state=Assignment.State.LEASED).update(lease_until=until):
        raise NotYours(NotYours.__doc__)
    return Assignment.objects.get(task=task, by=by, state=Assignment.State.LEASED)


def save_draft(*, task: Task, by: Membership, result: list[dict[str, Any]]) -> Draft:
    """Keep unfinished work; checked like an answer, so that it can always be restored. Raises `BadRegion`."""
    label_studio.regions(result, task.clip)
    draft, _ = Draft.objects.update_or_create(task=task, by=by, defaults={"result": result, "saved": now()})
    return draft


@transaction.atomic
def skip(*, task: Task, by: Membership, reason: str) -> None:
    """Give a task back unanswered; it goes to others and not to this member again."""
    assignment = Assignment.objects.filter(task=task, by=by, state=Assignment.State.LEASED).first()
    if assignment is None or not _release(assignment, Assignment.State.SKIPPED, reason):
        raise NotYours(NotYours.__doc__)
    record(task.campaign, "task.skipped", who=by, after={"task": task.pk, "reason": reason})


@transaction.atomic
def submit(
    *,
    task: Task,
    by: Membership,
    result: list[dict[str, Any]],
    client_key: uuid.UUID,
    lead_time: float = 0.0,
    heard: Sequence[Sequence[float]] = (),
) -> Submission:
    """Record an answer. Sent twice with one key, it is kept once; for a closed or full task it is kept as surplus.

    `result` and `heard` are in clip seconds, as the editor's page sends them. Raises `BadRegion`; nothing is written then.
    """
    # The row lock keeps an answer and the closing of its task from crossing, and the same answer sent twice from racing itself.
    task = Task.objects.select_for_update().select_related("campaign", "track").get(pk=task.pk)
    if known := Submission.objects.filter(client_key=client_key).first():
        return known
    regions = label_studio.regions(result, task.clip)
    earlier = Submission.objects.filter(task=task, by=by).order_by("-revision")
    leased = Assignment.objects.filter(task=task, by=by, state=Assignment.State.LEASED).first()
    accepted = _make_room(task, by, leased)
    submission = Submission.objects.create(
        task=task,
        by=by,
        revision=earlier[0].revision + 1 if earlier else 1,
        client_key=client_key,
        result=result,
        lead_time=lead_time,
        status=Submission.Status.ACCEPTED if accepted else Submission.Status.SURPLUS,
        heard=label_studio.heard(heard, task.clip),
        consent_version=by.consent_version,
        instruction_version=task.campaign.instruction_version,
    )
    Mark.objects.bulk_create(Mark(submission=submission, start=start, end=end) for start, end in regions)
    Draft.objects.filter(task=task, by=by).delete()
    record(
        task.campaign,
        "submission.kept",
        who=by,
        after={"submission": submission.pk, "task": task.pk, "status": submission.status, "marks": len(regions)},
    )
    if accepted:
        from annotation import actors

        actors.take_consensus.send(task.pk)  # the broker puts the message into this transaction
    return submission


def _make_room(task: Task, by: Membership, leased: Assignment | None) -> bool:
    """Whether an answer of this member counts; takes the slot for it. The task's row must be locked."""
    if leased:
        leased.state = Assignment.State.DONE
        leased.save(update_fields=["state"])
    if task.state != Task.State.OPEN:
        if leased:
            Task.objects.filter(pk=task.pk).update(taken=F("taken") - 1)
        return False
    mine = Submission.objects.filter(task=task, by=by, status=Submission.Status.ACCEPTED)
    if mine.update(status=Submission.Status.SUPERSEDED):
        return True  # a better answer of the same person takes its old one's slot
    if leased:
        return True
    if task.taken >= task.overlap:
        return False
    Task.objects.filter(pk=task.pk).update(taken=F("taken") + 1)
    Assignment.objects.create(task=task, by=by, state=Assignment.State.DONE, lease_until=now())
    return True
