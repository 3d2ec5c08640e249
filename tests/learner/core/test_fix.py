"""One song and its marks, mended by the command line; with a network too small to mend anything."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import audio, checkpoint, cli
from learner.core.cli import fixing
from learner.core.cli.marks import BadMarks, of_one_song
from learner.core.separators import build
from learner.core.songs.synth import make_song
from learner.core.teaching import one_song
from learner.core.teaching.adapt import adapt
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.one_song import NothingKept

RATE = 16_000
QUICK = '{"steps": 2, "n_frames": 16, "new_patches": 2, "replay_patches": 2, "keep_every": 0, "factors": [1]}'


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = build("unet", {"widths": [4, 4, 4, 4]})
    return checkpoint.save(separator, tmp_path_factory.mktemp("base"), recipe={}, parent=None).path


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Ten seconds of stereo at a rate that is not the network's."""
    mono = audio.resample(make_song(1, "target", 10.0).mixture, RATE, 22_050)
    audio.write_flac(tmp_path / "My song.flac", 0.5 * np.concatenate([mono, 0.8 * mono]), 22_050)
    return tmp_path / "My song.flac"


@pytest.fixture
def labels(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        (tmp_path / "labels.txt").write_text("\n".join(lines) + "\n")
        return tmp_path / "labels.txt"

    return write


def fix(song: Path, labels: Path, tiny: Path, *more: object) -> int:
    arguments = [song, "--marks", labels, "--base", tiny, "--recipe", QUICK, "--out", song.parent / "out", *more]
    return cli.main(["fix", *map(str, arguments)])


def test_before_and_after_add_up_to_the_song(song: Path, labels: Callable[..., Path], tiny: Path, tmp_path: Path) -> None:
    assert fix(song, labels("1.0\t2.5\tbleed", "4\t5"), tiny, "--checkpoint", tmp_path / "mended.safetensors") == 0
    mix, home = audio.read(song), tmp_path / "out" / "My song"
    for when in ("before", "after"):
        stems = [audio.read(next((home / when).glob(f"{stem}.*"))) for stem in ("vocals", "accompaniment")]
        assert all(stem.sample_rate == 22_050 for stem in stems)
        np.testing.assert_allclose(stems[0].samples + stems[1].samples, mix.samples, atol=1e-6)
    assert checkpoint.about(tmp_path / "mended.safetensors").parent == checkpoint.file_hash(tiny)
    assert {path.name for path in home.iterdir()} == {"before", "after", "report.txt"}


def test_the_report_says_what_went_and_what_stayed(song: Path, labels: Callable[..., Path], tiny: Path, tmp_path: Path) -> None:
    fix(song, labels("1.0\t2.5"), tiny)
    report = (tmp_path / "out" / "My song" / "report.txt").read_text()
    for words in ("My song, 1 marks of 1.5 s", "On the marks: ", "Elsewhere ", "Kept: ", "The child went "):
        assert words in report


def test_what_fails_leaves_nothing(
    song: Path, labels: Callable[..., Path], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(weights: Path, mix: Path, stem: Path, tell: object) -> audio.Info:
        if stem.parent.name == "before":
            stem.parent.mkdir()
            stem.write_bytes(b"half")
            return audio.check(mix)
        raise OSError("no room")

    monkeypatch.setattr(fixing, "separate_into", full)
    assert fix(song, labels("1.0\t2.5"), tiny, "--checkpoint", tmp_path / "mended.safetensors") == 1
    assert not any((tmp_path / "out").iterdir())
    assert not (tmp_path / "mended.safetensors").exists()


def test_run_again_it_takes_the_place_of_the_earlier_results(song: Path, labels: Callable[..., Path], tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "out" / "My song"
    (home / "after").mkdir(parents=True)
    (home / "after" / "vocals.wav").write_bytes(b"of an earlier run")
    (home / "notes.txt").write_text("mine")
    assert fix(song, labels("1.0\t2.5"), tiny) == 0
    assert len(list((home / "after").glob("vocals.*"))) == 1
    assert (home / "notes.txt").read_text() == "mine"


def test_a_song_that_is_no_audio_and_marks_outside_it_are_refused_before_a_base_is_fetched(
    song: Path, labels: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("learner.core.bases.fetch", lambda *_, **__: pytest.fail("a base was fetched"))
    marked = labels("1.0\t2.5", "9.5\t11")
    assert cli.main(["fix", str(song), "--marks", str(marked)]) == 1
    assert "labels.txt, line 2: 9.5 ... 11 s; allowed is 0 <= start < end <= 10.00 s" in capsys.readouterr().err
    (tmp_path / "words.wav").write_text("no sound")
    assert cli.main(["fix", str(tmp_path / "words.wav"), "--marks", str(marked)]) == 1
    assert "not audio" in capsys.readouterr().err


def test_other_songs_may_be_named_that_must_stay(
    song: Path, labels: Callable[..., Path], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    (tmp_path / "others").mkdir()
    audio.write_flac(tmp_path / "others" / "plain.flac", make_song(2, "source", 4.0).mixture, RATE)
    taught: list[set[str]] = []

    def told(parent: Path, feedback: Any, replay: Any, validation: Any, **more: Any) -> Any:
        taught.append({one.name for one in replay} & {one.name for one in validation})
        return adapt(parent, feedback, replay, validation, **more)

    monkeypatch.setattr("learner.core.teaching.one_song.adapt", told)
    assert fix(song, labels("1.0\t2.5"), tiny, "--songs", tmp_path / "others") == 0
    assert "plain" in taught[-1]


class TestMarks:
    def test_labels_are_sorted_and_joined(self, labels: Callable[..., Path]) -> None:
        found = of_one_song(labels("5\t6\tb", "1.5\t3\ta", "\\\t200\t900", "", "2\t4", "9.9\t10.04"), "x", 10.0)
        assert found == ([(1.5, 4.0, 1.0), (5.0, 6.0, 1.0), (9.9, 10.0, 1.0)], [(0.0, 10.0)])

    def test_json_names_the_song(self, tmp_path: Path) -> None:
        (tmp_path / "m.json").write_text(json.dumps({"x": {"marks": [[1, 2, 0.5], [1.5, 3, 0.8]], "heard": [[0, 6]]}, "y": []}))
        assert of_one_song(tmp_path / "m.json", "x", 10.0) == ([(1.0, 3.0, 0.8)], [(0.0, 6.0)])
        with pytest.raises(BadMarks, match="does not name 'z'; it names x, y"):
            of_one_song(tmp_path / "m.json", "z", 10.0)

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("1.0 2.5 bleed", "line 2: '1.0 2.5 bleed' is no label; it must be start, tab, end"),
            ("3\t3\there", "line 2: '3\\\\t3\\\\there' marks no stretch"),
            ("nan\t3", "line 2: 'nan\\\\t3' marks no stretch"),
            ("4\t3", r"line 2: 4 \.\.\. 3 s; allowed is 0 <= start < end <= 10.00 s"),
            ("-1\t3", r"line 2: -1 \.\.\. 3 s"),
        ],
    )
    def test_a_bad_line_is_named(self, labels: Callable[..., Path], line: str, words: str) -> None:
        with pytest.raises(BadMarks, match=words):
            of_one_song(labels("1\t2", line), "x", 10.0)

    def test_no_marks_and_no_text_are_refused(self, labels: Callable[..., Path], tmp_path: Path) -> None:
        with pytest.raises(BadMarks, match="holds no marks in x"):
            of_one_song(labels(""), "x", 10.0)
        (tmp_path / "m.bin").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(BadMarks, match="is no text"):
            of_one_song(tmp_path / "m.bin", "x", 10.0)

    def test_a_mark_in_json_is_named_by_its_number(self, tmp_path: Path) -> None:
        (tmp_path / "m.json").write_text('{"x": [[1, 2], [3, 4, 1.5]]}')
        with pytest.raises(BadMarks, match=r"x, mark 2: the weight is 1\.5; allowed is 0 \.\.\. 1"):
            of_one_song(tmp_path / "m.json", "x", 10.0)


def marked(seconds: float, *stretches: tuple[float, float]) -> MarkedSong:
    mixture = np.arange(round(seconds * 100), dtype=np.float32)[None]
    return MarkedSong("x", 100, mixture, [(*one, 1.0) for one in stretches], [(0.0, seconds)])


def test_nothing_marked_nor_beside_a_mark_is_in_the_pieces_that_stay() -> None:
    pieces = [piece for _, piece in one_song.pieces([marked(20.0, (5.0, 7.0), (19.0, 20.0))])]
    assert pieces[0][0] == 0.0
    ((before, after),) = [(one[1], other[0]) for one, other in pairwise(pieces) if one[1] != other[0]]
    assert (before, after) == pytest.approx((4.7, 7.3))
    assert pieces[-1][1] == pytest.approx(18.7)
    assert all(2.0 <= end - start <= 9.0 for start, end in pieces)


def test_a_song_that_is_marked_from_end_to_end_shows_nothing_that_stays() -> None:
    with pytest.raises(NothingKept, match="nothing is left that shows what must stay"):
        one_song.pieces([marked(20.0, (0.5, 19.0))])


def test_what_a_first_child_takes_away_does_not_count_as_accepted() -> None:
    before = np.ones((1, 1000), np.float32)
    after = before.copy()
    after[:, 300:600] = 0.1  # of ten seconds, three
    stays = one_song.stays_of(before, after, 100)
    assert stays[:28].all() and not stays[31:58].any() and stays[62:].all()
    assert one_song.both([(0.0, 4.0), (7.0, 10.0)], stays)[-1] == (7.0, 10.0)
    assert sum(end - start for start, end in one_song.both([(0.0, 10.0)], stays)) == pytest.approx(7.0, abs=0.5)


def test_of_a_long_song_the_marks_and_some_other_clips_are_heard() -> None:
    song = marked(600.0, (40.0, 44.0), (299.0, 301.0))
    clips = one_song.clips(song)
    assert sum(clip.mixture.shape[1] for clip in clips) <= 100 * 120
    assert [(round(e - s, 6)) for clip in clips for s, e, _ in clip.marks] == [4.0, 1.0, 1.0]
    for clip in clips:
        for start, end, _ in clip.marks:
            first = clip.mixture[0, 0] / 100 + start
            assert any(s - 1e-6 <= first and first + end - start <= e + 1e-6 for s, e, _ in song.marks)


def test_what_fell_beside_the_marks_is_told_by_its_place() -> None:
    before = np.full(100, -20.0)
    before[80:] = -100.0
    after = before.copy()
    after[10:30] -= 12.0  # of which the first second is marked
    change = fixing.changed(before, after, [(1.0, 2.0, 1.0)])
    assert change.marks_db == pytest.approx(-12.0)
    assert change.fell == [(2.0, pytest.approx(3.0))]
    assert -1.0 < change.elsewhere_db < 0.0
