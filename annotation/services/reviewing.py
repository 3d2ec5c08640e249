"""A reviewer's three answers to a contested task: accept what the crowd found, edit it, or send it back for one more answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from annotation import label_studio
from annotation.events import record
from annotation.models import Consensus, Membership, Submission, Task
from annotation.services.closing import count_surplus, keep_consensus


class NotInReview(Exception):
    """This task does not wait for a review: somebody has decided it already."""


class NotAReviewer(Exception):
    """Contested tasks are decided by the campaign's reviewers, managers and owner."""


@transaction.atomic
def accept_review(*, task: Task, by: Membership, note: str = "") -> Consensus:
    """Confirm the regions that the crowd's consensus found, and close the task. Raises `NotAReviewer` and `NotInReview`."""
    task = _in_review(task, by)
    latest = task.consensuses.order_by("-version").first()
    regions = [(region.start, region.end) for region in latest.regions.order_by("start")] if latest else []
    return _decide(task, by, "reviewer accepted", regions, note)


@transaction.atomic
def edit_review(*, task: Task, by: Membership, result: list[dict[str, Any]], note: str = "") -> Consensus:
    """Close the task with the reviewer's own regions: `result` as the editor sends it, in clip seconds.

    Raises `BadRegion`, `NotAReviewer` and `NotInReview`.
    """
    task = _in_review(task, by)
    return _decide(task, by, "reviewer edited", label_studio.regions(result, task.clip), note)


@transaction.atomic
def send_back(*, task: Task, by: Membership, note: str = "") -> Task:
    """Open the task again for one more answer, past the most answers if need be; still contested then, it comes back.

    So it does when nobody is left who could answer it. Raises `NotAReviewer` and `NotInReview`.
    """
    task = _in_review(task, by)
    wanted = F("overlap") + 1
    Task.objects.filter(pk=task.pk).update(
        state=Task.State.OPEN, contested=False, overlap=wanted, max_overlap=Greatest(F("max_overlap"), wanted), closed=None
    )
    task.refresh_from_db()
    if count_surplus(task):  # somebody's answer came too late for a slot, and is the one more that is wanted
        from annotation import actors

        actors.take_consensus.send(task.pk)
    record(
        task.campaign,
        "review.sent_back",
        who=by,
        before={"overlap": task.overlap - 1},
        after={"task": task.pk, "overlap": task.overlap, "note": note},
    )
    return task


def _in_review(task: Task, by: Membership) -> Task:
    """The task with its row locked, so that of two reviewers one decides."""
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task.pk)
    if by.campaign_id != task.campaign_id or not by.reviews:
        raise NotAReviewer(NotAReviewer.__doc__)
    if task.state != Task.State.IN_REVIEW:
        raise NotInReview(NotInReview.__doc__)
    return task


def _decide(task: Task, by: Membership, method: str, regions: Iterable[Sequence[float]], note: str) -> Consensus:
    """`regions` are in track seconds. What a reviewer says is certain; the crowd's version before it stays."""
    before = task.consensuses.order_by("-version").first()
    certain = [(start - task.start, end - task.start, 1.0) for start, end in regions]
    answers = task.submissions.filter(status=Submission.Status.ACCEPTED).order_by("pk")
    made = keep_consensus(task, method, certain, 1.0, answers, by=by)
    Task.objects.filter(pk=task.pk).update(state=Task.State.CLOSED, closed=Now())
    record(
        task.campaign,
        "review.accepted" if method == "reviewer accepted" else "review.edited",
        who=by,
        before={"version": before.version if before else None, "regions": before.regions.count() if before else 0},
        after={"task": task.pk, "version": made.version, "regions": len(certain), "note": note},
    )
    return made
