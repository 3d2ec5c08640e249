"""Files that somebody sent, some of them made to do harm."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from learner.core import checkpoint
from learner.core.bases import limited
from tests.learner.core.separators.tiny import tiny


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return checkpoint.save(tiny("unet"), tmp_path, recipe={}, parent=None, name="good").path


def changed(good: Path, about: dict[str, Any] | None = None, **tensors: torch.Tensor | None) -> Path:
    """The checkpoint with other words in its header, or other tensors; None leaves one out."""
    said = vars(checkpoint.about(good)) | (about or {})
    found = load_file(good)
    first = next(name for name in found if name.endswith("conv.weight"))
    if "first" in tensors:
        value = tensors["first"]
        found = {name: one for name, one in found.items() if name != first} | ({} if value is None else {first: value})
    file = good.with_name("changed.safetensors")
    save_file(found, file, metadata={checkpoint.ENTRY: json.dumps(said)})
    return file


class Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("it-ran",)


def test_a_checkpoint_of_ours_is_taken_in_a_process_of_its_own(good: Path) -> None:
    limited.check(good)


def test_a_pickle_is_refused_unopened_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain, zipped = tmp_path / "plain.safetensors", tmp_path / "zipped.safetensors"
    plain.write_bytes(pickle.dumps(Bomb()))
    torch.save({"weights": Bomb()}, zipped)
    with pytest.raises(limited.Unusable, match="it was not opened"):
        limited.check(plain)
    assert "is a pickle" in limited.fault(zipped)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "first bytes announce a header of 0 bytes, and it has 0 in all"),
        (b"RIFF....WAVEfmt ", "is no safetensors file, or was cut off"),
        ((10**9).to_bytes(8, "little") + b"{}", "announce a header of 1000000000 bytes, and it has 10 in all"),
        ((2).to_bytes(8, "little") + b"[]", "does not say where the tensors lie"),
        ((1).to_bytes(8, "little") + b"{", "its header is no JSON"),
        ((60_000).to_bytes(8, "little") + b"[" * 60_000, "its header is no JSON"),
    ],
)
def test_what_is_no_safetensors_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "odd.safetensors"
    file.write_bytes(content)
    assert said in limited.fault(file)


def header_of(tensors: dict[str, Any], n_bytes: int) -> bytes:
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + bytes(n_bytes)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        ({"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}, "its header lies"),
        ({"dtype": "F32", "shape": [10**12], "data_offsets": [0, 8]}, "not a safetensors file"),
        ({"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}, "not a safetensors file"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]}, "not a safetensors file"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}, "not a safetensors file"),
    ],
)
def test_a_header_that_lies_about_sizes_costs_no_memory(tmp_path: Path, tensor: Any, said: str) -> None:
    file = tmp_path / "lies.safetensors"
    file.write_bytes(header_of({"a": tensor}, 8))
    assert said in limited.fault(file)


def test_one_that_was_cut_off_says_so(good: Path) -> None:
    good.write_bytes(good.read_bytes()[:-100])
    assert "was cut off" in limited.fault(good)


def test_what_is_wrong_with_the_network_is_named(good: Path) -> None:
    assert "architecture 'wavenet' is unknown; allowed are bsroformer" in limited.fault(changed(good, {"architecture": "wavenet"}))
    assert "Missing key(s)" in limited.fault(changed(good, first=None))
    assert "size mismatch" in limited.fault(changed(good, first=torch.zeros(3)))
    assert "far larger than the" in limited.fault(changed(good, {"config": {"widths": [60_000, 60_000, 60_000]}}))
    first = next(value for name, value in load_file(good).items() if name.endswith("conv.weight"))
    assert "the weights hold NaN or infinity" in limited.fault(changed(good, first=torch.full_like(first, float("nan"))))
    file = good.with_name("bare.safetensors")
    save_file(load_file(good), file)
    assert "not one of ours" in limited.fault(file)


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    file = tmp_path / "large.safetensors"
    with file.open("wb") as opened:
        opened.truncate(limited.LARGEST + 1)  # takes no room on the disk
    with pytest.raises(limited.Unusable, match=r"at most 1\.1 GB"):
        limited.check(file)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the kernel limits memory on Linux alone")
def test_memory_is_limited_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x")
    code = (
        "import sys; from pathlib import Path; from learner.core.bases import limited; limited._limit(Path(sys.argv[1]))\n"
        "try: bytearray(3 * 2**30)\nexcept MemoryError: print('no memory')\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: open(sys.argv[1] + '2', 'w', buffering=1).write('x\\n')\nexcept OSError: print('no file')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["no memory", "no file"], done.stderr
