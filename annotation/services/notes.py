"""Notes to the lab on a clip: written by whom it was given to, answered by those who review."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from django.db import transaction
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Assignment, Membership, Note, Task
from annotation.services.first_visit import check_consent


class NotGiven(DomainError):
    """Only who was given this clip may write a note on it."""

    status = HTTPStatus.FORBIDDEN


class OtherNote(DomainError):
    """This key was sent with another note before: make a new one for each."""


class NotAReader(DomainError):
    """Notes are read and answered by those who may review in the campaign."""

    status = HTTPStatus.FORBIDDEN


class AlreadyReplied(DomainError):
    """Somebody has replied to this note already."""


@transaction.atomic
def write_note(*, task: Task, by: Membership, text: str, client_key: uuid.UUID) -> Note:
    """Keep a note; sent twice with one key, it is kept once. Raises `NotGiven`, `OtherNote`, and `NotReady` of who withdrew consent."""
    check_consent(by)
    if not Assignment.objects.filter(task=task, by=by).exists():
        raise NotGiven
    about = {"task": task, "by": by, "text": text}
    note, is_new = Note.objects.get_or_create(client_key=client_key, defaults=about)
    if not is_new:
        if (note.task_id, note.by_id, note.text) != (task.pk, by.pk, text):
            raise OtherNote
        return note
    record(task.campaign, "note.written", who=by, after={"task": task.pk, "note": note.pk})
    return note


@transaction.atomic
def answer_note(*, note: Note, by: Membership, text: str) -> None:
    """Reply to a note, once. Raises `NotAReader` and `AlreadyReplied`."""
    if not by.reviews or note.task.campaign_id != by.campaign_id:
        raise NotAReader
    if not Note.objects.filter(pk=note.pk, replied=None).update(reply=text, replied_by=by, replied=now()):
        raise AlreadyReplied
    record(by.campaign, "note.answered", who=by, after={"task": note.task_id, "note": note.pk})
