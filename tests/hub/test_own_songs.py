"""One song of one's own, from the file to before and after: real rows, real files, and a network too small to mend anything."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from annotation.models import Campaign, Event, Membership, Task, Track
from hub import requests
from hub.pages import own_songs as pages
from learner import services
from learner.core import checkpoint
from learner.core.songs.synth import make_song
from learner.models import Adaptation, Checkpoint, Job, ReleasedFile, Round
from learner.services import own_songs
from learner.work import adapting, scoring
from tests import worlds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db
RECIPE = {"pseudo_replay": True, "steps": 3, "n_frames": 48, "factors": [1.0], "half_way": 0.0, "marks_fall_db": 0}


@pytest.fixture
def template(tmp_path: Path) -> Campaign:
    file = checkpoint.save(tiny("unet", sample_rate=16_000), tmp_path, recipe={}, parent=None).path
    template = own_songs.open_to_members(file=file)
    Campaign.objects.filter(pk=template.pk).update(recipe=RECIPE)
    return template


@pytest.fixture
def ann(template: Campaign) -> Client:
    return worlds.client(template, "ann")


@pytest.fixture(scope="module")
def sound() -> bytes:
    """Twenty seconds of stereo, as somebody's file."""
    mix = make_song(1, "target", 20.0).mixture
    file = io.BytesIO()
    soundfile.write(file, np.concatenate([mix, 0.5 * mix]).T, 16_000, format="FLAC")
    return file.getvalue()


def send(client: Client, sound: bytes, name: str = "My song.flac") -> str:
    """Send a file; returns where that led."""
    return client.post("/mine/", {"song": SimpleUploadedFile(name, sound)}).headers["Location"]


def said(client: Client) -> str:
    return client.get("/mine/").content.decode()


def done(kind: str) -> None:
    job = Job.claim(Job.objects.get(kind=kind, state=Job.State.QUEUED).pk)
    assert job
    {"score": scoring.score_pool, "adapt": adapting.run_adaptation}[kind](job)


def page(client: Client, where: str) -> str:
    return client.get(where).content.decode()


@pytest.fixture
def where(ann: Client, sound: bytes) -> Iterator[str]:
    where = send(ann, sound)
    assert where.startswith("/mine/my-song-")
    yield where


def test_a_song_is_brought_marked_mended_and_heard_before_and_after(ann: Client, where: str, sound: bytes) -> None:
    assert "waiting for a worker" in page(ann, where)
    done("score")
    assert "mark where no voice should be" in page(ann, where) and "Mend it" not in page(ann, where)
    worlds.answer_all(Membership.objects.get(campaign__slug__startswith="my-song-"), (2.0, 5.0))
    assert "Mend it" in page(ann, where)
    assert ann.post(f"{where}mend/").status_code == 302
    assert "It is being mended" in page(ann, where)
    done("adapt")
    assert Adaptation.objects.get().verdict == "promoted", Adaptation.objects.get().reasons
    services.advance(campaign=Campaign.objects.get(slug=where.split("/")[2]))
    assert "It is mended, and the voice is being taken out of it once more" in page(ann, where)
    done("score")
    shown = page(ann, where)
    assert "It is mended" in shown and shown.count("<audio") == 2 and "data-in-step" in shown
    mix = soundfile.read(io.BytesIO(sound))[0]
    for when in ("before", "after"):
        stems = [soundfile.read(io.BytesIO(ann.get(f"{where}{when}/{name}").content))[0] for name in ("vocals", "accompaniment")]
        np.testing.assert_allclose(sum(stems), mix, atol=1e-5)
    assert ann.get(f"{where}labels.txt").content.decode().splitlines()[0] == "2.000\t5.000\tbleed"


def test_nobody_else_gets_at_it(template: Campaign, ann: Client, where: str) -> None:
    done("score")
    other = worlds.client(template, "bob", "owner")
    slug = where.split("/")[2]
    for path in ("", "labels.txt", "before/vocals", "remove/"):
        assert ann.get(where + path).status_code == 200
        assert other.get(where + path).status_code == 404
    assert other.post(f"{where}mend/").status_code == 404
    assert other.get(f"/c/{slug}/").status_code == other.get(f"/c/{slug}/annotate/").status_code == 404
    assert "My song" not in said(other)


def test_who_is_no_member_may_bring_none(template: Campaign, sound: bytes) -> None:
    stranger = worlds.signed_in(worlds.user("eve"))
    assert stranger.get("/mine/").status_code == 404
    assert stranger.post("/mine/", {"song": SimpleUploadedFile("x.flac", sound)}).status_code == 404
    assert "/sign-in/" in Client().get("/mine/").headers["Location"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", b"words", "notes.txt is no kind of file that is read here; allowed are"),
        ("song.wav", b"no sound", "song.wav: The file is not audio"),
        ("song.wav", b"", "Choose a file first"),
    ],
)
def test_a_file_that_is_no_song_leaves_nothing(ann: Client, name: str, content: bytes, words: str) -> None:
    sent = {"song": SimpleUploadedFile(name, content)} if content else {}
    assert words in ann.post("/mine/", sent, follow=True).content.decode()
    assert Campaign.objects.count() == 1 and not Track.objects.exists()


def test_a_song_that_is_too_long_is_refused(ann: Client, sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_MINUTES", 0.2)
    answer = ann.post("/mine/", {"song": SimpleUploadedFile("x.flac", sound)}, follow=True)
    assert "x.flac lasts 0.3 minutes; at most 0.2 are allowed" in answer.content.decode()


def test_one_person_has_so_many_songs_at_a_time(ann: Client, where: str, sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_songs, "MOST_EACH", 1)
    assert (
        "remove one that you need no more"
        in ann.post("/mine/", {"song": SimpleUploadedFile("x.flac", sound)}, follow=True).content.decode()
    )


def test_two_people_bring_the_same_song_at_once(template: Campaign, ann: Client, where: str, sound: bytes) -> None:
    bob = worlds.client(template, "bob")
    other = send(bob, sound)
    assert other != where and Job.objects.filter(kind="score", state="queued").count() == 2
    assert "My song" in said(bob) and bob.get(where).status_code == 404


def test_nothing_is_mended_before_something_is_marked(ann: Client, where: str) -> None:
    done("score")
    assert "nothing to mend yet" in ann.post(f"{where}mend/", follow=True).content.decode()
    assert Round.objects.get().state == "annotating"


def test_removed_nothing_of_it_stays(template: Campaign, ann: Client, where: str) -> None:
    done("score")
    worlds.answer_all(Membership.objects.get(campaign__slug__startswith="my-song-"), (2.0, 5.0))
    ann.post(f"{where}mend/")
    done("adapt")
    assert "Nobody can bring it back" in page(ann, f"{where}remove/")
    assert "is removed" in ann.post(f"{where}remove/", follow=True).content.decode()
    assert list(Campaign.objects.all()) == [template]
    assert not Task.objects.exists() and not Track.objects.exists() and not Job.objects.exists()
    assert not Event.objects.exclude(campaign=template).exists()
    assert Checkpoint.objects.count() == 1, "the base stays"
    assert ReleasedFile.objects.count() == 4, "song, estimate, signals and child"


def test_a_song_that_a_worker_is_at_is_not_removed(ann: Client, where: str) -> None:
    assert Job.claim(Job.objects.get().pk)
    assert "A worker is at this song" in ann.post(f"{where}remove/", follow=True).content.decode()
    assert Track.objects.exists()


def test_only_songs_may_be_as_large_as_songs() -> None:
    assert requests.largest_form("/mine/") > requests.LARGEST_SONG > requests.LARGEST_FORM == requests.largest_form("/c/x/links/")


def test_the_command_opens_it_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = checkpoint.save(tiny("unet", sample_rate=16_000), tmp_path, recipe={}, parent=None).path
    monkeypatch.setattr("learner.bases.base_file", lambda name, progress: file)
    for _ in range(2):
        call_command("own_songs", "--base", "shipped")
    assert Campaign.objects.get().slug == own_songs.TEMPLATE
    assert "may bring songs at /mine/" in capsys.readouterr().out
