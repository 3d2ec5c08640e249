"""A note to the lab on a clip, and the lab's reply: who may write, read and answer, and who sees what. Real rows."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from annotation.models import Campaign, Event, Membership, Note, Task
from annotation.selectors.anonymous_answers import answers_to
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


def reply(client: Client, note: Note, text: str = "Yes, it is.", slug: str = "test", **more: Any) -> Any:
    return client.post(f"/c/{slug}/notes/{note.pk}/reply/", {"text": text, **more}, follow=True)


def write_on(client: Client, note: Note, text: str = "And later?", **more: Any) -> Any:
    return client.post(f"/c/test/me/notes/{note.pk}/", {"text": text, **more}, follow=True)


def comment(client: Client, task: Task, text: str = "Look at the end.", **more: Any) -> Any:
    body = {"text": text, "client_key": str(uuid.uuid4()), **more}
    return client.post(f"/api/tasks/{task.pk}/comments/", body, content_type="application/json")


class TestWriting:
    def test_who_was_given_the_clip_writes_several_notes_on_it(self, task: Task, ann: Membership) -> None:
        client = worlds.signed_in(ann)
        assert [send(client, task).status_code, send(client, task, "And the drums?").status_code] == [201, 201]
        assert list(task.notes.order_by("pk").values_list("by", "person", "text", "replied")) == [
            (ann.pk, ann.pk, TEXT, None),
            (ann.pk, ann.pk, "And the drums?", None),
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

    def test_only_a_thread_with_a_person_waits_for_a_reply(self, task: Task, ann: Membership) -> None:
        note = written(task, ann)
        with pytest.raises(IntegrityError), transaction.atomic():
            Note.objects.filter(pk=note.pk).update(person=None)


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
        assert [(one.text, one.by) for one in note.replies.all()] == [("Yes, it is.", reviewer)] and note.text == TEXT and note.replied
        own = hers.get("/c/test/me/").content.decode()
        assert "Yes, it is." in own and "No reply yet." not in own
        after = theirs.get("/c/test/notes/").content.decode()
        assert "No note waits." in after and "the reviewer" in after and "Yes, it is." in after
        assert "waits for a reply" not in theirs.get("/c/test/parts/state/").content.decode()

    def test_the_clip_leads_to_its_review_where_there_is_one(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        written(task, ann)
        Task.objects.filter(pk=task.pk).update(contested=True, state=Task.State.IN_REVIEW)
        assert f"/c/test/review/{task.pk}/" in worlds.signed_in(reviewer).get("/c/test/notes/").content.decode()

    def test_who_has_not_read_the_last_reply_sends_none(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        note, client = written(task, ann), worlds.signed_in(reviewer)
        reply(client, note, seen=0)
        assert "written in this thread meanwhile" in reply(client, note, "No, it is not.", seen=0).content.decode()
        assert [one.text for one in note.replies.all()] == ["Yes, it is."] and Event.objects.filter(what="note.answered").count() == 1
        reply(client, note, "No, it is not.", seen=1)
        assert note.replies.count() == 2

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
            notes.answer_note(note=note, by=campaign.memberships.get(pseudonym="bea"), text="I say so.")
        note.refresh_from_db()
        assert note.replied is None

    def test_many_answered_ones_lie_on_several_pages(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        for number in range(31):
            notes.answer_note(note=written(task, ann, f"note number {number}"), by=reviewer, text="Thank you.")
        client = worlds.signed_in(reviewer)
        first, second = (client.get("/c/test/notes/", {"page": page}).content.decode() for page in (1, 2))
        assert "note number 30" in first and "note number 0<" not in first and "page 1 of 2" in first
        assert "note number 0<" in second


class TestThreads:
    @pytest.fixture
    def task(self, campaign: Campaign, ann: Membership) -> Task:
        """Ann and bea answered it, and disagree."""
        task = worlds.task(campaign)
        for person, start in ((ann, 2.0), (worlds.member(campaign, "bea"), 8.0)):
            worlds.given(person)
            worlds.answer(task, person, (start, start + 2))
        Task.objects.filter(pk=task.pk).update(contested=True, state=Task.State.IN_REVIEW)
        return task

    def test_its_writer_writes_on_and_waits_again(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        note, hers = written(task, ann), worlds.signed_in(ann)
        notes.answer_note(note=note, by=reviewer, text="It is a guitar.")
        assert waiting_for_reviewers(task.campaign).notes == 0
        page = write_on(hers, note, seen=1).content.decode()
        assert "And later?" in page and "The lab:" in page and "the reviewer" not in page, "those who review have no name there"
        assert waiting_for_reviewers(task.campaign).notes == 1
        assert "And later?" in worlds.signed_in(reviewer).get("/c/test/notes/").content.decode()
        assert "written in this thread meanwhile" in write_on(hers, note, "Again?", seen=1).content.decode()

    def test_nobody_writes_in_anothers_thread(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        note = written(task, ann)
        for other in (worlds.user("bea"), reviewer, worlds.client(worlds.campaign("elsewhere"), "x", "owner")):
            client = other if isinstance(other, Client) else worlds.signed_in(other)
            assert write_on(client, note).status_code == 404

    def test_reviewers_write_to_each_other_and_no_annotator_reads_it(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        boss = worlds.client(task.campaign, "boss", "manager")
        (thread,) = comment(worlds.signed_in(reviewer), task).json()
        assert (thread["person"], thread["waits"]) == ("", False)
        (thread,) = comment(boss, task, "I see.", thread=thread["id"], seen=0).json()
        assert [(one["who"], one["text"]) for one in thread["messages"]] == [("the reviewer", "Look at the end."), ("you", "I see.")]
        assert comment(boss, task, "I see.", thread=thread["id"], seen=0).status_code == 409
        assert "Look at the end." in boss.get("/c/test/notes/").content.decode()
        for person in task.campaign.memberships.filter(role="annotator"):
            client = worlds.signed_in(person)
            assert "Look at the end." not in client.get("/c/test/me/").content.decode()
            assert client.get(f"/api/tasks/{task.pk}/comments/").status_code == comment(client, task).status_code == 403

    def test_a_reviewer_writes_to_a_person_without_knowing_who_it_is(self, task: Task, ann: Membership, reviewer: Membership) -> None:
        client = worlds.signed_in(reviewer)
        number = [one.by_id for one in answers_to(task)].index(ann.pk) + 1
        written(task, ann)
        for text in (comment(client, task, person=number).content.decode(), client.get(f"/api/tasks/{task.pk}/comments/").content.decode()):
            assert "ann" not in text.replace("annot", "") and f"Person {number}" in text
        hers, others = (worlds.signed_in(worlds.user(name)).get("/c/test/me/").content.decode() for name in ("ann", "bea"))
        assert "Look at the end." in hers and "Look at the end." not in others
        assert write_on(worlds.signed_in(ann), Note.objects.get(by=reviewer)).status_code == 200
        assert waiting_for_reviewers(task.campaign).notes == 2

    def test_what_cannot_be_is_refused(self, task: Task, reviewer: Membership) -> None:
        client, other = worlds.signed_in(reviewer), worlds.task(worlds.campaign("elsewhere"))
        assert comment(client, task, person=3).json()["field"] == "person"
        assert comment(client, task, thread=99).json()["field"] == "thread"
        assert comment(client, task, " ").status_code == 400 and comment(client, other).status_code == 404
        key = str(uuid.uuid4())
        assert [comment(client, task, client_key=key).status_code for _ in range(2)] == [201, 201]
        assert comment(client, task, "other words", client_key=key).status_code == 409 and Note.objects.count() == 1
        with pytest.raises(notes.NotTheirs):
            notes.comment(task=task, by=reviewer, text="?", person=worlds.member(task.campaign, "zoe"), client_key=uuid.uuid4())


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
