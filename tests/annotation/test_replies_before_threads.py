"""Notes and replies from before there were threads are kept as threads, there and back."""

import uuid

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

from annotation.models import Note, Reply
from annotation.services import notes
from tests import worlds

pytestmark = pytest.mark.django_db
BEFORE, AFTER = [("annotation", "0033_referrals")], [("annotation", "0034_threads")]


def at(where: list[tuple[str, str]]) -> None:
    connection.check_constraints()  # what the test wrote, before a table of it is altered
    MigrationExecutor(connection).migrate(where)


def test_replies_become_the_first_of_their_threads() -> None:
    campaign = worlds.campaign()
    ann, rev = worlds.member(campaign), worlds.member(campaign, "rev", "reviewer")
    worlds.task(campaign)
    task = worlds.given(ann)
    answered, open_one = (notes.write_note(task=task, by=ann, text=text, client_key=uuid.uuid4()) for text in ("one", "two"))
    notes.answer_note(note=answered, by=rev, text="Yes.")
    notes.answer_note(note=answered, by=rev, text="Or no.")
    at(BEFORE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text, reply, replied_by_id, replied IS NULL FROM annotation_note ORDER BY id")
        assert cursor.fetchall() == [("one", "Yes.", rev.pk, False), ("two", "", None, True)]
        cursor.execute("UPDATE annotation_note SET reply = 'No.', replied_by_id = %s, replied = %s WHERE text = 'two'", [rev.pk, now()])
    at(AFTER)
    assert [(one.note_id, one.by, one.text) for one in Reply.objects.order_by("note")] == [
        (answered.pk, rev, "Yes."),
        (open_one.pk, rev, "No."),
    ]
    assert {note.person for note in Note.objects.all()} == {ann} and not Note.objects.filter(replied=None).exists()
