"""The doors of annotators: who gets in, and what an answer on its way meets. Real rows, generated audio."""

import io
import json
import uuid
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.timezone import now

from annotation import services
from annotation.core import label_studio
from annotation.core.regions import Region
from annotation.models import Assignment, Campaign, Draft, Membership, Submission, Task

RATE = 16_000
CHECKPOINT = "c" * 64


@pytest.fixture
def campaign(db, tmp_path, settings) -> Campaign:
    """One song of 40 s: the mix is a low tone, the estimate a high one; its second 10-25 is a task."""
    settings.HOME = tmp_path
    campaign = services.create_campaign(name="Bleed", slug="bleed", min_overlap=1, max_overlap=2)
    files = {}
    for name, pitch in (("mixture", 110.0), ("vocals", 880.0)):
        files[name] = tmp_path / f"{name}.flac"
        seconds = np.arange(40 * RATE) / RATE
        soundfile.write(files[name], (0.3 * np.sin(2 * np.pi * pitch * seconds)).astype("float32"), RATE)
    track = services.add_track(
        campaign=campaign, name="song", use="pool", domain="target", stems=[services.NewStem("mixture", files["mixture"])],
        fingerprint="f" * 64, duration=40.0, sample_rate=RATE, channels=1,
    )  # fmt: skip
    services.keep_estimate(track=track, stem="vocals", checkpoint=CHECKPOINT, file=files["vocals"])
    clip = services.Clip(track=track, start=10.0, end=25.0, arm="random", chance=0.5, reason="drawn at random")
    services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=[clip])
    return campaign


@pytest.fixture
def task(campaign) -> Task:
    return Task.objects.get()


def person(campaign: Campaign | None, name: str, role: str = "annotator") -> Client:
    user = get_user_model().objects.create_user(name)
    if campaign:
        services.add_member(campaign=campaign, user=user, role=role, pseudonym=name)
    client = Client(enforce_csrf_checks=False)
    client.force_login(user)
    return client


@pytest.fixture
def ann(campaign) -> Client:
    return person(campaign, "ann")


def take(client: Client):
    return client.post("/api/campaigns/bleed/next/")


def put(client: Client, task: Task, what: str, **body):
    return client.put(f"/api/tasks/{task.pk}/{what}/", body, content_type="application/json")


def answer(client: Client, task: Task, marks=(), key=None, **extra):
    """Send marks in track seconds, as the editor does: in clip seconds."""
    result = label_studio.result([Region(*mark) for mark in marks], task.clip)
    Assignment.objects.filter(task=task).update(taken_at=now() - timedelta(hours=1))  # time enough to hear it
    everything = {"heard": [[0, task.end - task.start]]}
    return put(client, task, "submission", result=result, client_key=str(key or uuid.uuid4()), **(everything | extra))


class TestWhoGetsIn:
    def test_nobody_without_signing_in(self, task):
        stranger = Client()
        assert stranger.get("/").headers["Location"].startswith("/sign-in/")
        assert stranger.get("/c/bleed/annotate/").status_code == 302
        assert stranger.get(f"/media/tasks/{task.pk}/mix.ogg").status_code == 302
        assert take(stranger).status_code == 403
        assert stranger.get("/api/schema/").status_code == 403

    @pytest.mark.parametrize("what", ["submission", "draft", "skip", "lease"])
    def test_to_a_stranger_the_task_does_not_exist(self, task, what):
        stranger = person(None, "stranger")
        method = stranger.put if what in ("submission", "draft") else stranger.post
        assert method(f"/api/tasks/{task.pk}/{what}/", {}, content_type="application/json").status_code == 404

    def test_to_a_stranger_the_campaign_does_not_exist(self, campaign, task):
        stranger = person(None, "stranger")
        assert take(stranger).status_code == 404
        assert stranger.get("/c/bleed/annotate/").status_code == 404
        assert stranger.get(f"/media/tasks/{task.pk}/vocals.ogg").status_code == 404

    def test_a_member_who_left_is_a_stranger(self, ann, task):
        take(ann)
        Membership.objects.update(active=False)
        assert take(ann).status_code == 404
        assert answer(ann, task).status_code == 404

    def test_an_annotator_hears_only_what_was_given_to_them(self, campaign, ann, task):
        for what in ("mix.ogg", "removed.ogg", "vocals.png"):
            assert ann.get(f"/media/tasks/{task.pk}/{what}").status_code == 404
        take(ann)
        assert ann.get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()[:4] == b"OggS"
        assert ann.get(f"/media/tasks/{task.pk}/removed.ogg").getvalue()[:4] == b"OggS"
        assert ann.get(f"/media/tasks/{task.pk}/vocals.png").getvalue()[1:4] == b"PNG"

    def test_a_reviewer_hears_every_task_of_the_campaign(self, campaign, task):
        assert person(campaign, "rev", "reviewer").get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()

    def test_a_request_from_another_site_is_refused(self, campaign):
        client = Client(enforce_csrf_checks=True)
        user = get_user_model().objects.create_user("ann")
        services.add_member(campaign=campaign, user=user)
        client.force_login(user)
        assert take(client).status_code == 403


class TestTakingATask:
    def test_the_editor_gets_all_it_needs(self, ann, task):
        got = take(ann).json()
        assert got["task"]["id"] == task.pk
        assert got["task"]["data"] == {"vocals": f"/media/tasks/{task.pk}/vocals.ogg", "mix": f"/media/tasks/{task.pk}/mix.ogg"}
        assert got["duration"] == 15.0
        assert got["draft"] is None
        assert got["progress"] == {"done": 0, "open": 1}
        assert "<Labels" in got["config"]

    def test_asked_twice_it_is_the_same_task(self, ann):
        assert take(ann).json()["task"]["id"] == take(ann).json()["task"]["id"]
        assert Assignment.objects.count() == 1

    def test_when_others_hold_every_slot_nothing_is_left(self, campaign, ann):
        take(ann)
        assert take(person(campaign, "bob")).status_code == 204

    def test_a_lease_that_ran_out_goes_to_the_next_and_the_first_is_told(self, campaign, ann, task):
        take(ann)
        Assignment.objects.update(lease_until=now())
        assert take(person(campaign, "bob")).json()["task"]["id"] == task.pk
        assert ann.post(f"/api/tasks/{task.pk}/lease/").status_code == 409

    def test_a_lease_is_renewed_while_its_holder_works(self, ann, task):
        first = take(ann).json()["lease_until"]
        assert ann.post(f"/api/tasks/{task.pk}/lease/").json()["lease_until"] > first


class TestAnswering:
    def test_an_answer_to_unheard_audio_does_not_count(self, ann, task):
        take(ann)
        key = uuid.uuid4()
        for heard in ([], [[0, 13]], [[0, 7], [7.1, 12]]):
            refused = answer(ann, task, key=key, heard=heard)
            assert refused.status_code == 400
            assert refused.json()["error"] == "Unheard" and refused.json()["field"] == "heard"
        assert "Still to hear: 12.0-15.0 s" in refused.json()["detail"]
        assert not Submission.objects.exists() and Assignment.objects.get().state == "leased"
        assert answer(ann, task, key=key, heard=[[0, 7], [7.1, 14]]).status_code == 201, "the same answer, once it was heard"

    def test_what_was_played_of_every_stem_is_kept_in_track_seconds(self, ann, task):
        take(ann)
        answer(ann, task, played={"vocals": [[0, 15]], "mix": [[2, 4], [3, 5.5]]})
        assert Submission.objects.get().played == {"vocals": [[10.0, 25.0]], "mix": [[12.0, 15.5]]}
        refused = answer(ann, task, played={"drums": [[0, 1]]})
        assert refused.status_code == 400 and refused.json()["field"] == "played" and "drums" in refused.json()["detail"]

    def test_clip_seconds_become_track_seconds(self, ann, task):
        take(ann)
        sent = answer(ann, task, [(12.5, 14.0)], lead_time=31.5, heard=[[0, 15]])
        assert (sent.status_code, sent.json()) == (201, {"status": "accepted"})
        submission = Submission.objects.get()
        assert [mark.region for mark in submission.marks.all()] == [Region(12.5, 14.0)]
        assert submission.lead_time == 31.5
        assert submission.heard == [[10.0, 25.0]]

    def test_no_marks_is_an_answer(self, ann, task):
        take(ann)
        assert answer(ann, task).json() == {"status": "accepted"}
        assert Submission.objects.get().marks.count() == 0

    def test_sent_twice_with_one_key_it_is_kept_once(self, ann, task):
        take(ann)
        key = uuid.uuid4()
        assert answer(ann, task, [(11, 12)], key).status_code == answer(ann, task, [(11, 12)], key).status_code == 201
        assert Submission.objects.count() == 1

    def test_sent_again_with_one_key_and_other_marks_it_is_refused_and_the_first_stays(self, ann, task):
        take(ann)
        key = uuid.uuid4()
        answer(ann, task, [(11, 12)], key)
        for other in ([(11, 12.001)], [], [(11, 12), (13, 14)]):
            refused = answer(ann, task, other, key)
            assert refused.status_code == 409 and refused.json()["error"] == "UsedKey" and "another answer" in refused.json()["detail"]
        assert [mark.region for mark in Submission.objects.get().marks.all()] == [Region(11, 12)]
        assert answer(ann, task, [(11, 13)]).status_code == 201, "with a key of its own it is a better answer"

    def test_the_same_answer_is_the_same_however_its_json_is_written(self, ann, task):
        take(ann)
        region = (
            '{"id":"a","from_name":"fp","to_name":"vocals","type":"labels","value":{"start":%s,"end":%s,"labels":["%s"]},"meta":{"a":%s}}'
        )
        body = '{"client_key":"%s","heard":[[0,15]],"lead_time":%s,"result":[%s]}'
        key, label = str(uuid.uuid4()), label_studio.LABEL
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

    def test_an_answer_that_comes_too_late_is_kept_as_surplus(self, campaign, ann, task):
        take(ann)
        Assignment.objects.update(lease_until=now())
        bob = person(campaign, "bob")
        take(bob)
        answer(bob, task)
        kept = answer(ann, task, [(11, 12)]).json()
        assert kept["status"] == "surplus"
        assert kept["thanked"].startswith("Thank you. Enough people had answered")

    def test_a_bad_region_is_named_with_its_field_and_nothing_is_kept(self, ann, task):
        take(ann)
        result = label_studio.result([Region(11, 12)], task.clip)
        result[0]["value"]["end"] = 99.0
        refused = put(ann, task, "submission", result=result, client_key=str(uuid.uuid4()))
        assert refused.status_code == 400
        said = refused.json()
        assert said["field"] == "value.end" and "result[0]" in said["region"] and "15" in said["detail"]
        assert not Submission.objects.exists()
        assert Assignment.objects.get().state == "leased", "the person goes on where they were"

    @pytest.mark.parametrize("bad", [{}, {"client_key": "x", "result": []}, {"client_key": str(uuid.UUID(int=1)), "result": "all"}])
    def test_a_malformed_body_is_refused(self, ann, task, bad):
        take(ann)
        assert put(ann, task, "submission", **bad).status_code == 400

    @pytest.mark.parametrize("what", ["submission", "draft"])
    @pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
    def test_text_that_the_database_cannot_keep_is_refused_in_words(self, ann, task, what, text):
        take(ann)
        result = label_studio.result([Region(11, 12)], task.clip)
        result[0]["meta"] = {"text": [text]}
        body = json.dumps({"result": result, "client_key": str(uuid.uuid4())})
        refused = ann.put(f"/api/tasks/{task.pk}/{what}/", body, content_type="application/json")
        assert refused.status_code == 400
        assert "NUL" in refused.json()["detail"] and refused.json()["field"] == "result[0].meta.text[0]"

    def test_a_number_beyond_all_numbers_is_refused_in_words(self, ann, task):
        take(ann)
        body = json.dumps({"result": [{"id": "a", "x": 0}], "client_key": str(uuid.uuid4())}).replace('"x": 0', '"x": 1e999')
        refused = ann.put(f"/api/tasks/{task.pk}/submission/", body, content_type="application/json")
        assert refused.status_code == 400 and "finite" in refused.json()["detail"] and refused.json()["field"] == "result[0].x"

    def test_a_key_sent_with_another_answer_is_refused(self, campaign, ann, task):
        take(ann)
        key = uuid.uuid4()
        answer(ann, task, key=key)
        Task.objects.update(overlap=2)
        bob = person(campaign, "bob")
        take(bob)
        assert answer(bob, task, key=key).status_code == 409


class TestFetchingAhead:
    @pytest.fixture
    def more(self, campaign, task) -> list[int]:
        clips = [services.Clip(track=task.track, start=float(s), end=s + 5.0, arm="random", chance=0.5, reason="") for s in (0, 25, 30)]
        services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips)
        return sorted(Task.objects.exclude(pk=task.pk).values_list("pk", flat=True))

    def test_two_further_tasks_in_the_same_words_as_the_one_in_hand(self, ann, task, more):
        in_hand = take(ann).json()
        ahead = ann.post("/api/campaigns/bleed/prefetch/").json()
        assert [one["task"]["id"] for one in ahead] == more[:2]
        assert all(one.keys() == in_hand.keys() for one in ahead)
        assert ahead[0]["lease_seconds"] == 900
        assert ann.get(ahead[0]["task"]["data"]["mix"]).status_code == 200, "their sound may be fetched now"

    def test_the_first_of_them_is_next(self, ann, task, more):
        take(ann)
        ann.post("/api/campaigns/bleed/prefetch/")
        answer(ann, task)
        assert take(ann).json()["task"]["id"] == more[0]

    def test_nothing_more_to_fetch_is_an_empty_list(self, ann):
        take(ann)
        assert ann.post("/api/campaigns/bleed/prefetch/").json() == []

    def test_a_stranger_fetches_nothing(self, campaign):
        assert person(None, "stranger").post("/api/campaigns/bleed/prefetch/").status_code == 404


class TestDraftsAndSkips:
    def test_a_draft_comes_back_on_another_device(self, ann, task):
        take(ann)
        result = label_studio.result([Region(11, 12)], task.clip)
        assert "saved_at" in put(ann, task, "draft", result=result).json()
        assert take(ann).json()["draft"] == result

    def test_a_draft_is_checked_like_an_answer(self, ann, task):
        take(ann)
        assert put(ann, task, "draft", result=[{"id": "r", "value": {"start": 2, "end": 1}}]).status_code == 400
        assert not Draft.objects.exists()

    def test_an_answer_ends_its_draft(self, ann, task):
        take(ann)
        put(ann, task, "draft", result=label_studio.result([Region(11, 12)], task.clip))
        answer(ann, task, [(11, 12)])
        assert not Draft.objects.exists()

    def test_a_skipped_task_goes_to_others_and_not_to_the_same_person(self, campaign, ann, task):
        take(ann)
        skipped = ann.post(f"/api/tasks/{task.pk}/skip/", {"reason": "bad audio"}, content_type="application/json")
        assert skipped.status_code == 204
        assert take(ann).status_code == 204
        assert take(person(campaign, "bob")).json()["task"]["id"] == task.pk

    def test_a_skip_names_one_of_the_reasons(self, ann, task):
        take(ann)
        assert ann.post(f"/api/tasks/{task.pk}/skip/", {"reason": "bored"}, content_type="application/json").status_code == 400

    def test_what_is_not_in_hand_cannot_be_skipped(self, campaign, ann, task):
        take(ann)
        answer(ann, task)
        again = ann.post(f"/api/tasks/{task.pk}/skip/", {"reason": "technical"}, content_type="application/json")
        assert again.status_code == 409
        assert again.json()["detail"]


class TestSound:
    def pitch(self, body: bytes) -> float:
        samples, rate = soundfile.read(io.BytesIO(body))
        spectrum = np.abs(np.fft.rfft(samples[: rate * 2]))
        return float(np.argmax(spectrum) / 2)

    def test_vocals_are_the_estimate_and_mix_is_the_mix(self, ann, task):
        take(ann)
        for which, pitch in (("vocals", 880), ("mix", 110)):
            response = ann.get(f"/media/tasks/{task.pk}/{which}.ogg")
            assert response.headers["Content-Type"] == "audio/ogg"
            assert self.pitch(response.getvalue()) == pytest.approx(pitch, abs=2)

    def test_a_clip_is_as_long_as_its_task(self, ann, task):
        take(ann)
        samples, rate = soundfile.read(io.BytesIO(ann.get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()))
        assert len(samples) / rate == pytest.approx(15.0, abs=0.05)

    @pytest.mark.parametrize("asked", [f"bytes={'9' * 5000}-", f"bytes=0-{'9' * 5000}", f"bytes=-{'9' * 19}"])
    def test_a_range_with_more_digits_than_any_file_has_is_refused(self, ann, task, asked):
        take(ann)
        refused = ann.get(f"/media/tasks/{task.pk}/vocals.ogg", headers={"range": asked})
        assert refused.status_code == 400 and b"digits" in refused.content

    @pytest.mark.parametrize(
        ("asked", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=100-", 100, -1), ("bytes=-10", -10, -1), ("bytes=5-999999999", 5, -1)]
    )
    def test_a_range_is_that_part_of_the_file(self, ann, task, asked, first, last):
        take(ann)
        url = f"/media/tasks/{task.pk}/mix.ogg"
        whole = ann.get(url)
        assert whole.headers["Accept-Ranges"] == "bytes"
        body = whole.getvalue()
        first, last = first % len(body), last % len(body)
        part = ann.get(url, headers={"Range": asked})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(body)}"
        assert part.content == body[first : last + 1]

    def test_a_range_past_the_end_is_refused_with_the_length(self, ann, task):
        take(ann)
        url = f"/media/tasks/{task.pk}/mix.ogg"
        length = len(ann.get(url).getvalue())
        refused = ann.get(url, headers={"Range": f"bytes={length}-"})
        assert refused.status_code == 416
        assert refused.headers["Content-Range"] == f"bytes */{length}"

    def test_where_no_estimate_lies_there_is_no_sound(self, ann, task):
        take(ann)
        task.track.estimates.all().delete()
        assert ann.get(f"/media/tasks/{task.pk}/vocals.ogg").status_code == 404


class TestQueuePage:
    def test_it_says_what_waits_and_leads_to_the_editor(self, ann):
        page = ann.get("/").content.decode()
        assert "Bleed" in page and "/c/bleed/annotate/" in page and "Start listening" in page

    def test_nothing_left_is_said_in_words(self, ann, task):
        take(ann)
        answer(ann, task)
        page = ann.get("/").content.decode()
        assert "Nothing left for you just now" in page and "Start listening" not in page
        assert "1 answer so far" in page

    def test_who_is_in_no_campaign_is_told_whom_to_ask(self, db):
        assert "You are in no campaign yet" in person(None, "lonely").get("/").content.decode()


class TestFromSeveralPlaces:
    """Two pages of one person, as they speak to the server."""

    def marks(self, task: Task, *regions: tuple[float, float]) -> list[dict]:
        return label_studio.result([Region(*one) for one in regions], task.clip)

    def test_a_draft_names_the_one_it_goes_on_from(self, ann, task):
        given = take(ann).json()
        assert (given["draft"], given["draft_saved_at"], given["draft_age"]) == (None, None, None)
        first = put(ann, task, "draft", result=self.marks(task, (11, 12)), based_on=None).json()["saved_at"]
        given = take(ann).json()
        assert given["draft_saved_at"] == first and 0 <= given["draft_age"] < 60
        second = put(ann, task, "draft", result=self.marks(task, (11, 13)), based_on=first)
        assert second.status_code == 200 and second.json()["saved_at"] != first

    def test_an_older_draft_is_refused_with_the_newer_one(self, ann, task):
        take(ann)
        first = put(ann, task, "draft", result=self.marks(task, (11, 12)), based_on=None).json()["saved_at"]
        newer = self.marks(task, (15, 16))
        second = put(ann, task, "draft", result=newer, based_on=first).json()["saved_at"]
        late = put(ann, task, "draft", result=self.marks(task, (11, 14)), based_on=first)
        assert late.status_code == 409 and late.json()["error"] == "DraftChanged"
        assert late.json()["draft"]["result"] == newer and late.json()["draft"]["saved_at"] == second
        assert Draft.objects.get().result == newer
        assert put(ann, task, "draft", result=self.marks(task, (11, 14))).status_code == 200, "who names none has the last word"

    def test_an_answer_that_another_page_gave_is_not_replaced_unasked(self, ann, task):
        take(ann)
        answer(ann, task, [(11, 12), (14, 15)], revises=0)
        refused = answer(ann, task, [(20, 21)], revises=0)
        assert refused.status_code == 409
        assert {"error": "AlreadyAnswered", "revision": 1, "marks": 2}.items() <= refused.json().items()
        assert put(ann, task, "draft", result=[], based_on=None).status_code == 409, "nor is a draft kept that would hide it"
        assert answer(ann, task, [(20, 21)], revises=1).status_code == 201

    @pytest.mark.parametrize("revises", [-1, "first", 2**40])
    def test_a_revision_is_a_number(self, ann, task, revises):
        take(ann)
        assert answer(ann, task, revises=revises).status_code == 400

    def test_an_answer_is_opened_again_as_it_was_given(self, ann, task):
        take(ann)
        assert ann.get(f"/api/tasks/{task.pk}/submission/").status_code == 404, "there is none yet"
        answer(ann, task, [(11, 12)], played={"vocals": [[0, 15]], "mix": [[2.5, 4.25]]})
        opened = ann.get(f"/api/tasks/{task.pk}/submission/").json()
        assert opened["task"]["id"] == task.pk and opened["duration"] == 15.0
        assert opened["answer"]["revision"] == 1 and opened["answer"]["result"] == self.marks(task, (11, 12))
        assert opened["answer"]["played"] == {"vocals": [[0, 15]], "mix": [[2.5, 4.25]]}, "what was heard need not be heard again"

    def test_once_feedback_was_frozen_it_is_said_to_be_closed(self, campaign, ann, task):
        take(ann)
        answer(ann, task, [(11, 12)])
        services.agree_on_task(task_id=task.pk)
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        refused = ann.get(f"/api/tasks/{task.pk}/submission/")
        assert refused.status_code == 409 and refused.json()["error"] == "RoundFrozen" and "closed" in refused.json()["detail"]
        assert ann.get("/api/campaigns/bleed/history/").json()[0]["may_change"] is False

    def test_a_skip_is_taken_back(self, ann, task):
        take(ann)
        ann.post(f"/api/tasks/{task.pk}/skip/", {"reason": "bad audio"}, content_type="application/json")
        assert [(one["task"], one["what"], one["may_change"]) for one in ann.get("/api/campaigns/bleed/history/").json()] == [
            (task.pk, "skipped", True)
        ]
        assert ann.delete(f"/api/tasks/{task.pk}/skip/").status_code == 204
        assert take(ann).json()["task"]["id"] == task.pk
        assert ann.get("/api/campaigns/bleed/history/").json() == []

    def test_whoever_has_given_all_that_was_asked_may_still_change_it(self, campaign, ann, task):
        take(ann)
        answer(ann, task, [(11, 12)])
        Membership.objects.update(tasks_asked=1)
        assert ann.get("/c/bleed/annotate/").headers["Location"] == "/c/bleed/finished/"
        assert f"?task={task.pk}&amp;what=accepted" in ann.get("/c/bleed/me/").content.decode()
        assert ann.get(f"/c/bleed/annotate/?task={task.pk}").status_code == 200
        assert answer(ann, task, [(11, 13)], revises=1).json() == {"status": "accepted"}
        assert take(ann).json()["go"] == "/c/bleed/finished/"

    def test_the_own_page_shows_what_was_given_without_the_names_of_songs(self, campaign, ann, task):
        take(ann)
        answer(ann, task, [(11, 12)])
        page = ann.get("/c/bleed/me/").content.decode()
        assert "1 mark, 1.0 s" in page and "song" not in page[page.index('id="given"') : page.index('id="changes"')]

    def test_nobody_opens_what_is_not_theirs(self, campaign, ann, task):
        take(ann)
        answer(ann, task)
        stranger, other = person(None, "stranger"), person(campaign, "bob")
        for client in (stranger, other):
            assert client.get(f"/api/tasks/{task.pk}/submission/").status_code == 404
            assert client.delete(f"/api/tasks/{task.pk}/skip/").status_code == 404
        assert stranger.get("/api/campaigns/bleed/history/").status_code == 404
        assert other.get("/api/campaigns/bleed/history/").json() == []

    def test_withdrawn_consent_leads_to_the_own_page_from_every_door(self, ann, task):
        take(ann)
        ann.post("/c/bleed/me/withdraw/")
        doors = [
            answer(ann, task),
            put(ann, task, "draft", result=[], based_on=None),
            put(ann, task, "draft", result=[]),
            ann.post(f"/api/tasks/{task.pk}/skip/", {"reason": "bad audio"}, content_type="application/json"),
            ann.delete(f"/api/tasks/{task.pk}/skip/"),
            ann.post(f"/api/tasks/{task.pk}/lease/"),
            ann.get(f"/api/tasks/{task.pk}/submission/"),
        ]
        assert [(one.status_code, one.json().get("go")) for one in doors] == [(403, "/c/bleed/me/")] * len(doors)
