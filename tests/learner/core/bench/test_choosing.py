"""The benchmark of choosing, on few short songs and a network too small to show anything."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from learner.core import audio
from learner.core.bench.choosing import command, finding, material, report
from learner.core.bench.choosing.finding import ROWS, Finding, Table
from learner.core.bench.choosing.material import Pool, Sounds, Track, generated, hearings, with_leads
from learner.core.bench.material import Base
from learner.core.choosing.signals import COLUMNS, Signals
from learner.core.cli import main
from learner.core.songs.synth import make_song, write_songs


def track(number: int, leaks: np.ndarray) -> Track:
    """A track whose estimate is loud and unsteady where it leaks."""
    n, generator = len(leaks), np.random.default_rng(number)
    columns: dict[str, NDArray[np.float32]] = {name: np.full(n, np.nan, np.float32) for name in COLUMNS}
    for name, low, high in (("level", -60.0, -20.0), ("share", 0.05, 0.8), ("spread", 0.01, 0.2), ("mix", -20.0, -20.0)):
        columns[name] = (np.where(leaks, high, low) + 0.01 * generator.normal(size=n)).astype(np.float32)
    return Track(f"track {number}", number, Signals(columns, generator.normal(size=(n // 10, 4)).astype(np.float32)), leaks)


def pool(n: int = 24, seed: int = 0) -> list[Track]:
    generator = np.random.default_rng(seed)
    return [track(number, np.repeat(generator.random(6) < 0.3 * (number % 3), 50)) for number in range(n)]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "kept_tracks", lambda pool, folder: TRACKS)


TRACKS = pool()


class TestFinding:
    def test_every_row_hears_as_many_clips_and_none_beats_the_oracle(self, kept: None) -> None:
        result = Finding(Pool("songs", Base(), "folder"), 1, "").work()
        assert set(result["rows"]) == {row.name for row in ROWS}
        for row in result["rows"].values():
            assert len(row["found"]) == len(row["best"]) == 4
            assert all(found <= best + 1e-9 for found, best in zip(row["found"], row["best"], strict=True))
            assert sum(row["found"]) <= sum(result["oracle"]) + 1e-9

    def test_where_the_signals_tell_what_was_learned_finds_nearly_all(self, kept: None) -> None:
        runs = [Finding(Pool("songs", Base(), "folder"), seed, "").work() for seed in (1, 2, 3)]
        found = {row: sum(sum(run["rows"][row]["found"]) for run in runs) for row in ("random", "expected")}
        assert found["expected"] > 1.3 * found["random"]
        assert all(run["ranked"]["expected"] > 0.9 > run["ranked"]["random"] for run in runs)
        told = runs[0]["rows"]["expected"]["told"]
        assert told[-1]["spearman"] > 0.8 and abs(told[-1]["expected"] - told[-1]["found"]) < 1.0

    def test_a_seed_is_a_run(self, kept: None) -> None:
        one, same, other = (Finding(Pool("songs", Base(), "folder"), seed, "").work() for seed in (1, 1, 2))
        assert one == same != other

    def test_a_clips_answers_do_not_depend_on_who_chose_it(self) -> None:
        table = Table.of(TRACKS, 15.0)
        assert table.answer(3, 1).marked.tolist() == table.answer(3, 1).marked.tolist()
        marked = np.array([(table.answer(at, 1).marked > 0.5).sum() / 10 for at in range(len(table.clips))])
        assert 0.8 < marked.sum() / table.truth.sum() < 1.05


class TestSongs:
    @pytest.mark.parametrize("shift", material.GENERATED)
    def test_generated_songs_add_up_and_some_have_the_shift(self, shift: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(material, "DURATION", 6.0)
        songs = [generated(shift, at) for at in (0, 1, 2, 5)]
        for song in songs:
            assert song.vocals is not None and song.accompaniment is not None
            assert song.mixture == pytest.approx(song.vocals + song.accompaniment, abs=1e-5)
        assert len({song.mixture.tobytes() for song in songs}) == 4

    def test_leads_take_turns_with_the_voice(self, tmp_path: Path) -> None:
        song = make_song(1, "source", 16.0)
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
        audio.write_flac(tmp_path / "tone.flac", tone[None].astype(np.float32), 16_000)
        changed = with_leads(song, Sounds((str(tmp_path / "tone.flac"),)), np.random.default_rng(0))
        assert changed.mixture.shape == song.mixture.shape
        assert changed.vocals is not None and changed.accompaniment is not None
        assert changed.mixture == pytest.approx(changed.vocals + changed.accompaniment, abs=1e-5)
        with pytest.raises(audio.BadAudio, match="recordings"):
            with_leads(song, Sounds(), np.random.default_rng(0))

    def test_the_mixed_pool_measures_no_song_twice(self) -> None:
        plain = Pool(material.PLAIN, Base(), "folder", ("a", "b"))
        mixed, leads = replace(plain, shift=material.MIXED), replace(plain, shift=material.LEADS)
        keys = [[one.key for one in hearings(one_pool, Path())] for one_pool in (plain, leads, mixed)]
        assert keys[2] == keys[0] + keys[1]


class TestCommand:
    def test_real_songs_first_then_generated_ones_and_again_from_files(
        self, base: Base, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(material, "GENERATED", ("mixed pool",))
        monkeypatch.setattr(material, "DURATION", 30.0)
        monkeypatch.setattr(Base, "at", classmethod(lambda cls: base))
        write_songs(tmp_path / "songs", "target", [1, 2, 3], 31.0)
        out = tmp_path / "out"
        options = ["--seeds", "2", "--generated", "3", "--songs", str(tmp_path / "songs"), "--base", base.path, "--workers", "1"]
        assert main(["bench", "choosing", *options, "--out", str(out)]) == 0
        told = capsys.readouterr().out
        assert told.index("## Real songs") < told.index("## Generated songs")
        assert "| expected |" in told and "Choosing 200 of 20000 clips takes" in told
        content = json.loads((out / "choosing.json").read_text())
        assert content["Real songs"]["expected"][report.FOUND][""][0] <= 1 + 1e-9
        assert (out / "choosing.csv").exists()
        first = (out / "choosing.md").read_text()
        monkeypatch.setattr(material.Hearing, "work", lambda self: pytest.fail("measured twice"))
        assert main(["bench", "choosing", *options, "--out", str(out)]) == 0
        assert (out / "choosing.md").read_text() == first

    def test_a_round_of_a_large_pool_is_chosen(self) -> None:
        assert command.time_of_choosing(2000, 50) > 0
