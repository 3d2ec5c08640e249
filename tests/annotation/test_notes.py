"""A note to the lab on a clip, and the lab's reply: who may write, read and answer, and who sees what. Real rows."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from annotation.models import Campaign, Event, Membership, Note, Task
from annotation.selectors.notes import Waiting, waiting_for_reviewers
from annotation.services import notes
from tests import worlds
from tests.annotation import endpoints

pytestmark = pytest.mark.django_db
TEXT = "Is the second voice a guitar?\nIt sounds <b>odd</b>."


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign()


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def task(campaign: Campaign, ann: Membership) -> Task:
    """One that ann was given."""
    worlds.task(campaign)
    return worlds.given(ann)


@pytest.fixture
def reviewer(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "rev", "reviewer", pseudonym="the reviewer")


def send(client: Client, task: Task, text: Any = TEXT, key: Any = None, **more: Any) -> Any:
    body = {"text": text, "client_key": key or str(uuid.uuid4()), **more}
    return client.post(f"/api/tasks/{task.pk}/notes/", body, content_type="application/json")


def written(task: Task, by: Membership, text: str = TEXT) -> Note:
    return notes.write_note(task=task, by=by, text=text, client_key=uuid.uuid4())


def reply(client: Client, note: Note, text: str = "Yes, it is.", slug: str = "test") -> Any:
    return client.post(f"/c/{slug}/notes/{note.pk}/reply/", {"text": text}, follow=True)


class TestWriting:
    def test_who_was_given_the_clip_writes_several_notes_on_it(self, task: Task, ann: Membership) -> None:
        client = worlds.signed_in(ann)
        assert [send(client, task).status_code, send(client, task, "And the drums?").status_code] == [201, 201]
        assert list(task.notes.order_by("pk").values_list("by", "text", "reply", "replied")) == [
            (ann.pk, TEXT, "", None),
            (ann.pk, "And the drums?", "", None),
        ]
        assert endpoints.skip(client, task).status_code == 204
        assert send(client, task, "I gave it up.").status_code == 201

    def test_sent_twice_with_one_key_it_is_kept_once(self, task: Task, ann: Membership) -> None:
        client, key = worlds.signed_in(ann), str(uuid.uuid4())
        first, again, other = send(client, task, key=key), send(client, task, key=key), send(client, task, "Something else", key=key)
        assert first.json() == again.json() and other.status_code == 409
        assert Note.objects.count() == Event.objects.filter(what="note.written").count() == 1

    def test_nobody_else_writes(self, campaign: Campaign, task: Task, reviewer: Membership) -> None:
        elsewhere = worlds.client(worlds.campaign("elsewhere"), "stranger", "owner")
        not_given = worlds.client(campaign, "bea")
        assert send(Client(), task).status_code == 403
        assert send(elsewhere, task).status_code == send(not_given, task).status_code == 404
        refused = send(worlds.signed_in(reviewer), task)
        assert refused.status_code == 403 and "given this clip" in refused.json()["detail"]
        assert not Note.objects.exists()

    @pytest.mark.parametrize("text", ["", "  \n ", 7, None, ["a"], "x" * 2001, "a\0b"])
    def test_a_note_is_text_of_some_length(self, task: Task, ann: Membership, text: Any) -> None:
        assert send(worlds.signed_in(ann), task, text).status_code == 400
        assert not Note.objects.exists()

    def test_a_key_is_asked_for(self, task: Task, ann: Membership) -> None:
        assert send(worlds.signed_in(ann), task, key="1").status_code == 400

    def test_a_reply_is_whole_or_not_there(self, task: Task, ann: Membership) -> None:
        note = written(task, ann)
        with pytest.raises(IntegrityError), transaction.atomic():
            Note.objects.filter(pk=note.pk).update(reply="from nobody")


class TestAnswering:
    def test_a_reviewer_reads_and_answers_and_its_writer_reads_the_reply(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        note = written(task, ann)
        hers, theirs = worlds.signed_in(ann), worlds.signed_in(reviewer)
        assert "No reply yet." in hers.get("/c/test/me/").content.decode()
        page = theirs.get("/c/test/notes/").content.decode()
        assert "ann" in page and "&lt;b&gt;odd&lt;/b&gt;" in page and f"/c/test/rounds/{task.round_number}/" in page
        assert "1 note to the lab waits for a reply" in theirs.get("/c/test/parts/state/").content.decode()
        assert "ann finds your reply" in reply(theirs, note).content.decode()
        note.refresh_from_db()
        assert (note.text, note.reply, note.replied_by) == (TEXT, "Yes, it is.", reviewer) and note.replied
        own = hers.get("/c/test/me/").content.decode()
        assert "Yes, it is." in own and "No reply yet." not in own
        after = theirs.get("/c/test/notes/").content.decode()
        assert "No note waits." in after and "the reviewer" in after and "Yes, it is." in after
        assert "waits for a reply" not in theirs.get("/c/test/parts/state/").content.decode()

    def test_the_clip_leads_to_its_review_where_there_is_one(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        written(task, ann)
        Task.objects.filter(pk=task.pk).update(contested=True, state=Task.State.IN_REVIEW)
        assert f"/c/test/review/{task.pk}/" in worlds.signed_in(reviewer).get("/c/test/notes/").content.decode()

    def test_a_note_is_answered_once(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        note, client = written(task, ann), worlds.signed_in(reviewer)
        reply(client, note)
        assert "replied to this note already" in reply(client, note, "No, it is not.").content.decode()
        note.refresh_from_db()
        assert note.reply == "Yes, it is." and Event.objects.filter(what="note.answered").count() == 1

    @pytest.mark.parametrize("text", ["", " ", "x" * 2001, "a\0b"])
    def test_a_reply_says_something(self, task: Task, ann: Membership, reviewer: Membership, text: str) -> None:
        note = written(task, ann)
        reply(worlds.signed_in(reviewer), note, text)
        note.refresh_from_db()
        assert note.replied is None

    def test_others_neither_read_nor_answer(self, campaign: Campaign, task: Task, ann: Membership) -> None:
        note = written(task, ann)
        for client, status in ((worlds.signed_in(ann), 403), (worlds.client(worlds.campaign("elsewhere"), "stranger", "owner"), 404)):
            assert client.get("/c/test/notes/").status_code == reply(client, note).status_code == status
            assert "to the lab waits" not in client.get("/c/test/parts/state/").content.decode()
        assert reply(worlds.signed_in(worlds.user("stranger")), note, slug="elsewhere").status_code == 404
        assert TEXT not in worlds.client(campaign, "bea").get("/c/test/me/").content.decode()
        with pytest.raises(notes.NotAReader):
            notes.answer_note(note=note, by=ann, text="I say so myself.")
        note.refresh_from_db()
        assert note.replied is None

    def test_many_answered_ones_lie_on_several_pages(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        for number in range(31):
            notes.answer_note(note=written(task, ann, f"note number {number}"), by=reviewer, text="Thank you.")
        client = worlds.signed_in(reviewer)
        first, second = (client.get("/c/test/notes/", {"page": page}).content.decode() for page in (1, 2))
        assert "note number 30" in first and "note number 0<" not in first and "page 1 of 2" in first
        assert "note number 0<" in second


def test_clips_and_notes_that_wait_are_counted_each_by_itself(campaign: Campaign, task: Task, ann: Membership) -> None:
    assert waiting_for_reviewers(campaign) == Waiting(0, 0)
    for number, other in enumerate(worlds.opened(worlds.clips(task.track, 2, 100.0))):
        worlds.answer(other, worlds.member(campaign, f"a{number}"))
        worlds.answer(other, worlds.member(campaign, f"b{number}"))
        Task.objects.filter(pk=other.pk).update(contested=True, state=Task.State.IN_REVIEW)
    for _ in range(3):
        written(task, ann)
    assert waiting_for_reviewers(campaign) == Waiting(clips=2, notes=3)
    assert waiting_for_reviewers(worlds.campaign("elsewhere")) == Waiting(0, 0)


def test_the_history_tells_of_both(task: Task, ann: Membership, reviewer: Membership) -> None:
    notes.answer_note(note=written(task, ann), by=reviewer, text="Yes.")
    told = worlds.signed_in(reviewer).get("/c/test/parts/history/").content.decode()
    assert f"wrote a note on task {task.pk} to the lab" in told and f"replied to a note on task {task.pk}" in told
    others = worlds.client(task.campaign, "bea").get("/c/test/parts/history/").content.decode()
    assert "wrote a note to the lab" in others and f"task {task.pk}" not in others
