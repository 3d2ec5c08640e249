"""Weights from elsewhere."""

import json
import sys
import types
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from learner.core import checkpoint, cli
from learner.core.separators import build
from learner.core.separators.importing import BadWeights, Imported, import_weights

CONFIG = {"width": 4, "depth": 5, "n_fft": 1024}


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return {name: value.clone() for name, value in build("hdemucs", CONFIG).net.state_dict().items()}


def bring(path: Path, **config: Any) -> Imported:
    return import_weights(path, architecture="hdemucs", config=CONFIG | config, out=path.parent / "out")


def holds(saved: checkpoint.Saved, weights: dict[str, Tensor]) -> bool:
    found = checkpoint.load(saved.path).net.state_dict()
    return found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_safetensors_file_becomes_a_checkpoint(weights: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(weights, tmp_path / "w.safetensors")
    saved = bring(tmp_path / "w.safetensors", stem="drums")
    assert holds(saved, weights)
    about = checkpoint.about(saved.path)
    assert (about.architecture, about.stem, about.parent) == ("hdemucs", "drums", None)
    assert about.recipe == {"algorithm": "import", "file": "w.safetensors", "sha256": checkpoint.file_hash(tmp_path / "w.safetensors")}


@pytest.mark.parametrize("key", [None, "state_dict", "state", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod.", "net."])
def test_wrappers_and_prefixes_are_taken_off(weights: dict[str, Tensor], tmp_path: Path, key: str | None, prefix: str) -> None:
    named = {prefix + name: value for name, value in weights.items()}
    torch.save({key: named, "epoch": 3, "best": 1.5} if key else named, tmp_path / "w.th")
    assert holds(bring(tmp_path / "w.th"), weights)


def test_half_precision_becomes_single(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in weights.items()}, tmp_path / "w.pt")
    saved = bring(tmp_path / "w.pt")
    assert {value.dtype for value in checkpoint.load(saved.path).net.state_dict().values()} == {torch.float32}


class Model:
    """A class that a pickle would bring in."""


def test_pickled_classes_are_refused(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({"klass": Model, "state": weights}, tmp_path / "w.th")
    with pytest.raises(BadWeights, match=r"w\.th is refused.*pickled classes.*Save its state dict alone"):
        bring(tmp_path / "w.th")


@pytest.fixture
def demucs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A class that is called as demucs calls its own, as a pickle names it."""
    module = types.ModuleType("demucs.htdemucs")
    vars(module)["HTDemucs"] = type("HTDemucs", (), {"__module__": "demucs.htdemucs"})
    monkeypatch.setitem(sys.modules, "demucs", types.ModuleType("demucs"))
    monkeypatch.setitem(sys.modules, "demucs.htdemucs", module)
    return vars(module)["HTDemucs"]


def test_the_class_that_demucs_names_beside_its_weights_is_passed_over(weights: dict[str, Tensor], tmp_path: Path, demucs: Any) -> None:
    torch.save({"klass": demucs, "kwargs": {"segment": Fraction(39, 5)}, "state": weights}, tmp_path / "w.th")
    assert holds(bring(tmp_path / "w.th"), weights)


def test_nothing_of_that_class_runs_and_no_other_is_let_in(weights: dict[str, Tensor], tmp_path: Path, demucs: Any) -> None:
    one = demucs()
    one.field = 1
    demucs.__setstate__ = demucs.__init__ = lambda self, *state: (tmp_path / "ran").touch()
    torch.save({"klass": one, "state": weights}, tmp_path / "w.th")
    assert holds(bring(tmp_path / "w.th"), weights)
    assert not (tmp_path / "ran").exists()
    torch.save({"klass": demucs, "kwargs": {"model": Model()}, "state": weights}, tmp_path / "x.th")
    with pytest.raises(BadWeights, match=r"x\.th is refused"):
        bring(tmp_path / "x.th")


def test_names_that_do_not_fit_are_told(weights: dict[str, Tensor], tmp_path: Path) -> None:
    first, second, *_ = weights
    wrong = {name: value for name, value in weights.items() if name != first} | {"tail.bias": torch.zeros(1), second: torch.zeros(1, 2, 3)}
    torch.save(wrong, tmp_path / "w.pt")
    with pytest.raises(BadWeights) as error:
        bring(tmp_path / "w.pt")
    shape = tuple(weights[second].shape)
    for part in (f"1 missing: {first}", "1 left over: tail.bias", f"1 of another shape: {second} (1, 2, 3) for {shape}"):
        assert part in str(error.value)


def test_a_great_misfit_is_told_in_few_words(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match=f"{len(weights)} missing") as error:
        bring(tmp_path / "w.pt")
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"\x07" * 100, b"PK\x03\x04 half a zip"])
def test_garbage_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadWeights, match=rf"w\.{name[2:]} is (not|refused)"):
        bring(tmp_path / name)


@pytest.mark.parametrize("content", [torch.zeros(2), [1, 2], {}, {"state_dict": {"epoch": 3}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match="no state dict"):
        bring(tmp_path / "w.pt")


def test_weights_that_are_not_finite_are_refused(weights: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save({name: value * float("nan") for name, value in weights.items()}, tmp_path / "w.pt")
    with pytest.raises(checkpoint.BadCheckpoint, match="NaN"):
        bring(tmp_path / "w.pt")


class TestWhatTrainersWrite:
    """Checkpoints with more in them than the network."""

    def test_what_lies_beside_the_network_s_prefix_is_named_and_passed_over(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        beside = {"criterion.window": torch.ones(4), "val_sdr.total": torch.tensor(1.0)}
        content = {"state_dict": under("model.", weights) | beside, "hyper_parameters": {"lr": 1e-3}, "epoch": 7}
        torch.save(content, tmp_path / "extra.ckpt")
        saved = bring(tmp_path / "extra.ckpt")
        assert holds(saved, weights)
        assert (saved.prefix, saved.passed_over) == ("model.", ("criterion.window", "val_sdr.total"))

    @pytest.mark.parametrize("prefix", ["separator.", "a.b.c.", "module.model.net."])
    def test_any_prefix_that_every_name_has_is_taken_off(self, weights: dict[str, Tensor], tmp_path: Path, prefix: str) -> None:
        torch.save({"state_dict": under(prefix, weights)}, tmp_path / "w.ckpt")
        saved = bring(tmp_path / "w.ckpt")
        assert holds(saved, weights)
        assert (saved.prefix, saved.passed_over) == (prefix, ())

    def test_a_loss_beside_a_network_without_a_prefix_is_passed_over(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        torch.save(weights | {"loss.weight": torch.ones(4)}, tmp_path / "w.pt")
        assert bring(tmp_path / "w.pt").passed_over == ("loss.weight",)

    def test_a_deeper_network_than_the_config_s_is_not_cut_to_it(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        part = next(iter(weights)).split(".")[0]
        torch.save(under("model.", weights | {f"{part}.99.weight": torch.ones(4)}), tmp_path / "w.pt")
        with pytest.raises(BadWeights, match=rf"under the prefix 'model\.': 1 left over: {part}\.99\.weight"):
            bring(tmp_path / "w.pt")

    @pytest.mark.parametrize("key", ["state_dict_ema", "ema", "best_weights"])
    def test_tensors_under_any_key_are_found(self, weights: dict[str, Tensor], tmp_path: Path, key: str) -> None:
        torch.save({key: weights, "mean": torch.tensor(1.0), "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}}, tmp_path / "w.pth")
        assert holds(bring(tmp_path / "w.pth"), weights)

    def test_averaged_weights_come_after_the_network_s_own(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        averaged = {name: value + 1 for name, value in weights.items()}
        torch.save({"state_dict_ema": averaged, "state_dict": weights}, tmp_path / "two.pth")
        torch.save({"state_dict": under("ema.", averaged) | under("model.", weights)}, tmp_path / "one.pth")
        assert holds(bring(tmp_path / "two.pth"), weights)
        saved = bring(tmp_path / "one.pth")
        assert holds(saved, weights)
        assert len(saved.passed_over) == len(weights)

    @pytest.mark.parametrize("value", [np.float64(0.3), np.float32(0.3), np.int64(3), np.bool_(True)])
    def test_figures_of_numpy_do_no_harm(self, weights: dict[str, Tensor], tmp_path: Path, value: Any) -> None:
        torch.save({"state_dict": weights, "best_loss": value}, tmp_path / "numpy.pth")
        assert holds(bring(tmp_path / "numpy.pth"), weights)

    def test_a_figure_that_numpy_1_wrote_does_no_harm(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        torch.save({"state_dict": weights, "best_loss": np.float64(0.3)}, tmp_path / "new.pth", _use_new_zipfile_serialization=False)
        written = (tmp_path / "new.pth").read_bytes()
        assert written.count(b"numpy._core.multiarray\n") == 1
        (tmp_path / "old.pth").write_bytes(written.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n"))
        assert holds(bring(tmp_path / "old.pth"), weights)

    def test_a_file_is_what_it_holds_whatever_it_is_called(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        save_file(weights, tmp_path / "saved.pth")
        torch.save(weights, tmp_path / "pickled.safetensors")
        assert holds(bring(tmp_path / "saved.pth"), weights)
        assert holds(bring(tmp_path / "pickled.safetensors"), weights)

    @pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n", "Git LFS pointer.*git lfs pull"),
            (b"<!DOCTYPE html><title>404</title>", "web page"),
            (b"\n  <HTML><body>Sign in", "web page"),
            (b"<?xml version='1.0'?><Error><Code>AccessDenied", "web page"),
            (b"", "is empty: 0 bytes"),
        ],
    )
    def test_what_is_no_file_of_weights_is_told_for_what_it_is(self, tmp_path: Path, name: str, content: bytes, told: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadWeights, match=told):
            bring(tmp_path / name)
        with pytest.raises(checkpoint.BadCheckpoint, match=told):
            checkpoint.load(tmp_path / name)

    def test_what_was_taken_and_passed_over_is_printed(
        self, weights: dict[str, Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torch.save({"state_dict": under("model.", weights) | {"criterion.window": torch.ones(4)}}, tmp_path / "w.ckpt")
        options = ["--architecture", "hdemucs", "--config", json.dumps(CONFIG), "--out", str(tmp_path / "out")]
        assert cli.main(["import", str(tmp_path / "w.ckpt"), *options]) == 0
        told = capsys.readouterr().out
        assert "taken from under model." in told
        assert "passed over, since the network has no such part: criterion.window" in told


def under(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in weights.items()}


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    for content in ({"state_dict": {"w": torch.zeros(1)}, "x": Evil()}, Evil()):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(BadWeights, match="is refused"):
            bring(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


def test_a_config_that_asks_for_far_more_than_the_file_holds_is_refused(weights: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(weights, tmp_path / "w.safetensors")
    for config, told in (
        ({"width": 60_000}, "far larger than the"),
        ({"width": 10**9}, r"config\.width is 1000000000; whole numbers from 0 to 65536"),
        ({"sample_rate": 10**9}, "sample_rate is 1000000000; 4000 to 192000 Hz"),
        ({"sources": ["vocals"] * 2000}, "config.sources has 2000 entries"),
    ):
        with pytest.raises(BadWeights, match=f"cannot build hdemucs: .*{told}"):
            bring(tmp_path / "w.safetensors", **config)


def test_open_unmix_s_own_files_fit(tmp_path: Path) -> None:
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

    def test_it_prints_where_the_checkpoint_lies(
        self, weights: dict[str, Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
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
    ) -> None:
        save_file(weights, tmp_path / "w.safetensors")
        assert self.run(tmp_path / "w.safetensors", "--architecture", architecture, "--config", json.dumps(config)) == 1
        assert reason in capsys.readouterr().err

    def test_a_missing_file_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path / "none.pt", "--architecture", "unet") == 1
        assert "no such file" in capsys.readouterr().err
