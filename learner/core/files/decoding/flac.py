"""FLAC (RFC 9639): whether its header's number of samples is that of its last frame, as libsndfile takes for granted."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import soundfile

from learner.core.files.decoding.plain import Plain
from learner.core.files.decoding.pyav import ByPyAV
from learner.core.files.decoding.source import BadAudio, Source

TAILS = (1 << 14, 1 << 18)  # bytes from the end in which the last frame is looked for: mostly there, and far enough


class Joined(Plain):
    """A file whose last frame has another number than its header leads to, though all that the header tells of decodes."""

    def check(self, n_decoded: int) -> Sequence[str]:
        super().check(n_decoded)
        raise BadAudio("The file is several FLACs one after the other, of which players play the first alone; give each a file of its own.")


def open_flac(path: Path, start: int, sound: soundfile.SoundFile) -> Source:
    """`start` is where the file begins behind its tags, in bytes."""
    with path.open("rb") as file:
        file.seek(start + 8)
        info = file.read(34)
        promised = int.from_bytes(info[13:18], "big") & ((1 << 36) - 1)
        file.seek(_first_frame(file, start + 4))
        like = file.read(4)
        last, size = None, path.stat().st_size
        for tail in TAILS:
            if last is None:
                file.seek(max(start, size - tail))
                last = _last_sample(file.read(), like, int.from_bytes(info[:2], "big"))
    if not promised or (last is not None and last > promised):
        return ByPyAV(path, "flac", promised)
    return Plain(sound, "flac") if last in (None, promised) else Joined(sound, "flac")


def _first_frame(file: BinaryIO, position: int) -> int:
    """Where the frames begin behind the blocks of metadata, in bytes."""
    while True:
        file.seek(position)
        head = file.read(4)
        position += 4 + int.from_bytes(head[1:], "big")
        if not head or head[0] & 0x80:
            return position


def _last_sample(tail: bytes, like: bytes, block_size: int) -> int | None:
    """How many samples there are up to the end of the last frame in some bytes, the first being `like`; None where there is none."""
    at = len(tail) if like[:2] in (b"\xff\xf8", b"\xff\xf9") else -1
    while at >= 0 and (at := tail.rfind(like[:2], 0, at)) >= 0:
        head = tail[at : at + 16]
        alike = len(head) > 5 and head[2] & 15 == like[2] & 15 and head[3] & 15 == like[3] & 15
        if alike and (end := _end_of(head, block_size)) is not None:
            return end
    return None


def _end_of(head: bytes, block_size: int) -> int | None:
    """Up to which sample a frame goes that begins like this; None where it is no frame."""
    variable, code, rate = head[1] & 1, head[2] >> 4, head[2] & 15
    n_more = max(0, 7 - (head[4] ^ 0xFF).bit_length())  # bytes: the number is coded as UTF-8 codes characters
    number, at = head[4] & (0x3F >> n_more if n_more else 0x7F), 5 + n_more
    for byte in head[5:at]:
        number = number << 6 | byte & 0x3F
    n_size, n_rate = {6: 1, 7: 2}.get(code, 0), {12: 1, 13: 2, 14: 2}.get(rate, 0)
    sized = int.from_bytes(head[at : at + n_size], "big") + 1
    at += n_size + n_rate
    if code == 0 or rate == 15 or at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    own = sized if n_size else 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    return (number if variable else number * block_size) + own


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x107) if crc & 0x80 else crc << 1
    return crc
