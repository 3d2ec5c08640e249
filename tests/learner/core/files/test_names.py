"""Names that file systems allow: taken, or refused by name, and the rest goes on."""

import errno
import inspect
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import cli, songs
from learner.core.cli.adapting import marked_songs
from learner.core.files import names

RATE = 8000
ODD = {
    b"Bj\xf6rk - live.wav": r"Bj\xf6rk - live",
    b"two\nlines.wav": r"two\nlines",
    b"bell\x07 and \x1b[31mred.wav": r"bell\x07 and \x1b[31mred",
    b"[b]no markup[/i] :heart:.wav": "[b]no markup[/i] :heart:",
    "turned \u202e round.wav".encode(): r"turned \u202e round",
    "Sängerin & 歌 👩🏽\u200d🎤.wav".encode(): "Sängerin & 歌 👩🏽\u200d🎤",
    b"L" * 251 + b".wav": "L" * 251,
    b"\xff" * 251 + b".wav": r"\xff" * 251,
    b"-rf *; $(x) 'quoted' \"twice\".wav": "-rf *; $(x) 'quoted' \"twice\"",
    b"back\\slash\\.wav": "back\\slash\\",
}


def noise(seed: int, seconds: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def put(path: bytes, samples: np.ndarray) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    soundfile.write(path, samples, RATE, "PCM_16", format="WAV")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One song of each name, between two plain ones, beside one in a folder of its own, and what systems leave behind."""
    home = tmp_path / "songs"
    every = [b"a_first.wav", *ODD, b"x" * 120 + b"/" + b"y" * 120 + b"/song.wav", b"z_last.wav"]
    for seed, name in enumerate(every):
        put(os.path.join(os.fsencode(home), name), noise(seed))
    for left in (b"._a_first.wav", b".DS_Store", b"Thumbs.db", b"__MACOSX/._z_last.wav", b"desktop.ini"):
        path = Path(os.fsdecode(os.path.join(os.fsencode(home), left)))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\x00\x05\x16\x07")
    return home


TAKEN = {"a_first", *ODD.values(), "x" * 120 + "/" + "y" * 120 + "/song", "z_last"}


def test_every_name_is_taken_as_one_line_of_text_and_what_systems_leave_is_passed_over(folder: Path) -> None:
    found = songs.find(folder)
    assert found.bad == []
    assert {files.name for files in found.songs} == TAKEN


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_they_are_listed_whatever_the_terminal_can_show(folder: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    (folder / "words\n.wav").write_text("no sound")
    assert cli.main(["songs", str(folder)]) == 0
    out.flush()
    lines = out.buffer.getvalue().decode(encoding)
    assert f"{len(TAKEN)} songs, 0 with stems; 1 left out" in lines
    assert "Bj\\xf6rk - live" in lines
    assert "[b]no markup[/i] :heart:" in lines
    err.flush()
    (line,) = [line for line in err.buffer.getvalue().decode(encoding).splitlines() if line.startswith("left out: ")]
    assert "words\\n.wav: The file is not audio" in line


def test_separate_writes_a_folder_for_each_name(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.main(["separate", str(folder), "--out", str(out)]) == 0
    assert f"{len(TAKEN)} of {len(TAKEN)} recordings" in capsys.readouterr().out
    assert {path.parent.relative_to(out).as_posix() for path in out.rglob("vocals.flac")} == {names.fitting(name) for name in TAKEN}


def test_separate_takes_a_file_by_its_odd_name(folder: Path, tmp_path: Path) -> None:
    for number, name in enumerate(ODD):
        path = os.fsdecode(os.path.join(os.fsencode(folder), name))
        assert cli.main(["separate", path, "--out", str(tmp_path / str(number))]) == 0
        assert len(list((tmp_path / str(number)).rglob("vocals.flac"))) == 1


def test_what_cannot_be_written_costs_itself_alone(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path / "/".join(["d" * 200] * 19)  # with the longest names, more than a path may have
    assert cli.main(["separate", str(folder), "--out", str(deep)]) == 0
    told = capsys.readouterr()
    assert "cannot be written: File name too long" in told.err
    assert "10 of 13 recordings" in told.out


def test_a_full_disk_stops_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*arguments: object, **keywords: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("learner.core.separate.separate_file", full)
    assert cli.main(["separate", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_evaluate_train_and_adapt_work_with_such_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = os.fsencode(tmp_path / "songs")
    for seed, name in enumerate([b"Bj\xf6rk [/b]", b"two\nlines", b"L" * 255]):
        v, a = noise(seed, 4.0), noise(seed + 50, 4.0)
        for stem, samples in (("mixture", v + a), ("vocals", v), ("accompaniment", a)):
            put(os.path.join(home, name, stem.encode() + b".wav"), samples)
    folder, out = str(tmp_path / "songs"), str(tmp_path / "out")
    assert cli.main(["evaluate", folder, "--json", str(tmp_path / "figures.json")]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures["silence"]["songs"]) == {r"Bj\xf6rk [/b]", r"two\nlines", "L" * 255}
    assert cli.main(["train", folder, "--steps", "1", "--batch", "1", "--out", out]) == 0
    (tmp_path / "marks.json").write_text(json.dumps({r"Bj\xf6rk [/b]": [[0.5, 1.5]], r"two\nlines": []}))
    marks = ["--marks", str(tmp_path / "marks.json"), "--replay", folder, "--validation", folder]
    assert cli.main(["adapt", folder, *marks, "--steps", "1", "--out", out]) == 0, capsys.readouterr().err


def test_a_marked_song_that_cannot_be_read_is_named_and_the_others_are_learned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate((b"good", b"cut")):
        put(os.fsencode(tmp_path / "songs" / name.decode() / "mixture.wav"), noise(seed, 4.0))
    cut = tmp_path / "songs" / "cut" / "mixture.wav"
    cut.write_bytes(cut.read_bytes()[:5000])
    (tmp_path / "marks.json").write_text(json.dumps({"good": [[0.5, 1.5]], "cut": [[0.5, 1.5]]}))
    marked = marked_songs(tmp_path / "songs", tmp_path / "marks.json", 16_000)
    assert [song.song_name for song in marked] == ["good"]
    assert "cut/mixture.wav" in capsys.readouterr().err


class TestFolders:
    def test_folders_in_folders_have_no_end(self, tmp_path: Path) -> None:
        deep = tmp_path / "/".join("d" for _ in range(300))
        put(os.fsencode(deep / "song.wav"), noise(1))
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack()) + 200)
        try:
            (files,) = songs.find(tmp_path).songs
        finally:
            sys.setrecursionlimit(before)
        assert files.name.endswith("d/d/song")

    def test_a_path_longer_than_libsndfile_takes_is_read_and_written(self, tmp_path: Path) -> None:
        path = tmp_path / "/".join(["d" * 200] * 8)
        put(os.fsencode(tmp_path / "song.wav"), noise(1))
        path.mkdir(parents=True)
        (tmp_path / "song.wav").rename(path / "song.wav")
        assert len(songs.find(tmp_path).songs) == 1
        assert cli.main(["separate", str(path / "song.wav"), "--out", str(path)]) == 0
        assert (path / "song" / "vocals.flac").is_file()

    def test_a_folder_too_deep_for_a_path_is_named_and_the_rest_goes_on(self, tmp_path: Path) -> None:
        put(os.fsencode(tmp_path / "a.wav"), noise(1))
        handle = os.open(tmp_path, os.O_RDONLY)
        for _ in range(20):  # step by step, no name of it is too long
            os.mkdir("d" * 220, dir_fd=handle)
            inner = os.open("d" * 220, os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
        os.close(handle)
        found = songs.find(tmp_path)
        assert [files.name for files in found.songs] == ["a"]
        assert not [bad for bad in found.bad if "d" * 220 not in str(bad.path)]

    def test_a_folder_that_may_not_be_read_is_named_and_the_rest_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("good", "locked", "more"):
            put(os.fsencode(tmp_path / name / "mixture.wav"), noise(1))
        read = Path.iterdir

        def iterdir(path: Path) -> Iterator[Path]:
            if path.name == "locked":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return read(path)

        monkeypatch.setattr(Path, "iterdir", iterdir)
        found = songs.scan(tmp_path)
        assert [files.name for files in found.songs] == ["good", "more"]
        assert [(bad.path.name, bad.reason) for bad in found.bad] == [("locked", "The folder cannot be read: Permission denied.")]

    def test_a_link_into_nowhere_is_named(self, tmp_path: Path) -> None:
        put(os.fsencode(tmp_path / "a.wav"), noise(1))
        (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing.wav")
        (tmp_path / "notes.txt").symlink_to(tmp_path / "nothing.txt")
        found = songs.scan(tmp_path)
        assert [files.name for files in found.songs] == ["a"]
        assert [(bad.path.name, bad.reason) for bad in found.bad] == [("gone.wav", "The file cannot be read: No such file or directory.")]


def test_parts_of_a_name_are_cut_to_what_a_folder_allows_and_stay_apart() -> None:
    long, other = (rf"\xff{letter}" * 100 + letter for letter in "ab")
    assert names.fitting("short/name") == "short/name"
    assert len(names.fitting(long).encode()) <= 255
    assert names.fitting(long) != names.fitting(other)
    assert len(names.fitting("歌" * 200).encode()) <= 255
