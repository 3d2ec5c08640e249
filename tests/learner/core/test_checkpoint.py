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


def test_what_was_saved_loads_and_gives_the_same_output(separator: Separator, tmp_path: Path) -> None:
    saved = save(separator, tmp_path)
    mixture = torch.randn(1, 1, 4000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(checkpoint.load(saved.path)(mixture), separator.eval()(mixture))


def test_a_checkpoint_is_named_by_the_hash_of_its_content(separator: Separator, tmp_path: Path) -> None:
    saved = save(separator, tmp_path)
    assert saved.path.name == f"{saved.hash}.safetensors"
    assert checkpoint.file_hash(saved.path) == saved.hash


def test_the_same_weights_and_story_give_the_same_hash(separator: Separator, tmp_path: Path) -> None:
    assert save(separator, tmp_path / "a").hash == save(separator, tmp_path / "b").hash


def test_a_checkpoint_says_what_it_is_and_where_it_comes_from(separator: Separator, tmp_path: Path) -> None:
    about = checkpoint.about(save(separator, tmp_path).path)
    assert (about.architecture, about.sample_rate, about.channels, about.stem) == ("unet", 16_000, 1, "vocals")
    assert (about.parent, about.recipe, about.seed) == ("abc", {"algorithm": "none"}, 3)


def test_weights_that_are_not_finite_are_not_written(separator: Separator, tmp_path: Path) -> None:
    with torch.no_grad():
        next(separator.parameters())[0] = float("nan")
    with pytest.raises(BadCheckpoint, match="NaN"):
        save(separator, tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_loaded(separator: Separator, tmp_path: Path) -> None:
    saved = save(separator, tmp_path)
    tensors = plain(separator)
    tensors["net.last.bias"] *= float("inf")
    about = json.dumps(vars(checkpoint.about(saved.path)))
    save_file(tensors, tmp_path / "broken.safetensors", metadata={checkpoint.ENTRY: about})
    with pytest.raises(BadCheckpoint, match="NaN or infinity"):
        checkpoint.load(tmp_path / "broken.safetensors")


def test_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "garbage.safetensors").write_bytes(b"\x07" * 100)
    with pytest.raises(BadCheckpoint, match="not a safetensors file"):
        checkpoint.load(tmp_path / "garbage.safetensors")


def test_a_half_written_file_is_refused(separator: Separator, tmp_path: Path) -> None:
    whole = save(separator, tmp_path).path.read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadCheckpoint, match="not a safetensors file"):
        checkpoint.load(tmp_path / "half.safetensors")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="no such file"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_somebody_elses_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(BadCheckpoint, match="not one of ours"):
        checkpoint.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("field", "value", "reason"), [("architecture", "transformer", "unknown"), ("config", {"widths": [4, 4, 4]}, "do not fit")]
)
def test_a_wrong_architecture_is_refused(separator: Separator, tmp_path: Path, field: str, value: object, reason: str) -> None:
    saved = save(separator, tmp_path)
    about = vars(checkpoint.about(saved.path)) | {field: value}
    save_file(plain(separator), tmp_path / "wrong.safetensors", metadata={checkpoint.ENTRY: json.dumps(about)})
    with pytest.raises(BadCheckpoint, match=reason):
        checkpoint.load(tmp_path / "wrong.safetensors")


def rewritten(separator: Separator, folder: Path, **header: object) -> Path:
    """A checkpoint with another header; None in place of a value takes the field out of it."""
    about = vars(checkpoint.about(save(separator, folder).path)) | header
    save_file(plain(separator), folder / "odd.safetensors", metadata={checkpoint.ENTRY: json.dumps(about)})
    return folder / "odd.safetensors"


ABSURD: dict[str, list[object]] = {
    "sample_rate": [0, -1, 10**9, 3999, "44100", 44_100.5, None, True, [], float("nan")],
    "channels": [0, -1, 3, 10**9, "2", 1.0, None, True, {}],
    "stem": ["", "kazoo", "v" * 10**6, 3, None, ["vocals"], {"a": 1}],
    "architecture": [3, None, "u" * 100],
    "seed": ["1", None, 2**63, 1.5, True],
    "code_version": [1, "1" * 41],
    "parent": [1, "1" * 65],
    "recipe": [[], "x", None],
    "config": [[], "x", None],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in ABSURD.items() for value in values])
def test_an_absurd_header_is_refused_with_the_field(separator: Separator, tmp_path: Path, field: str, value: object) -> None:
    path = rewritten(separator, tmp_path, **{field: value})
    for read in (checkpoint.about, checkpoint.load):
        with pytest.raises(BadCheckpoint, match=rf"^odd\.safetensors: {field} is ") as error:
            read(path)
        assert len(str(error.value)) < 300


@pytest.mark.parametrize(("field", "value"), [("sample_rate", 44_100), ("channels", 2), ("stem", "drums")])
def test_a_header_that_says_something_else_than_its_config_is_refused(
    separator: Separator, tmp_path: Path, field: str, value: object
) -> None:
    with pytest.raises(BadCheckpoint, match=f"its header says that {field} is {value!r}, its config makes it"):
        checkpoint.load(rewritten(separator, tmp_path, **{field: value}))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"widths": [10**9] * 3}, r"config\.widths\[0\] is 1000000000; whole numbers from 0 to 65536"),
        ({"widths": [60_000] * 3}, r"far larger than the \d+ weights of the file"),
        ({"widths": [1] * 1001}, r"config\.widths has 1001 entries"),
        ({"widths": [-2, 2, 2]}, r"config\.widths\[0\] is -2"),
        ({"widths": []}, ""),
        ({"n_fft": 2**40}, r"config\.n_fft is 1099511627776"),
        ({"kernel": 60_001}, "far larger"),
        ({"dropout": 1e300}, r"config\.dropout is 1e\+300"),
        ({"sample_rate": 10**9}, "sample_rate is 1000000000; 4000 to 192000 Hz are allowed"),
        ({"channels": 4096}, "channels is 4096; 1 and 2 are allowed"),
        ({"stem": 5}, "stem is 5"),
        ({"speed": 3}, "speed"),
        ({"widths": [[[[[[[[[[2]]]]]]]]]]}, "nested too deeply"),
        ({"widths": "x" * 5000}, r"config\.widths has 5000 letters"),
    ],
)
def test_a_config_is_no_bomb(separator: Separator, tmp_path: Path, config: dict[str, object], told: str) -> None:
    path = rewritten(separator, tmp_path, config=separator.config | config)
    with pytest.raises(BadCheckpoint, match=rf"cannot build 'unet': .*{told}"):
        checkpoint.load(path)


@pytest.mark.parametrize("layers", [60_000, 10**7])
def test_endless_layers_are_stopped(separator: Separator, tmp_path: Path, layers: int) -> None:
    config = {"sample_rate": 16_000, "channels": 1, "stem": "vocals", "width": 1, "depth": layers}
    path = rewritten(separator, tmp_path, architecture="hdemucs", config=config)
    with pytest.raises(BadCheckpoint, match="cannot build 'hdemucs': config"):
        checkpoint.load(path)


@pytest.mark.parametrize("text", ["\0", "\ud800", float("inf")])
def test_what_no_row_can_keep_is_refused(separator: Separator, tmp_path: Path, text: object) -> None:
    with pytest.raises(BadCheckpoint, match="the header holds"):
        checkpoint.about(rewritten(separator, tmp_path, recipe={"a": [text]}))


@pytest.mark.parametrize("entry", ["[" * 100_000, '{"seed": 1' + "0" * 5000 + "}", "{}", "null", "not json"])
def test_metadata_that_cannot_be_read_is_refused(separator: Separator, tmp_path: Path, entry: str) -> None:
    save_file(plain(separator), tmp_path / "odd.safetensors", metadata={checkpoint.ENTRY: entry})
    with pytest.raises(BadCheckpoint, match="its metadata cannot be read"):
        checkpoint.about(tmp_path / "odd.safetensors")
