"""Songs by the browser: the tus protocol, what is refused, and what a worker makes of the files. Real rows, real files."""

import base64
import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client
from django.utils.timezone import now

from annotation.models import Campaign, Membership, Track
from learner import services
from learner.ingest import ingest
from learner.models import Intake, Job, Round, Upload
from learner.services import intakes
from learner.work.intakes import take_in
from tests import worlds
from tests.hub.reading import text

TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    settings.HOME = tmp_path
    return worlds.campaign("bleed", owner=worlds.user("owner"))


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.signed_in(worlds.user("owner"))


@pytest.fixture
def intake(campaign: Campaign) -> Intake:
    return intakes.begin_intake(who=Membership.objects.get(), use="pool", domain="target")


def sound(seed: int = 0, seconds: float = 2.0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)), 16_000, format="WAV")
    return file.getvalue()


def door(intake: Intake) -> str:
    return f"/c/bleed/tracks/add/{intake.pk}/files/"


def begin(client: Client, intake: Intake, path: str, size: int) -> Any:
    name = base64.b64encode(path.encode()).decode()
    return client.post(door(intake), headers=TUS | {"Upload-Length": str(size), "Upload-Metadata": f"path {name}"})


def push(client: Client, where: str, offset: int, body: bytes) -> Any:
    kind = "application/offset+octet-stream"
    return client.patch(where, body, content_type=kind, headers=TUS | {"Upload-Offset": str(offset)})


def sent(client: Client, intake: Intake, path: str, body: bytes) -> None:
    assert push(client, begin(client, intake, path, len(body))["Location"], 0, body).status_code == 204


def work(intake: Intake) -> Intake:
    """What a worker does with the job."""
    job = intakes.take_in(intake=intake)
    claimed = Job.claim(job.pk)
    assert claimed
    take_in(claimed)
    return Intake.objects.get(pk=intake.pk)


def came(of: Intake) -> dict[str, Any]:
    """What became of the files."""
    outcome = Intake.objects.get(pk=of.pk).outcome
    assert isinstance(outcome, dict)
    return outcome


class TestTus:
    def test_a_file_arrives_in_pieces(self, owner: Client, intake: Intake) -> None:
        body = sound()
        made = begin(owner, intake, "album/first song.wav", len(body))
        assert (made.status_code, made["Upload-Offset"]) == (201, "0")
        where = made["Location"]
        assert push(owner, where, 0, body[:1000])["Upload-Offset"] == "1000"
        head = owner.head(where, headers=TUS)
        assert (head["Upload-Offset"], head["Upload-Length"]) == ("1000", str(len(body)))
        assert push(owner, where, 1000, body[1000:])["Upload-Offset"] == str(len(body))
        assert Upload.objects.get().whole.read_bytes() == body

    def test_the_same_file_again_goes_on_where_it_was(self, owner: Client, intake: Intake) -> None:
        where = begin(owner, intake, "song.wav", 5000)["Location"]
        push(owner, where, 0, b"x" * 1000)
        again = begin(owner, intake, "song.wav", 5000)
        assert (again["Location"], again["Upload-Offset"]) == (where, "1000")

    def test_another_file_of_that_name_begins_anew(self, owner: Client, intake: Intake) -> None:
        push(owner, begin(owner, intake, "song.wav", 5000)["Location"], 0, b"x" * 1000)
        assert begin(owner, intake, "song.wav", 6000)["Upload-Offset"] == "0"
        assert Upload.objects.count() == 1

    def test_bytes_from_elsewhere_are_refused(self, owner: Client, intake: Intake) -> None:
        where = begin(owner, intake, "song.wav", 5000)["Location"]
        assert push(owner, where, 10, b"x").status_code == 409
        assert push(owner, where, 0, b"x" * 5001).status_code == 400

    @pytest.mark.parametrize("path", ["../song.wav", "a/../../song.wav", "a//song.wav", "song\0.wav", "cover.jpg", "x" * 201 + ".wav", ""])
    def test_a_path_that_cannot_be_kept_is_refused_in_words(self, owner: Client, intake: Intake, path: str) -> None:
        answer = begin(owner, intake, path, 10)
        assert answer.status_code == 400
        assert answer.content.decode().endswith(".")
        assert not Upload.objects.exists()

    def test_what_is_too_large_or_empty_is_refused(self, owner: Client, intake: Intake) -> None:
        assert begin(owner, intake, "song.wav", 2 * 1024**3 + 1).status_code == 413
        assert begin(owner, intake, "song.wav", 0).status_code == 400

    def test_where_the_disk_is_full_it_is_said_before_anything_is_sent(
        self, owner: Client, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("annotation.files.disk_space.free", lambda path: intakes.SPARE + 100)
        answer = begin(owner, intake, "song.wav", 5000)
        assert answer.status_code == 507
        assert "0 MB are free for songs" in answer.content.decode()

    def test_another_version_of_the_protocol_is_refused(self, owner: Client, intake: Intake) -> None:
        answer = owner.post(door(intake))
        assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")

    def test_a_file_can_be_taken_out_again(self, owner: Client, intake: Intake) -> None:
        where = begin(owner, intake, "song.wav", 5000)["Location"]
        assert owner.delete(where, headers=TUS).status_code == 204
        assert owner.head(where, headers=TUS).status_code == 404

    def test_only_managers_of_the_campaign_come_in(self, owner: Client, campaign: Campaign, intake: Intake) -> None:
        where = begin(owner, intake, "song.wav", 5000)["Location"]
        for client, status in [(worlds.client(campaign, "ann"), 403), (worlds.signed_in(worlds.user("stranger")), 404)]:
            assert begin(client, intake, "song.wav", 5000).status_code == status
            assert push(client, where, 0, b"x").status_code == status
            assert client.get(f"/c/bleed/tracks/add/{intake.pk}/").status_code == status
            assert client.get("/c/bleed/tracks/add/").status_code == status
        worlds.campaign("other", owner=worlds.user("boss"))
        boss = worlds.signed_in(worlds.user("boss"))
        assert boss.head(where.replace("/bleed/", "/other/"), headers=TUS).status_code == 404


class TestTakingIn:
    def test_songs_are_added_and_the_rest_is_named(self, owner: Client, campaign: Campaign, intake: Intake) -> None:
        sent(owner, intake, "first.wav", sound(1))
        sent(owner, intake, "second.wav", b"this is no sound")
        done = work(intake)
        assert came(done)["added"] == ["first"]
        assert [one["file"] for one in came(done)["left_out"]] == ["second.wav"]
        assert Track.objects.get().use == "pool"
        assert not done.folder.exists()
        page = text(owner, f"/c/bleed/tracks/add/{intake.pk}/")
        assert "1 song added, 1 left out" in page and "second.wav" in page

    def test_a_zip_holds_songs_with_stems(self, owner: Client, campaign: Campaign, intake: Intake) -> None:
        archive = io.BytesIO()
        vocals, band = np.frombuffer(sound(1)[44:], "<i2") // 4, np.frombuffer(sound(2)[44:], "<i2") // 4
        with zipfile.ZipFile(archive, "w") as packed:
            for name, samples in {"vocals": vocals, "accompaniment": band, "mixture": vocals + band}.items():
                file = io.BytesIO()
                soundfile.write(file, samples.astype(np.int16), 16_000, format="WAV")
                packed.writestr(f"album/song/{name}.wav", file.getvalue())
            packed.writestr("album/cover.jpg", b"no sound")
        sent(owner, intake, "songs.zip", archive.getvalue())
        done = work(intake)
        assert came(done)["left_out"] == []
        assert set(Track.objects.get().stems.values_list("name", flat=True)) == {"mixture", "vocals", "accompaniment"}

    def test_an_archive_that_points_out_of_itself_is_not_opened(self, owner: Client, intake: Intake, tmp_path: Path) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("../../../escaped.wav", sound())
        sent(owner, intake, "songs.zip", archive.getvalue())
        assert "points out of it" in came(work(intake))["left_out"][0]["reason"]
        assert not list(tmp_path.rglob("escaped.wav"))

    def test_nothing_is_taken_in_while_a_file_is_not_whole(self, owner: Client, intake: Intake) -> None:
        push(owner, begin(owner, intake, "song.wav", 5000)["Location"], 0, b"x" * 1000)
        answer = owner.post(f"/c/bleed/tracks/add/{intake.pk}/take-in/", follow=True)
        assert "1 file not here whole" in answer.content.decode()
        assert not Job.objects.exists()

    def test_taken_in_is_taken_in(self, owner: Client, intake: Intake) -> None:
        sent(owner, intake, "first.wav", sound(1))
        owner.post(f"/c/bleed/tracks/add/{intake.pk}/take-in/")
        assert "Waiting for a worker" in text(owner, f"/c/bleed/tracks/add/{intake.pk}/")
        assert begin(owner, intake, "late.wav", 5000).status_code == 410
        owner.post(f"/c/bleed/tracks/add/{intake.pk}/take-in/")
        assert Job.objects.count() == 1
        assert not intakes.discard(intake=intake)

    def test_a_job_that_was_cut_short_counts_its_songs_once(self, owner: Client, campaign: Campaign, intake: Intake) -> None:
        sent(owner, intake, "first.wav", sound(1))
        sent(owner, intake, "second.wav", sound(2))
        ingest(campaign=campaign, folder=intake.songs, use="pool", domain="target", only={"first"})
        assert came(work(intake))["added"] == ["first", "second"]

    def test_no_round_begins_while_songs_come_in(self, campaign: Campaign, owner: Client, intake: Intake) -> None:
        worlds.with_model(campaign, worlds.checkpoint("base"))
        worlds.track(campaign)
        sent(owner, intake, "first.wav", sound(1))
        job = intakes.take_in(intake=intake)
        services.advance(campaign=campaign)
        assert not Round.objects.exists()
        services.fail(job=job, reason="the disk is gone")
        services.advance(campaign=campaign)
        assert Round.objects.count() == 1

    def test_what_could_not_be_taken_in_is_tried_again(self, owner: Client, intake: Intake) -> None:
        sent(owner, intake, "first.wav", sound(1))
        services.fail(job=intakes.take_in(intake=intake), reason="The disk is gone.")
        assert "could not be taken in: The disk is gone." in text(owner, f"/c/bleed/tracks/add/{intake.pk}/")
        assert came(work(intake))["added"] == ["first"]

    def test_what_nobody_takes_in_goes_after_two_weeks(self, owner: Client, intake: Intake) -> None:
        sent(owner, intake, "first.wav", sound(1))
        assert intakes.discard_old() == 0
        Intake.objects.update(created=now() - timedelta(days=15))
        assert intakes.discard_old() == 1
        assert not intake.folder.exists()


def test_what_songs_are_for_is_chosen_first(owner: Client, campaign: Campaign) -> None:
    assert owner.post("/c/bleed/tracks/add/", {"use": "fun", "domain": "target"}).status_code == 400
    answer = owner.post("/c/bleed/tracks/add/", {"use": "gate", "domain": "target", "licence": "CC-BY-4.0"})
    assert answer.status_code == 302
    made = Intake.objects.get()
    assert (made.use, made.domain, made.licence) == ("gate", "target", "CC-BY-4.0")
    assert "Songs for gate, target" in text(owner, answer["Location"])


def test_a_new_campaign_says_what_it_needs(campaign: Campaign, owner: Client) -> None:
    said = text(owner, "/c/bleed/")
    assert "to do Songs that people listen to : none yet" in said
    assert "nobody but you yet" in said
    worlds.track(campaign)
    assert "thin Songs that people listen to : 1 song in the pool: at most 2 clips a round, of 6 that are asked for;" in text(
        owner, "/c/bleed/"
    )
