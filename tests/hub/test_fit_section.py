"""Whether the base suits, on the campaign's page: in words, with figures, sounds and buttons; for its owner and managers alone."""

import io

import numpy as np
import pytest
import soundfile
from django.test import Client

from annotation.files import storage
from annotation.models import Campaign
from learner import services
from learner.core.bases import SHIPPED_FILE
from learner.models import Job, Trial, TriedSong
from tests import worlds
from tests.hub.reading import text

PART = "/c/c/parts/fit/"
BAD = {"sdr": -2.6, "sdr_of_mix": 0.3, "sung_sdr": 0.1, "sung_sdr_of_mix": 1.5, "si_sdr": -7.5, "si_sdr_of_mix": -12.2,
       "voice_kept_db": -5.4, "leak": 10.8, "quiet": 0.38}  # fmt: skip
GOOD = BAD | {"sdr": 6.4, "sung_sdr": 6.6, "sung_sdr_of_mix": 0.8, "voice_kept_db": -1.5, "leak": 0.4}


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("c", paused=True)


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "boss", "owner")


def tried(campaign: Campaign, base: str, figures: dict[str, float], *names: str) -> list[TriedSong]:
    """A base that was tried on songs of these names, of real music."""
    job = services.queue_job(campaign=campaign, kind=Job.Kind.TRIAL)
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    sound = worlds.flac(np.zeros((44_100, 1)), 44_100)
    known = {track.name: track for track in campaign.tracks.all()}
    tracks = [known.get(name) or worlds.song(campaign, {"mixture": sound}, name=name) for name in names]
    trial = Trial.objects.create(campaign=campaign, base=base, tracks=[track.pk for track in tracks], job=job)
    key = storage.keep(sound, ".flac")
    return [TriedSong.objects.create(trial=trial, track=track, figures=figures, start=0.0, file=key) for track in tracks]


def test_before_songs_are_there_it_says_what_will_be_done(campaign: Campaign, owner: Client) -> None:
    assert "As soon as songs are there" in text(owner, PART)
    assert "Try it on the songs" not in text(owner, PART)


def test_a_base_that_does_not_suit_is_called_so_and_the_better_one_is_a_click_away(campaign: Campaign, owner: Client) -> None:
    tried(campaign, "shipped", BAD, "sodium")
    tried(campaign, "spleeter-22k", GOOD, "sodium")
    said = text(owner, PART)
    assert "shipped does not suit the song that it was tried on" in said
    assert "On sodium it is worse than silence" in said and "-2.6 0.0 0.3 0.1 1.5 -7.5 (-12.2) -5.4 10.8" in said
    assert "spleeter-22k suits the song that it was tried on" in said
    page = owner.get(PART).content.decode()
    assert page.count("Begin with ") == 1 and 'name="base" value="spleeter-22k"' in page
    owner.post("/c/c/base/", {"base": "spleeter-22k"})
    assert Job.objects.filter(kind="base").exists()


def test_a_campaign_whose_base_does_not_suit_is_told_which_to_try(campaign: Campaign, owner: Client) -> None:
    worlds.with_model(campaign, services.keep_checkpoint(file=SHIPPED_FILE))
    tried(campaign, Trial.OWN, BAD, "sodium")
    assert "Try spleeter-22k next." in text(owner, PART) and "Begin with" not in text(owner, PART)
    tried(campaign, "spleeter-22k", GOOD, "sodium")
    assert "spleeter-22k suits these songs better: take it." in text(owner, PART)
    assert "Go on from spleeter-22k" in text(owner, PART)
    owner.post("/c/c/base/", {"base": "spleeter-22k", "another": "yes"})
    assert Job.objects.filter(kind="base").exists()


def test_where_none_suits_another_checkpoint_is_asked_for(campaign: Campaign, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(campaign, "spleeter-22k", BAD, "sodium")
    monkeypatch.setattr("learner.core.bases.find_spec", lambda name: object())
    assert "Try openunmix next." in text(owner, PART)
    monkeypatch.setattr("learner.core.bases.find_spec", lambda name: None)  # no package of others: what cannot be tried here is not advised
    assert "Try hdemucs next." in text(owner, PART)
    worlds.with_model(campaign, worlds.checkpoint("own"))
    tried(campaign, Trial.OWN, BAD, "sodium")
    assert "bring a checkpoint of yours" in text(owner, PART)


def test_songs_without_stems_are_a_guess_and_can_be_heard(campaign: Campaign, owner: Client) -> None:
    (song,) = tried(campaign, "shipped", {"quiet": 0.04, "sung_level_db": -4.4, "rest_level_db": -10.4}, "on the run")
    said = text(owner, PART)
    assert "seems not to suit" in said and "this is a guess" in said and "on the run does not suit -4 -10 4" in said
    for which in ("extracted", "mix"):
        answer = owner.get(f"/c/c/base/tried/{song.pk}/{which}/")
        assert soundfile.info(io.BytesIO(answer.content)).duration == 1.0
    assert worlds.client(worlds.campaign("d"), "other", "owner").get(f"/c/c/base/tried/{song.pk}/mix/").status_code == 404


def test_a_click_tries_another_and_says_how_far_it_is(campaign: Campaign, owner: Client) -> None:
    refused = owner.post("/c/c/base/try/", {"base": "spleeter-22k"}, follow=True).content.decode()
    assert "no songs to try a base on yet" in refused
    worlds.song(campaign, {"mixture": worlds.flac(np.zeros((44_100, 1)), 44_100)})
    assert "spleeter-22k: 73 MB to fetch" in text(owner, PART)
    assert "as soon as a worker is free" in owner.post("/c/c/base/try/", {"base": "spleeter-22k"}, follow=True).content.decode()
    job = Job.objects.get()
    assert job.kind == "trial" and "done when no other job" in text(owner, PART)
    running = Job.claim(job.pk)
    assert running
    running.beat(1, 5, "trying the base on song")
    assert "Trying the base on song · 1 of 5" in text(owner, PART)
    services.fail(job=running, reason="Bring it by hand.")
    assert "Bring it by hand." in text(owner, PART)
    assert "you had the base spleeter-22k tried on 1 song" in text(owner, "/c/c/parts/history/")
    assert "is no base" in owner.post("/c/c/base/try/", {"base": "x"}, follow=True).content.decode()


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_others_do_not_see_it(campaign: Campaign, role: str) -> None:
    somebody = worlds.client(campaign, "somebody", role)
    assert somebody.get(PART).status_code == 404 and somebody.post("/c/c/base/try/", {"base": "shipped"}).status_code == 403
