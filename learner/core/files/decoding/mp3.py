"""MP3, which is a row of frames and little else: we find them, and FFmpeg's decoder (by PyAV) decodes each.

Its length is that of its frames. What a first frame may tell (Xing, Info or VBRI: how many follow; LAME: the encoder's delay and
padding) is used to cut delay and padding off, as libsndfile does, and to know a file that was cut short.
"""

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from learner.core.files.decoding.pyav import changes, length_notes
from learner.core.files.decoding.source import BLOCK, BadAudio, Block, Source, ends_early

KBPS = {  # by (MPEG-1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # Hz, by version
SURE = 4  # frames in a row that are no accident
DECODER_DELAY = 529  # samples
PREROLL = 64  # frames decoded before a stretch and thrown away: a frame may use up to 511 bytes of the ones before it
FRAMES_OFF = 2  # by so many frames a header's count may be off
MOST_JUNK = 4096  # bytes between two frames, as joins and lost packets leave them; more is damage
BEGIN = 192  # bytes of a frame that hold all that it may tell of others
WINDOW = 1 << 16  # bytes in which the next frame is looked for
OVERLAP = 1 << 13  # bytes, more than a row


class Head(NamedTuple):
    layer: int
    sample_rate: int  # Hz
    channels: int
    size: int  # bytes of the whole frame
    n_samples: int


def head_of(begin: bytes) -> Head | None:
    """Read a frame's header; None where it is none, or one of a free bit rate, whose size it does not tell."""
    if len(begin) < 4 or begin[0] != 0xFF or begin[1] < 0xE0:
        return None
    version, layer = begin[1] >> 3 & 3, 4 - (begin[1] >> 1 & 3)
    bit_rate, rate, padding = begin[2] >> 4, begin[2] >> 2 & 3, begin[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3 or begin[3] & 3 == 2:
        return None
    sample_rate, bits = RATES[version][rate], 1000 * KBPS[version == 3, layer][bit_rate - 1]
    n_samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    size = (12 * bits // sample_rate + padding) * 4 if layer == 1 else n_samples // 8 * bits // sample_rate + padding
    return Head(layer, sample_rate, 1 if begin[3] >> 6 == 3 else 2, size, n_samples)


def of_free_bit_rate(begin: bytes) -> bool:
    """Whether a frame begins here whose bit rate, and so its size, is not told: rare, constant, and known to libsndfile alone."""
    return len(begin) >= 4 and begin[0] == 0xFF and begin[1] >= 0xE0 and begin[1] >> 1 & 3 != 0 and begin[2] >> 4 == 0


def first_row(window: bytes, at_end: bool) -> int | None:
    """Where in some bytes the first row of frames begins; `at_end`: the file ends with them."""
    at = window.find(b"\xff")
    while at >= 0:
        if _row(window, at, at_end):
            return at
        at = window.find(b"\xff", at + 1)
    return None


def _row(window: bytes, at: int, at_end: bool) -> bool:
    first: Head | None = None
    for n in range(SURE):
        begin = window[at : at + 10]
        head = head_of(begin)
        if head is None:
            return n > 1 and ((at_end and not begin) or _tag_size(begin) > 0)
        first = first or head
        if (head.layer, head.sample_rate) != (first.layer, first.sample_rate):
            return False
        at += head.size
    return True


def after_tags(file: BinaryIO) -> int:
    """Where a file begins behind the tags at its front, in bytes."""
    position = 0
    while True:
        file.seek(position)
        if not (tag := _tag_size(file.read(32))):
            return position
        position += tag


def _tag_size(begin: bytes) -> int:
    """Bytes of the tag (ID3 or APE) that begins like this, 0 where none does."""
    if begin.startswith(b"ID3") and len(begin) >= 10:
        return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(begin[6:10], (21, 14, 7, 0), strict=True))
    if begin.startswith(b"TAG"):
        return 128
    if begin.startswith(b"APETAGEX") and len(begin) >= 32:
        starts_with_header = begin[23] & 0xA0 == 0xA0  # which its size leaves out
        return max(32, int.from_bytes(begin[12:16], "little") + 32 * starts_with_header)
    return 0


@dataclass
class Part:
    """Frames that one encoder wrote in one go: a joined file has several."""

    first: int  # frame
    promised: int | None = None  # frames
    delay: int = 0  # samples of the encoder at the start
    padding: int = 0  # samples at the end


@dataclass
class Frames:
    """Where the frames of a file lie, without those that only tell of others."""

    head: Head
    positions: "array[int]" = field(default_factory=lambda: array("Q"))  # bytes
    sizes: "array[int]" = field(default_factory=lambda: array("H"))  # bytes
    parts: list[Part] = field(default_factory=list)
    n_junk: int = 0  # bytes between them that are neither frame nor tag

    @property
    def seconds(self) -> float:
        return len(self.positions) * self.head.n_samples / self.head.sample_rate

    def parts_with_ends(self) -> list[tuple[Part, int]]:
        return list(zip(self.parts, [*(part.first for part in self.parts[1:]), len(self.positions)], strict=True))

    def kept(self) -> list[tuple[int, int]]:
        """The samples, of all that the frames give, that are no delay and no padding: (from, to) of each part."""
        n, found = self.head.n_samples, []
        for part, end in self.parts_with_ends():
            low, high = part.first * n, end * n
            if part.delay or part.padding:
                low = min(high, low + part.delay + DECODER_DELAY)
                if part.promised == end - part.first:
                    high = max(low, high - max(0, part.padding - DECODER_DELAY))
            found.append((low, high))
        return found

    def add(self, position: int, head: Head, begin: bytes) -> None:
        """Note down a frame; one that tells of others begins a part instead."""
        begins = not self.parts or self.parts[-1].first < len(self.positions)  # what tells of frames twice is a frame the second time
        if head.layer == 3 and begins and (part := _told(begin, head, len(self.positions))):
            self.parts.append(part)
            return
        self.parts = self.parts or [Part(0)]
        self.positions.append(position)
        self.sizes.append(head.size)

    def go_on_with(self, head: Head, at: int, n_junk: int) -> None:
        """Raise BadAudio where what comes next does not belong to what there is; forget a last frame that reaches into it."""
        if head.sample_rate != self.head.sample_rate:
            raise changes(self.head.sample_rate, head.sample_rate, "Hz", self.seconds)
        if head.channels != self.head.channels:
            raise changes(self.head.channels, head.channels, "channels", self.seconds)
        if n_junk > MOST_JUNK:
            raise BadAudio(f"The file is damaged: {n_junk} bytes at {self.seconds:.1f} s are no mp3.")
        if self.positions and at < self.positions[-1] + self.sizes[-1]:
            self.sizes.pop()
            n_junk = at - self.positions.pop()
        self.n_junk += n_junk


def find_frames(file: BinaryIO, position: int) -> Frames | None:
    """Walk a file from frame to frame, over tags, from a row of frames on. Raises BadAudio where they do not belong together."""
    size = file.seek(0, os.SEEK_END)
    frames: Frames | None = None
    inside = position  # where the last frame began
    while position < size:
        file.seek(position)
        begin = file.read(BEGIN)
        head = head_of(begin)
        if head and (frames is None or head[:3] == frames.head[:3]):
            frames = frames or Frames(head)
            if position + head.size > size:
                break  # cut off; FFmpeg would fill it up
            frames.add(position, head, begin)
            inside, position = position + 1, position + head.size
        elif tag := _tag_size(begin):
            inside = position = position + tag
        else:
            # The last frame may be one that was cut off where files were joined: then the next begins inside.
            at = _next_row(file, inside, size)
            if at is None or frames is None:
                break
            file.seek(at)
            head = head_of(file.read(4))
            assert head is not None
            frames.go_on_with(head, at, at - position)
            inside = position = at
    return frames


def _next_row(file: BinaryIO, position: int, size: int) -> int | None:
    while position < size:
        file.seek(position)
        window = file.read(WINDOW)
        at_end = position + len(window) >= size
        if (at := first_row(window, at_end)) is not None:
            return position + at
        if at_end:
            return None
        position += WINDOW - OVERLAP
    return None


def _told(frame: bytes, head: Head, number: int) -> Part | None:
    """What a frame tells of those after it, if it is of that kind."""
    if frame[36:40] == b"VBRI":
        return Part(number, int.from_bytes(frame[50:54], "big") or None)
    side = {(1152, 2): 32, (1152, 1): 17, (576, 2): 17, (576, 1): 9}[head.n_samples, head.channels]
    for at in (4 + side, 6 + side):  # without a checksum, and with one
        if frame[at : at + 4] in (b"Xing", b"Info"):
            break
    else:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 8
    promised = int.from_bytes(frame[at : at + 4], "big") if flags & 1 else None
    at += 4 * bool(flags & 1) + 4 * bool(flags & 2) + 100 * bool(flags & 4) + 4 * bool(flags & 8)
    lame = frame[at : at + 24]
    if len(lame) < 24 or not lame[0]:
        return Part(number, promised)
    both = int.from_bytes(lame[21:24], "big")
    return Part(number, promised, both >> 12, both & 0xFFF)


class MP3(Source):
    kind = "mp3"

    def __init__(self, path: Path, frames: Frames):
        self.path, self.frames = path, frames
        self.sample_rate, self.channels = frames.head.sample_rate, frames.head.channels
        self.kept = frames.kept()
        self.ends = list(accumulate(high - low for low, high in self.kept))  # in samples that are given out
        self.n_samples = self.ends[-1] if self.ends else 0

    def blocks(self, first: int = 0) -> Iterator[Block]:
        number = bisect_right(self.ends, first)
        if number == len(self.kept):
            return
        n, low = self.frames.head.n_samples, self.kept[number][1] - (self.ends[number] - first)
        spans = [(low, self.kept[number][1]), *self.kept[number + 1 :]]
        held: list[Block] = []
        for position, samples in zip(range(low // n * n, spans[-1][1], n), self._decoded(low // n), strict=False):
            while spans and spans[0][1] <= position:
                spans.pop(0)
            for low, high in spans:
                if low >= position + n:
                    break
                held.append(samples[max(0, low - position) : high - position])
            if len(held) * n >= BLOCK:
                yield np.concatenate(held)
                held = []
        if held:
            yield np.concatenate(held)

    def check(self, n_decoded: int) -> Sequence[str]:
        frames, n, notes = self.frames, self.frames.head.n_samples, []
        for part, end in frames.parts_with_ends():
            if part.promised is not None and part.promised - (end - part.first) > FRAMES_OFF:
                raise ends_early(part.promised * n, (end - part.first) * n, self.sample_rate)
        if len(frames.parts) > 1:
            notes.append(f"The file is {len(frames.parts)} mp3s one after the other; all of them were read.")
        elif frames.parts[0].promised is not None:
            notes += length_notes(frames.parts[0].promised * n, n_decoded, self.sample_rate)
        elif (guess := sum(frames.sizes) / frames.sizes[0]) and abs(guess / len(frames.sizes) - 1) > 0.1:
            notes.append(
                f"It does not say how long it is (its first frame suggests {guess * n / self.sample_rate:.2f} s); "
                f"it was read to its end and lasts {n_decoded / self.sample_rate:.2f} s."
            )
        if frames.n_junk:
            notes.append(f"{frames.n_junk} bytes between its frames are no mp3 and were passed over.")
        return notes

    def _decoded(self, first: int) -> Iterator[Block]:
        """Samples (samples, channels) of one frame after the other; what cannot be decoded is silence of the same length."""
        import av

        begin = max(0, first - PREROLL)
        decoder = av.CodecContext.create(f"mp{self.frames.head.layer}float", "r")
        with self.path.open("rb") as file:
            for number in range(begin, len(self.frames.positions)):
                file.seek(self.frames.positions[number])
                samples = self._decode(decoder, file.read(self.frames.sizes[number]))
                if number >= first:
                    yield samples

    def _decode(self, decoder: Any, frame: bytes) -> Block:
        import av

        try:
            for decoded in decoder.decode(av.Packet(frame)):
                samples: Block = decoded.to_ndarray().T
                if samples.shape == (self.frames.head.n_samples, self.channels):
                    return samples
        except av.error.FFmpegError:
            pass
        return np.zeros((self.frames.head.n_samples, self.channels), np.float32)
