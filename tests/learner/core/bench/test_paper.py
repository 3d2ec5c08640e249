"""The harness of the paper's experiment, on songs and a network too small to show anything."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learner.core import checkpoint, cli
from learner.core.bench import paper, report
from learner.core.bench.claims import Claim, Experiment
from learner.core.bench.material import Base, Sizes, TooFewSongs
from learner.core.bench.runs import Result
from learner.core.separators import build
from learner.core.songs.synth import write_songs
from learner.core.teaching.recipe import Recipe

TINY = Sizes(replay=2, pool=1, validation=1, gain=1, target=1, source=1, bystander=0, duration=8.0)
SETTING = paper.Setting(
    replace(Recipe.default(), n_frames=16, new_patches=2, replay_patches=2, keep_every=1), steps=2, sizes=TINY, shares=(0.0, 1.0)
)
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
    out = tmp_path_factory.mktemp("paper")
    return paper.run_paper(SETTING, base=base, seeds=[1], out=out, workers=1), out


def test_every_algorithm_share_and_domain_is_run(run: Finished) -> None:
    results, _ = run
    assert len(results) == 2 + 3 * 2 * 2
    assert not [result["failed"] for result in results.values() if "failed" in result]


def test_tables_claims_and_pictures_are_written(run: Finished) -> None:
    results, out = run
    text = report.paper(Experiment(results), out)
    assert "Shifted domain (marked: target songs), tested on source songs" in text
    assert "| synthetic-tracks, 100 % |" in text
    assert "| silence in true rests |" in text
    assert "agrees" not in (out / "claims.md").read_text(), "one seed proves nothing"
    rows = list(csv.DictReader((out / "paper.csv").read_text().splitlines()))
    assert {row["figure"] for row in rows} >= {"sdr_mean", "sdr_median", "song_sdr", "si_sdr", "pes_dbfs", "voice_kept_db"}
    assert json.loads((out / "paper.json").read_text())["seeds"] == [1]
    for name in ("leak-against-forgetting", "sdr-by-share", "one-song"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_finished_is_not_done_again_and_what_is_half_written_is(run: Finished, base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    results, out = run
    (out / "seed1-target-synthetic-tracks-100.json").write_text('{"settings": "')
    done = []
    work = paper.OneAdaptation.work

    def noted(run: paper.OneAdaptation) -> Result:
        done.append(run.key)
        return work(run)

    monkeypatch.setattr(paper.OneAdaptation, "work", noted)
    again = paper.run_paper(SETTING, base=base, seeds=[1], out=out, workers=1)
    assert done == ["seed1-target-synthetic-tracks-100"]
    np.testing.assert_equal(again[done[0]]["rows"], results[done[0]]["rows"])


class TestRecipes:
    def of(self, algorithm: paper.Algorithm, share: float) -> Recipe:
        return paper.OneAdaptation(paper.Setting(), Base(), 1, "target", algorithm, share).recipe

    def test_the_papers_algorithms_are_plain(self) -> None:
        assert self.of("synthetic-tracks", 0.5) == Recipe.paper("synthetic-tracks", 0.5)
        assert self.of("zero-vocal-targets", 0.1).factors == (1.0,)

    def test_ours_is_the_default_with_that_share(self) -> None:
        assert self.of("our default", 1.0) == Recipe.default()
        assert self.of("our default", 0.1) == replace(Recipe.default(), replay_share=0.1)

    @pytest.mark.parametrize("algorithm", paper.ALGORITHMS)
    def test_no_share_is_no_replay(self, algorithm: paper.Algorithm) -> None:
        assert self.of(algorithm, 0.0).replay_patches == 0


class TestFolders:
    def test_a_folder_is_split_by_song_and_always_the_same_way(self, tmp_path: Path) -> None:
        write_songs(tmp_path, "source", range(7), 4.0)
        split = paper.parts(str(tmp_path), 3.0, "source")
        names = [[song.name for song in part] for part in (split.replay, split.validation, split.pool, split.tested)]
        assert [len(part) for part in names] == [4, 1, 1, 1]
        assert len({name for part in names for name in part}) == 7
        assert {song.duration for song in split.tested} == {3.0}
        paper.parts.cache_clear()
        assert [song.name for song in paper.parts(str(tmp_path), 3.0, "source").tested] == names[3]

    def test_too_few_songs_are_named(self, tmp_path: Path) -> None:
        write_songs(tmp_path, "target", range(2), 4.0)
        with pytest.raises(TooFewSongs, match="none is left to be used for validation"):
            paper.parts(str(tmp_path), 3.0, "target")


class TestVerdicts:
    def verdict(self, found: tuple[float, float, float], expected: int = 1) -> str:
        return Claim("", "", found, expected).verdict

    def test_an_interval_decides(self) -> None:
        assert self.verdict((1.0, 0.5, 1.5)) == "agrees"
        assert self.verdict((1.0, 0.5, 1.5), expected=-1) == "disagrees"
        assert self.verdict((1.0, -0.5, 2.5)).startswith("open")

    def test_one_seed_only_points(self) -> None:
        assert self.verdict((1.0, np.nan, np.nan)) == "points that way"
        assert self.verdict((np.nan, np.nan, np.nan)) == "not measured"


@pytest.mark.parametrize("benchmark", ["paper", "figures"])
def test_the_command_explains_itself(benchmark: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", benchmark, "--help"])
    assert ended.value.code == 0
    assert "started again, it goes on" in " ".join(capsys.readouterr().out.split())
