"""What pools whose truth is known say of the weights: found again where it was put in, and unsure where pools differ."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from learner.core.bench.choosing import prior
from learner.core.choosing import expected
from learner.core.choosing.signals import COLUMNS, Signals
from learner.core.cli import main


def pool(folder: Path, base: int, sign: float, n_songs: int = 3) -> None:
    """Songs of a minute that leak where `rests` is high, or low, and where `doubt` is high."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([base, n_songs])
    for song in range(n_songs):
        columns: dict[str, NDArray[np.float32]] = {name: np.full(600, np.nan, np.float32) for name in COLUMNS}
        columns |= {name: generator.normal(size=600).astype(np.float32) for name in ("rests", "spread", "entropy")}
        columns |= {"level": np.full(600, -20, np.float32), "mix": np.full(600, -10, np.float32)}
        leaks = sign * columns["rests"] + columns["spread"] > 1.0
        edges = np.flatnonzero(np.diff(leaks.astype(int), prepend=0, append=0)).reshape(-1, 2) / 10
        Signals(columns, np.zeros((60, 4), np.float32)).save(folder / f"base{base}-songs-song{song}.npz")
        result = {"settings": "", "result": {"name": str(song), "group": song, "leaks": edges.tolist(), "seconds": 60.0}}
        (folder / f"base{base}-songs-song{song}.json").write_text(json.dumps(result))


def test_pools_that_agree_are_believed_and_where_they_differ_answers_may_move_it(tmp_path: Path) -> None:
    pool(tmp_path / "signals", 1, 1.0)
    pool(tmp_path / "signals", 2, -1.0)
    found = prior.learn([tmp_path / "signals"])
    assert found.weights["doubt"][0] > 0.7 and off(found, "doubt") < 0.4
    assert off(found, "rests") > max(0.7, abs(found.weights["rests"][0]))
    assert found.weights["nets"] == (0.0, 0.0), "no base has two networks"
    assert abs(found.weights["entropy"][0]) < 0.2


def test_weights_that_go_together_from_base_to_base_are_known_to(tmp_path: Path) -> None:
    one, other = ({"rests": [sign, 0.0], "mix": [-sign, 0.0], "level": [1.0, 0.0], prior.INTERCEPT: [-1.0]} for sign in (0.5, -0.5))
    found = prior.prior_of([[one], [other]])
    assert found.of(["rests", "mix"])[1].tolist()[0] == [0.25 + prior.LEAST**2, 0.0, -0.25, 0.0, 0.0]
    assert off(found, "level") == prior.LEAST, "both agree"
    assert off(found, "nets") == 2 * prior.LEAST, "nothing is known of it"


def off(found: expected.Prior, name: str) -> float:
    """How far the weight of the frame may be from its mean."""
    return round(float(np.sqrt(found.of([name])[1][0, 0])), 6)


def test_each_base_counts_the_same_however_many_pools_it_has(tmp_path: Path) -> None:
    one, other = {"rests": [1.0, 0.0], prior.INTERCEPT: [-1.0]}, {"rests": [0.0, 0.0], prior.INTERCEPT: [-3.0]}
    found = prior.prior_of([[one, one, one], [other]])
    assert found.weights["rests"] == (0.5, 0.0) and found.intercept == -2.0


def test_the_command_writes_what_choosing_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool(tmp_path / "made" / "signals", 1, 1.0)
    assert main(["bench", "prior", str(tmp_path / "made"), "--out", str(tmp_path / "prior.json")]) == 0
    assert capsys.readouterr().out == (tmp_path / "prior.json").read_text()
    read = expected.Prior.read(tmp_path / "prior.json")
    assert read == prior.learn([tmp_path / "made" / "signals"])
    assert set(read.weights) == set(expected.SIGNALS)


def test_a_folder_without_signals_and_a_file_that_is_no_prior_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no signals"):
        prior.learn([tmp_path])
    (tmp_path / "a.json").write_text('{"weights": {}}')
    with pytest.raises(ValueError, match=r"a\.json is no prior"):
        expected.Prior.read(tmp_path / "a.json")
