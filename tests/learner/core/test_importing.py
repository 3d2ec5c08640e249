"""Weights from elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from learner.core import checkpoint, cli
from learner.core.importing import BadWeights, import_weights
from learner.core.separators import build

CONFIG = {"width": 4, "depth": 5, "n_fft": 1024}


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return {name: value.clone() for name, value in build("hdemucs", CONFIG).net.state_dict().items()}


def bring(path: Path, **config: Any) -> checkpoint.Saved:
    return import_weights(path, architecture="hdemucs", config=CONFIG | config, out=path.parent / "out")


def holds(saved: checkpoint.Saved, weights: dict[str, Tensor]) -> bool:
    found = checkpoint.load(saved.path).net.state_dict()
    return found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_safetensors_file_becomes_a_checkpoint(weights: dict[str, Tensor], tmp_path: Path):
    save_file(weights, tmp_path / "w.safetensors")
    saved = bring(tmp_path / "w.safetensors", stem="drums")
    assert holds(saved, weights)
    about = checkpoint.about(saved.path)
    assert (about.architecture, about.stem, about.parent) == ("hdemucs", "drums", None)
    assert about.recipe == {"algorithm": "import", "file": "w.safetensors", "sha256": checkpoint.file_hash(tmp_path / "w.safetensors")}


@pytest.mark.parametrize("key", [None, "state_dict", "state", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod.", "net."])
def test_wrappers_and_prefixes_are_taken_off(weights: dict[str, Tensor], tmp_path: Path, key: str | None, prefix: str):
    named = {prefix + name: value for name, value in weights.items()}
    torch.save({key: named, "epoch": 3, "best": 1.5} if key else named, tmp_path / "w.th")
    assert holds(bring(tmp_path / "w.th"), weights)


def test_half_precision_becomes_single(weights: dict[str, Tensor], tmp_path: Path):
    torch.save({name: value.half() for name, value in weights.items()}, tmp_path / "w.pt")
    saved = bring(tmp_path / "w.pt")
    assert {value.dtype for value in checkpoint.load(saved.path).net.state_dict().values()} == {torch.float32}


class Model:
    """A class that a pickle would bring in."""


def test_pickled_classes_are_refused(weights: dict[str, Tensor], tmp_path: Path):
    torch.save({"klass": Model, "state": weights}, tmp_path / "w.th")
    with pytest.raises(BadWeights, match=r"w\.th is refused.*pickled classes.*Save its state dict alone"):
        bring(tmp_path / "w.th")


def test_names_that_do_not_fit_are_told(weights: dict[str, Tensor], tmp_path: Path):
    first, second, *_ = weights
    wrong = {name: value for name, value in weights.items() if name != first} | {"tail.bias": torch.zeros(1), second: torch.zeros(1, 2, 3)}
    torch.save(wrong, tmp_path / "w.pt")
    with pytest.raises(BadWeights) as error:
        bring(tmp_path / "w.pt")
    shape = tuple(weights[second].shape)
    for part in (f"1 missing: {first}", "1 left over: tail.bias", f"1 of another shape: {second} (1, 2, 3) for {shape}"):
        assert part in str(error.value)


def test_a_great_misfit_is_told_in_few_words(weights: dict[str, Tensor], tmp_path: Path):
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match=f"{len(weights)} missing") as error:
        bring(tmp_path / "w.pt")
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"\x07" * 100, b"PK\x03\x04 half a zip"])
def test_garbage_is_refused(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadWeights, match=rf"w\.{name[2:]} is (not|refused)"):
        bring(tmp_path / name)


@pytest.mark.parametrize("content", [torch.zeros(2), [1, 2], {}, {"state_dict": {"epoch": 3}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, content: Any):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match="no state dict"):
        bring(tmp_path / "w.pt")


def test_weights_that_are_not_finite_are_refused(weights: dict[str, Tensor], tmp_path: Path):
    torch.save({name: value * float("nan") for name, value in weights.items()}, tmp_path / "w.pt")
    with pytest.raises(checkpoint.BadCheckpoint, match="NaN"):
        bring(tmp_path / "w.pt")


def test_open_unmix_s_own_files_fit(tmp_path: Path):
    """Its published files hold the constants of an older version beside the weights."""
    package = pytest.importorskip("openunmix.model")
    net = package.OpenUnmix(nb_bins=257, hidden_size=8, nb_layers=1, max_bin=64)
    torch.save(net.state_dict() | {"sample_rate": torch.tensor(44_100), "stft.window": torch.ones(512)}, tmp_path / "vocals.pth")
    config = {"hidden_size": 8, "layers": 1, "max_bin": 64, "n_fft": 512, "hop": 256}
    saved = import_weights(tmp_path / "vocals.pth", architecture="openunmix", config=config, out=tmp_path)
    assert holds(saved, dict(net.state_dict()))


class TestCommand:
    def run(self, *arguments: object) -> int:
        return cli.main(["import", *(str(argument) for argument in arguments)])

    def test_it_prints_where_the_checkpoint_lies(self, weights: dict[str, Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        save_file(weights, tmp_path / "w.safetensors")
        options = ("--architecture", "hdemucs", "--config", json.dumps(CONFIG), "--stem", "accompaniment", "--out", tmp_path / "out")
        assert self.run(tmp_path / "w.safetensors", *options) == 0
        (path,) = (tmp_path / "out").iterdir()
        assert str(path) in capsys.readouterr().out
        assert checkpoint.about(path).stem == "accompaniment"

    @pytest.mark.parametrize(
        ("architecture", "config", "reason"),
        [("vae", {}, "'vae' is unknown"), ("hdemucs", {"speed": 3}, "speed"), ("hdemucs", {"sources": ["piano"]}, "allowed are piano")],
    )
    def test_what_cannot_be_built_is_told(
        self, weights: dict[str, Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str], architecture: str, config: object, reason: str
    ):
        save_file(weights, tmp_path / "w.safetensors")
        assert self.run(tmp_path / "w.safetensors", "--architecture", architecture, "--config", json.dumps(config)) == 1
        assert reason in capsys.readouterr().err

    def test_a_missing_file_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert self.run(tmp_path / "none.pt", "--architecture", "unet") == 1
        assert "no such file" in capsys.readouterr().err
