"""Learning curves: their arithmetic by hand, and the whole of it on few short songs and a network too small to show anything."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from learner.core.bench.choosing import curves, curves_report, material
from learner.core.bench.choosing.curves import ALL, GREEDY, LIMITS, Curve, Sizes, World, short, world_of
from learner.core.bench.choosing.curves_report import Shares, figures, full_gain, reached
from learner.core.bench.choosing.finding import ORACLE, Table
from learner.core.bench.choosing.material import Pool, hearings, sounds_of, tracks_of
from learner.core.bench.material import Base
from learner.core.bench.runs import Result, finish, read_result
from learner.core.cli import main
from learner.core.songs import scan
from learner.core.songs.synth import write_songs
from learner.core.teaching.recipe import Recipe


def result(leak: Sequence[float], base: float = 10.0) -> Result:
    return {"minutes": [1.0, 2.0], "leak": list(leak), "base": base, "pool": 4.0, "clips": 16}


ROWS = {
    ALL: [result([6.0]), result([6.0])],
    "random": [result([9.0, 8.0]), result([9.0, 8.0])],
    "expected": [result([8.0, 6.0]), result([8.0, 6.4])],
    GREEDY: [result([6.0, 6.0]), result([6.0, 6.0])],
}


class TestFigures:
    def test_a_curve_reaches_ninety_per_cent_between_two_points(self) -> None:
        at = np.array([0.0, 0.25, 0.5, 1.0])
        assert reached(at, np.array([0.0, 0.5, 0.8, 1.0])) == pytest.approx(0.75)
        assert reached(at, np.array([0.0, 0.9, 0.5, 1.0])) == pytest.approx(0.25)
        assert reached(at, np.array([0.0, 0.1, 0.2, 0.8])) == 1.0

    def test_gains_are_shares_of_what_all_clips_give(self) -> None:
        assert full_gain(ROWS) == 4.0
        shares = Shares.of(ROWS)
        assert shares.at.tolist() == [0.0, 0.25, 0.5, 1.0]
        assert shares.gain["random"][0].tolist() == [0.0, 0.25, 0.5, 1.0]
        assert shares.areas("random")[0] == pytest.approx(0.03125 + 0.09375 + 0.375)

    def test_minutes_and_areas_are_held_against_random_and_the_greedy_oracle(self) -> None:
        told = figures({"pool": Shares.of(ROWS)})
        minutes, *_, areas = told.values()
        assert minutes["random"]["pool"][0] == pytest.approx(0.9)  # half at 0.5, all at 1: nine tenths at 0.9
        assert told["The same, times random's"]["expected"]["pool"][0] == pytest.approx(minutes["expected"]["pool"][0] / 0.9)
        assert areas["expected"][""][0] < 1.0 < 1 / areas["random"][""][0]

    def test_equal_rows_are_equal_in_every_draw(self) -> None:
        twins = {ALL: ROWS[ALL], "random": ROWS["expected"], "expected": ROWS["expected"]}
        told = figures({"pool": Shares.of(twins)})
        assert told["Area, times random's"]["expected"]["pool"] == (1.0, 1.0, 1.0)


def test_a_short_recipe_learns_no_more_than_the_products() -> None:
    for architecture in ("unet", "spleeter"):
        recipe = Recipe.default_for(architecture, real_songs=True)
        few = short(recipe)
        assert few["steps"] <= recipe.steps and few["replay_patches"] <= recipe.replay_patches
        assert set(few["factors"]) > set(recipe.factors) and max(few["factors"]) == max(recipe.factors)


def world(monkeypatch: pytest.MonkeyPatch, worth: Sequence[float]) -> World:
    """One in which each clip takes so much off the held-out songs' leak, whatever it leaks itself."""
    table = Table.__new__(Table)
    object.__setattr__(table, "truth", np.array([4.0, 3.0, 2.0, 1.0]))
    object.__setattr__(table, "clips", range(4))
    made = World(table, [], Path(), [], [], [], [], 10.0)
    monkeypatch.setattr(World, "leak_after", lambda self, clips, recipe, seed: 10.0 - sum(worth[at] for at in clips))
    monkeypatch.setattr(curves, "world_of", lambda *_: made)
    return made


class TestLimits:
    def test_the_greedy_oracle_takes_what_helps_most_and_the_one_shot_oracle_what_leaks_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world(monkeypatch, [0.0, 1.0, 2.0, 4.0])
        sizes = Sizes(shares=(0.25, 0.5), searched=0.5, candidates=4)
        greedy, oracle, every = (Curve(Pool("songs", Base()), 1, row, "", Recipe(), sizes).work() for row in (GREEDY, ORACLE, ALL))
        assert greedy["leak"] == [6.0, 4.0]
        assert oracle["leak"] == [10.0, 9.0]
        assert every["leak"] == [3.0] and every["minutes"] == [1.0]


class TestSounds:
    def test_a_track_is_heard_where_its_signals_were_measured(self, base: Base, tmp_path: Path) -> None:
        write_songs(tmp_path / "songs", "target", [1], 61.0)
        pool = Pool(material.PLAIN, base, str(tmp_path / "songs"), tuple(one.name for one in scan(tmp_path / "songs").songs))
        [hearing] = hearings(pool, tmp_path)
        tracks = tracks_of(pool, {hearing.key: hearing.work()}, tmp_path)
        assert [track.at for track in tracks] == [(0, 0), (0, 1)]
        sounds = sounds_of(pool, tracks[::-1])
        assert [song.name for song in sounds] == [track.name for track in tracks[::-1]]
        for song, track in zip(sounds, tracks[::-1], strict=True):
            measured = 10 * np.log10(np.mean(10 ** (track.signals.columns["mix"] / 10)))
            assert 10 * np.log10(np.square(song.mixture).mean()) == pytest.approx(measured, abs=1.0)


class TestWorld:
    def test_songs_that_the_base_knows_are_replayed_and_validate_and_none_of_the_pool(self, base: Base, tmp_path: Path) -> None:
        write_songs(tmp_path / "songs", "target", [1, 2], 31.0)
        for at in range(1, 11):
            write_songs(tmp_path / "source", "source", [at], 31.0)
        names = tuple(one.name for one in scan(tmp_path / "songs").songs)
        pool = Pool(material.PLAIN, base, str(tmp_path / "songs"), names, source=str(tmp_path / "source"))
        (tmp_path / "kept").mkdir()
        finish(hearings(pool, tmp_path / "kept"), tmp_path / "kept", workers=1)
        made = world_of(pool, 1, str(tmp_path / "kept"), Sizes(replay=3, validation=1), 15.0)
        known = {one.name for one in scan(tmp_path / "source").songs}
        assert len(made.replay) == 3 and len(made.validation) == 1
        assert {song.name for song in [*made.replay, *made.validation]} <= known
        assert len(made.table.tracks) == 1, "the song that is not held out"


class TestReport:
    def test_pools_are_told_and_drawn_and_one_without_gain_is_named(self, tmp_path: Path) -> None:
        flat = {row: [result([10.0] * len(one["leak"])) for one in runs] for row, runs in ROWS.items()}
        runs, results = [], {}
        for shift, rows in (("mixed pool", ROWS), ("choir", flat)):
            for row, of in rows.items():
                for seed, one in enumerate(of):
                    runs.append(Curve(Pool(shift, Base()), seed, row, "", Recipe()))
                    results[runs[-1].key] = one
        told = curves_report.write(runs, results, {1: "shipped"}, tmp_path)
        assert "| choir | 2 | 16 | 4.0 | 10.0 | 0.0 (too little for a curve) |" in told
        area = 0.25 * 0.25 + 0.25 * (0.5 + 0.95) / 2 + 0.5 * (0.95 + 1) / 2  # its curve: 0, 0.5, 0.95, 1
        assert f"| expected | {area:.2f} [" in told
        content = json.loads((tmp_path / "curves.json").read_text())
        assert all("choir" not in pools for rows in content.values() for pools in rows.values())
        assert (tmp_path / "curves.csv").read_text().startswith("figure,row,pool,value,low,high")
        pytest.importorskip("matplotlib")
        assert (tmp_path / "curves.png").stat().st_size > 1000


class TestCommand:
    def test_curves_go_on_from_their_files(
        self, base: Base, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small = {"shares": [0.5], "tracks": 1, "held": 1, "replay": 5, "validation": 1, "searched": 0.2, "candidates": 2, "search_steps": 1}
        write_songs(tmp_path / "songs", "target", [1, 2, 3, 4], 31.0)
        out = tmp_path / "out"
        options = ["--seeds", "0", "--curves", "1", "--generated", "0", "--songs", str(tmp_path / "songs"), "--base", base.path]
        options += ["--rows", "expected", *LIMITS, "--recipe", '{"steps": 2, "replay_patches": 1}', "--workers", "1"]
        options += ["--sizes", json.dumps(small)]
        assert main(["bench", "choosing", *options, "--out", str(out)]) == 0
        told = capsys.readouterr().out
        assert "## Learning curves" in told and "too little for a curve" in told  # so small a network learns nothing
        rows = {path.name.split("seed1-")[1] for path in (out / "curves").iterdir()}
        assert rows == {f"{row}.json" for row in ("all-clips", "expected", "one-shot-oracle", "greedy-oracle")}
        one = read_result(next((out / "curves").glob("*expected.json")))
        assert one["minutes"] == [0.25] and len(one["leak"]) == 1
        monkeypatch.setattr(Curve, "work", lambda self: pytest.fail("adapted twice"))
        assert main(["bench", "choosing", *options, "--out", str(out)]) == 0
        assert capsys.readouterr().out.split("Choosing 200")[0] == told.split("Choosing 200")[0]

    def test_sizes_that_do_not_exist_are_named(self) -> None:
        assert Sizes.changed({"shares": [0.5]}) == Sizes(shares=(0.5,))
        with pytest.raises(ValueError, match="sizes have songs"):
            Sizes.changed({"songs": 3})
