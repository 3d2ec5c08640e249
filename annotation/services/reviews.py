"""A reviewer's answers to a contested task: accept what the crowd found, edit it, take one person's answer, or ask more people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from annotation.core import label_studio
from annotation.core.errors import DomainError
from annotation.core.regions import merge
from annotation.events import record, send
from annotation.models import Consensus, Membership, Referral, Submission, Task
from annotation.selectors import anonymous_answers
from annotation.services.consensus import count_surplus, keep_consensus

MOST_MORE = 5  # people that one sending back may ask for


class NotInReview(DomainError):
    """This task does not wait for a review: somebody has decided it already."""


class NotAReviewer(DomainError):
    """Contested tasks are decided by those who may review in the campaign."""

    status = HTTPStatus.FORBIDDEN


class StaleReview(DomainError):
    """An answer or a decision came since this page was loaded. Nothing was decided; look at what is new and decide again."""


class NothingToUndo(DomainError):
    """There is no reviewer's decision on this task that could be undone."""


class DecisionUsed(DomainError):
    """A round was frozen with this decision, and a model may have learned from it: it stands."""


@transaction.atomic
def accept_review(*, task: Task, by: Membership, note: str = "", seen: str | None = None, together: str = "") -> Consensus:
    """Confirm the regions that the crowd's consensus found, and close the task.

    `seen` (`anonymous.seen`) is the state that the reviewer looked at; None: whatever it is now. `together` names those that are
    accepted at once, so that they can be taken back at once. Raises `NotAReviewer`, `NotInReview` and `StaleReview`.
    """
    task = in_review(task, by, seen)
    latest = task.consensuses.order_by("-version").first()
    made = _decide(task, by, "reviewer accepted", _regions_of(latest), note, "review.accepted")
    if together:
        made.parameters["together"] = together
        made.save(update_fields=["parameters"])
    return made


@transaction.atomic
def edit_review(*, task: Task, by: Membership, result: list[dict[str, Any]], note: str = "", seen: str | None = None) -> Consensus:
    """Close the task with the reviewer's own regions, of what is wrong and, where the campaign asks for it, of what is missing.

    `result` is as the editor sends it, in clip seconds.

    Raises `BadRegion`, `NotAReviewer`, `NotInReview` and `StaleReview`.
    """
    task = in_review(task, by, seen)
    said = label_studio.marks(result, task.clip, task.stem)
    wrong = merge((start, end) for start, end, _ in said.wrong)
    return _decide(task, by, "reviewer edited", wrong, note, "review.edited", missing=said.missing)


@transaction.atomic
def accept_one_answer(*, task: Task, by: Membership, answer: Submission, note: str = "", seen: str | None = None) -> Consensus:
    """Close the task with what one person answered. Raises `NotAReviewer`, `NotInReview` and `StaleReview`."""
    task = in_review(task, by, seen)
    marks = merge((mark.start, mark.end) for mark in answer.marks.all())
    missing = [(one.start, one.end) for one in answer.missing.all()]
    return _decide(task, by, "reviewer took an answer", marks, note, "review.took", {"submission": answer.pk}, missing=missing)


@transaction.atomic
def send_back(*, task: Task, by: Membership, note: str = "", more: int = 1, seen: str | None = None) -> Task:
    """Open the task again for one more answer (or `more`), past the most answers if need be; still contested then, it comes back.

    So it does when nobody is left who could answer it. Raises `NotAReviewer`, `NotInReview` and `StaleReview`.
    """
    task = in_review(task, by, seen)
    wanted = F("overlap") + more
    Task.objects.filter(pk=task.pk).update(
        state=Task.State.OPEN, contested=False, overlap=wanted, max_overlap=Greatest(F("max_overlap"), wanted), closed=None
    )
    task.refresh_from_db()
    end_referrals(task)
    # Somebody's answer may have come too late for a slot, and be one of those that are wanted.
    if any([count_surplus(task) for _ in range(more)]):
        send("agree_on_task", task.pk)
    record(
        task.campaign,
        "review.sent_back",
        who=by,
        before={"overlap": task.overlap - more},
        after={"task": task.pk, "overlap": task.overlap, "note": note},
    )
    return task


@transaction.atomic
def undo_review(*, task: Task, by: Membership, seen: str | None = None, only: int | None = None) -> Task:
    """Take the last decision back, whoever made it: the task waits for a review again, with the consensus it had before.

    The decision's row goes, lest it be taken for one that stands; what it said stays in the event. `only`: no other decision than this
    one, by its id. Raises `NotAReviewer`,
    `StaleReview`, `NothingToUndo`, and `DecisionUsed` once a round was frozen with it.
    """
    task = _locked(task, by)
    decision = task.consensuses.order_by("-version").first()
    if decision is None or decision.by_id is None or task.state != Task.State.CLOSED or only not in (None, decision.pk):
        raise NothingToUndo
    _check_seen(task, seen)
    said = _said(decision)
    try:
        with transaction.atomic():
            decision.regions.all().delete()
            decision.missing.all().delete()
            decision.delete()
            connection.check_constraints()  # a round frozen at this moment refers to it as well
    except IntegrityError as used:  # feedback sets protect what they were made of
        raise DecisionUsed from used
    Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW, closed=None)
    task.refresh_from_db()
    record(task.campaign, "review.undone", who=by, before=said, after={"task": task.pk})
    return task


def end_referrals(task: Task) -> None:
    """Nobody is waited for any more."""
    Referral.objects.filter(task=task, done=None).update(done=Now())


def _locked(task: Task, by: Membership) -> Task:
    """The task with its row locked, so that of two reviewers one decides."""
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task.pk)
    if by.campaign_id != task.campaign_id or not by.reviews:
        raise NotAReviewer
    return task


def in_review(task: Task, by: Membership, seen: str | None) -> Task:
    """The task with its row locked, which `by` may decide. Raises `NotAReviewer`, `NotInReview` and `StaleReview`."""
    task = _locked(task, by)
    if task.state != Task.State.IN_REVIEW:
        raise NotInReview
    _check_seen(task, seen)
    return task


def _check_seen(task: Task, seen: str | None) -> None:
    if seen is not None and seen != anonymous_answers.seen(task):
        raise StaleReview


def _regions_of(consensus: Consensus | None) -> list[tuple[float, float]]:
    return list(consensus.regions.order_by("start").values_list("start", "end")) if consensus else []


def _said(consensus: Consensus | None) -> dict[str, Any]:
    """What a consensus says, for the history: `at` in track seconds."""
    regions = _regions_of(consensus)
    return {"version": consensus.version if consensus else None, "regions": len(regions), "at": regions}


def _decide(
    task: Task,
    by: Membership,
    method: str,
    regions: Iterable[Sequence[float]],
    note: str,
    what: str,
    besides: dict[str, Any] | None = None,
    missing: Iterable[Sequence[float]] | None = None,
) -> Consensus:
    """`regions` are in track seconds. What a reviewer says is certain; the crowd's version before it stays.

    So does what the crowd says is missing, where that is not asked for any more or None.
    """
    before = task.consensuses.order_by("-version").first()
    certain = _certain(task, regions)
    answers = task.submissions.filter(status=Submission.Status.ACCEPTED).order_by("pk")
    lacks = None if missing is None or not task.campaign.collects_missing else _certain(task, merge((one[0], one[1]) for one in missing))
    made = keep_consensus(task, method, certain, 1.0, answers, by=by, missing=lacks)
    Task.objects.filter(pk=task.pk).update(state=Task.State.CLOSED, closed=Now())
    end_referrals(task)
    record(task.campaign, what, who=by, before=_said(before), after={"task": task.pk, "note": note, **_said(made), **(besides or {})})
    return made


def _certain(task: Task, regions: Iterable[Sequence[float]]) -> list[tuple[float, float, float]]:
    """In clip seconds, each with probability 1."""
    return [(start - task.start, end - task.start, 1.0) for start, end in regions]
