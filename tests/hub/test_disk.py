"""Room on the disk: said long before it is full, and clearly when it is."""

import errno
import os
import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub import command_line, disk, postgres
from hub.supervisor import Child, Supervisor
from tests.full_disk import small_disk
from tests.product import wait_for


@pytest.mark.parametrize(
    ("free", "says"),
    [(50e9, None), (1.5e9, "nearly full: 1.5 GB"), (20e6, "is full: 20 MB"), (0, "is full: 0 MB")],
)
def test_little_room_is_said_before_it_is_none(
    free: float, says: str | None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HOME = tmp_path
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=100e9, used=100e9 - free, free=free))
    said = disk.wrong()
    assert said is None if says is None else said is not None and says in said
    assert disk.room() == ("enough" if says is None else "full" if "is full" in says else "low")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path / "gone"
    said = disk.wrong()
    assert said is not None and str(tmp_path / "gone") in said and "cannot be written" in said
    assert disk.room() == "full"


def test_a_disk_of_its_own_inside_the_home_is_looked_at_too(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    with small_disk(tmp_path / "storage") as storage:
        said = disk.wrong()
        assert said is not None and f"The disk of {storage} is full: 1 MB are free. Make room now" in said


def test_a_small_disk_for_scratch_is_full_only_where_it_is(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    with small_disk(tmp_path / "scratch", "300m") as scratch:
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        monkeypatch.setattr(disk, "LOW", 2e9)
        assert str(scratch) not in (disk.wrong() or "")
        monkeypatch.setattr(disk, "FULL", 4e8)
        assert f"The disk of {scratch} is full" in (disk.wrong() or "")


def test_who_runs_is_known_from_a_lock_that_can_only_be_read(tmp_path: Path) -> None:
    server = postgres.Server(tmp_path)
    server.claim()
    try:
        (tmp_path / "postgres/lock").chmod(0o400)
        said = postgres.owner(tmp_path)
        assert said is not None and "process" in said
    finally:
        server.stop()


def test_a_part_that_cannot_be_started_is_tried_again_later(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    supervisor.embedded = False
    child = Child("clock", ["version"])
    supervisor.children.append(child)
    supervisor.look()
    assert child.process is None and "clock does not start" in said[0], "there is no folder for its log"
    supervisor.logs.mkdir()
    child.due = 0.0
    supervisor.look()
    assert child.process is not None
    wait_for(lambda: child.process is not None and child.process.poll() is not None, "end of the command")
    supervisor.stop()


def test_a_database_that_cannot_start_is_tried_every_two_seconds_and_spoken_of_every_thirty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0.0
    clock, said, tries = SimpleNamespace(monotonic=lambda: at), list[str](), list[float]()
    monkeypatch.setattr("hub.supervisor.time", clock)
    over = Supervisor(tmp_path, said.append)
    monkeypatch.setattr(over.server, "alive", lambda: len(tries) == 20)

    def run() -> None:
        tries.append(at)
        if len(tries) < 20:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), "postmaster.pid")

    monkeypatch.setattr(over.server, "run", run)
    for tenth in range(600):
        at = 1000 + tenth / 10
        over.look()
    assert max(late - early for early, late in pairwise(tries)) < 2.2, "whoever mends the disk does not wait for the database"
    assert [text.partition(":")[0] for text in said] == [
        "The database ended; starting it again.",
        *["The database does not start"] * 2,
        "The database runs again.",
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_command_that_finds_no_room_says_so_in_one_line(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(number, os.strerror(number), "/home/of/unbleed/postgres/lock")

    monkeypatch.setattr(postgres, "ensure", fail)
    monkeypatch.setattr(sys, "argv", ["unbleed", "rounds", "songs"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = str(ended.value)
    assert said.startswith("unbleed: ") and os.strerror(number) in said and "/postgres/lock" in said and "\n" not in said
