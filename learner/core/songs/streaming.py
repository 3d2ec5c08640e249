"""Songs that stay on disk: stretches are read when they are wanted, so that a big corpus trains in little memory."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from learner.core import songs
from learner.core.audio import Samples, resample
from learner.core.songs import Song, SongFiles

Item = TypeVar("Item")

MARGIN = 0.05  # seconds read beside a stretch, over which the resampler's filter dies out


@dataclass(frozen=True)
class StemOnDisk:
    """A stem in its files, or a sum of several: `read` gives any stretch of it."""

    files: SongFiles
    signs: Mapping[str, int]  # of the stems that are there, added up
    n_samples: int
    sample_rate: int  # Hz, the files' own
    channels: int

    @property
    def shape(self) -> tuple[int, int]:
        """(channels, samples) at the files' own rate."""
        return self.channels, self.n_samples

    def tobytes(self) -> bytes:
        """The whole stem as `read` gives it, so that it can be told from others by a hash."""
        return self.read().tobytes()

    def length(self, sample_rate: int) -> int:
        """Samples of the whole stem at a rate in Hz."""
        return round(self.n_samples * sample_rate / self.sample_rate)

    def read(self, start: int = 0, end: int | None = None, sample_rate: int | None = None, *, mono: bool = False) -> Samples:
        """Return samples `start` to `end` of the stem at a rate in Hz (its own by default): (channels, samples); `mono` is their mean.

        They are those that the whole stem would have there, if it were read and resampled. Past the end of the song there are none.
        Raises BadSong where the file cannot be read.
        """
        own, rate = self.sample_rate, sample_rate or self.sample_rate
        start, end = max(0, start), min(self.length(rate) if end is None else end, self.length(rate))
        if start >= end:
            return np.zeros((1 if mono else self.channels, 0), np.float32)
        if own == rate:
            return self._own(start, end, mono)
        # `step_in` samples of the file last exactly as long as `step_out` of the result: from there both resamplings have one phase.
        step_in, step_out = own // math.gcd(own, rate), rate // math.gcd(own, rate)
        margin = math.ceil(MARGIN * rate / step_out)
        first, last = max(0, start // step_out - margin), math.ceil(end / step_out) + margin
        out = resample(self._own(first * step_in, min(last * step_in, self.n_samples), mono), own, rate)
        piece = out[:, start - first * step_out : end - first * step_out]
        return np.pad(piece, ((0, 0), (0, end - start - piece.shape[1])))  # the last sample may be rounded away

    def _own(self, start: int, end: int, mono: bool) -> Samples:
        stems = {stem: songs.read_stem(self.files, stem, (start, end), self.sample_rate).samples for stem in self.signs}
        if any(samples.shape[1] != end - start for samples in stems.values()):
            raise songs.BadSong(self.files.stems[next(iter(stems))], "The file is shorter than its header promises.")
        if mono:  # before anything else is done: half the work
            stems = {stem: samples.mean(axis=0, keepdims=True, dtype=np.float32) for stem, samples in stems.items()}
        return songs.add_up(self.signs, stems)


@dataclass(frozen=True)
class SongOnDisk:
    """A song of which nothing but its length is in memory; otherwise as `Song`, with stems that are read by stretches."""

    name: str
    sample_rate: int  # Hz, the files' own
    mixture: StemOnDisk
    vocals: StemOnDisk | None = None
    accompaniment: StemOnDisk | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.mixture.n_samples / self.sample_rate

    def load(self, sample_rate: int) -> Song:
        """The song in memory, at a rate in Hz. Raises BadSong."""
        vocals, accompaniment = (None if stem is None else stem.read(sample_rate=sample_rate) for stem in (self.vocals, self.accompaniment))
        return Song(self.name, sample_rate, self.mixture.read(sample_rate=sample_rate), vocals, accompaniment)

    def n_bytes(self, sample_rate: int) -> int:
        """What the song would take as a `Song` at a rate in Hz."""
        stems = [stem for stem in (self.mixture, self.vocals, self.accompaniment) if stem is not None]
        return sum(4 * stem.channels * stem.length(sample_rate) for stem in stems)


AnySong = Song | SongOnDisk


def stream(files: SongFiles, stem: str = "vocals") -> SongOnDisk:
    """Open a song to be read by stretches: `stem` as its vocals, everything else as its accompaniment, as `songs.load` has it.

    Only headers are read, so damage within a file shows when the stretch is read; `songs.check` finds it beforehand. Raises BadSong.
    """
    n_samples, sample_rate, channels = songs.headers(files, stem)
    stems = {name: StemOnDisk(files, one, n_samples, sample_rate, channels) for name, one in files.sums(stem).items() if one}
    if len(stems) < 3:
        stems = {"mixture": stems["mixture"]}
    return SongOnDisk(files.name, sample_rate, **stems)


class OnDemand(Sequence[Item]):
    """`n` things that are read one by one when they are asked for, each time anew; nothing is kept."""

    def __init__(self, n: int, read: Callable[[int], Item]):
        self.n, self.read = n, read

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < self.n:
            raise IndexError(f"number {number} of {self.n}")
        return self.read(number)
