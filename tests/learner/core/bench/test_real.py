"""The figures on real songs, on generated ones and a network too small to show anything."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learner.core import audio, checkpoint, metrics
from learner.core.bench import comparison, material, one_song, real, real_material, real_report
from learner.core.bench.leads import Recordings
from learner.core.bench.material import Base, TooFewSongs
from learner.core.bench.real_material import Experiment, Sizes, Sounds, of_folder, over
from learner.core.bench.runs import Result
from learner.core.cli import main
from learner.core.separators import build
from learner.core.songs.synth import make_song, write_songs
from learner.core.teaching.continual import interpolate
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.recipe import Recipe

TINY = Sizes(excerpt=4.0, marked=1, validation=2, target=2, plain=1, other=1, replayed=1)
ROWS = (comparison.WITHOUT, comparison.OURS, comparison.CEILING, real.WHOLE)
RECIPE = replace(Recipe.default(), steps=2, n_frames=16, new_patches=2, replay_patches=2, keep_every=1, pseudo_replay=True)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    write_songs(folder, "target", [1, 2, 3], 16.0)
    return folder


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of two instruments and a voice."""
    folder, seconds = tmp_path_factory.mktemp("sounds"), np.arange(16_000) / 16_000
    for name, hertz in (("flute", 440.0), ("violin", 330.0), ("voice", 220.0)):
        audio.write_flac(folder / f"{name}.flac", (0.3 * np.sin(2 * np.pi * hertz * seconds))[None].astype(np.float32), 16_000)
    return folder


@pytest.fixture(scope="module")
def experiment(songs: Path, sounds: Path) -> Experiment:
    files = {name: (str(sounds / f"{name}.flac"),) for name in ("flute", "violin", "voice")}
    return of_folder(songs, shift="recorded", sounds=Sounds(files["flute"], files["violin"], files["voice"]), sizes=TINY, seconds=1.0)


@pytest.fixture(scope="module", autouse=True)
def all_songs_count() -> Iterator[None]:
    """The network's voice is too weak for any song to be tested on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real, "VOICE_DB", -2000.0)
        yield


@pytest.fixture(scope="module")
def run(experiment: Experiment, base: Base, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Result], Path]:
    out = tmp_path_factory.mktemp("real")
    return real.run_real(experiment, [base], lambda _: RECIPE, seeds=[1], out=out, workers=1), out


def test_every_song_is_tested_on_once_and_never_while_it_is_marked(songs: Path) -> None:
    experiment = of_folder(songs)
    turns = [experiment.rotation(seed) for seed in (1, 2, 3)]
    assert sorted(name for turn in turns for name in turn["tested"]) == ["target-1", "target-2", "target-3"]
    for turn in turns:
        assert len({name for part in turn.values() for name in part}) == 3


def test_where_source_songs_validate_no_other_needs_to(songs: Path) -> None:
    turns = [of_folder(songs, source=str(songs)).rotation(seed) for seed in (1, 2, 3)]
    assert sorted(name for turn in turns for name in turn["tested"]) == ["target-1", "target-2", "target-3"]
    assert all(not turn["validation"] and len(turn["marked"]) == 2 for turn in turns)


def test_one_song_is_too_few_where_source_songs_validate(tmp_path: Path) -> None:
    write_songs(tmp_path, "target", [1], 4.0)
    with pytest.raises(TooFewSongs, match="has 1 songs with stems; at least 2 are needed: to mark and to test"):
        of_folder(tmp_path, source=str(tmp_path))


def test_two_songs_are_too_few(tmp_path: Path) -> None:
    write_songs(tmp_path, "target", [1, 2], 4.0)
    with pytest.raises(TooFewSongs, match="has 2 songs with stems; at least 3 are needed"):
        of_folder(tmp_path)


def test_a_lead_plays_over_the_band_where_the_voice_is_muted(sounds: Path) -> None:
    song = make_song(1, "source", 8.0)
    assert song.accompaniment is not None
    laid = over(song, Recordings([sounds / "flute.flac"]), "near", np.random.default_rng(0))
    assert laid.vocals is not None and laid.accompaniment is not None
    silent = metrics.silent_regions(laid.vocals, laid.sample_rate)
    assert sum(end - start for start, end in silent) >= 3.5
    added = laid.accompaniment - song.accompaniment * (laid.accompaniment[0, 0] / song.accompaniment[0, 0])
    assert np.abs(laid.mixture - laid.vocals - laid.accompaniment).max() < 1e-6
    assert np.abs(added[laid.vocals == 0]).max() > 0.05


def test_all_rows_stand_beside_the_child(run: tuple[dict[str, Result], Path]) -> None:
    table = comparison.Table(run[0])
    assert set(table.rows) == {"silence", "mixture", "base", "base, best gain", "silence in true rests", *ROWS}
    (rows,) = table.runs.values()
    assert {"target", "other kinds", "held voices", "source"} <= set(rows[comparison.OURS])


def test_the_whole_child_lies_where_the_chosen_one_points(base: Base, tmp_path: Path) -> None:
    torch.manual_seed(1)
    other = build("unet", {"widths": [4, 4, 4, 4]})
    parent = checkpoint.load(Path(base.path))
    half = build("unet", {"widths": [4, 4, 4, 4]})
    half.load_state_dict(interpolate(parent.state_dict(), other.state_dict(), 0.5))
    saved = checkpoint.save(half, tmp_path, recipe={}, parent=None).path
    found = checkpoint.load(real.whole_child(Path(base.path), saved, 0.5, tmp_path)).state_dict()
    for name, value in other.state_dict().items():
        torch.testing.assert_close(found[name], value, msg=name)


def test_outside_the_marks_nothing_marked_is_heard(run: tuple[dict[str, Result], Path], experiment: Experiment, base: Base) -> None:
    heard = real.hear(experiment, base, 1)
    marked = sum(end - start for song in heard.feedback for start, end, _ in song.marks)
    assert marked > 0
    (song,) = [one for one in heard.songs.pool if one.name == heard.feedback[0].song_name]
    rest = real_material.outside(song, heard.feedback[0].marks)
    assert rest.mean() * song.duration < song.duration - 0.9 * sum(e - s for s, e, _ in heard.feedback[0].marks)


def test_poisoned_marks_lie_where_somebody_sings() -> None:
    song = make_song(1, "target", 16.0)
    assert song.vocals is not None
    true = [(0.0, 2.0, 1.0)]
    marked = MarkedSong(song.name, song.sample_rate, song.mixture, true, [(0.0, 12.0)])
    (found,) = material.poisoned([marked], [song], 0.5, seed=1)
    added = [mark for mark in found.marks if mark not in true]
    assert len(added) == len(found.marks) - 1
    assert sum(end - start for start, end, _ in added) == pytest.approx(2.0, abs=2.0)
    assert all(2.0 <= start < end <= 12.0 for start, end, _ in added)
    sung = metrics.samples_in(metrics.active_regions(song.vocals, song.sample_rate), song.vocals.shape[1], song.sample_rate)
    wrong = metrics.samples_in([(start, end) for start, end, _ in added], song.vocals.shape[1], song.sample_rate)
    assert wrong.any() and sung[wrong].all()


def test_table_and_picture_are_written(run: tuple[dict[str, Result], Path], experiment: Experiment, tmp_path: Path) -> None:
    text = real_report.write(experiment, {1: "tiny"}, run[0], tmp_path)
    assert "**tiny**, ours" in text
    assert "| the same at equal voice level |" in text
    assert (tmp_path / "real.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "real.json").read_text())["figures"]["tiny: ours"]


def test_a_finished_run_is_not_done_again(
    run: tuple[dict[str, Result], Path], experiment: Experiment, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, out = run
    monkeypatch.setattr(real.Adaptation, "work", lambda self: pytest.fail(f"{self.key} was done again"))
    again = real.run_real(experiment, [base], lambda _: RECIPE, seeds=[1], out=out, workers=1)
    np.testing.assert_equal(again, results)


def test_the_command_does_an_experiment_for_each_kind_of_sound(
    songs: Path, sounds: Path, base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[tuple[str, str]] = []

    def work(run: real.Adaptation) -> Result:
        done.append((run.experiment.shift, run.row))
        return {"failed": "not run"}

    def work_on_one(run: one_song.OneSong) -> Result:
        done.append((f"one-song-{run.experiment.shift}", run.row))
        return {"failed": "not run"}

    monkeypatch.setattr(real.Adaptation, "work", work)
    monkeypatch.setattr(one_song.OneSong, "work", work_on_one)
    leads = [str(sounds / f"{name}.flac") for name in ("flute", "violin")]
    out = ["--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    assert main(["bench", "real", "--songs", str(songs), "--base", base.path, "--leads", *leads, *out]) == 0
    assert {shift for shift, _ in done} == {"songs", "recorded", "one-song-recorded"}
    assert (tmp_path / "real.md").read_text() in capsys.readouterr().out + "\n"


def test_so_many_excerpts_are_marked_as_are_asked_for(songs: Path, base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def work(run: real.Adaptation) -> Result:
        asked.append(run.experiment.sizes.marked)
        return {"failed": "not run"}

    monkeypatch.setattr(real.Adaptation, "work", work)
    options = ["--marked", "14", "--quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    assert main(["bench", "real", "--songs", str(songs), "--base", base.path, *options]) == 0
    assert set(asked) == {14}


def test_one_soundfont_is_too_few(songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "real", "--songs", str(songs), "--soundfont", "a.sf2", "--out", str(tmp_path)]) != 0
    assert "--soundfont must be given twice" in capsys.readouterr().err


def test_a_base_that_others_published_is_fetched(songs: Path, base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, used = [], []

    def fetch(name: str, out: Path, **_: object) -> Path:
        asked.append((name, out))
        return Path(base.path)

    def work(run: real.Adaptation) -> Result:
        used.append(run.base.hash)
        return {"failed": "not run"}

    monkeypatch.setattr("learner.core.bases.fetch", fetch)
    monkeypatch.setattr(real.Adaptation, "work", work)
    arguments = ["--songs", str(songs), "--base", "spleeter-22k", "--quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]
    assert main(["bench", "real", *arguments]) == 0
    assert asked == [("spleeter-22k", tmp_path / "bases")]
    assert used == [base.hash, base.hash]
