"""Read MUSDB18's `.stem.mp4`: one file that holds the mixture and four stems as AAC streams.

The container's own times say where each decoded frame belongs, so any stretch can be read, in step to the sample with the whole.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from learner.core.audio import MAX_CHANNELS, MAX_MINUTES, SAMPLE_RATES, BadAudio, Info, Samples
from learner.core.files.decoding.source import NO_NUMBERS, NO_SAMPLES, ends_early

STREAMS = {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}  # the order of Native Instruments' stems format in MUSDB18
PREROLL = 4096  # samples decoded before a stretch and thrown away: an AAC frame of 1024 overlaps the one before it


def header(path: Path, stream: int) -> tuple[int, int, int]:
    """Return (samples, sample rate in Hz, channels) of a stream as the file promises them. Raises BadAudio."""
    with _open(path) as container:
        return _header(_stream(container, stream))


def examine(path: Path, stream: int) -> Info:
    """Decode a whole stream and return what it holds. Raises BadAudio where it cannot be used."""
    n_samples, sample_rate, channels = header(path, stream)
    if n_samples > MAX_MINUTES * 60 * sample_rate:
        raise BadAudio(f"The file is {n_samples / sample_rate / 60:.0f} minutes long; at most {MAX_MINUTES} minutes are allowed.")
    decoded, peak = 0, 0.0
    for position, piece in _frames(path, stream, 0):
        if not np.isfinite(piece).all():
            raise BadAudio(NO_NUMBERS)
        decoded, peak = position + piece.shape[1], max(peak, float(np.abs(piece).max(initial=0)))
    if decoded == 0:
        raise BadAudio(NO_SAMPLES)
    if decoded < n_samples:
        raise ends_early(n_samples, decoded, sample_rate)
    return Info(n_samples / sample_rate, sample_rate, channels, "mp4", peak)


def read(path: Path, stream: int, first: int = 0, end: int | None = None) -> tuple[Samples, int]:
    """Return samples `first` to `end` of a stream, (channels, samples), and their rate in Hz; an end past the end is the end."""
    n_samples, sample_rate, channels = header(path, stream)
    end = n_samples if end is None else min(end, n_samples)
    out = np.zeros((channels, max(0, end - first)), np.float32)
    for position, piece in _frames(path, stream, first):
        if position >= end:
            break
        low, high = max(first, position), min(end, position + piece.shape[1])
        if low < high:
            out[:, low - first : high - first] = piece[:, low - position : high - position]
    if not np.isfinite(out).all():
        raise BadAudio(NO_NUMBERS)
    return out, sample_rate


def _frames(path: Path, stream: int, first: int) -> Iterator[tuple[int, Samples]]:
    """Yield (position in samples, samples as (channels, samples)) from a little before `first` on."""
    import av

    with _open(path) as container:
        source = _stream(container, stream)
        rate = source.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp")  # of the sample format alone; AAC comes in it already
        try:
            if first > PREROLL:  # from the start otherwise: seeking to 0 would lose what leads into the first frame
                container.seek(int((first - PREROLL) / rate / source.time_base), stream=source)
            for frame in container.decode(source):
                for piece in resampler.resample(frame):
                    if piece.pts is None or piece.time_base is None:
                        raise BadAudio("The file does not say where its frames belong.")
                    yield round(piece.pts * piece.time_base * rate), np.asarray(piece.to_ndarray(), np.float32)
        except av.error.FFmpegError as error:
            raise BadAudio(f"The file is truncated or damaged: it could not be read to its end ({error.strerror}).") from error


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    import av
    from av.error import FFmpegError

    if not Path(path).is_file():
        raise BadAudio(f"There is no file {Path(path).name}.")
    try:
        container = av.open(os.path.abspath(path), format="mp4")
    except (FFmpegError, OSError, ValueError) as error:
        raise BadAudio("The file is not an mp4 that can be read.") from error
    with container:
        yield container


def _stream(container: Any, stream: int) -> Any:
    streams = container.streams.audio
    if len(streams) < len(STREAMS):
        raise BadAudio(f"A .stem.mp4 holds {len(STREAMS)} streams of audio ({', '.join(STREAMS)}); this has {len(streams)}.")
    return streams[stream]


def _header(stream: Any) -> tuple[int, int, int]:
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    if not stream.duration:
        raise BadAudio("The file does not say how long it is.")
    if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1] or not 1 <= channels <= MAX_CHANNELS:
        raise BadAudio(f"The file has {rate} Hz and {channels} channels; {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]} Hz, 1 or 2 are allowed.")
    return round(stream.duration * stream.time_base * rate), rate, channels
