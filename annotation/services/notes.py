"""Notes on a clip: begun by whom it was given to or by those who review, and gone on with by both."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from django.db import transaction
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Assignment, Membership, Note, Reply, Task
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
    """Somebody has written in this thread meanwhile. Nothing was sent; read what is new first."""


class NotTheirs(DomainError):
    """A thread is with somebody who was given the clip, or among those who review."""


@transaction.atomic
def write_note(*, task: Task, by: Membership, text: str, client_key: uuid.UUID) -> Note:
    """Keep a note; sent twice with one key, it is kept once. Raises `NotGiven`, `OtherNote`, and `NotReady` of who withdrew consent."""
    check_consent(by)
    if not Assignment.objects.filter(task=task, by=by).exists():
        raise NotGiven
    about = {"task": task, "by": by, "text": text, "person": by}
    note, is_new = Note.objects.get_or_create(client_key=client_key, defaults=about)
    if not is_new:
        if (note.task_id, note.by_id, note.text) != (task.pk, by.pk, text):
            raise OtherNote
        return note
    record(task.campaign, "note.written", who=by, after={"task": task.pk, "note": note.pk})
    return note


@transaction.atomic
def comment(*, task: Task, by: Membership, text: str, person: Membership | None, client_key: uuid.UUID) -> Note:
    """Begin a thread as a reviewer: with `person`, who was given the clip, or (None) with the others who review.

    Raises `NotAReader`, `NotTheirs` and `OtherNote`.
    """
    if not by.reviews or task.campaign_id != by.campaign_id:
        raise NotAReader
    if person is not None and not Assignment.objects.filter(task=task, by=person).exists():
        raise NotTheirs
    note, is_new = Note.objects.get_or_create(
        client_key=client_key, defaults={"task": task, "by": by, "text": text, "person": person, "replied": now()}
    )
    if not is_new:
        if (note.task_id, note.by_id, note.text) != (task.pk, by.pk, text):
            raise OtherNote
        return note
    record(task.campaign, "note.commented", who=by, after={"task": task.pk, "note": note.pk, "to_person": person is not None})
    return note


@transaction.atomic
def answer_note(*, note: Note, by: Membership, text: str, seen: int | None = None) -> Reply:
    """Write in a thread: whoever reviews, and the person whom it is with, who waits for a reply again then.

    `seen` is how many replies the writer has read; where there are more, nothing is sent. Raises `NotAReader`, `AlreadyReplied`, and
    `NotReady` of a person who withdrew consent.
    """
    note = Note.objects.select_for_update(of=("self",)).select_related("task").get(pk=note.pk)
    theirs = by.pk == note.person_id
    if note.task.campaign_id != by.campaign_id or not (theirs or by.reviews):
        raise NotAReader
    if seen is not None and note.replies.count() != seen:
        raise AlreadyReplied
    if theirs:
        check_consent(by)
    made = Reply.objects.create(note=note, by=by, text=text)
    Note.objects.filter(pk=note.pk).update(replied=None if theirs else made.created)
    record(by.campaign, "note.written_on" if theirs else "note.answered", who=by, after={"task": note.task_id, "note": note.pk})
    return made
