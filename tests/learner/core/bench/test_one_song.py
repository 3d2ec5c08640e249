"""The figures of one song with three marks, on a generated song and a network too small to show anything."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learner.core import audio
from learner.core.bench import comparison, one_song, real
from learner.core.bench.material import Base, TooFewSongs
from learner.core.bench.real_material import Experiment, Sizes, Sounds, of_folder
from learner.core.bench.runs import Result
from learner.core.songs import Song
from learner.core.songs.synth import write_songs

QUICK = {"steps": 2, "n_frames": 16, "new_patches": 2, "replay_patches": 2, "keep_every": 1, "factors": [0.5]}


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"LENGTH": 16.0, "BLOCK": 2.0, "SHORTEST": 0.5, "LONGEST": 1.0}.items():
            patch.setattr(one_song, name, value)
        patch.setattr(real, "VOICE_DB", -2000.0)
        yield


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder, sounds, seconds = tmp_path_factory.mktemp("songs"), tmp_path_factory.mktemp("sounds"), np.arange(16_000) / 16_000
    write_songs(folder, "target", [1, 2, 3], 16.0)
    for name, hertz in (("flute", 440.0), ("violin", 330.0), ("voice", 220.0)):
        audio.write_flac(sounds / f"{name}.flac", (0.3 * np.sin(2 * np.pi * hertz * seconds))[None].astype(np.float32), 16_000)
    files = {name: (str(sounds / f"{name}.flac"),) for name in ("flute", "violin", "voice")}
    kinds = Sounds(files["flute"], files["violin"], files["voice"])
    return of_folder(folder, shift="recorded", sounds=kinds, sizes=Sizes(excerpt=4.0))


@pytest.fixture(scope="module")
def results(experiment: Experiment, base: Base, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    out = tmp_path_factory.mktemp("runs")
    rows = {comparison.OURS: QUICK, one_song.WITH_OTHERS: QUICK}
    return one_song.run_one_song(experiment, [base], rows, seeds=[1], out=out, workers=1)


def test_one_song_has_three_marks_and_is_measured_outside_them(experiment: Experiment, base: Base) -> None:
    heard = one_song.hear(experiment, base, 1)
    (song,) = heard.feedback
    assert len(song.marks) == 3
    assert song.mixture.shape[1] == 16.0 * song.sample_rate
    assert all(0.4 < end - start <= 1.0 for start, end, _ in song.marks)
    assert not any(song.song_name.endswith(other.name) for other in heard.songs.replay)


def test_all_rows_stand_beside_the_child(results: dict[str, Result]) -> None:
    assert not [result["failed"] for result in results.values() if "failed" in result]
    (rows,) = comparison.Table(results).runs.values()
    assert {"base", "silence", "mixture", comparison.OURS, real.WHOLE, one_song.WITH_OTHERS} <= set(rows)
    assert set(rows[comparison.OURS]) == {real.OUTSIDE, "held voices"}


def test_the_table_is_written(results: dict[str, Result], experiment: Experiment, tmp_path: Path) -> None:
    text = one_song.write(experiment, {1: "tiny"}, results, tmp_path)
    assert "**tiny**, ours" in text
    assert "| true voice kept |" in text
    assert json.loads((tmp_path / "one_song.json").read_text())["figures"]["tiny: ours"]


def test_a_folder_in_which_nothing_leaks_is_told(experiment: Experiment, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_song, "mark", lambda *_: [])
    with pytest.raises(TooFewSongs, match="In none of these songs"):
        one_song.hear(replace(experiment, seconds=1.0), base, 1)


def test_false_positives_close_together_are_one_to_a_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    song = Song("x", 100, np.zeros((1, 2000), np.float32), np.zeros((1, 2000), np.float32))
    monkeypatch.setattr(one_song, "mark", lambda *_: [(1.0, 1.3, 1.0), (1.5, 2.0, 1.0), (9.0, 9.2, 1.0)])
    ((start, end, _),) = one_song.three_marks(song, song.mixture, np.random.default_rng(0))
    assert 1.0 <= start < end <= 2.0
