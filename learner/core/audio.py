"""Read, check, resample and write audio files. Knows nothing of PyTorch.

Samples are float32 `(channels, samples)` with full scale at plus and minus 1. What may come in: wav, flac, ogg and mp3;
one or two channels; 4 to 192 kHz; at most 60 minutes. What goes out: FLAC for keeping, Ogg Vorbis for listening.
"""

import os
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FORMATS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}  # libsndfile's name: ours
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
MAX_CHANNELS = 2
MAX_MINUTES = 60
SAMPLE_RATES = (4_000, 192_000)
SILENT_PEAK = 1e-4  # -80 dBFS; below it there is nothing to separate
UNKNOWN = 1 << 60  # samples; libsndfile gives numbers of this kind where a header gives none
BLOCK = 1 << 16  # samples a channel read at once, so that an hour of audio is checked in little memory


class BadAudio(ValueError):
    """This is not audio that can be used. Allowed: wav, flac, ogg or mp3, 1 or 2 channels, at most 60 minutes, with sound in it."""


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
    format: str  # wav | flac | ogg | mp3
    peak: float  # largest absolute sample; full scale is 1

    @property
    def silent(self) -> bool:
        return self.peak < SILENT_PEAK

    def refuse_silence(self) -> None:
        """Raise BadAudio where nothing sounds."""
        if self.silent:
            raise BadAudio("The file is silent: nothing in it is louder than -80 dBFS.")


def check(path: Path) -> Info:
    """Decode the whole file and return what it holds; raise BadAudio with the reason where it cannot be used."""
    info = examine(path)
    info.refuse_silence()
    return info


def examine(path: Path) -> Info:
    """As `check`, but a silent file passes: a song may have a stem in which nothing sounds."""
    path = Path(path)
    n_samples, peak = 0, 0.0
    with _open(path) as file:
        sample_rate, channels, kind = file.samplerate, file.channels, FORMATS[file.format]
        promised = file.frames if file.frames < UNKNOWN else 0  # a FLAC from a pipe does not say
        if promised > MAX_MINUTES * 60 * sample_rate:
            raise BadAudio(f"The file is {promised / sample_rate / 60:.0f} minutes long; at most {MAX_MINUTES} minutes are allowed.")
        for block in _blocks(file):
            if not np.isfinite(block).all():
                raise BadAudio("The file holds samples that are no numbers (NaN or infinity); every sample must be finite.")
            n_samples += block.shape[0]
            peak = max(peak, float(np.abs(block).max(initial=0)))
            if n_samples > MAX_MINUTES * 60 * sample_rate:
                raise BadAudio(f"The file is longer than {MAX_MINUTES} minutes, which is the most that is allowed.")
    if n_samples == 0:
        raise BadAudio("The file holds no audio: it has a header but no samples.")
    _check_complete(path, kind, promised, n_samples, sample_rate)
    return Info(n_samples / sample_rate, sample_rate, channels, kind, peak)


def header(path: Path) -> tuple[int, int, int]:
    """Return (samples, sample rate in Hz, channels) as the file promises them; nothing is decoded where the file says how long it is."""
    with _open(Path(path)) as file:
        n_samples, sample_rate, channels = file.frames, file.samplerate, file.channels
    if n_samples >= UNKNOWN:
        n_samples = round(examine(path).duration * sample_rate)
    return n_samples, sample_rate, channels


def read(path: Path, sample_rate: int | None = None, start: float = 0, end: float | None = None) -> Sound:
    """Read a file, or the stretch from `start` to `end` seconds of it, resampled if a rate in Hz is given.

    An end past the end of the file is the end of the file. Raises BadAudio where the file cannot be read or the stretch holds
    nothing. Whether the file is whole is for `check` to say, once, when it comes in.
    """
    if start < 0 or (end is not None and end <= start):
        raise ValueError(f"a stretch of audio must have 0 <= start < end, not start {start} and end {end}")
    with _open(Path(path)) as file:
        first = min(round(start * file.samplerate), file.frames)
        wanted = -1 if end is None else round(end * file.samplerate) - first
        try:
            file.seek(first)
            samples = file.read(wanted, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise BadAudio(f"The file is damaged and could not be read to its end ({_reason(error)}).") from error
        original_rate = file.samplerate
    if samples.shape[0] == 0:
        raise BadAudio(f"The file holds no audio from {start:g} s on.")
    if not np.isfinite(samples).all():
        raise BadAudio("The file holds samples that are no numbers (NaN or infinity); every sample must be finite.")
    channels_first = np.ascontiguousarray(samples.T)
    if sample_rate is None or sample_rate == original_rate:
        return Sound(channels_first, original_rate)
    return Sound(resample(channels_first, original_rate, sample_rate), sample_rate)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Return `(channels, samples)` at another rate; the length is the old one times the ratio, rounded."""
    if from_rate == to_rate:
        return samples
    wanted = round(samples.shape[1] * to_rate / from_rate)
    out = soxr.resample(samples.T, from_rate, to_rate, quality="HQ").T[:, :wanted]
    # soxr may end a sample early; stems must stay in step to the sample
    return np.pad(out, ((0, 0), (0, wanted - out.shape[1]))).astype(np.float32, copy=False)


def write_flac(path: Path, samples: Samples, sample_rate: int) -> None:
    """Write `(channels, samples)` as 24-bit FLAC; what lies over full scale is clipped. Whole or not at all."""
    if samples.ndim != 2 or samples.shape[1] == 0 or not 1 <= samples.shape[0] <= MAX_CHANNELS:
        raise BadAudio(f"Samples to write must be (1 or 2 channels, at least 1 sample), not {samples.shape}.")
    if not np.isfinite(samples).all():
        raise BadAudio("Samples to write must be finite numbers, without NaN or infinity.")
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        soundfile.write(temporary, np.clip(samples, -1, 1).T, sample_rate, "PCM_24", format="FLAC")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _open(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open a file whose header is one of ours, or raise BadAudio."""
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        if not path.is_file():
            raise BadAudio(f"There is no file {path.name}.") from error
        if path.stat().st_size == 0:
            raise BadAudio("The file is empty: 0 bytes.") from error
        raise BadAudio("The file is not audio that can be read; allowed are wav, flac, ogg and mp3.") from error
    with file:
        if file.format not in FORMATS:
            raise BadAudio(f"The file is {file.format.lower()}; allowed are wav, flac, ogg and mp3.")
        if file.channels > MAX_CHANNELS:
            raise BadAudio(f"The file has {file.channels} channels; 1 (mono) or 2 (stereo) are allowed.")
        low, high = SAMPLE_RATES
        if not low <= file.samplerate <= high:
            raise BadAudio(f"The file has a sample rate of {file.samplerate} Hz; {low} to {high} Hz are allowed.")
        yield file


def _blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    """Yield (samples, channels) until nothing more can be decoded."""
    while True:
        try:
            block = file.read(BLOCK, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise BadAudio(f"The file is truncated or damaged: it could not be read to its end ({_reason(error)}).") from error
        if block.shape[0] == 0:
            return
        yield block


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", "") or error).strip().rstrip(".") or "no reason given"


def _check_complete(path: Path, kind: str, promised: int, decoded: int, sample_rate: int) -> None:
    """Raise BadAudio where the file ends early: libsndfile plays what is left of a truncated wav, ogg or mp3 without a word."""
    with path.open("rb") as file:
        if kind == "wav":
            _check_wav(file)
        elif kind == "ogg":
            _check_ogg(file)
        elif kind == "mp3" and not _counts_its_frames(file):
            return  # then the promise was an estimate from the first frame's bit rate
    # an mp3 may end up to two frames of 1152 samples off its count (encoder delay and padding)
    if promised - decoded > (2304 if kind == "mp3" else 0):
        raise BadAudio(
            f"The file is truncated or damaged: its header promises {promised / sample_rate:.2f} s, "
            f"{decoded / sample_rate:.2f} s can be read."
        )


def _check_wav(file: BinaryIO) -> None:
    """Walk the RIFF chunks; the data chunk must lie wholly inside the file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    order: Literal["big", "little"] = "big" if file.read(4) == b"RIFX" else "little"
    position = 12
    while position + 8 <= size:
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), order)
        if name == b"data":
            # programs that write to a pipe cannot know the length and say 0 or the largest number
            if length not in (0, 0xFFFFFFFF, 0x7FFFFFFF) and position + 8 + length > size:
                raise BadAudio(f"The file is truncated: its header promises {length} bytes of samples, {size - position - 8} are there.")
            return
        position += 8 + length + length % 2


def _counts_its_frames(file: BinaryIO) -> bool:
    """Tell whether an mp3's first frame says how many follow (a Xing, Info or VBRI header)."""
    head = file.read(10)
    after_id3 = 0
    if head[:3] == b"ID3" and len(head) == 10:
        after_id3 = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    file.seek(after_id3)
    start = file.read(4096)
    return any(mark in start for mark in (b"Xing", b"Info", b"VBRI"))


MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _check_ogg(file: BinaryIO) -> None:
    """Walk the Ogg pages (RFC 3533): each must follow the one before it, be whole, and match its checksum.

    Ogg's checksum is zlib's with the bits the other way round, no start value and no final inversion, so zlib computes it from
    bytes with their bits mirrored, at the speed of C.
    """
    ended = False
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
