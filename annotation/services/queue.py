"""Tasks from the queue's two ends: opened and withdrawn; answered. What lies between are leases."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.core import hearing, label_studio, questions
from annotation.core.errors import DomainError
from annotation.core.regions import shift
from annotation.core.stems import STEMS
from annotation.core.tags import Tagged
from annotation.events import record, send
from annotation.models import (
    Assignment,
    Campaign,
    Draft,
    Estimate,
    Mark,
    Membership,
    MissingMark,
    Submission,
    Task,
    Track,
)
from annotation.selectors import access
from annotation.selectors.answers import is_frozen
from annotation.selectors.prepared import Prepared
from annotation.services import gold, gold_sounds, quick
from annotation.services.answers import check_latest, latest_of, lock_freezing
from annotation.services.first_visit import check_consent
from annotation.services.hearing import heard_in_time, one_answer_at_a_time
from annotation.services.leases import give_back
from annotation.services.proposals import propose
from annotation.services.referrals import answered_again


class UsedKey(DomainError):
    """This key was sent with another answer before: make a new one for each."""


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
    strategy: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    proposed: Sequence[tuple[float, float, float]] = ()  # start, end (seconds of the track) and probability


@transaction.atomic
def open_tasks(
    *, campaign: Campaign, checkpoint: str, round_number: int, clips: Iterable[Clip], golds: Sequence[gold_sounds.Gold] = ()
) -> list[Task]:
    """Put clips before annotators. The clips' estimates must be kept already; a clip opened before is not opened again.

    Nor is one opened whose track was set aside meanwhile.
    Gold tasks, if any are ready, are opened among them, so that nothing in the order of ids tells them apart.
    """
    clips = list(clips)
    # Locked, so that who sets a track aside at this moment finds its tasks.
    named = {clip.track.pk for clip in clips} | {gold.track.pk for gold in golds}
    tracks = Track.objects.filter(pk__in=named, set_aside=None).order_by("pk")
    in_use = set(tracks.select_for_update(no_key=True).values_list("pk", flat=True))
    clips, golds = [clip for clip in clips if clip.track.pk in in_use], [gold for gold in golds if gold.track.pk in in_use]
    heard = set(Estimate.objects.filter(checkpoint=checkpoint, stem=campaign.stem).values_list("track_id", flat=True))
    if missing := [clip.track.name for clip in clips if clip.track.pk not in heard]:
        raise ValueError(f"no estimate of {campaign.stem} by checkpoint {checkpoint[:8]} for: {', '.join(missing)}")
    pool = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL)
    known = pool.count()
    pool_rows = [pool_row(clip, campaign=campaign, checkpoint=checkpoint, round_number=round_number) for clip in clips]
    gold_rows = gold.gold_rows(campaign=campaign, golds=golds)
    for rows in (pool_rows, gold_rows):
        quick.ask_quickly(rows, campaign)
    rows = gold.interleave(pool_rows, gold_rows, campaign.seed)
    Task.objects.bulk_create(rows, ignore_conflicts=True)
    gold.keep_truth(campaign=campaign, golds=golds)
    tasks = list(Task.objects.filter(campaign=campaign, checkpoint=checkpoint, round_number=round_number))
    propose(campaign, tasks, {(clip.track.pk, clip.start): clip.proposed for clip in clips})
    opened = pool.count() - known
    record(campaign, "tasks.opened", after={"round": round_number, "tasks": opened})
    return tasks


def pool_row(clip: Clip, *, campaign: Campaign, checkpoint: str, round_number: int) -> Task:
    """A task of this clip, not saved yet."""
    return Task(
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
        strategy=clip.strategy,
        parts={name: value for name, value in clip.parts.items() if math.isfinite(value)},  # JSON has no other numbers
        kept_apart=clip.kept_apart,
        min_overlap=campaign.min_overlap,
        max_overlap=campaign.max_overlap,
        overlap=campaign.min_overlap,
    )


@transaction.atomic
def withdraw_untouched(*, campaign: Campaign, checkpoint: str) -> int:
    """Withdraw open tasks of this checkpoint that nobody has taken; tasks in hand stay, and their answers stay true."""
    return withdraw(Task.objects.filter(campaign=campaign, checkpoint=checkpoint), campaign, before={"checkpoint": checkpoint})


def withdraw(tasks: QuerySet[Task], campaign: Campaign, *, before: dict[str, object], when: datetime | None = None) -> int:
    """Withdraw those of the tasks that are open and that nobody has taken; `before` says in the history what they were of."""
    untouched = tasks.filter(state=Task.State.OPEN, taken=0)
    n = untouched.exclude(assignments__state=Assignment.State.DONE).update(state=Task.State.WITHDRAWN, closed=when or now())
    if n:
        record(campaign, "tasks.withdrawn", before=before, after={"tasks": n})
    return n


_locked = Prepared(lambda task: Task.objects.select_for_update(no_key=True).filter(pk=task), task=-1)
_known = Prepared(
    lambda key, task, by: Submission.objects.filter(Q(client_key=key) | Q(task=task, by=by)).order_by("revision"),
    key=uuid.UUID(int=0),
    task=-1,
    by=-2,
)


@transaction.atomic
def submit(
    *,
    task: Task,
    by: Membership,
    result: list[dict[str, Any]],
    client_key: uuid.UUID,
    lead_time: float = 0.0,
    heard: Sequence[Sequence[float]] | None = None,
    played: Mapping[str, Sequence[Sequence[float]]] | None = None,
    revises: int | None = None,
    by_the_clock: bool = False,
) -> Submission:
    """Record an answer. Sent twice with one key, it is kept once, and with other marks refused; for a closed or full task it is surplus.

    Another answer of the same person supersedes their earlier one, also when the task is closed, until feedback is frozen; then it is
    surplus. `revises` is the revision that it is meant to supersede (0: none); if that is not the latest, raises `AlreadyAnswered`.

    `result`, `heard` (of what was extracted) and `played` (of every stem) are in clip seconds, as the editor's page sends them.
    Where `heard` is given, it must be enough to answer; None is for callers that cannot know. Raises `BadRegion`, `Unheard`,
    `UsedKey` and, where consent was withdrawn, `NotReady`; nothing is written then. Late work, whose lease has run
    out, counts while a slot is free.

    `by_the_clock` is for answers that come from outside: one that says that more was heard than the time since its clip was given
    allows (`hearing.in_time`) is kept as too soon. It counts nowhere, and its slot goes to somebody else. Who has heard a clip
    in time may change their answer at once. One that comes from outside and does not say what was heard (`heard` None) counts where the
    campaign says so (`counts_unheard`); elsewhere it is surplus.
    """
    if by_the_clock:
        one_answer_at_a_time(by)
    # The row lock keeps an answer and the closing of its task from crossing, and the same answer sent twice from racing itself.
    campaign, (task,) = task.campaign, _locked(task=task.pk)
    task.campaign = campaign
    known = _known(key=client_key, task=task.pk, by=by.pk)
    if same := next((one for one in known if one.client_key == client_key), None):
        # An answer is its marks; how long it took and what was heard may be measured anew when it is sent again.
        if (same.task_id, same.by_id, same.result) != (task.pk, by.pk, result):
            raise UsedKey
        return same
    check_consent(by)
    if revises is not None:
        check_latest(latest_of(known), revises)
    asked = quick.asks(task, result, drew=any(not one.is_quick for one in known)) and quick.segments_of(task)
    said = questions.answered(result, task.clip, task.stem, asked) if asked else None
    marks = label_studio.marks(result, task.clip, task.stem) if said is None else label_studio.Marks([Tagged(*one) for one in said.yes], [])
    listened = label_studio.heard(heard or (), task.clip)
    if heard is not None:
        hearing.check(listened, task.clip, STEMS[task.stem].extracted, shift(asked, task.start) if asked else None)
    heard_before = any(one.heard and one.status in (Submission.Status.ACCEPTED, Submission.Status.SURPLUS) for one in known)
    unheard = by_the_clock and heard is None and not campaign.counts_unheard
    too_soon = by_the_clock and not heard_before and not heard_in_time(task=task, by=by, heard=listened)
    accepted = _make_room(task, by, known, too_soon=too_soon, unheard=unheard)
    revised = accepted and any(one.status == Submission.Status.ACCEPTED for one in known)
    _supersede(known, accepted)
    before = latest_of(known)
    submission = Submission.objects.create(
        task=task,
        by=by,
        revision=known[-1].revision + 1 if known else 1,
        client_key=client_key,
        result=result,
        lead_time=lead_time + (before.lead_time if before else 0.0),
        status=_status(accepted, too_soon),
        heard=listened,
        played={stem: label_studio.heard(stretches, task.clip) for stem, stretches in (played or {}).items()},
        asked=quick.seconds_asked(task) if asked else None,
        consent_version=by.consent_version,
        instruction_version=task.campaign.instruction_version,
    )
    _keep_marks(submission, campaign, marks)
    Draft.objects.filter(task=task, by=by).delete()
    record(
        task.campaign,
        "submission.kept",
        who=by,
        after={"submission": submission.pk, "task": task.pk, "status": submission.status, "marks": len(marks.wrong)},
    )
    if known:
        answered_again(submission)
    # While a slot is free, an answer is still missing. A gold answer is graded by the same job.
    if accepted and (task.taken >= task.overlap or revised or task.kind == Task.Kind.GOLD):
        send("agree_on_task", task.pk)  # the broker puts the message into this transaction
    return submission


def _keep_marks(submission: Submission, campaign: Campaign, marks: label_studio.Marks) -> None:
    """What the campaign does not ask for stays in the answer's result alone: somebody's page may be older than its rules."""
    wrong = [
        Mark(submission=submission, start=one.start, end=one.end, tag=one.tag if one.tag in campaign.tags else "") for one in marks.wrong
    ]
    missing = (
        [MissingMark(submission=submission, start=start, end=end) for start, end in marks.missing] if campaign.collects_missing else []
    )
    if wrong:
        Mark.objects.bulk_create(wrong)
    if missing:
        MissingMark.objects.bulk_create(missing)


def _status(accepted: bool, too_soon: bool) -> Submission.Status:
    if too_soon:
        return Submission.Status.TOO_SOON
    return Submission.Status.ACCEPTED if accepted else Submission.Status.SURPLUS


def _supersede(earlier: list[Submission], accepted: bool) -> None:
    """Of one person one answer counts, or waits to count: the last."""
    status = Submission.Status
    waiting = (status.SURPLUS, status.TOO_SOON)
    old = [one.pk for one in earlier if one.status in waiting or (accepted and one.status == status.ACCEPTED)]
    if old:
        Submission.objects.filter(pk__in=old).update(status=status.SUPERSEDED)


def _make_room(task: Task, by: Membership, earlier: list[Submission], *, too_soon: bool, unheard: bool) -> bool:
    """Whether an answer of this member counts; takes the slot for it. The task must be as it is in its row, and that locked."""
    lease = Assignment.objects.filter(task=task, by=by, state=Assignment.State.LEASED)
    leased = lease.update(state=Assignment.State.DONE)
    if counts := next((one for one in earlier if one.status == Submission.Status.ACCEPTED), None):
        if unheard:
            return False  # the one that was heard stands
        # A better answer of the same person takes its old one's slot, also where the task is closed, until that is learned from.
        return not is_frozen(counts.created, lock_freezing(task.campaign))
    # Of a known clip the truth is told once a round was closed: who takes an answer back then gives no other that counts.
    told = task.kind == Task.Kind.GOLD and any(is_frozen(one.created, task.campaign.frozen) for one in earlier)
    if too_soon or unheard or told or task.state != Task.State.OPEN:
        if leased:
            give_back(task)
        return False
    if not leased and Assignment.objects.filter(task=task, by=by, state=Assignment.State.IGNORED).update(state=Assignment.State.DONE):
        return True  # an answer after all takes the slot that its person's skip had spent
    if leased:
        return True
    again = any(one.status == Submission.Status.TOO_SOON for one in earlier)
    if task.taken >= task.overlap or (again and access.has_done_all(by)):  # else who comes too soon first could do more than was asked
        return False
    task.taken += 1
    task.save(update_fields=["taken"])
    # An answer of theirs that counts nowhere has ended their lease already.
    Assignment.objects.get_or_create(task=task, by=by, state=Assignment.State.DONE, defaults={"lease_until": Now()})
    return True


def thanks(submission: Submission) -> str:
    """What to tell somebody whose answer came too late to count, or too soon; empty when it counts."""
    if submission.status == Submission.Status.TOO_SOON:
        return gettext(
            "This answer came sooner than the clip can be heard. It is kept, but does not count. "
            "Hear the clip to its end, and give the answer again: “B”, or the list on your own page."
        )
    if submission.status != Submission.Status.SURPLUS:
        return ""
    task = submission.task
    counted = task.submissions.filter(status=Submission.Status.ACCEPTED)
    if counted.filter(by=submission.by_id).exists():
        return gettext("The round of this clip was closed by then: your earlier answer stands, and this one is kept beside it.")
    if task.state == Task.State.WITHDRAWN:
        return gettext("Thank you. This clip was withdrawn while you listened; your answer is kept.")
    if task.state == Task.State.IN_REVIEW:
        return gettext("Thank you. A reviewer decides about this clip by now; your answer is kept, and shown to them.")
    if counted.count() < task.overlap and task.state == Task.State.CLOSED:
        return gettext("Thank you. This clip was closed by then; your answer is kept beside the others.")
    if counted.count() < task.overlap and access.has_done_all(submission.by):
        return gettext("Thank you. You had given all the answers that were asked of you by then; this one is kept beside them.")
    return gettext("Thank you. Enough people had answered this clip by then; your answer is kept beside theirs.")
