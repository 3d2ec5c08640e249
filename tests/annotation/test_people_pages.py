"""One's own page, and what managers see of people. Real rows, generated audio."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services
from annotation.events import record
from annotation.models import Campaign, Membership, Reliability, Task
from annotation.selectors import access
from annotation.services import gold_sounds
from tests import worlds
from tests.annotation import endpoints
from tests.annotation.gold_song import campaign_with_song, open_pool, separated, song

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(tmp_path: Path, settings: Any) -> Campaign:
    settings.HOME = tmp_path
    return campaign_with_song(n_pool=3)


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def client(ann: Membership) -> Client:
    """Her browser."""
    return worlds.signed_in(ann)


class TestMyPage:
    def test_one_hears_what_ones_marks_changed(
        self, campaign: Campaign, client: Client, ann: Membership, tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        task = worlds.given(ann)
        mine = worlds.answer(task, ann, (task.start + 5, task.start + 7), lead_time=20.0)
        assert "Nothing to hear yet" in client.get("/c/gold/me/").content.decode()
        assert client.get(f"/media/changed/{mine.pk}/after.ogg").status_code == 404
        samples, rate = soundfile.read(io.BytesIO(song()["estimate"]))
        soundfile.write(tmp_path / "child.flac", 0.1 * samples, rate)
        services.keep_estimate(track=task.track, stem="vocals", checkpoint="d" * 64, file=tmp_path / "child.flac")
        record(campaign, "model.promoted", before={"checkpoint": worlds.CHECKPOINT}, after={"checkpoint": "d" * 64})
        page = client.get("/c/gold/me/").content.decode()
        assert "You marked 2.0 s" in page and "20 dB quieter" in page
        Campaign.objects.update(onboarding=True, gold_share=0.1, qualification=2, pause_below=0.5)
        with django_assert_max_num_queries(15):
            client.get("/c/gold/me/")
        Campaign.objects.update(onboarding=False)
        with django_assert_max_num_queries(15):
            client.get("/c/gold/me/")
        before, after = (
            soundfile.read(io.BytesIO(client.get(f"/media/changed/{mine.pk}/{which}.ogg").content))[0] for which in ("before", "after")
        )
        assert np.abs(after).max() < 0.2 * np.abs(before).max()
        other = worlds.client(campaign, "other")
        assert other.get(f"/media/changed/{mine.pk}/before.ogg").status_code == 404
        record(campaign, "model.rolled_back", before={"checkpoint": "d" * 64}, after={"checkpoint": worlds.CHECKPOINT})
        assert "Nothing to hear yet" in client.get("/c/gold/me/").content.decode()

    def test_a_paused_person_reads_why_and_appeals_and_a_manager_lifts_it(
        self, campaign: Campaign, client: Client, ann: Membership
    ) -> None:
        campaign.pause_below, campaign.pause_after, campaign.gold_share = 0.6, 1, 0.5
        campaign.save()
        golds = gold_sounds.prepare_gold(campaign=campaign, n=4, separate=separated)
        open_pool(campaign.tracks.get(), 1, golds)
        while (response := endpoints.take(client, "gold")).status_code == 200:
            task = Task.objects.get(pk=response.json()["task"]["id"])
            worlds.answer(task, ann, task.clip, lead_time=20.0)
            worlds.agreed(task)
        assert response.status_code == 403 and response.json()["go"] == "/c/gold/me/"
        assert "You are paused" in client.get("/c/gold/me/").content.decode()
        assert client.get("/c/gold/annotate/").headers["Location"] == "/c/gold/me/"
        client.post("/c/gold/me/appeal/", {"text": "I held the key."})
        again = client.post("/c/gold/me/appeal/", {"text": "again"}, follow=True)  # from another tab
        assert "There is no pause to appeal against" in again.content.decode()
        boss = worlds.client(campaign, "boss", "manager")
        page = boss.get("/c/gold/people/").content.decode()
        assert "I held the key." in page
        pause = access.pause_of(ann)
        assert pause
        assert client.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "lift"}).status_code == 403
        boss.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "uphold", "reply": "All ten seconds?"})
        assert "All ten seconds?" in client.get("/c/gold/me/").content.decode()
        boss.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "lift"})
        assert endpoints.take(client, "gold").status_code in (200, 204)

    def test_the_leaderboard_is_there_only_if_wanted_and_weighs_reliability(
        self, campaign: Campaign, client: Client, ann: Membership
    ) -> None:
        assert client.get("/c/gold/leaderboard/").status_code == 404
        campaign.leaderboard = True
        campaign.save()
        sloppy = worlds.member(campaign, "sloppy")
        for one, sensitivity, n in ((ann, 0.9, 2), (sloppy, 0.2, 3)):
            Reliability.objects.create(membership=one, sensitivity=sensitivity, specificity=0.9, onset_lag=0, offset_lag=0, n_tasks=1)
            for _ in range(n):
                worlds.answer(worlds.given(one), one, lead_time=20.0)
        page = client.get("/c/gold/leaderboard/").content.decode()
        assert page.index(">ann") < page.index(">sloppy")


class TestPeoplePage:
    def test_managers_alone_see_it(self, campaign: Campaign, client: Client) -> None:
        assert client.get("/c/gold/people/").status_code == 403
        assert worlds.client(campaign, "rev", "reviewer").get("/c/gold/people/").status_code == 403
        assert worlds.client(campaign, "boss", "manager").get("/c/gold/people/").status_code == 200

    def test_who_does_not_listen_shows(self, campaign: Campaign, ann: Membership) -> None:
        open_pool(campaign.tracks.get(), 9)
        while assignment := services.assign_task(by=ann):
            worlds.answer(assignment.task, ann, lead_time=2.0, heard=None)  # came from elsewhere: the page's must have been heard
        honest = worlds.member(campaign, "honest")
        while assignment := services.assign_task(by=honest):
            worlds.answer(assignment.task, honest, lead_time=20.0)
        boss = worlds.client(campaign, "boss", "owner")
        page = boss.get("/c/gold/people/").content.decode()
        assert "answers sooner than the clip lasts (0.80)" in page and "unplayed (0.80)" in page
        assert page.index(">ann<") < page.index(">honest<")
        for page in ("", "parts/people/"):
            assert boss.get(f"/c/gold/{page}").content.decode().count('href="/c/gold/people/"') == 1


def test_many_people_come_in_pages_and_are_found_by_name(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = worlds.client(campaign, "boss", "manager")
    worlds.people(campaign, 4)
    monkeypatch.setattr("annotation.pages.people.SHOWN", 2)
    last = boss.get("/c/gold/people/?page=99").content.decode()
    assert "page 3 of 3" in last and last.count('class="number"') == 3 + 3
    found = boss.get("/c/gold/people/?q=P2").content.decode()
    assert ">p2<" in found and ">p3<" not in found
    assert "Nobody is like that." in boss.get("/c/gold/people/?q=zzz").content.decode()
