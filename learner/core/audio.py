"""Read, check, resample and write audio files. Knows nothing of PyTorch.

Samples are float32 `(channels, samples)` with full scale at plus and minus 1. What may come in: wav, flac, ogg, opus, mp3, m4a, mp4,
aac and webm; one or two channels; 4 to 192 kHz; at most 60 minutes. What goes out for keeping: FLAC, or float WAV for what is over full
scale (see `writing`).
"""

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from learner.core.files import sndfile
from learner.core.files.decoding import ALLOWED, BadAudio, Block, Source, open_source
from learner.core.files.decoding.source import NO_NUMBERS, NO_SAMPLES

__all__ = ["ALLOWED", "BadAudio"]

Samples = NDArray[np.float32]

KINDS = {  # what a file of this ending is by its content
    ".wav": "wav",
    ".flac": "flac",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "ogg",
    ".m4a": "mp4",
    ".mp4": "mp4",
    ".aac": "aac",
    ".webm": "webm",
}
SUFFIXES = tuple(KINDS)
MAX_CHANNELS = 2
MAX_MINUTES = 60
SAMPLE_RATES = (4_000, 192_000)
SILENT_PEAK = 1e-4  # -80 dBFS; below it there is nothing to separate
MAX_PEAK = 16.0  # 24 dB over full scale: more than any float mix needs, less than the smallest scale of integers (128)
MOST_PER_BYTE = 8192  # samples a channel; FLAC's and Vorbis' silence, the densest there is, stays below


@dataclass(frozen=True)
class Sound:
    """Samples `(channels, samples)`, float32, with their rate in Hz."""

    samples: Samples
    sample_rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.samples.shape[1] / self.sample_rate)

    def mono(self) -> "Sound":
        """The mean of the channels, as one channel."""
        return Sound(self.samples.mean(axis=0, keepdims=True, dtype=np.float32), self.sample_rate)


@dataclass(frozen=True)
class Info:
    """What a file holds, counted from what could be decoded, not from what its header promises."""

    duration: float  # seconds
    sample_rate: int  # Hz
    channels: int
    format: str  # by its content: wav | flac | ogg | mp3 | mp4 | aac | webm
    peak: float  # largest absolute sample; full scale is 1
    notes: tuple[str, ...] = ()  # what its owner should know: it lasts longer than its header says, it is called what it is not

    @property
    def silent(self) -> bool:
        return self.peak < SILENT_PEAK

    def refuse_silence(self) -> None:
        """Raise BadAudio where nothing sounds."""
        if self.silent:
            raise BadAudio("The file is silent: nothing in it is louder than -80 dBFS.")

    def refuse_overload(self) -> None:
        """Raise BadAudio for floats on the scale of integers. A float mix may be some dB over full scale; that is kept as it is."""
        if self.peak > MAX_PEAK:
            raise BadAudio(
                f"The file peaks at {self.peak:,.0f}, {20 * math.log10(self.peak):.0f} dB over full scale: its samples look like integers "
                f"that were stored as floats. Full scale is 1, and up to {MAX_PEAK:.0f} is allowed; divide them by the largest integer."
            )


def check(path: Path) -> Info:
    """Decode the whole file and return what it holds; raise BadAudio with the reason where it cannot be used."""
    info = examine(path)
    info.refuse_silence()
    return info


def examine(path: Path) -> Info:
    """As `check`, but a silent file passes: a song may have a stem in which nothing sounds."""
    path = Path(path)
    n_samples, peak = 0, 0.0
    with _open(path) as source:
        for block in _bounded(source, path):
            refuse_no_numbers(block)
            n_samples += block.shape[0]
            peak = max(peak, float(np.abs(block).max(initial=0)))
        notes = list(source.check(n_samples))
        if n_samples == 0:
            raise BadAudio(NO_SAMPLES)
        if path.suffix and KINDS.get(path.suffix.casefold()) != source.kind:
            notes.append(f"It is called {path.suffix} and is {source.kind}; it was read as what it is.")
        info = Info(n_samples / source.sample_rate, source.sample_rate, source.channels, source.kind, peak, tuple(notes))
    info.refuse_overload()
    return info


def header(path: Path) -> tuple[int, int, int]:
    """Return (samples, sample rate in Hz, channels) of a file; nothing is decoded where they can be told without."""
    path = Path(path)
    with _open(path) as source:
        n_samples = source.n_samples
        if n_samples is None:
            n_samples = sum(len(block) for block in _bounded(source, path))
        return n_samples, source.sample_rate, source.channels


def read(path: Path, sample_rate: int | None = None, start: float = 0, end: float | None = None) -> Sound:
    """Read a file, or the stretch from `start` to `end` seconds of it, resampled if a rate in Hz is given.

    A stretch is that of the whole, to the sample. An end past the end of the file is the end of the file. Raises BadAudio where the
    file cannot be read or the stretch holds nothing. Whether the file is whole is for `check` to say, once, when it comes in.
    """
    if start < 0 or (end is not None and end <= start):
        raise ValueError(f"a stretch of audio must have 0 <= start < end, not start {start} and end {end}")
    path = Path(path)
    with _open(path) as source:
        own_rate = source.sample_rate
        first, most = round(start * own_rate), _most(source, path)
        samples = source.read(first, min(most + 1, most + 1 if end is None else round(end * own_rate) - first))
        _refuse_length(source, samples.shape[0], path)
    if samples.shape[0] == 0:
        raise BadAudio(f"The file holds no audio from {start:g} s on.")
    refuse_no_numbers(samples)
    channels_first = np.ascontiguousarray(samples.T)
    if sample_rate is None or sample_rate == own_rate:
        return Sound(channels_first, own_rate)
    return Sound(resample(channels_first, own_rate, sample_rate), sample_rate)


def blocks(path: Path, n_samples: int) -> Iterator[Samples]:
    """Read a whole file piece by piece, (channels, samples), each so long, the last as long as it is. Raises BadAudio."""
    path = Path(path)
    with _open(path) as source:
        held: list[Block] = []
        n_held = 0
        for block in _bounded(source, path):
            held.append(block)
            n_held += len(block)
            if n_held >= n_samples:
                whole = np.concatenate(held)
                n_full = n_held - n_held % n_samples
                yield from (whole[at : at + n_samples].T for at in range(0, n_full, n_samples))
                held, n_held = [whole[n_full:]], n_held - n_full
        if n_held:
            yield np.concatenate(held).T


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Return `(channels, samples)` at another rate; the length is the old one times the ratio, rounded."""
    if from_rate == to_rate:
        return samples
    wanted = round(samples.shape[1] * to_rate / from_rate)
    out = soxr.resample(samples.T, from_rate, to_rate, quality="HQ").T[:, :wanted]
    # soxr may end a sample early; stems must stay in step to the sample
    return np.pad(out, ((0, 0), (0, wanted - out.shape[1]))).astype(np.float32, copy=False)


def resample_blocks(blocks: Iterator[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    """Return `blocks` at another rate, as if they were resampled all at once; the last may end a sample early or late."""
    if from_rate == to_rate:
        yield from blocks
        return
    streams: list[soxr.ResampleStream] = []  # one a channel: to interleave them for soxr, and back, costs half as much as to resample
    for block in blocks:
        streams = streams or [soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ") for _ in block]
        yield np.stack([stream.resample_chunk(np.ascontiguousarray(own)) for stream, own in zip(streams, block, strict=True)])
    if streams:
        yield np.stack([stream.resample_chunk(np.zeros(0, np.float32), last=True) for stream in streams])


def write_flac(path: Path, samples: Samples, sample_rate: int) -> None:
    """Write `(channels, samples)` as 24-bit FLAC, whole or not at all. Raises BadAudio for what it cannot hold: see `writing.write`."""
    check_samples(samples)
    if (peak := float(np.abs(samples).max())) > 1:
        raise BadAudio(f"Samples to write as FLAC must be within full scale (1), not peak at {peak:.3g}: they would be clipped.")
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with sndfile.writing(temporary, sample_rate, samples.shape[0], "PCM_24", "FLAC") as file:
            file.write(samples.T)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def refuse_no_numbers(samples: Block) -> None:
    """Raise BadAudio for samples that are NaN or infinite."""
    if not np.isfinite(samples).all():
        raise BadAudio(NO_NUMBERS)


def check_samples(samples: Samples) -> None:
    """Raise BadAudio for what no file should hold."""
    if samples.ndim != 2 or samples.shape[1] == 0 or not 1 <= samples.shape[0] <= MAX_CHANNELS:
        raise BadAudio(f"Samples to write must be (1 or 2 channels, at least 1 sample), not {samples.shape}.")
    if not np.isfinite(samples).all():
        raise BadAudio("Samples to write must be finite numbers, without NaN or infinity.")


@contextmanager
def _open(path: Path) -> Iterator[Source]:
    """Open a file whose channels and rate are allowed, or raise BadAudio."""
    with open_source(path) as source:
        if source.channels > MAX_CHANNELS:
            raise BadAudio(f"The file has {source.channels} channels; 1 (mono) or 2 (stereo) are allowed.")
        low, high = SAMPLE_RATES
        if not low <= source.sample_rate <= high:
            raise BadAudio(f"The file has a sample rate of {source.sample_rate} Hz; {low} to {high} Hz are allowed.")
        yield source


def _most(source: Source, path: Path) -> int:
    """Samples beyond which a file is refused: an hour of them, or more than its bytes can hold."""
    return min(round(MAX_MINUTES * 60 * source.sample_rate), path.stat().st_size * MOST_PER_BYTE)


def _refuse_length(source: Source, n_samples: int, path: Path) -> None:
    if n_samples <= _most(source, path):
        return
    minutes = n_samples / source.sample_rate / 60
    if minutes > MAX_MINUTES:
        raise BadAudio(f"The file is {minutes:.0f} minutes long or longer; at most {MAX_MINUTES} minutes are allowed.")
    raise BadAudio(f"The file is damaged: it gives more and more sound, {minutes:.1f} minutes from {path.stat().st_size} bytes.")


def _bounded(source: Source, path: Path) -> Iterator[Block]:
    """Decode to the end. Raises BadAudio for more than is allowed, or than can be."""
    _refuse_length(source, source.n_samples or 0, path)
    n_samples = 0
    for block in source.blocks():
        n_samples += len(block)
        _refuse_length(source, n_samples, path)
        yield block
