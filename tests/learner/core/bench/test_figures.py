"""The benchmark of figures, on songs and a network too small to show anything."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import checkpoint, metrics
from learner.core.bench import comparison, in_a_row, intervals, report
from learner.core.bench.comparison import Figure, Table
from learner.core.bench.figures import OneAdaptation, Setting, run_figures, supervised
from learner.core.bench.material import Base, RealSongs, Sizes, TooFewSongs, generated, real
from learner.core.bench.runs import Result, settings_hash
from learner.core.bench.tables import FALSE_POSITIVES
from learner.core.cli import main
from learner.core.judging.segments import Segments
from learner.core.separators import build
from learner.core.songs.synth import make_song, write_songs
from learner.core.teaching.recipe import Recipe
from tests.present import present

TINY = Sizes(replay=2, pool=2, validation=1, gain=1, target=2, source=1, bystander=1, duration=8.0)
RECIPE = replace(Recipe.default(), steps=2, n_frames=16, new_patches=2, replay_patches=2, keep_every=1)
SETTING = Setting(sizes=TINY, seconds=3.0)
Finished = tuple[dict[str, Result], Path]
"""What came out by run, and where it lies."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = build("unet", {"widths": [4, 4, 4, 4]})
    return Base.at(checkpoint.save(separator, tmp_path_factory.mktemp("base"), recipe={}, parent=None).path)


@pytest.fixture(scope="module")
def run(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One seed's runs, and where they lie."""
    out = tmp_path_factory.mktemp("figures")
    return run_figures(SETTING, RECIPE, base=base, bases=1, seeds=[1], out=out, workers=1), out


def test_no_song_is_both_taught_and_tested(base: Base) -> None:
    songs = generated(1, base, Sizes(replay=1, pool=2, validation=2, gain=2, target=2, source=2, bystander=2, duration=8.0))
    names = [s.name for part in (songs.replay, songs.pool, songs.validation, songs.gain, *songs.tested.values()) for s in part]
    assert len(set(names)) == len(names) == 13


class TestRealSongs:
    def test_they_are_marked_and_tested_beside_generated_ones(self, base: Base, tmp_path: Path) -> None:
        write_songs(tmp_path, "target", [1, 2, 3], 4.0)
        songs = real(RealSongs(str(tmp_path), ("target-1",), ("target-2",), ("target-3",)), 1, base, TINY)
        names = {domain: [song.name for song in some] for domain, some in songs.tested.items()}
        assert ([song.name for song in songs.pool], [song.name for song in songs.gain]) == (["target-1"], ["target-2"])
        assert names == {"target": ["target-3"], "source": ["source-101300"], "bystander": ["bystander-101300"]}

    def test_a_name_that_is_not_there_is_told(self, base: Base, tmp_path: Path) -> None:
        write_songs(tmp_path, "target", [1], 4.0)
        with pytest.raises(TooFewSongs, match="no song with stems called gone; there are target-1"):
            real(RealSongs(str(tmp_path), ("gone",), ("target-1",), ("target-1",)), 1, base, TINY)

    def test_all_three_kinds_are_asked_for(self, base: Base, tmp_path: Path) -> None:
        with pytest.raises(TooFewSongs, match="at least one each"):
            real(RealSongs(str(tmp_path), ("target-1",), (), ("target-3",)), 1, base, TINY)


def test_every_row_stands_beside_the_child(run: Finished) -> None:
    results, _ = run
    assert Table(results).rows == list(comparison.ROWS)


def test_table_and_picture_are_written(run: Finished) -> None:
    results, out = run
    text = report.figures(Table(results), results, out)
    assert "| false-positive seconds per minute, target |" in text
    assert "| supervised ceiling |" in text
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "figures.md").read_text() == text
    assert json.loads((out / "figures.json").read_text())["figures"][0]["threshold"] == -30


def test_a_finished_run_is_not_done_again(run: Finished, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    results, out = run
    monkeypatch.setattr(OneAdaptation, "work", lambda self: pytest.fail(f"{self.key} was done again"))
    again = run_figures(SETTING, RECIPE, base=base, bases=1, seeds=[1], out=out, workers=1)
    np.testing.assert_equal(again, results)


def test_another_recipe_measures_the_base_no_second_time(run: Finished, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out = run
    done = []

    def work(run: OneAdaptation) -> dict[str, str]:
        done.append(run.row)
        return {"failed": "not run"}

    monkeypatch.setattr(OneAdaptation, "work", work)
    run_figures(SETTING, replace(RECIPE, steps=3), base=base, bases=1, seeds=[1], out=shutil.copytree(out, out.parent / "copy"), workers=1)
    assert "base" not in done
    assert len(done) == 4


def test_the_command_puts_the_recipe_for_adapters_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def work(run: OneAdaptation) -> dict[str, str]:
        asked[run.row] = run.recipe
        return {"failed": "not run"}

    monkeypatch.setattr(OneAdaptation, "work", work)
    monkeypatch.setattr(report, "figures", lambda *_: "")
    assert main(["bench", "figures", "--adapters", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)]) == 0
    assert (asked[comparison.OURS], asked[comparison.ADAPTERS]) == (Recipe.default(), Recipe.adapters())


def test_other_settings_are_other_runs(run: Finished, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out = run
    monkeypatch.setattr(OneAdaptation, "work", lambda self: {"failed": "other"})
    again = run_figures(replace(SETTING, seconds=2.0), RECIPE, base=base, bases=1, seeds=[1], out=out, workers=1)
    assert {result["failed"] for result in again.values()} == {"other"}


def test_the_ceiling_sees_true_stems_as_often_as_the_child_sees_feedback(base: Base) -> None:
    songs = generated(1, base, TINY)
    recipe = replace(Recipe.default(), new_patches=4, replay_patches=2)
    changed, replay = supervised(recipe, songs.pool, songs.replay)
    pool = {song.name for song in songs.pool}
    n_marked = sum(song.name in pool for song in replay)
    assert (n_marked, len(replay) - n_marked) == (4, 2)
    assert (changed.replay_patches, changed.factors) == (6, (1.0,))


class TestIntervals:
    def test_segments_add_up_to_the_songs_figures(self) -> None:
        song = make_song(3, "target", 25.0)
        vocals = present(song.vocals)
        estimate = vocals + 0.3 * present(song.accompaniment)
        figures = metrics.evaluate(estimate, vocals, song.mixture, song.sample_rate)
        sums = intervals.sums(estimate, vocals, estimate, song.sample_rate)
        assert len(sums["seconds"]) == 3
        for name in intervals.FROM_SEGMENTS & set(figures):
            value, low, high = intervals.over_segments([[[sums]]], name, lambda mean: mean, np.random.default_rng(0))
            assert value == pytest.approx(figures[name], abs=1e-3), name
            assert low <= value <= high, name

    def test_a_change_that_all_segments_share_has_no_width(self) -> None:
        names = [part.name for part in fields(Segments)]
        base = [{name: [1.0, 5.0] for name in (*names, intervals.LEVEL)} | {"seconds": [10.0, 10.0]}]
        child = [base[0] | {"false_positive_seconds": [0.5, 4.5]}]
        name = "false_positive_seconds_per_minute"
        found = intervals.over_segments([[child], [base]], name, lambda c, b: c - b, np.random.default_rng(0))
        assert found == pytest.approx((-3.0, -3.0, -3.0))

    def test_the_interval_over_songs_is_that_of_the_mean(self) -> None:
        generator = np.random.default_rng(0)
        column = [generator.normal(1, 1, 30) for _ in range(3)]
        value, low, high = intervals.over_songs([column], lambda mean: mean, generator)
        assert low < value < high
        assert high - low == pytest.approx(2 * 1.96 / np.sqrt(90), rel=0.3)

    def test_three_seeds_have_students_interval(self) -> None:
        assert intervals.over_seeds([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2 - 4.303 / np.sqrt(3), 2 + 4.303 / np.sqrt(3)))

    def test_one_seed_has_none(self) -> None:
        assert intervals.over_seeds([1.0])[0] == 1.0
        assert np.isnan(intervals.over_seeds([1.0])[1:]).all()


class TestThresholds:
    def test_a_figure_that_misses_its_threshold_does_not_pass(self) -> None:
        line = Figure("leak", -28.0, -35.0, -20.0, -30, -50, "%", least=False)
        assert not line.passes
        assert replace(line, value=-31.0).passes

    def test_an_interval_must_be_clear_where_that_is_asked(self) -> None:
        line = Figure("leak", -31.0, -40.0, -14.0, -30, -50, "%", least=False, interval_within=-15)
        assert not line.passes
        assert replace(line, high=-16.0).passes

    def test_percent_are_of_means_and_the_ceiling_is_what_counts(self) -> None:
        def song(leak: float, error: float) -> dict[str, Any]:
            sums = {key: [1.0] for key in ("voice", "cross", "sung_voice", "sung_cross", "frames", "sdr")}
            sums |= {"seconds": [60.0], "estimate": [1.0 + error]}
            sums |= {key: [leak] for key in ("false_positive_seconds", "level_false_positive_seconds")}
            return {"figures": {"sdr_median": 0.0}, "segments": sums}

        rows = {"base": (10.0, 0.1), comparison.OURS: (5.0, 0.01), comparison.CEILING: (2.0, 0.001)}
        results = {
            f"base1-seed1-{row}": {"rows": {row: {domain: {"a": song(*f)} for domain in ("target", "source", "bystander")}}}
            for row, f in rows.items()
        }
        lines = {line.name: line.value for line in comparison.lines_of(Table(results))}
        assert lines["false-positive seconds per minute, target"] == pytest.approx(-50)
        assert lines["song SDR, target: share of the ceiling's gain"] == pytest.approx(50, abs=0.01)

    def test_a_share_of_the_ceiling_counts_for_nothing_where_si_sdr_falls(self) -> None:
        assert not Figure("share", 80.0, 70.0, 90.0, 60, 90, "%", least=True, void="void: SI-SDR falls").passes


@pytest.fixture(scope="module")
def two_rounds(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("rounds")
    setting = replace(SETTING, sizes=replace(TINY, duration=15.0))
    return in_a_row.run_rounds(setting, RECIPE, 2, base=base, bases=1, seeds=[1], out=out, workers=1), out, setting


class TestRoundsInARow:
    def test_every_round_is_told_and_drawn(self, two_rounds: Any) -> None:
        results, out, _ = two_rounds
        (result,) = results.values()
        assert len(result["rounds"]) == 2
        assert result["rounds"][1]["marked_seconds"] > result["rounds"][0]["marked_seconds"]
        text = report.in_a_row(results, out)
        assert "promoted of 2 rounds" in text
        assert (out / "rounds.png").exists()

    def test_a_run_stopped_between_rounds_goes_on(self, two_rounds: Any, base: Base, tmp_path: Path) -> None:
        results, _, setting = two_rounds
        whole = in_a_row.enough_songs(setting, 2)
        first = in_a_row.Rounds(whole, RECIPE, base, 1, 1, str(tmp_path)).work()
        both = in_a_row.Rounds(whole, RECIPE, base, 1, 2, str(tmp_path)).work()
        np.testing.assert_equal(both["rounds"][0], first["rounds"][0])
        np.testing.assert_equal(both["rounds"], results["rounds-base1-seed1"]["rounds"])

    def test_the_worst_promoted_child_counts_on_source_songs(self) -> None:
        def measured(leak: float, sdr: float, promoted: bool) -> dict[str, Any]:
            source = dict.fromkeys(in_a_row.SOURCE, sdr)
            return {"promoted": promoted, "figures": {"target": {FALSE_POSITIVES: leak}, "source": source}}

        rounds = [measured(10.0, 4.9, True), measured(8.0, 4.4, True), measured(1.0, 0.0, False), measured(7.0, 4.8, True)]
        lines = in_a_row.lines_of({"a": {"before": measured(20.0, 5.0, True), "rounds": rounds}})
        assert [line.value for line in lines] == pytest.approx([3, -30, 0.6])
        assert [line.passes for line in lines] == [True, True, False]


def test_where_a_base_lies_does_not_make_it_another(base: Base) -> None:
    run = OneAdaptation(SETTING, base, 1, "base")
    assert settings_hash(replace(run, base=replace(base, path="elsewhere"))) == settings_hash(run)
    assert settings_hash(replace(run, base=replace(base, hash="0"))) != settings_hash(run)
