"""Ogg (RFC 3533): pages, the streams that they carry, and files of several streams one after the other."""

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import soundfile

from learner.core.files import sndfile
from learner.core.files.decoding.plain import Plain
from learner.core.files.decoding.pyav import ByPyAV, changes
from learner.core.files.decoding.source import BadAudio, Block, Source, ends_early
from learner.core.files.decoding.window import window

LARGEST_BLOCK = 8192  # samples, of Vorbis
MOST_LINKS = 500
HEADS = (b"\x01vorbis", b"OpusHead")  # what libsndfile reads exactly
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass
class Link:
    """A stretch of the file that is a whole Ogg file by itself."""

    start: int  # bytes
    end: int
    heads: list[bytes] = field(default_factory=list)  # the first packets of its streams: one, unless sound and pictures are mixed
    granules: tuple[int, int] = (0, 0)  # up to which sample the last two pages go

    def source(self, file: soundfile.SoundFile) -> Plain:
        """The link's only stream, from its file. Where libsndfile is told to go into the last page of a Vorbis, it misses by a block."""
        plain = Plain(file, "ogg")
        if file.subtype == "VORBIS":
            plain.exact_to = file.frames - (self.granules[1] - self.granules[0]) - LARGEST_BLOCK
        return plain


def links(file: BinaryIO) -> list[Link]:
    """Walk the headers of the pages."""
    found: list[Link] = []
    position, beginning = 0, False
    while True:
        file.seek(position)
        head = file.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            return found
        sizes = file.read(head[26])
        first = bool(head[5] & 2)
        if first and not beginning:
            found.append(Link(position, position))
        elif not found:
            return found
        if first:
            found[-1].heads.append(file.read(min(19, sum(sizes))))
        beginning = first
        if (granule := int.from_bytes(head[6:14], "little", signed=True)) >= 0:
            found[-1].granules = (found[-1].granules[1], granule)
        position += 27 + len(sizes) + sum(sizes)
        found[-1].end = position


class Chain(Source):
    """One stream, or several one after the other (a recorded radio, files joined), each read as if it were alone."""

    kind = "ogg"

    def __init__(self, path: Path, parts: Sequence[Plain]):
        self.path, self.parts, first = path, parts, parts[0]
        self.sample_rate, self.channels = first.sample_rate, first.channels
        self.ends = list(accumulate(part.file.frames for part in parts))
        self.n_samples = self.ends[-1]
        for part, end in zip(parts[1:], self.ends, strict=False):
            if part.sample_rate != first.sample_rate:
                raise changes(first.sample_rate, part.sample_rate, "Hz", end / first.sample_rate)
            if part.channels != first.channels:
                raise changes(first.channels, part.channels, "channels", end / first.sample_rate)

    def blocks(self, first: int = 0) -> Iterator[Block]:
        number = bisect_right(self.ends, first)
        for part, end in zip(self.parts[number:], self.ends[number:], strict=True):
            yield from part.blocks(max(0, first - (end - part.file.frames)))

    def check(self, n_decoded: int) -> Sequence[str]:
        check_pages(self.path)
        if n_decoded < self.ends[-1]:
            raise ends_early(self.ends[-1], n_decoded, self.sample_rate)
        return (f"The file is {len(self.parts)} streams one after the other; all of them were read.",) if len(self.parts) > 1 else ()


class Other(ByPyAV):
    """FLAC, Speex and whatever else FFmpeg knows in Ogg."""

    def __init__(self, path: Path):
        super().__init__(path, "ogg")

    def check(self, n_decoded: int) -> Sequence[str]:
        check_pages(self.path)
        return super().check(n_decoded)


def open_ogg(path: Path, stack: ExitStack) -> Source:
    file = stack.enter_context(path.open("rb"))
    found = links(file)
    if len(found) > MOST_LINKS:
        raise BadAudio(f"The file is {len(found)} streams one after the other; at most {MOST_LINKS} are read.")
    if not all(len(link.heads) == 1 and link.heads[0].startswith(HEADS) for link in found):
        return Other(path)
    if len(found) < 2:
        sound = stack.enter_context(sndfile.reading(path))
        return Chain(path, [found[0].source(sound) if found else Plain(sound, "ogg")])
    sounds = [stack.enter_context(soundfile.SoundFile(window(file, link.start, link.end))) for link in found]
    return Chain(path, [link.source(sound) for link, sound in zip(found, sounds, strict=True)])


def check_pages(path: Path) -> None:
    """Walk the pages: each must follow the one before it, be whole, and match its checksum. Raises BadAudio.

    Ogg's checksum is zlib's with the bits the other way round, no start value and no final inversion, so zlib computes it from
    bytes with their bits mirrored, at the speed of C.
    """
    ended = False
    with path.open("rb") as file:
        while head := file.read(27):
            if ended and head[:4] != b"OggS":
                return  # a tag or padding after the last page
            sizes = file.read(head[26]) if len(head) == 27 and head[:4] == b"OggS" else b""
            body = file.read(sum(sizes))
            if len(head) < 27 or len(sizes) < head[26] or len(body) < sum(sizes):
                raise BadAudio("The file is truncated or damaged: an Ogg page is cut off.")
            page = head[:22] + b"\0\0\0\0" + head[26:] + sizes + body
            mirrored = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
            if int(f"{mirrored:032b}"[::-1], 2) != int.from_bytes(head[22:26], "little"):
                raise BadAudio("The file is damaged: the checksum of an Ogg page does not match.")
            ended = bool(head[5] & 4)
    if not ended:
        raise BadAudio("The file is truncated: its last Ogg page is missing.")
