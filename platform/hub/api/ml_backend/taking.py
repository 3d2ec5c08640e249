"""What becomes of one annotation of a Label Studio server here: an answer of a member, kept by the same service as every other.

It carries where it came from (`Provenance`), as imported answers do: what was heard for it nobody knows.
"""

from __future__ import annotations

import uuid

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.models import Membership, Provenance, Submission, Task
from annotation.selectors.answers import is_frozen
from annotation.services.answers import lock_freezing, withdraw_answers
from annotation.services.imports import UNKNOWN_VERSION
from annotation.services.queue import submit
from hub.api.ml_backend.models import Annotation

State = Annotation.State
SOURCE = "label studio server"
KEYS = uuid.UUID("5b7f6f0e-3f0f-4f43-9f0d-0f3d6a1f6a55")
"""Of the keys that answers are known by: the same annotation, as it was at the same moment, is kept once."""

NO_CLIP = "It is of no clip of this campaign that people draw marks in."
ANSWERED_HERE = "Who gave it has answered the clip here, and that stands."
LET_OUT = "Who gave it was let out of the campaign."
STAYS = "It was deleted there after the round had closed: the answer stays."


@transaction.atomic
def take(annotation_id: int) -> None:
    """Make an answer of this annotation, or take back the one that it was; what cannot be is said in its row. Twice does nothing more."""
    rows = Annotation.objects.select_for_update(of=("self",)).select_related(
        "connection", "task__campaign", "task__track", "colleague__member__campaign", "submission__task__campaign", "submission__by"
    )
    row = rows.filter(pk=annotation_id, state=State.WAITING, connection__campaign__deleted=None).first()
    if row is None:
        return
    row.state, row.reason = _outcome(row)
    row.save(update_fields=["state", "reason", "submission"])


def _outcome(row: Annotation) -> tuple[State, str]:
    if row.deleted or row.cancelled:
        return _taken_back(row, State.DELETED if row.deleted else State.SKIPPED)
    if row.task is None or row.task.kind != Task.Kind.POOL or row.task.question != Task.Question.DRAW:
        return State.REFUSED, NO_CLIP
    member = row.colleague.member if row.colleague else None
    if member is None:
        return State.OF_NOBODY, ""
    if not member.active:
        return State.REFUSED, LET_OUT
    if _here(row.task, member):
        return State.REFUSED, ANSWERED_HERE
    if not row.task.campaign.counts_unheard:
        return State.UNHEARD, ""
    try:
        with transaction.atomic():
            row.submission = _answer(row, row.task, member)
    except DomainError as refusal:
        return State.REFUSED, str(refusal)[:300]
    return State.TAKEN, ""


def _answer(row: Annotation, task: Task, by: Membership) -> Submission:
    """That it counts, though it does not say what was heard, is the campaign's rule."""
    key = uuid.uuid5(KEYS, f"{row.connection_id}/{row.connection.project}/{row.number}/{row.changed.isoformat()}")
    spent = row.lead_time - (row.submission.lead_time if row.submission else 0.0)  # that server counts all of it each time
    kept = submit(task=task, by=by, result=row.result, client_key=key, lead_time=max(0.0, spent))
    if kept.pk != row.submission_id:
        Submission.objects.filter(pk=kept.pk).update(consent_version=UNKNOWN_VERSION, instruction_version=UNKNOWN_VERSION)
        said = {"id": row.number, "lead_time": row.lead_time, "updated_at": row.changed.isoformat()}
        about = {"source": SOURCE, "where": f"annotation {row.number}", "person": str(row.colleague), "said": said}
        Provenance.objects.create(submission=kept, batch=uuid.uuid5(KEYS, f"{row.connection_id}/{row.connection.project}"), **about)
    return kept


def _here(task: Task, by: Membership) -> bool:
    """Whether this member's answer to a clip is one that they gave here, and have not taken back."""
    own = Submission.objects.filter(task=task, by=by, provenance=None)
    return own.exclude(status=Submission.Status.WITHDRAWN).exists()


def _taken_back(row: Annotation, state: State) -> tuple[State, str]:
    answer = row.submission
    if answer is None:
        return state, ""
    # The task's row first, then the campaign's, as where answers are given: so this and a freeze never cross.
    task = Task.objects.select_for_update().select_related("campaign").get(pk=answer.task_id)
    if is_frozen(answer.created, lock_freezing(task.campaign)):
        return State.TAKEN, STAYS
    withdraw_answers(by=answer.by, answers=Submission.objects.filter(pk=answer.pk))
    return state, ""
