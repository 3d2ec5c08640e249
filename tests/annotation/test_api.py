"""The endpoints of annotators: who gets in, which task they are given, what they hear. Real rows, generated audio."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client
from django.utils.timezone import now

from annotation.models import Assignment, Campaign, Membership, Task
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


class TestWhoGetsIn:
    def test_nobody_without_signing_in(self, task: Task) -> None:
        stranger = Client()
        assert stranger.get("/").headers["Location"].startswith("/sign-in/")
        assert stranger.get("/c/bleed/annotate/").status_code == 302
        assert stranger.get(f"/media/tasks/{task.pk}/mix.ogg").status_code == 302
        assert endpoints.take(stranger).status_code == 403
        assert stranger.get("/api/schema/").status_code == 403

    @pytest.mark.parametrize("what", ["submission", "draft", "skip", "lease"])
    def test_to_a_stranger_the_task_does_not_exist(self, task: Task, what: str) -> None:
        stranger = worlds.signed_in(worlds.user("stranger"))
        method = stranger.put if what in ("submission", "draft") else stranger.post
        assert method(f"/api/tasks/{task.pk}/{what}/", {}, content_type="application/json").status_code == 404

    def test_to_a_stranger_the_campaign_does_not_exist(self, campaign: Campaign, task: Task) -> None:
        stranger = worlds.signed_in(worlds.user("stranger"))
        assert endpoints.take(stranger).status_code == 404
        assert stranger.get("/c/bleed/annotate/").status_code == 404
        assert stranger.get(f"/media/tasks/{task.pk}/vocals.ogg").status_code == 404

    def test_a_member_who_left_is_a_stranger(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        Membership.objects.update(active=False)
        assert endpoints.take(ann).status_code == 404
        assert endpoints.answer(ann, task).status_code == 404

    def test_an_annotator_hears_only_what_was_given_to_them(self, campaign: Campaign, ann: Client, task: Task) -> None:
        for what in ("mix.ogg", "removed.ogg", "vocals.png"):
            assert ann.get(f"/media/tasks/{task.pk}/{what}").status_code == 404
        endpoints.take(ann)
        assert ann.get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()[:4] == b"OggS"
        assert ann.get(f"/media/tasks/{task.pk}/removed.ogg").getvalue()[:4] == b"OggS"
        assert ann.get(f"/media/tasks/{task.pk}/vocals.png").getvalue()[1:4] == b"PNG"

    def test_a_reviewer_hears_every_task_of_the_campaign(self, campaign: Campaign, task: Task) -> None:
        assert worlds.client(campaign, "rev", "reviewer").get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()

    def test_a_request_from_another_site_is_refused(self, campaign: Campaign) -> None:
        client = worlds.signed_in(worlds.member(campaign), enforce_csrf_checks=True)
        assert endpoints.take(client).status_code == 403


class TestTakingATask:
    def test_the_editor_gets_all_it_needs(self, ann: Client, task: Task) -> None:
        got = endpoints.take(ann).json()
        assert got["task"]["id"] == task.pk
        assert got["task"]["data"] == {"vocals": f"/media/tasks/{task.pk}/vocals.ogg", "mix": f"/media/tasks/{task.pk}/mix.ogg"}
        assert got["duration"] == 15.0
        assert got["draft"] is None
        assert got["progress"] == {"done": 0, "open": 1}
        assert "<Labels" in got["config"]

    def test_asked_twice_it_is_the_same_task(self, ann: Client) -> None:
        assert endpoints.take(ann).json()["task"]["id"] == endpoints.take(ann).json()["task"]["id"]
        assert Assignment.objects.count() == 1

    def test_when_others_hold_every_slot_nothing_is_left(self, campaign: Campaign, ann: Client) -> None:
        endpoints.take(ann)
        assert endpoints.take(worlds.client(campaign, "bob")).status_code == 204

    def test_a_lease_that_ran_out_goes_to_the_next_and_the_first_is_told(self, campaign: Campaign, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        Assignment.objects.update(lease_until=now())
        assert endpoints.take(worlds.client(campaign, "bob")).json()["task"]["id"] == task.pk
        assert ann.post(f"/api/tasks/{task.pk}/lease/").status_code == 409

    def test_a_lease_is_renewed_while_its_holder_works(self, ann: Client, task: Task) -> None:
        first = endpoints.take(ann).json()["lease_until"]
        assert ann.post(f"/api/tasks/{task.pk}/lease/").json()["lease_until"] > first


class TestFetchingAhead:
    @pytest.fixture
    def more(self, campaign: Campaign, task: Task) -> list[int]:
        return [one.pk for one in worlds.opened([worlds.clip(task.track, start, start + 5.0) for start in (0.0, 25.0, 30.0)])]

    def test_two_further_tasks_in_the_same_words_as_the_one_in_hand(self, ann: Client, task: Task, more: list[int]) -> None:
        in_hand = endpoints.take(ann).json()
        ahead = ann.post("/api/campaigns/bleed/prefetch/").json()
        assert [one["task"]["id"] for one in ahead] == more[:2]
        assert all(one.keys() == in_hand.keys() for one in ahead)
        assert ahead[0]["lease_seconds"] == 900
        assert ann.get(ahead[0]["task"]["data"]["mix"]).status_code == 200, "their sound may be fetched now"

    def test_the_first_of_them_is_next(self, ann: Client, task: Task, more: list[int]) -> None:
        endpoints.take(ann)
        ann.post("/api/campaigns/bleed/prefetch/")
        endpoints.answer(ann, task)
        assert endpoints.take(ann).json()["task"]["id"] == more[0]

    def test_nothing_more_to_fetch_is_an_empty_list(self, ann: Client) -> None:
        endpoints.take(ann)
        assert ann.post("/api/campaigns/bleed/prefetch/").json() == []

    def test_a_stranger_fetches_nothing(self, campaign: Campaign) -> None:
        assert worlds.signed_in(worlds.user("stranger")).post("/api/campaigns/bleed/prefetch/").status_code == 404


class TestSound:
    def pitch(self, body: bytes) -> float:
        samples, rate = soundfile.read(io.BytesIO(body))
        spectrum = np.abs(np.fft.rfft(samples[: rate * 2]))
        return float(np.argmax(spectrum) / 2)

    def test_vocals_are_the_estimate_and_mix_is_the_mix(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        for which, pitch in (("vocals", 880), ("mix", 110)):
            response = ann.get(f"/media/tasks/{task.pk}/{which}.ogg")
            assert response.headers["Content-Type"] == "audio/ogg"
            assert self.pitch(response.getvalue()) == pytest.approx(pitch, abs=2)

    def test_a_clip_is_as_long_as_its_task(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        samples, rate = soundfile.read(io.BytesIO(ann.get(f"/media/tasks/{task.pk}/mix.ogg").getvalue()))
        assert len(samples) / rate == pytest.approx(15.0, abs=0.05)

    @pytest.mark.parametrize("asked", [f"bytes={'9' * 5000}-", f"bytes=0-{'9' * 5000}", f"bytes=-{'9' * 19}"])
    def test_a_range_with_more_digits_than_any_file_has_is_refused(self, ann: Client, task: Task, asked: str) -> None:
        endpoints.take(ann)
        refused = ann.get(f"/media/tasks/{task.pk}/vocals.ogg", headers={"range": asked})
        assert refused.status_code == 400 and b"digits" in refused.content

    @pytest.mark.parametrize(
        ("asked", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=100-", 100, -1), ("bytes=-10", -10, -1), ("bytes=5-999999999", 5, -1)]
    )
    def test_a_range_is_that_part_of_the_file(self, ann: Client, task: Task, asked: str, first: int, last: int) -> None:
        endpoints.take(ann)
        url = f"/media/tasks/{task.pk}/mix.ogg"
        whole = ann.get(url)
        assert whole.headers["Accept-Ranges"] == "bytes"
        body = whole.getvalue()
        first, last = first % len(body), last % len(body)
        part = ann.get(url, headers={"Range": asked})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(body)}"
        assert part.content == body[first : last + 1]

    def test_a_range_past_the_end_is_refused_with_the_length(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        url = f"/media/tasks/{task.pk}/mix.ogg"
        length = len(ann.get(url).getvalue())
        refused = ann.get(url, headers={"Range": f"bytes={length}-"})
        assert refused.status_code == 416
        assert refused.headers["Content-Range"] == f"bytes */{length}"

    def test_where_no_estimate_lies_there_is_no_sound(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        task.track.estimates.all().delete()
        assert ann.get(f"/media/tasks/{task.pk}/vocals.ogg").status_code == 404


class TestQueuePage:
    def test_it_says_what_waits_and_leads_to_the_editor(self, ann: Client) -> None:
        page = ann.get("/").content.decode()
        assert "Bleed" in page and "/c/bleed/annotate/" in page and "Start listening" in page

    def test_nothing_left_is_said_in_words(self, ann: Client, task: Task) -> None:
        endpoints.take(ann)
        endpoints.answer(ann, task)
        page = ann.get("/").content.decode()
        assert "Nothing left for you just now" in page and "Start listening" not in page
        assert "1 answer so far" in page

    def test_who_is_in_no_campaign_is_told_whom_to_ask(self, db: None) -> None:
        assert "You are in no campaign yet" in worlds.signed_in(worlds.user("lonely")).get("/").content.decode()
