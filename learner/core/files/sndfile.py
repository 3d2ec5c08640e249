"""Open sound files with libsndfile, whatever they are called: by descriptor, since it takes names as text, of at most 1023 bytes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray


def reading(path: Path) -> soundfile.SoundFile:
    """Raises OSError where the file cannot be opened, soundfile.LibsndfileError where it is no sound that it knows."""
    return soundfile.SoundFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def writing(path: Path, sample_rate: int, channels: int, subtype: str, kind: str) -> soundfile.SoundFile:
    """Raises OSError where the file cannot be made, or later on where there is no room for it."""
    return _Written(path, sample_rate, channels, subtype, kind)


class _Written(soundfile.SoundFile):  # type: ignore[misc]  # soundfile is not typed
    """libsndfile says "System error" where a disk is full; this says what the system says."""

    def __init__(self, path: Path, sample_rate: int, channels: int, subtype: str, kind: str) -> None:
        self._path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        with self._with_the_systems_reason():
            super().__init__(descriptor, "w", sample_rate, channels, subtype, format=kind)

    def write(self, data: NDArray[np.float32]) -> None:
        with self._with_the_systems_reason():
            super().write(data)

    @contextmanager
    def _with_the_systems_reason(self) -> Iterator[None]:
        try:
            yield
        except soundfile.LibsndfileError:
            try:
                with open(self._path, "ab") as probe:
                    probe.write(bytes(1 << 16))  # more than what just failed
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(self._path.parent)) from None
            raise
