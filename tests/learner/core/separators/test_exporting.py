"""Checkpoints as other tools load them: ONNX against PyTorch, and each project's own loader."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import checkpoint, cli
from learner.core.cli.exporting import ENOUGH
from learner.core.separators import Separator
from learner.core.separators.exporting import onnx_file, own_tool
from learner.core.songs import synth
from tests.learner.core.separators.tiny import tiny

MASKED = ("unet", "spleeter")
SONG = synth.make_song(950_000, "target", duration=4.0)


def song(separator: Separator, n_samples: int) -> torch.Tensor:
    """A generated song at the separator's rate, or rather its samples: (1, channels, samples)."""
    return torch.from_numpy(SONG.mixture[:1, :n_samples]).float().repeat(separator.channels, 1)[None]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", MASKED)
def test_plain_convolutions_give_what_the_separator_gives(name: str, channels: int) -> None:
    separator = tiny(name, channels=channels).eval()
    graph = onnx_file.Waveform(separator).eval()
    for n_samples in (16_000, 20_123):
        mix = song(separator, n_samples)
        with torch.no_grad():
            found, wanted = graph(mix), separator(mix)
            assert found.shape == wanted.shape
            assert float((found - wanted).abs().max()) < 1e-5 * float(wanted.abs().max())


@pytest.mark.parametrize("name", MASKED)
def test_onnxruntime_gives_the_same_for_any_length(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="an extra")
    runtime = pytest.importorskip("onnxruntime", reason="an extra")
    separator, file = tiny(name, sample_rate=16_000).eval(), tmp_path / "model.onnx"
    saved = checkpoint.save(separator, tmp_path, recipe={"licence": "MIT"}, parent=None)
    assert cli.main(["export", str(saved.path), "--onnx", str(file)]) == 0
    assert "opset 17" in (said := capsys.readouterr().out) and "dB apart" in said
    for n_samples in (16_000, 20_123, 60_001):
        assert onnx_file.difference(file, separator, song(separator, n_samples)[0].numpy()) < ENOUGH
    about = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).get_modelmeta().custom_metadata_map
    assert (about["checkpoint"], about["stem"], about["sample_rate"], about["licence"]) == (saved.hash, "vocals", "16000", "MIT")


def test_what_has_no_mask_is_not_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="an extra")
    with pytest.raises(ValueError, match="hdemucs does not make its stem by a mask"):
        onnx_file.export(tiny("hdemucs"), tmp_path / "a.onnx", about={})
    assert not list(tmp_path.iterdir())


def test_ours_have_no_tool_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="export it as ONNX"):
        own_tool.export(tiny("unet"), tmp_path, "x")


def same(net: Any, separator: Separator) -> bool:
    """Whether both networks have the same weights."""
    theirs, ours = net.state_dict(), separator.net.state_dict()
    return theirs.keys() == ours.keys() and all(torch.equal(theirs[name], ours[name]) for name in ours)


def test_open_unmix_loads_its_folder(tmp_path: Path) -> None:
    separator = tiny("openunmix", layers=3)
    from openunmix.utils import load_separator

    folder, how = own_tool.export(separator, tmp_path, "abcd1234")
    loaded = load_separator(str(folder), targets=["vocals"])
    assert same(loaded.target_models["vocals"], separator) and int(loaded.sample_rate) == 44_100 and "umx --model" in how
    with pytest.raises(ValueError, match="three layers"):
        own_tool.export(tiny("openunmix"), tmp_path / "one", "x")


def test_demucs_loads_its_package(tmp_path: Path) -> None:
    separator = tiny("htdemucs")
    from demucs.repo import LocalRepo

    own_tool.export(separator, tmp_path, "abcd1234")
    assert same(LocalRepo(tmp_path).get_model("abcd1234"), separator)


@pytest.mark.parametrize("name", ["hdemucs", "bsroformer"])
def test_others_load_a_state_dict(name: str, tmp_path: Path) -> None:
    separator = tiny(name)
    path, how = own_tool.export(separator, tmp_path, "abcd1234")
    other = tiny(name).net
    with torch.no_grad():
        for value in other.parameters():
            value.zero_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other.load_state_dict(torch.load(path, weights_only=True))
    assert same(other, separator) and "weights_only=True" in how and (tmp_path / "abcd1234.json").exists()
    assert np.isfinite(separator.net.state_dict().popitem()[1].numpy()).all()
