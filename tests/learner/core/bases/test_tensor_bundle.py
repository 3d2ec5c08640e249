"""TensorFlow's checkpoints, read without TensorFlow: whole tensors of plain numbers come as they were, all else is refused by name."""

from typing import Any

import numpy as np
import pytest

from learner.core.bases import tensor_bundle
from learner.core.bases.tensor_bundle import BadBundle, crc32c
from tests.learner.core.bases.published import bundle, number, text

TENSORS: dict[str, np.ndarray] = {
    "layer/kernel": np.random.default_rng(0).standard_normal((5, 3, 2, 40)).astype(np.float32),
    "layer/bias": np.arange(40, dtype=np.float32),
    "layer_1/bias": np.zeros(0, np.float32),
    "global_step": np.array(12, np.int64),
}


def test_tensors_come_as_they_were() -> None:
    found = tensor_bundle.read(*bundle(TENSORS))
    assert found.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert found[name].dtype == value.dtype and np.array_equal(found[name], value) and found[name].shape == value.shape


def test_its_checksum_is_that_of_the_standard() -> None:
    assert crc32c(np.frombuffer(b"123456789", np.uint8)) == 0xE3069283
    assert crc32c(np.zeros(32, np.uint8)) == 0x8A9136AA  # RFC 3720, appendix B.4
    assert crc32c(np.full(32, 255, np.uint8)) == 0x62A8AB43
    assert crc32c(np.arange(32, dtype=np.uint8)) == 0x46DD794E


@pytest.mark.parametrize("n_bytes", [0, 1, 3, 4, 5, 63, 64, 127, 128, 129, 5000])
def test_a_checksum_in_lanes_is_that_byte_after_byte(n_bytes: int) -> None:
    content = np.random.default_rng(n_bytes).integers(0, 256, n_bytes, dtype=np.uint8)
    state = 0xFFFFFFFF
    for byte in content.tolist():
        state = int(tensor_bundle.TABLE[(state ^ byte) & 255]) ^ state >> 8
    assert crc32c(content) == state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shards": 2}, "one data file"),
        ({"packed": 1}, "compressed"),
        ({"changed": {"layer/bias": number(1, 7)}}, r"layer/bias is of TensorFlow's type 7; allowed are 1, 3, 9"),
        ({"changed": {"layer/bias": number(3, 1)}}, "layer/bias lies in another file"),
        ({"changed": {"layer/bias": text(7, b"")}}, "layer/bias lies in another file, or in slices"),
        ({"changed": {"layer/bias": number(4, 10**9)}}, "layer/bias has shape .* these do not fit"),
        ({"changed": {"layer/bias": number(5, 4)}}, "layer/bias has shape"),
    ],
)
def test_what_it_does_not_know_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadBundle, match=said):
        tensor_bundle.read(*bundle(TENSORS, **changes))


def test_a_type_that_runs_code_or_holds_text_is_none() -> None:
    with pytest.raises(BadBundle, match="type 2"):
        tensor_bundle.read(*bundle({"a": np.zeros(3)}))


@pytest.mark.parametrize("n_bytes", [0, 10, 47, 48, 200])
def test_an_index_that_is_cut_off_is_refused(n_bytes: int) -> None:
    index, data = bundle(TENSORS)
    with pytest.raises(BadBundle):
        tensor_bundle.read(index[:n_bytes], data)
    with pytest.raises(BadBundle):
        tensor_bundle.read(index[n_bytes + 1 :], data)


def test_no_changed_byte_goes_unseen() -> None:
    index, data = bundle(TENSORS)
    for at in range(0, len(index) - 48):
        broken = bytearray(index)
        broken[at] ^= 0x5A
        try:
            found = tensor_bundle.read(bytes(broken), data)
        except BadBundle:
            continue
        # The block of extras is not read: there is nothing in it.
        assert found.keys() == TENSORS.keys()
    with pytest.raises(BadBundle, match="is damaged: its checksum is another"):
        tensor_bundle.read(index, data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
