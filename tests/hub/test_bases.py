"""The base of a campaign on its page: for its owner and managers alone."""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from annotation.models import Campaign
from learner import services
from learner.core.bases import SHIPPED_FILE
from learner.models import Job
from tests import worlds
from tests.hub.reading import text

PART = "/c/c/parts/base/"


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("c")


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "boss", "owner")


def real_song(campaign: Campaign) -> None:
    worlds.track(campaign, "a song", sample_rate=44_100)


def checked(client: Client) -> str:
    page = client.get(PART).content.decode()
    (line,) = [line for line in page.splitlines() if " checked" in line]
    return line.partition('value="')[2].partition('"')[0]


def test_the_page_names_the_base_that_suits_and_chooses_it_beforehand(campaign: Campaign, owner: Client) -> None:
    assert "Which base suits, the campaign's songs will tell" in text(owner, PART)
    worlds.track(campaign, "a generated one", sample_rate=16_000)
    assert "the shipped base suits them" in text(owner, PART) and checked(owner) == "shipped"
    real_song(campaign)
    said = text(owner, PART)
    assert "spleeter-22k suits them. The shipped base is worse than silence on real songs." in said and checked(owner) == "spleeter-22k"
    assert "73 MB to fetch. Licence MIT." in said


def test_it_says_which_is_here_and_which_needs_a_package(campaign: Campaign, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learner.core.bases.find_spec", lambda name: None)
    file = Path(settings.HOME) / "bases" / "spleeter-22k.safetensors"
    file.parent.mkdir(exist_ok=True)
    file.touch()
    said = text(owner, PART)
    file.unlink()
    assert said.count("It is here.") == 2 and "Needs pip install 'unbleed[demucs]'" in said


def test_a_click_brings_it_once_and_the_page_shows_how_far_it_is(campaign: Campaign, owner: Client) -> None:
    real_song(campaign)
    for _ in range(2):
        said = owner.post("/c/c/base/", {"base": "spleeter-22k"}, follow=True).content.decode()
        assert "spleeter-22k is on its way" in said
    job = Job.objects.get()
    assert "Waiting for a worker." in text(owner, PART) and "choose-base" not in owner.get(PART).content.decode()
    running = Job.claim(job.pk)
    assert running
    running.beat(12, 73, "downloading spleeter-22k, in MB")
    assert "Downloading spleeter-22k, in MB · 12 of 73" in text(owner, PART)
    assert "Another" not in said and "shipped" not in text(owner, PART)
    refused = owner.post("/c/c/base/", {"base": "shipped"}, follow=True).content.decode()
    assert "spleeter-22k is on its way to this campaign: wait" in refused
    services.fail(job=running, reason="Bring it by hand.")
    assert "Bring it by hand." in text(owner, PART) and checked(owner) == "spleeter-22k"
    assert "you chose the base spleeter-22k for the campaign to begin with" in text(owner, "/c/c/parts/history/")


def test_what_is_no_base_is_said(campaign: Campaign, owner: Client) -> None:
    assert "is no base; allowed are shipped" in owner.post("/c/c/base/", {"base": "x"}, follow=True).content.decode()


def test_the_shipped_base_on_real_songs_is_called_what_it_is(campaign: Campaign, owner: Client) -> None:
    worlds.with_model(campaign, services.keep_checkpoint(file=SHIPPED_FILE))
    assert "The campaign began with shipped , which works at 16000 Hz." in text(owner, PART) and "unfit-base" not in text(owner, PART)
    real_song(campaign)
    assert "worse than silence on real songs, such as this campaign has" in text(owner, PART)
    assert "Let it go on from spleeter-22k: songs, people and marks stay." in text(owner, "/c/c/")


def test_a_fetched_base_is_named_with_its_licence(campaign: Campaign, owner: Client) -> None:
    recipe = {"algorithm": "fetch", "name": "Spleeter, 2 stems", "by": "Deezer", "licence": "MIT"}
    worlds.with_model(campaign, worlds.checkpoint("s", recipe=recipe, sample_rate=22_050))
    real_song(campaign)
    said = text(owner, PART)
    assert "began with Spleeter, 2 stems (Deezer; licence MIT) , which works at 22050 Hz." in said
    assert "unfit-base" not in owner.get(PART).content.decode()


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_others_neither_see_it_nor_choose(campaign: Campaign, role: str) -> None:
    somebody = worlds.client(campaign, "somebody", role)
    assert somebody.get(PART).status_code == 404
    assert "Base" not in text(somebody, "/c/c/")
    assert somebody.post("/c/c/base/", {"base": "shipped"}).status_code == 403
    assert not Job.objects.exists()


def test_a_campaign_on_another_stem_is_offered_what_extracts_it(campaign: Campaign, owner: Client) -> None:
    Campaign.objects.update(stem="accompaniment")
    assert "the same weights" in text(owner, PART) and "Open-Unmix" not in text(owner, PART)
    refused = owner.post("/c/c/base/", {"base": "shipped"}, follow=True).content.decode()
    assert "The base shipped extracts vocals; the campaign listens to accompaniment" in refused
    Campaign.objects.update(stem="drums")
    assert "No base that can be fetched extracts drums" in text(owner, PART)
    assert not Job.objects.exists()
