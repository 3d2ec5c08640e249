"""A part of a file, as libsndfile reads it: a file of its own."""

import io
from typing import Any, BinaryIO


def window(file: BinaryIO, start: int, end: int, before: bytes = b"") -> io.BufferedReader:
    """The bytes from `start` to `end` of an open file, after those of `before`."""
    return io.BufferedReader(_Window(file, start, end, before), 1 << 16)


class _Window(io.RawIOBase):
    def __init__(self, file: BinaryIO, start: int, end: int, before: bytes):
        self.file, self.start, self.before = file, start, before
        self.size, self.position = len(before) + end - start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = max(0, offset + (0, self.position, self.size)[whence])
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(0, self.size - self.position))
        if self.position < len(self.before):
            found = self.before[self.position : self.position + wanted]
        else:
            self.file.seek(self.start + self.position - len(self.before))
            found = self.file.read(wanted)
        buffer[: len(found)] = found
        self.position += len(found)
        return len(found)
