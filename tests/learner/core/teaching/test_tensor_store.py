"""What is put in a store comes back to the last bit, and what has no room in memory lies in a file that nobody sees."""

from pathlib import Path

import pytest
import torch

from learner.core.teaching import tensor_store as module
from learner.core.teaching.tensor_store import OnDisk, TensorStore

SOUND = torch.arange(24, dtype=torch.float32).view(2, 12)
SPECTRUM = torch.randn(1, 2, 5, 7, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("room", [0, 10_000])
@pytest.mark.parametrize("cut", [slice(None), slice(3, 9), slice(5, 99), slice(99, 120), slice(4, 4)])
def test_a_stretch_is_the_same_in_memory_and_on_disk(room: int, cut: slice, tmp_path: Path) -> None:
    with TensorStore(room, tmp_path) as store:
        store.put(torch.ones(3))
        for tensor in (SOUND, SPECTRUM, SPECTRUM.transpose(2, 3), SPECTRUM[..., :0]):
            kept = store.put(tensor)
            assert kept.shape == tensor.shape
            assert torch.equal(kept[..., cut], tensor[..., cut])


def test_what_comes_from_disk_lies_in_memory_as_it_did(tmp_path: Path) -> None:
    turned = torch.zeros(1, 2, 7, 5).transpose(2, 3)
    with TensorStore(0, tmp_path) as store:
        assert store.put(turned)[..., :].stride() == turned.stride()


def test_the_room_is_filled_before_anything_goes_to_disk(tmp_path: Path) -> None:
    with TensorStore(2 * 24 * 4, tmp_path) as store:
        assert [isinstance(store.put(SOUND), OnDisk) for _ in range(3)] == [False, False, True]


def test_the_file_has_no_name_and_ends_with_the_store(tmp_path: Path) -> None:
    with TensorStore(0, tmp_path / "made when it is needed") as store:
        kept = store.put(SOUND)
        assert list((tmp_path / "made when it is needed").iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        kept[..., :]


def test_nothing_is_made_where_all_has_room(tmp_path: Path) -> None:
    with TensorStore(10_000, tmp_path / "not needed") as store:
        store.put(SOUND)
    assert not (tmp_path / "not needed").exists()


def test_free_memory_is_returned_now_and_then_while_tensors_go_to_disk_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    monkeypatch.setattr(module, "trim", lambda: trimmed.append(1))
    monkeypatch.setattr(module, "TRIM_AFTER", 5 * 24 * 4)
    with TensorStore(0, tmp_path) as store:
        kept = [store.put(SOUND) for _ in range(6)]
        assert len(trimmed) == 1
        for one in kept:
            _ = one[..., :]
        assert len(trimmed) == 2
