"""A full disk is known for what it is, however an error came by it, and says where and how much."""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from django.db import OperationalError, connection, transaction

from annotation.files import disk_space, storage
from annotation.files.unusable import UnusableTrack, blamed
from annotation.models import Track
from learner.core import checkpoint
from learner.core.files import disk_space as cores_disk_space
from learner.core.teaching import tensor_store
from tests.full_disk import write_until_full


def fill(path: str = "/dev/full") -> None:
    """What the system itself does where there is no room."""
    with open(path, "wb", buffering=0) as file:
        file.write(b"something")


def test_what_the_system_says_is_told_with_the_file_and_how_much_is_free(tmp_path: Path) -> None:
    lack = disk_space.lack_of_room(OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "not there" / "child")))
    assert lack and f"MB are free. No space left on device: {tmp_path}/not there/child" in str(lack)


def test_a_disk_that_may_not_be_written_is_one_too() -> None:
    assert str(disk_space.lack_of_room(OSError(errno.EROFS, "", "/a"))) == "it cannot be written. Read-only file system: /a"


def test_a_long_path_is_cut_at_its_beginning() -> None:
    said = str(disk_space.lack_of_room(OSError(errno.ENOSPC, "", f"/{'a' * 300}/child")))
    assert said.endswith("a/child") and len(said) < 190 and ": …a" in said


@pytest.mark.parametrize("wrap", [lambda error: ValueError("it could not be kept"), lambda error: RuntimeError("System error")])
def test_it_is_found_behind_other_errors(wrap: Callable[[OSError], Exception]) -> None:
    for cause in (True, False):
        try:
            try:
                fill()
            except OSError as error:
                raise wrap(error) from error if cause else wrap(error).__cause__
        except (ValueError, RuntimeError) as error:
            assert bool(disk_space.lack_of_room(error)) is cause, "what was put out of sight on purpose stays there"


@pytest.mark.django_db
def test_of_the_database_it_is_found_too() -> None:
    with pytest.raises(OperationalError) as found, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'could not extend file \"base/5/1\"' USING ERRCODE = 'disk_full'; END $$")
    assert 'could not extend file "base/5/1"' in str(disk_space.lack_of_room(found.value))


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (OperationalError("FATAL:  could not write init file: No space left on device"), True),
        (OperationalError("server closed the connection unexpectedly"), False),
        (OSError(errno.ENOENT, "No such file or directory", "/a"), False),
        (ValueError("No space left on device"), False),
    ],
)
def test_nothing_else_is_taken_for_it(error: Exception, is_it: bool) -> None:
    assert bool(disk_space.lack_of_room(error)) is is_it


@pytest.mark.parametrize("naming", [disk_space.naming, cores_disk_space.naming])
def test_writing_to_an_open_file_says_which_one_it_was(naming: Callable[[Path], AbstractContextManager[None]]) -> None:
    with pytest.raises(OSError) as found, naming(Path("/dev/full")):
        fill()
    assert str(found.value) == "[Errno 28] No space left on device: '/dev/full'"


def test_both_homes_of_the_numbers_agree() -> None:
    assert disk_space.NO_ROOM == cores_disk_space.NO_ROOM == {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def test_no_song_is_to_blame_for_it() -> None:
    with pytest.raises(OSError, match="No space left"), blamed(Track(name="a song"), "It cannot be kept"):
        fill()
    with pytest.raises(UnusableTrack), blamed(Track(name="a song"), "It cannot be kept"):
        raise ValueError("it is no sound")


class TestOnAFullDisk:
    """A real one, of a megabyte."""

    @pytest.fixture(autouse=True)
    def home(self, full_disk: Path, settings: Any) -> Path:
        settings.HOME = full_disk
        return full_disk

    def test_it_is_found_by_asking(self, home: Path) -> None:
        write_until_full(home)
        assert str(disk_space.lacking_now()) == f"0 MB are free. No space left on device: {home}"

    def test_room_is_found_by_asking(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        assert disk_space.lacking_now() is None

    def test_scratch_counts_too(self, home: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.HOME = tmp_path
        monkeypatch.setattr(tempfile, "tempdir", str(home))
        write_until_full(home)
        assert str(home) in str(disk_space.lacking_now())

    def test_scratch_that_is_not_found_for_want_of_room_counts_too(
        self, home: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_until_full(home)
        settings.HOME = tmp_path
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(home)])
        monkeypatch.setenv("TMPDIR", str(home))
        assert str(home) in str(disk_space.lacking_now())

    @pytest.mark.parametrize("what", ["a kept file", "a checkpoint", "a tensor store"])
    def test_what_is_written_says_where_and_leaves_nothing_behind(self, home: Path, what: str) -> None:
        content = os.urandom(2_000_000)

        def put_in_a_store() -> None:
            with tensor_store.TensorStore(0, home) as one:
                one.put(torch.zeros(500_000))

        write = {
            "a kept file": lambda: storage.ContentStorage(location=home).keep(content, ".flac"),
            "a checkpoint": lambda: checkpoint.write_whole(home / "child.safetensors", content),
            "a tensor store": put_in_a_store,
        }[what]
        with pytest.raises(OSError) as found:
            write()
        lack = disk_space.lack_of_room(found.value)
        assert lack and lack.path is not None and lack.path.is_relative_to(home)
        assert not [path for path in home.rglob("*") if path.is_file()]
