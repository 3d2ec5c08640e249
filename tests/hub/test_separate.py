"""Songs that people send to be separated: sent, heard, compared, taken home, removed. A real model and real sound."""

import base64
import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from annotation.files import storage, whole_tracks
from annotation.models import Campaign, Event
from annotation.services.leaving import withdraw
from hub.tidy import STRICTEST, tidy
from learner import actors, services
from learner.core import audio, checkpoint
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.models import Checkpoint, Job, SentSong
from learner.selectors import current_checkpoint
from learner.services import sent_songs
from learner.services.deleting import removal
from learner.work import sent_songs as work
from learner.work.plan import load
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

RATE = 16_000
SECONDS = 31.5  # two parts
TUS = {"Tus-Resumable": "1.0.0"}


def song(seconds: float = SECONDS, level: float = 0.3) -> bytes:
    """A stereo WAV of tones that come and go."""
    at = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * 440 * at) * (np.sin(at) > 0) + 0.5 * np.sin(2 * np.pi * 97 * at)
    file = io.BytesIO()
    soundfile.write(file, (level * np.stack([tone, np.roll(tone, 99)], axis=1)).astype(np.float32), RATE, "PCM_24", format="WAV")
    return file.getvalue()


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    campaign = worlds.campaign("bleed")
    services.share_file(campaign=campaign, file=checkpoint.save(tiny("unet"), tmp_path, recipe={}, parent=None).path)
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def send(browser: Client, content: bytes, name: str = "evening.wav") -> SentSong:
    """By tus, in two pieces."""
    path = base64.b64encode(name.encode()).decode()
    made = browser.post("/c/bleed/separate/files/", headers={**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"path {path}"})
    assert made.status_code == 201, made.content
    half = len(content) // 2
    for at, piece in ((0, content[:half]), (half, content[half:])):
        kind = "application/offset+octet-stream"
        assert browser.patch(made["Location"], piece, content_type=kind, headers={**TUS, "Upload-Offset": str(at)}).status_code == 204
    return SentSong.objects.latest("pk")


def separated(browser: Client, content: bytes | None = None, **form: str) -> SentSong:
    """Sent, asked for, and done by a worker."""
    one = send(browser, content or song())
    assert browser.post("/c/bleed/separate/", form)["Location"] == f"/c/bleed/separate/{one.key}/"
    return done(one)


def done(one: SentSong) -> SentSong:
    one = SentSong.objects.get(pk=one.pk)
    work.separate_song(present(Job.claim(present(one.job).pk)))
    return SentSong.objects.select_related("job", "campaign").get(pk=one.pk)


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def read(answer: Any) -> np.ndarray:
    return soundfile.read(io.BytesIO(content(answer)), dtype="float32", always_2d=True)[0].T


class TestASong:
    def test_what_is_played_and_taken_home_is_what_the_separator_gives(self, campaign: Campaign, owner: Client) -> None:
        one = separated(owner)
        mix = soundfile.read(io.BytesIO(song()), dtype="float32", always_2d=True)[0].T
        stem = separate(load(present(current_checkpoint(campaign))), mix, RATE)
        address = f"/c/bleed/separate/{one.key}"
        assert np.abs(read(owner.get(f"{address}/stem.flac")) - stem).max() <= 2**-23
        assert np.array_equal(read(owner.get(f"{address}/stem.wav")), read(owner.get(f"{address}/stem.flac")))
        assert np.array_equal(read(owner.get(f"{address}/mixture.wav")), mix)
        rest = read(owner.get(f"{address}/rest.flac"))
        assert np.abs(rest + read(owner.get(f"{address}/stem.flac")) - mix).max() <= 2**-22, "they add up to the mix"
        heard, rate = soundfile.read(io.BytesIO(owner.get(f"{address}/stem/1.ogg").content), always_2d=True)
        part = stem[:, round(whole_tracks.PART * RATE) :]
        assert rate == RATE and heard.shape == part.T.shape, "in step with the mix to the sample"
        error = np.square(heard.T - part).sum() / np.square(part).sum()
        assert error < 10**-1.5, "Vorbis' own error"

    def test_the_page_has_all_sounds_in_step_and_the_files(
        self, campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        one = separated(owner)
        with django_assert_max_num_queries(15):
            html = owner.get(f"/c/bleed/separate/{one.key}/").content.decode()
        desk = json.loads(present(re.search(r'<script id="desk" type="application/json">(.*?)</script>', html))[1])
        assert desk["duration"] == pytest.approx(SECONDS) and desk["n_parts"] == 2 and desk["differences"] is None
        assert [sound["title"].partition(" by")[0] for sound in desk["sounds"]] == [
            "Mix",
            "Vocals",
            "Accompaniment: what is left of the mix",
        ]
        for sound in desk["sounds"]:
            for name in ("0.ogg", "1.ogg", "0.png", "shape.json"):
                assert owner.get(sound["url"] + name).status_code == 200
            assert owner.get(sound["url"] + "2.ogg").status_code == 404
        assert html.count('download aria-label="') == 6
        with django_assert_max_num_queries(15):
            assert "ready" in owner.get("/c/bleed/separate/").content.decode()

    def test_before_and_after_are_compared(self, campaign: Campaign, owner: Client, tmp_path: Path) -> None:
        base = present(current_checkpoint(campaign))
        one = separated(owner, beside=base.hash)
        assert one.beside is None, "nothing is compared with itself"
        child = worlds.checkpoint("d" * 64, base)
        worlds.ended_round(campaign, child, "promoted")
        child.file = storage.keep(checkpoint.save(tiny("unet", widths=[2, 2]), tmp_path, recipe={}, parent=None).path, ".safetensors")
        child.save()
        owner.post(f"/c/bleed/separate/{one.key}/again/", {"checkpoint": base.hash, "beside": child.hash})
        stem = present(one.sound("stem")).stat().st_mtime_ns
        one = done(one)
        assert present(one.sound("stem")).stat().st_mtime_ns == stem, "what is there is not made again"
        page = owner.get(f"/c/bleed/separate/{one.key}/").content.decode()
        assert f"Vocals by {child.short}" in page and "where they differ most" in page
        assert isinstance(owner.get(f"/c/bleed/separate/{one.key}/differences.json").json(), list)
        assert one.charged == pytest.approx(2 * SECONDS), "it counts twice"

    def test_what_is_over_full_scale_is_not_clipped(self, owner: Client) -> None:
        file = io.BytesIO()
        loud = 3 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE).astype(np.float32)
        soundfile.write(file, loud, RATE, "FLOAT", format="WAV")
        one = separated(owner, file.getvalue())
        assert owner.get(f"/c/bleed/separate/{one.key}/mixture.flac").status_code == 404
        assert np.array_equal(read(owner.get(f"/c/bleed/separate/{one.key}/mixture.wav"))[0], loud)

    def test_progress_and_then_the_whole_page(self, owner: Client) -> None:
        one = send(owner, song(1.0))
        owner.post("/c/bleed/separate/")
        waiting = owner.get(f"/c/bleed/separate/{one.key}/", headers={"HX-Request": "true"})
        assert "Waiting for a worker" in waiting.content.decode()
        done(one)
        assert owner.get(f"/c/bleed/separate/{one.key}/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"

    def test_a_file_that_cannot_be_separated_says_why_and_alarms_nobody(self, owner: Client) -> None:
        one = separated(owner, song(1.0, level=0.0))
        assert "The file is silent" in owner.get(f"/c/bleed/separate/{one.key}/").content.decode()
        assert present(one.job).state == Job.State.DONE and not one.folder.exists()
        send(owner, b"RIFF no sound at all", "noise.wav")
        assert "noise.wav: " in owner.post("/c/bleed/separate/", follow=True).content.decode()
        refused = owner.post("/c/bleed/separate/files/", headers={**TUS, "Upload-Length": "9", "Upload-Metadata": "path bm90ZXMudHh0"})
        assert refused.status_code == 400 and b"notes.txt" in refused.content


class TestWhoMay:
    def test_annotators_may_where_the_campaign_says_so(self, campaign: Campaign) -> None:
        ann = worlds.client(campaign, "ann")
        assert ann.get("/c/bleed/separate/").status_code == 403
        Campaign.objects.update(all_separate=True)
        assert ann.get("/c/bleed/separate/").status_code == 200
        assert worlds.client(worlds.campaign("other"), "stranger").get("/c/bleed/separate/").status_code == 404

    def test_nobody_hears_anothers_song(self, campaign: Campaign, owner: Client) -> None:
        one = separated(owner, song(1.0))
        manager = worlds.client(campaign, "manager", "manager")
        for rest in ("", "stem/", "stem/0.ogg", "stem/0.png", "stem/shape.json", "stem.wav", "differences.json"):
            assert manager.get(f"/c/bleed/separate/{one.key}/{rest}").status_code == 404, rest
        assert manager.post(f"/c/bleed/separate/{one.key}/remove/").status_code == 404
        assert "evening" not in manager.get("/c/bleed/jobs/").content.decode() + manager.get("/c/bleed/audit/").content.decode()

    def test_minutes_of_a_day_and_songs_at_a_time(self, campaign: Campaign, owner: Client, settings: Any) -> None:
        settings.SEPARATED_MINUTES = 1
        separated(owner, song(40.0))
        sent_songs.remove_song(song=SentSong.objects.get())
        send(owner, song(21.0), "more.wav")
        assert "0.3 are left of the 1" in owner.post("/c/bleed/separate/", follow=True).content.decode(), "what was removed counts too"
        SentSong.objects.filter(path="").update(asked=now() - timedelta(hours=25))
        assert owner.post("/c/bleed/separate/")["Location"] != "/c/bleed/separate/"
        member = campaign.memberships.get(role="owner")
        for n in range(sent_songs.MOST_EACH - 1):
            sent_songs.begin_song(who=member, path=f"{n}.wav", size=9)
        with pytest.raises(sent_songs.TooMany):
            sent_songs.begin_song(who=member, path="more yet.wav", size=9)


class TestGone:
    def test_removed_by_hand_it_is_gone_at_once(self, owner: Client, django_capture_on_commit_callbacks: Any) -> None:
        one = separated(owner, song(1.0))
        with django_capture_on_commit_callbacks(execute=True):
            owner.post(f"/c/bleed/separate/{one.key}/remove/")
        assert not one.folder.exists() and owner.get(f"/c/bleed/separate/{one.key}/").status_code == 404
        assert [event.what for event in Event.objects.filter(what__startswith="songs.").order_by("pk")] == [
            "songs.separated",
            "songs.removed",
        ]

    def test_a_worker_throws_away_what_it_makes_of_a_song_that_was_removed(self, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        one = send(owner, song(1.0))
        owner.post("/c/bleed/separate/")

        def meanwhile(row: Checkpoint) -> Separator:
            sent_songs.remove_song(song=one)
            return load(row)

        monkeypatch.setattr(work, "load", meanwhile)
        assert done(one).removed and not one.folder.exists()
        assert Job.objects.get(kind="song").state == Job.State.DONE

    def test_by_the_clock(self, owner: Client) -> None:
        one, young = separated(owner, song(1.0)), send(owner, song(1.5), "young.wav")
        SentSong.objects.filter(pk=one.pk).update(created=now() - timedelta(days=8))
        assert sum(gone.n for gone in tidy(STRICTEST) if "sent" in gone.what) == 1
        assert not one.folder.exists() and young.folder.exists()
        SentSong.objects.filter(pk=one.pk).update(removed=now() - timedelta(days=2), asked=now() - timedelta(days=2))
        list(tidy(STRICTEST))
        assert list(SentSong.objects.all()) == [young]

    def test_with_who_sent_it(self, campaign: Campaign) -> None:
        Campaign.objects.update(all_separate=True)
        ann = worlds.client(campaign, "ann")
        one = separated(ann, song(1.0))
        with zipfile.ZipFile(io.BytesIO(content(ann.get("/c/bleed/me/data.zip")))) as packed:
            (row,) = json.loads(packed.read("sent_songs.json"))
            assert row["song"] == "evening.wav" and row["separated_by"] == present(current_checkpoint(campaign)).hash
            assert packed.read(f"sent_songs/{one.pk}-mixture.flac")[:4] == b"fLaC"
        member = campaign.memberships.get(role="annotator")
        withdraw(by=member)
        actors.remove_sent_songs.fn(member.pk)
        assert not one.folder.exists() and not SentSong.objects.exclude(path="").exists()

    def test_with_the_campaign(self, campaign: Campaign, owner: Client) -> None:
        one = separated(owner, song(1.0))
        for _ in removal(campaign):
            pass
        assert not one.folder.exists() and not SentSong.objects.exists()


def test_by_command(campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(song(1.0))
    call_command("separate", str(tmp_path / "a.wav"), campaign="bleed", to=str(tmp_path / "out"))
    stem = audio.read(tmp_path / "out" / "a" / "vocals.flac").samples
    mix = audio.read(tmp_path / "a.wav").samples
    assert np.abs(stem - separate(load(present(current_checkpoint(campaign))), mix, RATE)).max() <= 2**-23
    assert (tmp_path / "out" / "a" / "accompaniment.flac").is_file()
    assert not SentSong.objects.exists(), "nothing was sent anywhere"
