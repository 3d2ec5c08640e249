"""Songs separated for programs: sent by a token, answered at once or as a job, fetched, removed; refusals as problems."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.models import Campaign
from hub.accounts.models import User
from hub.api.tokens.services import make_token
from hub.api.v1 import separations
from learner import services
from learner.core import checkpoint
from learner.models import Job, SentSong
from learner.work import sent_songs as work
from tests import worlds
from tests.hub.test_separate import read, song
from tests.learner.core.separators.tiny import tiny
from tests.present import present

HERE = "/api/v1/campaigns/bleed/"


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    campaign = worlds.campaign("bleed")
    services.share_file(campaign=campaign, file=checkpoint.save(tiny("unet"), tmp_path, recipe={}, parent=None).path)
    return campaign


def program(campaign: Campaign, role: str, *, limited: str = "", writes: bool = True) -> Client:
    member = worlds.member(campaign, role, role)
    assert isinstance(member.user, User)
    _, secret = make_token(owner=member.user, name="script", days=7, role=limited, writes=writes)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def a_worker_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_work(_seconds: float) -> None:
        for job in Job.objects.filter(kind="song", state=Job.State.QUEUED):
            work.separate_song(present(Job.claim(job.pk)))

    monkeypatch.setattr(separations.time, "sleep", at_work)


def test_a_short_song_is_answered_at_once(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    a_worker_is_free(monkeypatch)
    script = program(campaign, "researcher")
    answer: Any = script.post(f"{HERE}separate/?name=a.wav", song(2.0), content_type="audio/wav")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/flac"), answer
    stem = read(answer)
    about = script.get(answer["Content-Location"]).json()
    assert about["state"] == "done" and about["song"] == "a.wav" and set(about["sounds"]) == {"mixture", "stem", "rest"}
    assert np.array_equal(read(script.get(about["sounds"]["stem"])), stem)
    wav: Any = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("b.wav", song(2.0))}, headers={"Accept": "audio/wav"})
    assert wav["Content-Type"] == "audio/wav" and np.array_equal(read(wav), stem)


def test_a_long_song_or_a_busy_worker_gives_a_job(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    script = program(campaign, "owner")
    long = script.post(f"{HERE}separate/?name=long.wav", song(31.5), content_type="application/octet-stream")
    assert long.status_code == 202 and long.json()["seconds"] == 31.5
    script.post(f"{long['Location']}remove/")
    monkeypatch.setattr(separations, "PATIENCE", 0.0)
    answer = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("b.wav", song(2.0))})
    assert answer.status_code == 202 and answer.json()["state"] == "waiting"
    assert script.get(answer["Location"]).json() == answer.json()
    work.separate_song(present(Job.claim(answer.json()["job"])))
    assert script.get(answer["Location"]).json()["state"] == "done"
    assert program(campaign, "manager").get(answer["Location"]).status_code == 404, "only who sent it"
    removed = script.post(f"{answer['Location']}remove/")
    assert removed.status_code == 204 and script.get(answer["Location"]).status_code == 404


def test_refusals_are_problems_and_leave_nothing(campaign: Campaign) -> None:
    script = program(campaign, "owner")
    for body, about, status in (
        (b"no sound", {"content_type": "audio/wav"}, 400),
        (song(1.0), {"content_type": "audio/wav", "query_params": {"checkpoint": "f" * 64}}, 400),
        (song(1.0), {"content_type": "audio/wav", "query_params": {"name": "a.txt"}}, 400),
        (song(1.0), {"content_type": "text/plain"}, 415),
    ):
        answer = script.post(f"{HERE}separate/", body, **about)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert not SentSong.objects.exists() and not Job.objects.filter(kind="song").exists()
    assert program(campaign, "annotator").post(f"{HERE}separate/", song(1.0), content_type="audio/wav").status_code == 403
    limited = program(campaign, "manager", limited="annotator")
    assert limited.post(f"{HERE}separate/", song(1.0), content_type="audio/wav").status_code == 403
    reads = program(campaign, "researcher", writes=False)
    assert reads.post(f"{HERE}separate/", song(1.0), content_type="audio/wav").status_code == 403


def test_sent_again_under_its_key_it_is_one_song_and_one_job(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    script, key = program(campaign, "owner"), {"Idempotency-Key": "once"}
    monkeypatch.setattr(separations, "PATIENCE", 0.0)
    first = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("a.wav", song(2.0))}, headers=key)
    again = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("a.wav", song(2.0))}, headers=key)
    assert (first.status_code, again.status_code) == (202, 202) and again["Location"] == first["Location"]
    assert ("Idempotent-Replayed" in first.headers, again["Idempotent-Replayed"]) == (False, "true")
    assert (first["Retry-After"], script.get(first["Location"])["Retry-After"]) == ("2", "2")
    assert SentSong.objects.count() == Job.objects.filter(kind="song").count() == 1
    other = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("a.wav", song(2.5))}, headers=key)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    work.separate_song(present(Job.claim(first.json()["job"])))
    monkeypatch.setattr(separations, "PATIENCE", 1.0)
    done: Any = script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("a.wav", song(2.0))}, headers=key)
    assert len(read(done)) and done["Content-Type"] == "audio/flac" and "Retry-After" not in script.get(first["Location"]).headers
    removed = script.post(f"{first['Location']}remove/", headers={"Idempotency-Key": "form"})  # a form, whose body was read before
    assert removed.status_code == 204
    assert script.post(f"{HERE}separate/", {"audio": SimpleUploadedFile("a.wav", song(2.0))}, headers=key).status_code == 404


def test_who_sends_too_much_reads_when_to_come_again(campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    script = program(campaign, "owner")
    settings.SEPARATED_MINUTES = 1
    for seconds, status in ((31.0, 202), (31.5, 429)):
        answer = script.post(f"{HERE}separate/?name=a.wav", song(seconds), content_type="audio/wav")
        assert answer.status_code == status
    assert 86_000 < int(answer["Retry-After"]) <= 86_400
    monkeypatch.setattr("learner.services.sent_songs.MOST_EACH", 1)
    full = script.post(f"{HERE}separate/?name=b.wav", song(1.0), content_type="audio/wav")
    assert full.status_code == 429 and 0 < int(full["Retry-After"]) <= settings.SEPARATED_DAYS * 86_400
