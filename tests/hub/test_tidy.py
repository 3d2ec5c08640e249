"""What goes by the operator's rules, by the command and by the clock; and that nobody misses it."""

import io
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core.words import day
from annotation.files import storage
from annotation.models import Assignment
from hub import backup, tidy
from hub.accounts.models import Tries
from hub.accounts.wrong_passwords import KNOWN
from hub.management.commands import tick
from learner.models import Checkpoint, FileRemoved
from tests import worlds

pytestmark = pytest.mark.django_db
DAY = 24 * 3600.0
NEVER = tidy.Rules(0, 0, 0)


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def age(folder: Path, days: float) -> None:
    for file in folder.iterdir():
        os.utime(file, (time.time() - days * DAY,) * 2)


def command(*arguments: str) -> str:
    said = io.StringIO()
    call_command("tidy", *arguments, stdout=said)
    return said.getvalue()


class TestPreviews:
    @pytest.fixture
    def clip(self, home: Path) -> Assignment:
        """In the hand of "ann", who has listened to it."""
        sound = worlds.flac(np.random.default_rng(0).uniform(-0.3, 0.3, 40 * worlds.RATE))
        song = worlds.song(worlds.campaign(), {"mixture": sound}, sound)
        worlds.opened([worlds.clip(song, 10.0, 22.0)])
        lease = annotating.assign_task(by=worlds.member(song.campaign))
        assert lease
        return lease

    def heard(self, clip: Assignment) -> list[bytes]:
        client = worlds.signed_in(clip.by)
        answers = [client.get(f"/media/tasks/{clip.task_id}/{what}") for what in ("vocals.ogg", "mix.ogg", "removed.ogg", "vocals.png")]
        assert [answer.status_code for answer in answers] == [200] * 4
        return [answer.content for answer in answers]

    def test_a_clip_in_somebodys_hand_is_heard_again_after_its_sounds_went(self, clip: Assignment, home: Path) -> None:
        before = self.heard(clip)
        age(home / "previews", 31)
        assert "gone: sounds and pictures of clips: 4 (" in command()
        assert not list((home / "previews").iterdir())
        assert [len(one) for one in self.heard(clip)] == [len(one) for one in before]

    def test_what_was_listened_to_lately_stays(self, clip: Assignment, home: Path) -> None:
        self.heard(clip)
        age(home / "previews", 29)
        assert command() == "Nothing is to go.\n"
        age(home / "previews", 31)
        self.heard(clip)
        assert command() == "Nothing is to go.\n"

    def test_a_dry_run_says_what_would_go_and_removes_nothing(self, clip: Assignment, home: Path) -> None:
        self.heard(clip)
        age(home / "previews", 31)
        megabytes = sum(file.stat().st_size for file in (home / "previews").iterdir()) / 1e6
        assert command("--dry-run") == f"would go: sounds and pictures of clips: 4 ({megabytes:.1f} MB)\n"
        assert len(list((home / "previews").iterdir())) == 4

    def test_zero_days_are_never(self, clip: Assignment, home: Path, settings: Any) -> None:
        settings.PREVIEW_DAYS = 0
        self.heard(clip)
        age(home / "previews", 4000)
        assert command("--dry-run") == command() == "Nothing is to go.\n"


def test_sessions_that_ran_out_go_and_those_of_people_stay(home: Path) -> None:
    client = worlds.signed_in(worlds.user("ann"))
    Session.objects.create(session_key="a" * 32, session_data="", expire_date=now() - timedelta(days=1))
    assert command("--dry-run") == "would go: sessions that ran out: 1\n"
    assert command() == "gone: sessions that ran out: 1\n"
    assert client.get("/").status_code == 200


def test_counts_of_wrong_passwords_that_are_long_forgotten_go(home: Path) -> None:
    for days in (1, 91):
        Tries.objects.create(key=str(days), wrong=3, wait_until=now() - timedelta(days=days))
    assert timedelta(days=90) == KNOWN
    assert command() == "gone: counts of wrong passwords: 1\n"
    assert Tries.objects.get().key == "1"


def test_what_was_never_finished_goes_when_nobody_writes_it_any_more(home: Path) -> None:
    key = storage.keep(b"sound", ".flac")
    folder = storage.local(key).parents[1]
    old, new = folder / "old.part", folder / "new.part"
    try:
        for file in (old, new):
            file.write_bytes(b"half")
        os.utime(old, (time.time() - 2 * DAY,) * 2)
        assert "gone: files that were never finished: 1 " in command()
        assert new.exists() and not old.exists()
    finally:
        new.unlink()


class TestCheckpoints:
    @pytest.fixture
    def refused(self, home: Path) -> Checkpoint:
        base = worlds.old_checkpoint("base", days=200)
        child = worlds.old_checkpoint("child", base, days=200)
        worlds.ended_round(worlds.with_model(worlds.campaign(paused=True), base), child, "refused", days=200)
        return child

    def test_its_row_says_so_where_managers_see_it(self, refused: Checkpoint) -> None:
        said = command("--dry-run")
        assert said == "would go: files of checkpoints that were never used: 1 (0.0 MB)\n"
        assert "gone: files of both removed: 1" in command()
        campaign = refused.made_by.get().campaign
        client = worlds.client(campaign, "owner", "owner")
        for page in (f"/c/{campaign.slug}/parts/checkpoints/", f"/c/{campaign.slug}/rounds/1/"):
            answer = client.get(page)
            assert answer.status_code == 200 and refused.short in answer.text
        assert f"Its file was removed on {day(now())}, by the rule." in client.get(f"/c/{campaign.slug}/parts/checkpoints/").text

    def test_an_endpoint_that_needs_the_file_would_say_that_it_is_gone(self, refused: Checkpoint) -> None:
        assert FileRemoved.status == 410

    def test_while_a_backup_copies_the_file_waits(self, refused: Checkpoint) -> None:
        with backup.nothing_removed():
            assert "let go and wait: 1." in command()
        assert storage.local(refused.file).exists()
        assert "gone: files of both removed: 1" in command()

    def test_the_rule_may_be_never(self, refused: Checkpoint, settings: Any) -> None:
        settings.REFUSED_CHECKPOINT_DAYS = 0
        assert command() == "Nothing is to go.\n"


class TestClock:
    def test_it_goes_on_at_the_next_tick_where_there_is_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [0.0]
        done: list[int] = []

        def steps(rules: tidy.Rules) -> Iterator[tidy.Gone]:
            for number in range(5):
                clock[0] += 0.6
                done.append(number)
                yield tidy.Gone(tidy.PREVIEWS, 1, 1)

        monkeypatch.setattr(tick, "tidy", steps)
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        tidying = tick.Tidying()
        for n in (2, 4, 5):
            tidying.go_on()
            assert len(done) == n
        tidying.go_on()
        assert len(done) == 5, "the next comes after an hour"
        clock[0] += tick.TIDY_EVERY
        tidying.go_on()
        assert len(done) == 7

    def test_what_it_trips_over_is_tried_again_after_an_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [0.0]
        tried: list[float] = []

        def steps(rules: tidy.Rules) -> Iterator[tidy.Gone]:
            tried.append(clock[0])
            raise OSError("no way")
            yield

        monkeypatch.setattr(tick, "tidy", steps)
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        tidying = tick.Tidying()
        with pytest.raises(OSError):
            tidying.go_on()
        tidying.go_on()
        clock[0] += tick.TIDY_EVERY
        with pytest.raises(OSError):
            tidying.go_on()
        assert tried == [0.0, tick.TIDY_EVERY]


def test_by_no_rule_nothing_of_the_storage_goes(home: Path) -> None:
    assert tidy.together(tidy.tidy(NEVER)) == []
