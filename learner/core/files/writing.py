"""Write sound so that nothing is clipped: 24-bit FLAC where it is within full scale, float WAV where it is not."""

import uuid
from pathlib import Path

import numpy as np

from learner.core.audio import MAX_MINUTES, Samples, check_samples
from learner.core.files import sndfile
from learner.core.files.decoding import BLOCK


def write(path: Path, samples: Samples, sample_rate: int) -> Path:
    """Write `(channels, samples)` to `path` as 24-bit FLAC, or beside it as float WAV where they are over full scale; return where.

    So nothing is clipped, and stems that were written still add up. Whole or not at all.
    """
    check_samples(samples)
    with Writing(path, sample_rate, samples.shape[0]) as file:
        file.write(samples)
    return file.path


class Writing:
    """A file that is written block by block: 24-bit FLAC, which becomes float WAV at the first sample over full scale.

    It gets its name at the end of the `with` block, where `path` says what that is: the one given, or the same with the ending .wav.
    In that case an older file of the name given is removed.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int) -> None:
        self.path, self.sample_rate, self.channels = Path(path), sample_rate, channels

    def __enter__(self) -> "Writing":
        self._temporary = self._new_name()
        self._file, self._n_written = sndfile.writing(self._temporary, self.sample_rate, self.channels, "PCM_24", "FLAC"), 0
        return self

    def write(self, samples: Samples) -> None:
        """Add `(channels, samples)`."""
        if self._file.format == "FLAC" and np.abs(samples).max(initial=0) > 1:
            self._become_wav()
        self._file.write(samples.T)
        self._n_written += samples.shape[1]

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._file.close()
            if kind is None:
                asked = self.path
                if self._file.format != "FLAC":
                    _without_time(self._temporary)
                    self.path = asked.with_suffix(".wav")
                self._temporary.replace(self.path)
                if self.path != asked:  # what was asked to be overwritten is not to stay beside it
                    asked.unlink(missing_ok=True)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _become_wav(self) -> None:
        flac, self._temporary = self._temporary, self._new_name()
        try:
            self._file.close()
            # Beyond 4 GB, which an hour can be at the highest rates, a WAV must be an RF64.
            n_bytes = 4 * self.channels * self.sample_rate * 60 * MAX_MINUTES
            kind = "RF64" if n_bytes >= 1 << 32 else "WAV"
            self._file = sndfile.writing(self._temporary, self.sample_rate, self.channels, "FLOAT", kind)
            if not self._n_written:  # then the FLAC cannot even be read
                return
            with sndfile.reading(flac) as so_far:
                while len(block := so_far.read(BLOCK, dtype="float32", always_2d=True)):
                    self._file.write(block)
        finally:
            flac.unlink(missing_ok=True)

    def _new_name(self) -> Path:
        return self.path.with_name(f".{uuid.uuid4().hex}.part")


def _without_time(wav: Path) -> None:
    """Take the time of writing out of a float WAV's PEAK chunk: the same sound is the same file, whenever it was written."""
    with wav.open("r+b") as file:
        at = file.read(4096).find(b"PEAK")
        if at >= 0:
            file.seek(at + 12)
            file.write(bytes(4))
