"""What an answer, a draft or a skip meets on its way, also from several pages at once. Real rows."""

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation import services
from annotation.core import label_studio
from annotation.core.regions import Region
from annotation.models import Assignment, Campaign, Draft, Membership, Submission, Task
from tests import worlds
from tests.annotation import endpoints


@pytest.fixture
def campaign(db: None, tmp_path: Path, settings: Any) -> Campaign:
    settings.HOME = tmp_path
    return endpoints.with_two_tones()


@pytest.fixture
def task(campaign: Campaign) -> Task:
    return Task.objects.get()


@pytest.fixture
def ann(campaign: Campaign) -> Client:
    return worlds.client(campaign, "ann")


class TestAnswering:
    def test_an_answer_to_unheard_audio_does_not_count(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        key = uuid.uuid4()
        for heard in ([], [[0, 13]], [[0, 7], [7.1, 12]]):
            refused = endpoints.answer(ann, task, key=key, heard=heard)
            assert refused.status_code == 400
            assert refused.json()["error"] == "Unheard" and refused.json()["field"] == "heard"
        assert "Still to hear: 12.0-15.0 s" in refused.json()["detail"]
        assert not Submission.objects.exists() and Assignment.objects.get().state == "leased"
        assert endpoints.answer(ann, task, key=key, heard=[[0, 7], [7.1, 14]]).status_code == 201, "the same answer, once it was heard"

    def test_what_was_played_of_every_stem_is_kept_in_track_seconds(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task, played={"vocals": [[0, 15]], "mix": [[2, 4], [3, 5.5]]})
        assert Submission.objects.get().played == {"vocals": [[10.0, 25.0]], "mix": [[12.0, 15.5]]}
        refused = endpoints.answer(ann, task, played={"drums": [[0, 1]]})
        assert refused.status_code == 400 and refused.json()["field"] == "played" and "drums" in refused.json()["detail"]

    def test_clip_seconds_become_track_seconds(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        sent = endpoints.answer(ann, task, (12.5, 14.0), lead_time=31.5, heard=[[0, 15]])
        assert (sent.status_code, sent.json()) == (201, {"status": "accepted"})
        submission = Submission.objects.get()
        assert [mark.region for mark in submission.marks.all()] == [Region(12.5, 14.0)]
        assert submission.lead_time == 31.5
        assert submission.heard == [[10.0, 25.0]]

    def test_no_marks_is_an_answer(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        assert endpoints.answer(ann, task).json() == {"status": "accepted"}
        assert Submission.objects.get().marks.count() == 0

    def test_sent_twice_with_one_key_it_is_kept_once(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        key = uuid.uuid4()
        assert (
            endpoints.answer(ann, task, (11, 12), key=key).status_code == endpoints.answer(ann, task, (11, 12), key=key).status_code == 201
        )
        assert Submission.objects.count() == 1

    def test_sent_again_with_one_key_and_other_marks_it_is_refused_and_the_first_stays(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        key = uuid.uuid4()
        endpoints.answer(ann, task, (11, 12), key=key)
        for other in ([(11, 12.001)], [], [(11, 12), (13, 14)]):
            refused = endpoints.answer(ann, task, *other, key=key)
            assert refused.status_code == 409 and refused.json()["error"] == "UsedKey" and "another answer" in refused.json()["detail"]
        assert [mark.region for mark in Submission.objects.get().marks.all()] == [Region(11, 12)]
        assert endpoints.answer(ann, task, (11, 13)).status_code == 201, "with a key of its own it is a better answer"

    def test_the_same_answer_is_the_same_however_its_json_is_written(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        region = (
            '{"id":"a","from_name":"fp","to_name":"vocals","type":"labels","value":{"start":%s,"end":%s,"labels":["%s"]},"meta":{"a":%s}}'
        )
        body = '{"client_key":"%s","heard":[[0,15]],"lead_time":%s,"result":[%s]}'
        key, label = str(uuid.uuid4()), label_studio.label_of()
        sent = [
            body % (key, 3.5, region % ("1", "2.30000000000000004", label, "1e22")),
            body % (key, 3.5, region % ("1.0", "2.3", label.replace("F", "\\u0046"), "10000000000000000000000.0")),
            body % (key, 99, (region % ("1e0", "0.23e1", label, "1e22")).replace('"id":"a",', "").replace("{", '{"id":"a",', 1)),
            body.replace('"client_key"', ' "client_key" ') % (key, 3.5, region % ("1", "2.3", label, "1e+22")),
        ]
        Assignment.objects.update(taken_at=now() - timedelta(minutes=1))
        for one in sent:
            kept = ann.put(f"/api/tasks/{task.pk}/submission/", one, content_type="application/json")
            assert (kept.status_code, kept.json()) == (201, {"status": "accepted"})
        assert Submission.objects.get().lead_time == 3.5, "the first stays as it was"

    def test_an_answer_that_comes_too_late_is_kept_as_surplus(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        Assignment.objects.update(lease_until=now())
        bob = worlds.client(campaign, "bob")
        endpoints.take(bob)
        endpoints.answer(bob, task)
        kept = endpoints.answer(ann, task, (11, 12)).json()
        assert kept["status"] == "surplus"
        assert kept["thanked"].startswith("Thank you. Enough people had answered")

    def test_a_bad_region_is_named_with_its_field_and_nothing_is_kept(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        result = worlds.marks(task, (11, 12))
        result[0]["value"]["end"] = 99.0
        refused = endpoints.put(ann, task, "submission", result=result, client_key=str(uuid.uuid4()))
        assert refused.status_code == 400
        said = refused.json()
        assert said["field"] == "value.end" and "result[0]" in said["region"] and "15" in said["detail"]
        assert not Submission.objects.exists()
        assert Assignment.objects.get().state == "leased", "the person goes on where they were"

    @pytest.mark.parametrize("bad", [{}, {"client_key": "x", "result": []}, {"client_key": str(uuid.UUID(int=1)), "result": "all"}])
    def test_a_malformed_body_is_refused(self, ann: Client, task: Task, bad: dict[str, Any]) -> None:
        endpoints.take(ann)
        assert endpoints.put(ann, task, "submission", **bad).status_code == 400

    @pytest.mark.parametrize("what", ["submission", "draft"])
    @pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
    def test_text_that_the_database_cannot_keep_is_refused_in_words(self, ann: Client, task: Task, what: str, text: str) -> None:
        endpoints.take(ann)
        result = worlds.marks(task, (11, 12))
        result[0]["meta"] = {"text": [text]}
        body = json.dumps({"result": result, "client_key": str(uuid.uuid4())})
        refused = ann.put(f"/api/tasks/{task.pk}/{what}/", body, content_type="application/json")
        assert refused.status_code == 400
        assert "NUL" in refused.json()["detail"] and refused.json()["field"] == "result[0].meta.text[0]"

    def test_a_number_beyond_all_numbers_is_refused_in_words(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        body = json.dumps({"result": [{"id": "a", "x": 0}], "client_key": str(uuid.uuid4())}).replace('"x": 0', '"x": 1e999')
        refused = ann.put(f"/api/tasks/{task.pk}/submission/", body, content_type="application/json")
        assert refused.status_code == 400 and "finite" in refused.json()["detail"] and refused.json()["field"] == "result[0].x"

    def test_a_key_sent_with_another_answer_is_refused(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        key = uuid.uuid4()
        endpoints.answer(ann, task, key=key)
        Task.objects.update(overlap=2)
        bob = worlds.client(campaign, "bob")
        endpoints.take(bob)
        assert endpoints.answer(bob, task, key=key).status_code == 409


class TestDraftsAndSkips:
    def test_a_draft_comes_back_on_another_device(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        result = worlds.marks(task, (11, 12))
        assert "saved_at" in endpoints.put(ann, task, "draft", result=result).json()
        assert endpoints.take(ann).json()["draft"] == result

    def test_a_draft_is_checked_like_an_answer(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        assert endpoints.put(ann, task, "draft", result=[{"id": "r", "value": {"start": 2, "end": 1}}]).status_code == 400
        assert not Draft.objects.exists()

    def test_an_answer_ends_its_draft(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 12)))
        endpoints.answer(ann, task, (11, 12))
        assert not Draft.objects.exists()

    def test_a_skipped_task_goes_to_others_and_not_to_the_same_person(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        skipped = endpoints.skip(ann, task)
        assert skipped.status_code == 204
        assert endpoints.take(ann).status_code == 204
        assert endpoints.take(worlds.client(campaign, "bob")).json()["task"]["id"] == task.pk

    def test_a_skip_names_one_of_the_reasons(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        assert endpoints.skip(ann, task, "bored").status_code == 400

    def test_what_is_not_in_hand_cannot_be_skipped(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task)
        again = endpoints.skip(ann, task, "technical")
        assert again.status_code == 409
        assert again.json()["detail"]


class TestFromSeveralPlaces:
    """Two pages of one person, as they speak to the server."""

    def test_a_draft_names_the_one_it_goes_on_from(self, ann: Client, task: Task) -> None:
        given = endpoints.take(ann).json()
        assert (given["draft"], given["draft_saved_at"], given["draft_age"]) == (None, None, None)
        first = endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 12)), based_on=None).json()["saved_at"]
        given = endpoints.take(ann).json()
        assert given["draft_saved_at"] == first and 0 <= given["draft_age"] < 60
        second = endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 13)), based_on=first)
        assert second.status_code == 200 and second.json()["saved_at"] != first

    def test_an_older_draft_is_refused_with_the_newer_one(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        first = endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 12)), based_on=None).json()["saved_at"]
        newer = worlds.marks(task, (15, 16))
        second = endpoints.put(ann, task, "draft", result=newer, based_on=first).json()["saved_at"]
        late = endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 14)), based_on=first)
        assert late.status_code == 409 and late.json()["error"] == "DraftChanged"
        assert late.json()["draft"]["result"] == newer and late.json()["draft"]["saved_at"] == second
        assert Draft.objects.get().result == newer
        assert endpoints.put(ann, task, "draft", result=worlds.marks(task, (11, 14))).status_code == 200, "who names none has the last word"

    def test_an_answer_that_another_page_gave_is_not_replaced_unasked(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task, (11, 12), (14, 15), revises=0)
        refused = endpoints.answer(ann, task, (20, 21), revises=0)
        assert refused.status_code == 409
        assert {"error": "AlreadyAnswered", "revision": 1, "marks": 2}.items() <= refused.json().items()
        assert endpoints.put(ann, task, "draft", result=[], based_on=None).status_code == 409, "nor is a draft kept that would hide it"
        assert endpoints.answer(ann, task, (20, 21), revises=1).status_code == 201

    @pytest.mark.parametrize("revises", [-1, "first", 2**40])
    def test_a_revision_is_a_number(self, ann: Client, task: Task, revises: Any) -> None:
        endpoints.take(ann)
        assert endpoints.answer(ann, task, revises=revises).status_code == 400

    def test_an_answer_is_opened_again_as_it_was_given(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        assert ann.get(f"/api/tasks/{task.pk}/submission/").status_code == 404, "there is none yet"
        endpoints.answer(ann, task, (11, 12), played={"vocals": [[0, 15]], "mix": [[2.5, 4.25]]})
        opened = ann.get(f"/api/tasks/{task.pk}/submission/").json()
        assert opened["task"]["id"] == task.pk and opened["duration"] == 15.0
        assert opened["answer"]["revision"] == 1 and opened["answer"]["result"] == worlds.marks(task, (11, 12))
        assert opened["answer"]["played"] == {"vocals": [[0, 15]], "mix": [[2.5, 4.25]]}, "what was heard need not be heard again"

    def test_once_feedback_was_frozen_it_is_said_to_be_closed(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task, (11, 12))
        services.agree_on_task(task_id=task.pk)
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        refused = ann.get(f"/api/tasks/{task.pk}/submission/")
        assert refused.status_code == 409 and refused.json()["error"] == "RoundFrozen" and "closed" in refused.json()["detail"]
        assert ann.get("/api/campaigns/bleed/history/").json()[0]["may_change"] is False

    def test_a_skip_is_taken_back(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.skip(ann, task)
        assert [(one["task"], one["what"], one["may_change"]) for one in ann.get("/api/campaigns/bleed/history/").json()] == [
            (task.pk, "skipped", True)
        ]
        assert ann.delete(f"/api/tasks/{task.pk}/skip/").status_code == 204
        assert endpoints.take(ann).json()["task"]["id"] == task.pk
        assert ann.get("/api/campaigns/bleed/history/").json() == []

    def test_whoever_has_given_all_that_was_asked_may_still_change_it(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task, (11, 12))
        Membership.objects.update(tasks_asked=1)
        assert ann.get("/c/bleed/annotate/").headers["Location"] == "/c/bleed/finished/"
        assert f"?task={task.pk}&amp;what=accepted" in ann.get("/c/bleed/me/").content.decode()
        assert ann.get(f"/c/bleed/annotate/?task={task.pk}").status_code == 200
        assert endpoints.answer(ann, task, (11, 13), revises=1).json() == {"status": "accepted"}
        assert endpoints.take(ann).json()["go"] == "/c/bleed/finished/"

    def test_my_page_shows_what_was_given_without_the_names_of_songs(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task, (11, 12))
        page = ann.get("/c/bleed/me/").content.decode()
        assert "1 mark, 1.0 s" in page and "song" not in page[page.index('id="given"') : page.index('id="changes"')]

    def test_nobody_opens_what_is_not_theirs(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task)
        stranger, other = worlds.signed_in(worlds.user("stranger")), worlds.client(campaign, "bob")
        for client in (stranger, other):
            assert client.get(f"/api/tasks/{task.pk}/submission/").status_code == 404
            assert client.delete(f"/api/tasks/{task.pk}/skip/").status_code == 404
        assert stranger.get("/api/campaigns/bleed/history/").status_code == 404
        assert other.get("/api/campaigns/bleed/history/").json() == []

    def test_withdrawn_consent_leads_to_my_page_from_every_endpoint(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        ann.post("/c/bleed/me/withdraw/")
        answered = [
            endpoints.answer(ann, task),
            endpoints.put(ann, task, "draft", result=[], based_on=None),
            endpoints.put(ann, task, "draft", result=[]),
            endpoints.skip(ann, task),
            ann.delete(f"/api/tasks/{task.pk}/skip/"),
            ann.post(f"/api/tasks/{task.pk}/lease/"),
            ann.get(f"/api/tasks/{task.pk}/submission/"),
        ]
        assert [(one.status_code, one.json().get("go")) for one in answered] == [(403, "/c/bleed/me/")] * len(answered)
