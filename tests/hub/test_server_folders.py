"""Songs from a folder of the server: who may, what is refused, and what a worker makes of it. Real files."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Event, Membership, Track
from learner import services
from learner.core.songs.finding import LINK
from learner.models import Intake, Job
from learner.services import intakes, server_folders
from learner.work.intakes import take_in
from tests import worlds
from tests.hub import reading
from tests.hub.test_uploads import sound

BAND = ("mixture", "vocals", "drums", "bass", "other")


@pytest.fixture
def music(settings: Any, tmp_path: Path) -> Path:
    settings.HOME = tmp_path / "home"
    folder = tmp_path / "music"
    (folder / "lab" / "takes").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "private.wav").write_bytes(sound(9))
    settings.SERVER_FOLDERS = [folder]
    return folder


@pytest.fixture
def campaign(db: None, music: Path) -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("owner"))


@pytest.fixture
def intake(campaign: Campaign) -> Intake:
    return intakes.begin_intake(who=Membership.objects.get(), use="pool", domain="target", licence="CC0-1.0")


@pytest.fixture
def admin(campaign: Campaign) -> Client:
    """Owns the campaign and runs the site."""
    user = worlds.user("owner")
    user.is_superuser = True
    user.save()
    return worlds.signed_in(user)


def door(intake: Intake) -> str:
    return f"/c/bleed/tracks/add/{intake.pk}/server/"


def taken(client: Client, intake: Intake, path: str = "") -> dict[str, Any]:
    """What came of this folder, once a worker has done it."""
    answer = client.post(door(intake), {"in": "0", "path": path})
    assert answer.status_code == 302
    job = Job.claim(Job.objects.get(kind="ingest", state="queued").pk)
    assert job
    take_in(job)
    intake.refresh_from_db()
    assert intake.outcome is not None
    return dict(intake.outcome)


def packed(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


class TestChoosing:
    def test_folders_are_walked_down_and_up(self, admin: Client, intake: Intake, music: Path) -> None:
        (music / "lab" / "one.wav").write_bytes(sound())
        assert str(music) in reading.text(admin, door(intake))
        page = admin.get(f"{door(intake)}?in=0&path=lab").content.decode()
        assert "1 file of sound or .zip in it, and 1 folder." in reading.main(page)
        assert 'href="?in=0&amp;path=lab%2Ftakes"' in page and 'href="?in=0&amp;path="' in page
        assert "a folder of the server" in reading.text(admin, f"/c/bleed/tracks/add/{intake.pk}/")

    @pytest.mark.parametrize("path", ["..", "lab/../..", "/etc", "lab//takes", "out", "out/deeper", "none", "lab/one.wav", "."])
    def test_nothing_outside_can_be_named(self, admin: Client, intake: Intake, music: Path, path: str) -> None:
        (music / "out").symlink_to(music.parent / "secret")
        (music / "lab" / "one.wav").write_bytes(sound())
        for answer in (admin.get(door(intake), {"in": "0", "path": path}), admin.post(door(intake), {"in": "0", "path": path})):
            assert (answer.status_code, answer["Location"]) == (302, door(intake)), path
        assert not Job.objects.exists()
        with pytest.raises(server_folders.NoSuchFolder):
            server_folders.folder_below(0, path)

    @pytest.mark.parametrize("root", ["1", "-1", "x", "²", "9999999"])
    def test_only_the_folders_that_were_named_are_there(self, admin: Client, intake: Intake, root: str) -> None:
        assert admin.get(door(intake), {"in": root}).status_code == 302

    def test_a_manager_who_does_not_run_the_site_does_not_come_in(self, campaign: Campaign, intake: Intake) -> None:
        manager = worlds.client(campaign, "manager", "manager")
        assert manager.get(door(intake)).status_code == manager.post(door(intake), {"in": "0"}).status_code == 403
        assert "a folder of the server" not in reading.text(manager, f"/c/bleed/tracks/add/{intake.pk}/")
        stranger = worlds.user("stranger")
        stranger.is_superuser = True
        stranger.save()
        assert worlds.signed_in(stranger).get(door(intake)).status_code == 404

    def test_where_none_is_opened_it_says_how(self, admin: Client, intake: Intake, settings: Any) -> None:
        settings.SERVER_FOLDERS = []
        assert "UNBLEED_SERVER_FOLDERS=/path/to/songs" in reading.text(admin, door(intake))

    def test_it_is_one_or_the_other(self, admin: Client, intake: Intake) -> None:
        intakes.begin_upload(intake=intake, path="song.wav", size=9)
        answer = admin.post(door(intake), {"in": "0", "path": ""}, follow=True)
        assert "Files were sent already" in reading.main(answer.content.decode())


class TestTakingIn:
    def test_songs_are_added_the_rest_is_named_and_the_folder_stays_as_it_was(self, admin: Client, intake: Intake, music: Path) -> None:
        (music / "lab" / "good.wav").write_bytes(sound(1))
        (music / "lab" / "bad.wav").write_bytes(b"this is no sound")
        (music / "lab" / "notes.txt").write_text("not ours")
        packed(music / "lab" / "more.zip", {"deep/zipped.wav": sound(2)})
        (music / "lab" / "broken.zip").write_bytes(b"PK")
        before = sorted(path.relative_to(music) for path in music.rglob("*"))
        outcome = taken(admin, intake, "lab")
        assert outcome["added"] == ["good", "more/deep/zipped"]
        assert {one["file"]: one["reason"][:30] for one in outcome["left_out"]}.keys() == {"bad.wav", "broken.zip"}
        assert sorted(path.relative_to(music) for path in music.rglob("*")) == before
        assert set(Track.objects.values_list("licence", flat=True)) == {"CC0-1.0"}
        assert not intake.folder.exists()
        assert Event.objects.get(what="songs.of_server").after["folder"] == str(music / "lab")  # type: ignore[index]
        page = reading.text(admin, f"/c/bleed/tracks/add/{intake.pk}/")
        assert "2 songs added, 2 left out" in page and "broken.zip : The archive cannot be opened" in page

    def test_links_are_refused_one_by_one_and_said_to_be(self, admin: Client, intake: Intake, music: Path) -> None:
        secret = music.parent / "secret"
        (music / "linked.wav").symlink_to(secret / "private.wav")
        (music / "folder").symlink_to(secret)
        packed(secret / "songs.zip", {"a.wav": sound(3)})
        (music / "songs.zip").symlink_to(secret / "songs.zip")
        (music / "good.wav").write_bytes(sound(1))
        outcome = taken(admin, intake)
        assert outcome["added"] == ["good"]
        assert {one["file"]: one["reason"] for one in outcome["left_out"]} == {name: LINK for name in ("folder", "linked.wav", "songs.zip")}

    def test_a_folder_that_became_a_link_meanwhile_is_not_read(self, admin: Client, intake: Intake, music: Path) -> None:
        admin.post(door(intake), {"in": "0", "path": "lab"})
        (music / "lab" / "takes").rmdir()
        (music / "lab").rmdir()
        (music / "lab").symlink_to(music.parent / "secret")
        job = Job.claim(Job.objects.get().pk)
        assert job
        with pytest.raises(server_folders.NoSuchFolder, match="not among the folders"):
            take_in(job)
        assert not Track.objects.exists()

    def test_an_archive_that_points_out_of_itself_is_not_opened(self, admin: Client, intake: Intake, music: Path, tmp_path: Path) -> None:
        packed(music / "songs.zip", {"../../../escaped.wav": sound()})
        assert "points out of it" in taken(admin, intake)["left_out"][0]["reason"]
        assert not list(tmp_path.rglob("escaped.wav"))

    def test_what_failed_is_tried_again(self, admin: Client, intake: Intake, music: Path) -> None:
        (music / "good.wav").write_bytes(sound(1))
        admin.post(door(intake), {"in": "0", "path": ""})
        services.fail(job=Job.objects.get(), reason="The disk is gone.")
        assert taken(admin, intake)["added"] == ["good"]


class TestLayouts:
    """MUSDB18-HQ's folders (a folder a song, a .wav a stem), as they are and as a .zip, both ways in."""

    @pytest.fixture
    def musdb(self) -> dict[str, bytes]:
        import io

        import numpy as np
        import soundfile

        def wav(seed: int | tuple[int, ...]) -> bytes:
            seeds = (seed,) if isinstance(seed, int) else seed
            parts = [np.random.default_rng(one).normal(0, 0.05, 32_000) for one in seeds]
            file = io.BytesIO()
            soundfile.write(file, np.stack([sum(parts)] * 2, axis=1), 16_000, format="WAV", subtype="FLOAT")
            return file.getvalue()

        stems = dict(zip(BAND, (wav((1, 2, 3, 4)), wav(1), wav(2), wav(3), wav(4)), strict=True))
        return {f"train/A Band - A Song/{stem}.wav": content for stem, content in stems.items()}

    @pytest.mark.parametrize("zipped", [False, True])
    def test_from_the_server(self, admin: Client, campaign: Campaign, music: Path, musdb: dict[str, bytes], zipped: bool) -> None:
        intake = intakes.begin_intake(who=Membership.objects.get(), use="test", domain="source")
        if zipped:
            packed(music / "musdb.zip", musdb)
        for name, content in {} if zipped else musdb.items():
            (music / name).parent.mkdir(parents=True, exist_ok=True)
            (music / name).write_bytes(content)
        outcome = taken(admin, intake)
        assert outcome["left_out"] == []
        assert Track.objects.get().name.endswith("train/A Band - A Song")
        assert {"mixture", "vocals"} <= set(Track.objects.get().stems.values_list("name", flat=True))

    @pytest.mark.parametrize("zipped", [False, True])
    def test_sent(self, admin: Client, campaign: Campaign, tmp_path: Path, musdb: dict[str, bytes], zipped: bool) -> None:
        intake = intakes.begin_intake(who=Membership.objects.get(), use="test", domain="source")
        if zipped:
            packed(tmp_path / "musdb.zip", musdb)
        files = {"musdb.zip": (tmp_path / "musdb.zip").read_bytes()} if zipped else musdb
        for name, content in files.items():
            upload = intakes.begin_upload(intake=intake, path=name, size=len(content))
            upload.whole.parent.mkdir(parents=True, exist_ok=True)
            upload.whole.write_bytes(content)
        job = intakes.take_in(intake=intake)
        claimed = Job.claim(job.pk)
        assert claimed
        take_in(claimed)
        intake.refresh_from_db()
        assert intake.outcome and intake.outcome["left_out"] == [] and len(intake.outcome["added"]) == 1
        assert {"mixture", "vocals"} <= set(Track.objects.get().stems.values_list("name", flat=True))
