"""The demo's songs: who is held out never depends on anything but names, and roles.json is checked before anything is taken."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from annotation.models import Campaign
from hub import demo, demo_songs
from hub.supervisor import Supervisor
from learner.core import checkpoint
from learner.core.audio import BadAudio
from learner.core.songs import synth
from learner.core.teaching import train
from tests import worlds
from tests.learner.core.separators.tiny import tiny


def test_real_songs_are_split_by_their_names_alone() -> None:
    names = [f"song {number}" for number in range(11)]
    roles = demo.split(names, names)
    assert sorted(roles.values()) == ["gate"] * 2 + ["pool"] * 7 + ["test"] * 2
    assert demo.split(names[::-1], names[::-1]) == roles


def test_songs_without_stems_can_only_be_listened_to() -> None:
    stems, plain = ["a", "b", "c"], ["d", "e"]
    roles = demo.split(stems + plain, stems)
    assert {roles[name] for name in plain} == {"pool"}
    assert sorted(roles[name] for name in stems) == ["gate", "pool", "test"]


def test_too_few_songs_say_what_is_needed() -> None:
    with pytest.raises(demo.BadRoles, match="three songs with stems"):
        demo.split(["a", "b"], ["a", "b"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "not JSON"), ('["pool"]', "must map"), ('{"a": "training"}', "must map"), ('{"z": "pool"}', "not in the folder: z")],
)
def test_a_bad_roles_file_is_refused_by_name(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "roles.json").write_text(content)
    with pytest.raises(demo.BadRoles, match=complaint):
        demo.roles_of(tmp_path, ["a"], ["a"])


def test_roles_are_taken_as_given(tmp_path: Path) -> None:
    (tmp_path / "roles.json").write_text(json.dumps({"a": "gate", "b": "test"}))
    assert demo.roles_of(tmp_path, ["a", "b", "c"], ["a"]) == {"a": "gate", "b": "test"}


def test_no_generated_song_serves_twice() -> None:
    used: set[tuple[str, int]] = set()
    for seed in (0, 1, 7):
        for batch in demo.batches(seed):
            songs = {(batch.domain, number) for number in range(batch.first_seed, batch.first_seed + batch.n)}
            if batch.use == "replay":
                assert {number for _, number in songs} <= set(train.BASE_SEEDS)
                continue
            assert not songs & used
            assert not {number for _, number in songs} & set(train.BASE_SEEDS)
            used |= songs


# ---------------------------------------------------------------- songs from a folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four songs with stems, of which the split holds two out, and a mix."""
    songs = tmp_path_factory.mktemp("songs")
    *_, mix = synth.write_songs(songs, "source", range(950_000, 950_005), 45.0)
    for stem in ("vocals", "accompaniment"):
        (mix / f"{stem}.flac").unlink()
    return songs


def taken(folder: Path, leads: str | None, tmp_path: Path, slug: str = "demo") -> tuple[Campaign, str]:
    campaign, told = worlds.campaign(slug), list[str]()
    base = checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path
    demo_songs.add_folder(campaign, folder, leads, base, lambda done, total: None, told.append)
    return campaign, " ".join(told)


@pytest.mark.django_db
def test_excerpts_of_songs_that_leak_are_taken_as_they_are(folder: Path, tmp_path: Path) -> None:
    campaign, told = taken(folder, None, tmp_path)
    assert "false positives in 2 excerpts that people could listen to" in told and "leads" not in told
    assert "Without stems, and so only replayed as they are: source-950004" in told
    tracks = campaign.tracks.exclude(name="source-950004/mixture").exclude(name="source-950004")
    assert {track.duration for track in tracks} == {demo_songs.SECONDS}
    by_use = {use: {track.name.split(" from ")[0] for track in tracks.filter(use=use)} for use in ("pool", "gate", "test")}
    assert [len(songs) for songs in by_use.values()] == [2, 1, 1], "songs held out are held out with all their excerpts"
    assert not campaign.tracks.filter(name__contains="lead").exists()
    assert Campaign.objects.get().name == "Demo: excerpts of your songs"


@pytest.mark.django_db
def test_where_nothing_leaks_it_is_said_and_leads_are_laid_over(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_songs, "LEAKS", 1000.0)
    campaign, told = taken(folder, None, tmp_path)
    assert "So hardly anything leaks in these songs, and people would mark nothing. Generated leads are laid over" in told
    assert "Figures are about these excerpts, not about your songs. --leads none" in told
    assert Campaign.objects.get().name == "Demo: generated leads over excerpts of your songs", "the page says so too"
    for track in campaign.tracks.filter(stems__name="vocals"):
        assert track.name.startswith("lead, ") is (track.domain == "target"), "plain ones tell what the child forgot"


@pytest.mark.django_db
def test_a_folder_of_leads_is_looked_at_before_any_song_is(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match=r"There is no folder .*nowhere; --leads is a folder of recordings of single instruments, or none"):
        taken(tmp_path / "no songs", str(tmp_path / "nowhere"), tmp_path)
    with pytest.raises(BadAudio, match="No recordings of leads"):
        taken(tmp_path / "no songs", str(tmp_path), tmp_path, "again")


@pytest.mark.django_db
def test_tasks_that_only_people_can_answer_do_not_hold_the_demo_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain mix has no truth for simulated annotators to know; the owner might answer, and is not there."""
    from rich.progress import Progress

    from annotation.models import Task
    from hub.management.commands import demo as command
    from learner.models import Round
    from learner.simulated import invite_simulated

    monkeypatch.setattr(command, "PAUSE", 0.0)
    campaign = worlds.with_model(worlds.campaign(owner=worlds.user("owner")), worlds.checkpoint("base"))
    invite_simulated(campaign=campaign, n=4)
    worlds.track(campaign, "plain")
    worlds.listening_round(campaign, 1)
    task = Task.objects.get()

    class Looks(Supervisor):
        looks = 0

        def look(self) -> None:
            self.looks += 1
            assert self.looks < 10, "it waits for ever"

    one = command.Command()
    one.console, one.began = Console(), 0.0
    with Progress(disable=True) as bars:
        one.one_round(Looks(tmp_path, print), campaign, 1, bars)
    task.refresh_from_db()
    assert Round.objects.get().state == Round.State.EMPTY
    assert task.state == Task.State.OPEN, "people may still answer it"


@pytest.mark.django_db
def test_a_pool_without_clips_left_ends_the_rounds_and_a_failure_says_what_to_do(tmp_path: Path) -> None:
    from django.core.management import CommandError
    from django.utils.timezone import now
    from rich.progress import Progress

    from hub.management.commands import demo as command
    from learner.models import Job, Round

    class Looks(Supervisor):
        def look(self) -> None: ...

    campaign = worlds.campaign(max_rounds=1)
    base = worlds.checkpoint("base")
    job = Job.objects.create(campaign=campaign, kind="score", state="failed", reason="OSError: the disk is full")
    Round.objects.create(campaign=campaign, number=1, parent=base, scoring=job, state=Round.State.EXHAUSTED, finished=now())
    one = command.Command()
    one.console, one.began = Console(), 0.0
    with Progress(disable=True) as bars:
        assert one.one_round(Looks(tmp_path, print), campaign, 1, bars) is False
        Round.objects.update(state=Round.State.FAILED)
        with pytest.raises(CommandError, match=r"(?s)disk is full.*manage.py up.*UNBLEED_HOME"):
            one.one_round(Looks(tmp_path, print), campaign, 1, bars)
