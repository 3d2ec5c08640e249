"""Checkpoint files."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from learner.core import checkpoint
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import Separator
from learner.core.separators.unet import UNetSeparator


@pytest.fixture
def separator() -> Separator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNetSeparator(widths=(2, 2, 2))


def save(separator: Separator, folder: Path) -> checkpoint.Saved:
    return checkpoint.save(separator, folder, recipe={"algorithm": "none"}, parent="abc", seed=3)


def plain(separator: Separator) -> dict[str, torch.Tensor]:
    return {name: value.clone(memory_format=torch.contiguous_format) for name, value in separator.state_dict().items()}


def test_what_was_saved_loads_and_gives_the_same_output(separator: Separator, tmp_path: Path):
    saved = save(separator, tmp_path)
    mixture = torch.randn(1, 1, 4000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(checkpoint.load(saved.path)(mixture), separator.eval()(mixture))


def test_a_checkpoint_is_named_by_the_hash_of_its_content(separator: Separator, tmp_path: Path):
    saved = save(separator, tmp_path)
    assert saved.path.name == f"{saved.hash}.safetensors"
    assert checkpoint.file_hash(saved.path) == saved.hash


def test_the_same_weights_and_story_give_the_same_hash(separator: Separator, tmp_path: Path):
    assert save(separator, tmp_path / "a").hash == save(separator, tmp_path / "b").hash


def test_a_checkpoint_says_what_it_is_and_where_it_comes_from(separator: Separator, tmp_path: Path):
    about = checkpoint.about(save(separator, tmp_path).path)
    assert (about.architecture, about.sample_rate, about.channels, about.stem) == ("unet", 16_000, 1, "vocals")
    assert (about.parent, about.recipe, about.seed) == ("abc", {"algorithm": "none"}, 3)


def test_weights_that_are_not_finite_are_not_written(separator: Separator, tmp_path: Path):
    with torch.no_grad():
        next(separator.parameters())[0] = float("nan")
    with pytest.raises(BadCheckpoint, match="NaN"):
        save(separator, tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_loaded(separator: Separator, tmp_path: Path):
    saved = save(separator, tmp_path)
    tensors = plain(separator)
    tensors["net.last.bias"] *= float("inf")
    about = json.dumps(vars(checkpoint.about(saved.path)))
    save_file(tensors, tmp_path / "broken.safetensors", metadata={checkpoint.ENTRY: about})
    with pytest.raises(BadCheckpoint, match="NaN or infinity"):
        checkpoint.load(tmp_path / "broken.safetensors")


def test_garbage_is_refused(tmp_path: Path):
    (tmp_path / "garbage.safetensors").write_bytes(b"\x07" * 100)
    with pytest.raises(BadCheckpoint, match="not a safetensors file"):
        checkpoint.load(tmp_path / "garbage.safetensors")


def test_a_half_written_file_is_refused(separator: Separator, tmp_path: Path):
    whole = save(separator, tmp_path).path.read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadCheckpoint, match="not a safetensors file"):
        checkpoint.load(tmp_path / "half.safetensors")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(BadCheckpoint, match="no such file"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_somebody_elses_safetensors_file_is_refused(tmp_path: Path):
    save_file({"w": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(BadCheckpoint, match="not one of ours"):
        checkpoint.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("field", "value", "reason"), [("architecture", "transformer", "unknown"), ("config", {"widths": [4, 4, 4]}, "do not fit")]
)
def test_a_wrong_architecture_is_refused(separator: Separator, tmp_path: Path, field: str, value: object, reason: str):
    saved = save(separator, tmp_path)
    about = vars(checkpoint.about(saved.path)) | {field: value}
    save_file(plain(separator), tmp_path / "wrong.safetensors", metadata={checkpoint.ENTRY: json.dumps(about)})
    with pytest.raises(BadCheckpoint, match=reason):
        checkpoint.load(tmp_path / "wrong.safetensors")
