"""Wav and its brothers for more than 4 GB (RF64, BW64): where the samples lie, and whether all are there."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile

from learner.core.files import sndfile
from learner.core.files.decoding.plain import Plain
from learner.core.files.decoding.pyav import ByPyAV, length_notes
from learner.core.files.decoding.source import BadAudio, Source
from learner.core.files.decoding.window import window

MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
# Programs that write into a pipe cannot know the length. They write the largest number, signed or not, or one a little below it
# that leaves room for the header or for whole blocks: SoX 0x7FFFF000 or a little less, arecord 0x80000000, others 0xFFFFFFFF less 36.
UNKNOWN = ((0x7FFFE000, 0x80000100), (0xFFFFE000, 0xFFFFFFFF))
LARGEST = 0xFFFFFFFF  # in an RF64: see the chunk ds64
UNKNOWN_64 = 1 << 62  # from here on a length of 64 bits is unknown too


@dataclass(frozen=True)
class Data:
    """The chunk that holds the samples, in bytes."""

    position: int
    promised: int | None  # None: the file does not know, it goes to its end
    there: int  # to the end of the file
    mended: bytes = b""  # a header that libsndfile reads, where it would take the file's own for one of nothing
    says_zero: bool = False
    joined: bool = False  # another wav follows

    def check(self) -> None:
        """Raise BadAudio where it is cut off, or not all."""
        if self.joined:
            raise BadAudio(
                "The file is several wavs one after the other, of which players play the first alone; give each a file of its own."
            )
        if self.promised is not None and self.promised > self.there:
            raise BadAudio(f"The file is truncated: its header promises {self.promised} bytes of samples, {self.there} are there.")


def data_of(file: BinaryIO) -> Data | None:
    """Walk the chunks to the samples; None where there are none."""
    size = file.seek(0, 2)
    file.seek(0)
    magic = file.read(4)
    order: Literal["big", "little"] = "big" if magic == b"RIFX" else "little"
    large = magic in (b"RF64", b"BW64")
    position, length_64, form = 12, None, b""
    while position + 8 <= size:
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), order)
        if name == b"ds64" and length >= 16:
            file.read(8)  # that of the whole file
            length_64 = int.from_bytes(file.read(8), order)
        if name == b"fmt ":
            form = file.read(length)
        if name == b"data":
            there = size - position - 8
            if large and length == LARGEST and length_64 is not None:
                known = 0 < length_64 < UNKNOWN_64
                return Data(
                    position + 8, length_64 if known else None, there, b"" if known and magic == b"RF64" else _head(form, there, order)
                )
            unknown = any(low <= length <= high for low, high in UNKNOWN) and length > there
            if length == 0 and there > 0 and not _chunks_follow(file, position + 8, size, order):
                return Data(position + 8, None, there, _head(form, there, order), says_zero=True)
            file.seek(position + 8 + length + length % 2)
            return Data(position + 8, None if unknown else length, there, joined=not unknown and file.read(4) in MAGICS)
        position += 8 + length + length % 2
    return None


def _head(form: bytes, n_bytes: int, order: Literal["big", "little"]) -> bytes:
    """A wav's header for so many bytes of samples."""

    def chunk(name: bytes, length: int) -> bytes:
        return name + min(length, LARGEST).to_bytes(4, order)

    size = 20 + len(form) + n_bytes
    return chunk(b"RIFX" if order == "big" else b"RIFF", size) + b"WAVE" + chunk(b"fmt ", len(form)) + form + chunk(b"data", n_bytes)


def _chunks_follow(file: BinaryIO, position: int, size: int, order: Literal["big", "little"]) -> bool:
    """Tell whether chunks with plain names lead exactly to the end: then a length of 0 is meant."""
    while position + 8 <= size:
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), order)
        if not name.decode("latin-1").isprintable() or not name.isascii():
            return False
        position += 8 + length + length % 2
    return position in (size, size + 1)


class Wav(Plain):
    def __init__(self, file: soundfile.SoundFile, data: Data):
        super().__init__(file, "wav")
        self.data = data

    def check(self, n_decoded: int) -> Sequence[str]:
        self.data.check()
        super().check(n_decoded)
        return length_notes(0, n_decoded, self.sample_rate) if self.data.says_zero else ()


class Coded(ByPyAV):
    """What libsndfile cannot read in a wav, or not seek in: mp3, GSM, FLAC."""

    def __init__(self, path: Path, data: Data):
        super().__init__(path, "wav")
        self.data = data

    def check(self, n_decoded: int) -> Sequence[str]:
        self.data.check()
        return super().check(n_decoded)


def open_riff(path: Path, stack: ExitStack) -> Source:
    file = stack.enter_context(path.open("rb"))
    data = data_of(file)
    if data is None:
        raise BadAudio("The file is truncated or damaged: it has no chunk of samples.")
    end = data.position + min(data.there, data.promised or data.there)
    try:
        sound = soundfile.SoundFile(window(file, data.position, end, data.mended)) if data.mended else sndfile.reading(path)
    except soundfile.LibsndfileError:
        return Coded(path, data)
    stack.enter_context(sound)
    return Wav(sound, data) if sound.seekable() and not sound.subtype.startswith("MPEG") else Coded(path, data)
