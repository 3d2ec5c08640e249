"""Read the tensors of a TensorFlow checkpoint without TensorFlow, and without running anything that the file brings.

A checkpoint ("tensor bundle") is an index and one file of raw numbers. The index is a table as LevelDB writes it: blocks of sorted
keys, each without what it shares with the key before; the values are protocol buffers that say type, shape, place and checksum
(tensorflow/core/protobuf/tensor_bundle.proto; leveldb/doc/table_format.md).
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOOTER, MAGIC = 48, 0xDB4775248B80FB57
TRAILER = 5  # bytes after a block: how it is packed, and its checksum
KINDS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 3: np.dtype("<i4"), 9: np.dtype("<i8")}  # TensorFlow's number of a type: NumPy's
LANES = 4096  # parts of a long text whose checksums are computed side by side
MASK = 0xA282EAD8  # added to checksums that are stored, as LevelDB does

Message = dict[int, list[int | bytes]]  # the number of a field: its values


class BadBundle(ValueError):
    """These files are not a TensorFlow checkpoint that can be read."""


def read(index: bytes, data: bytes) -> dict[str, NDArray[Any]]:
    """Return all tensors by name. Raises BadBundle, saying what is wrong, for anything but whole tensors of plain numbers in one file."""
    try:
        if len(index) < FOOTER or int.from_bytes(index[-8:], "little") != MAGIC:
            raise BadBundle("the index does not end as a table does")
        entries = dict(_entries(index))
        header = _message(entries.pop(b"", b""))
        if header.get(1) != [1] or header.get(2, [0]) != [0]:
            raise BadBundle("wanted is a checkpoint in one data file, with the low byte first")
        return {key.decode(): _tensor(key.decode(), _message(value), data) for key, value in entries.items()}
    except (IndexError, UnicodeDecodeError, OverflowError) as problem:
        raise BadBundle(f"the index is cut off or damaged ({type(problem).__name__})") from problem


def _tensor(name: str, entry: Message, data: bytes) -> NDArray[Any]:
    kind = KINDS.get(_number(entry, 1))
    if kind is None:
        raise BadBundle(
            f"{name} is of TensorFlow's type {_number(entry, 1)}; allowed are {', '.join(map(str, KINDS))}: float32, int32, int64"
        )
    if _number(entry, 3) or entry.get(7):
        raise BadBundle(f"{name} lies in another file, or in slices")
    shape = [_number(_message(size), 1) for size in _message(_bytes(entry, 2)).get(2, []) if isinstance(size, bytes)]
    first, n_bytes = _number(entry, 4), _number(entry, 5)
    if math.prod(shape) * kind.itemsize != n_bytes or first + n_bytes > len(data):
        raise BadBundle(f"{name} has shape {shape} and {n_bytes} bytes from {first} on, of {len(data)}: these do not fit")
    raw = np.frombuffer(data, np.uint8, n_bytes, first)
    if 6 in entry and _masked(crc32c(raw)) != _number(entry, 6):
        raise BadBundle(f"{name} is damaged: its checksum is another")
    return raw.view(kind).reshape(shape)


# ---------------------------------------------------------------- the table


def _entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(index) - FOOTER
    for _ in range(2):  # where a block of extras lies, of which there is nothing to know
        _, at = _varint(index, at)
    first, at = _varint(index, at)
    n_bytes, _ = _varint(index, at)
    for _, where in _pairs(_block(index, first, n_bytes)):
        first, at = _varint(where, 0)
        n_bytes, _ = _varint(where, at)
        yield from _pairs(_block(index, first, n_bytes))


def _block(index: bytes, first: int, n_bytes: int) -> bytes:
    block, trailer = index[first : first + n_bytes], index[first + n_bytes : first + n_bytes + TRAILER]
    if len(trailer) < TRAILER or n_bytes < 4:
        raise BadBundle("the index is cut off")
    if trailer[0] != 0:
        raise BadBundle("the index is compressed; wanted is one that is not")
    if _masked(crc32c(np.frombuffer(block + trailer[:1], np.uint8))) != int.from_bytes(trailer[1:], "little"):
        raise BadBundle("the index is damaged: a block's checksum is another")
    return block


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    n_restarts = int.from_bytes(block[-4:], "little")
    end, at, key = len(block) - 4 - 4 * n_restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        n_own, at = _varint(block, at)
        n_value, at = _varint(block, at)
        if shared > len(key) or at + n_own + n_value > end:
            raise BadBundle("the index is damaged: an entry is longer than its block")
        key, at = key[:shared] + block[at : at + n_own], at + n_own
        yield key, block[at : at + n_value]
        at += n_value


# ---------------------------------------------------------------- protocol buffers


def _message(text: bytes) -> Message:
    fields: Message = {}
    at = 0
    while at < len(text):
        tag, at = _varint(text, at)
        value: int | bytes
        if tag & 7 == 0:
            value, at = _varint(text, at)
        elif tag & 7 in (1, 5):
            n_bytes = 8 if tag & 7 == 1 else 4
            value, at = int.from_bytes(text[at : at + n_bytes], "little"), at + n_bytes
        elif tag & 7 == 2:
            n_bytes, at = _varint(text, at)
            value, at = text[at : at + n_bytes], at + n_bytes
        else:
            raise BadBundle("the index is damaged: a field of no known kind")
        if at > len(text):
            raise BadBundle("the index is damaged: a field is longer than its message")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(text: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = text[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise BadBundle("the index is damaged: a number of more than 64 bits")


def _number(fields: Message, which: int) -> int:
    value = fields.get(which, [0])[-1]
    if not isinstance(value, int):
        raise BadBundle(f"the index is damaged: field {which} is no number")
    return value


def _bytes(fields: Message, which: int) -> bytes:
    value = fields.get(which, [b""])[-1]
    if not isinstance(value, bytes):
        raise BadBundle(f"the index is damaged: field {which} is a number")
    return value


# ---------------------------------------------------------------- checksums


def _table() -> NDArray[np.uint32]:
    table: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


TABLE = _table()


def crc32c(text: NDArray[np.uint8]) -> int:
    """Castagnoli's checksum (RFC 3720, appendix B.4), in lanes: what bytes add to a remainder is linear.

    Zeros before a text change nothing while the remainder is 0, so the text is filled up in front, and its first remainder, all ones,
    is added to its first four bytes.
    """
    if text.size < 4:
        state = 0xFFFFFFFF
        for byte in text.tolist():
            state = int(TABLE[(state ^ byte) & 255]) ^ state >> 8
        return state ^ 0xFFFFFFFF
    n_lanes = min(LANES, text.size // 64 + 1)
    n_each = -(-text.size // n_lanes)
    padded = np.zeros(n_lanes * n_each, np.uint8)
    padded[-text.size :] = text
    padded[-text.size :][:4] ^= 255
    columns = np.ascontiguousarray(padded.reshape(n_lanes, n_each).T).astype(np.uint32)
    # Beside the lanes go the 32 bits alone over as many zeros: what a lane's length does to each of them.
    state = np.concatenate([np.zeros(n_lanes, np.uint32), np.uint32(1) << np.arange(32, dtype=np.uint32)])
    for column in columns:
        state[:n_lanes] ^= column
        state = TABLE[state & 255] ^ state >> 8
    lanes, moved = state[:n_lanes].tolist(), state[n_lanes:].tolist()
    total = 0
    for lane in lanes:
        before, total = total, lane
        for bit in range(32):
            if before >> bit & 1:
                total ^= moved[bit]
    return int(total ^ 0xFFFFFFFF)


def _masked(checksum: int) -> int:
    return ((checksum >> 15 | checksum << 17) + MASK) & 0xFFFFFFFF
