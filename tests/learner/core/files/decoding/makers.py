"""Sound of a few seconds as files of every kind, also of the odd ones that recorders and pipes leave behind."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from learner.core import audio

RATE = 44_100


def song(seconds: float, rate: int = RATE, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Noise that comes and goes, (samples, channels): frames of a variable bit rate then differ in size."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.1, (t.size, channels)) * (np.abs(np.sin(2 * t)) ** 4)[:, None]
    return (noise + 0.2 * np.sin(2 * np.pi * 330 * t)[:, None]).clip(-1, 1).astype(np.float32)


def encoded(samples: np.ndarray, kind: str, subtype: str, rate: int = RATE, **options: object) -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, samples.shape[1], subtype, format=kind, **options) as sound:
        sound.write(samples)
    return file.getvalue()


def mp3(samples: np.ndarray, rate: int = RATE) -> bytes:
    return encoded(samples, "MP3", "MPEG_LAYER_III", rate, bitrate_mode="VARIABLE", compression_level=0.4)


def ogg(samples: np.ndarray, subtype: str = "VORBIS", rate: int = RATE) -> bytes:
    return encoded(samples, "OGG", subtype, rate)


def flac(samples: np.ndarray, promised: int | None = None, rate: int = RATE) -> bytes:
    """A FLAC whose header promises another number of samples; 0 is unknown."""
    data = encoded(samples, "FLAC", "PCM_16", rate)
    return data if promised is None else data[:22] + struct.pack(">I", promised) + data[26:]


def by_ffmpeg(samples: np.ndarray, container: str, codec: str, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo" if samples.shape[1] == 2 else "mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", stream.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        fit = av.AudioResampler(stream.format.name, stream.layout.name, rate, stream.codec_context.frame_size or 4096)
        for part in [*fit.resample(frame), *fit.resample(None), None]:
            out.mux(stream.encode(part))
    return file.getvalue()


def frame_size(data: bytes) -> int:
    """Bytes of an MPEG-1 layer III frame."""
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4]
    return 144_000 * kbps // (44_100, 48_000, 32_000)[data[2] >> 2 & 3] + (data[2] >> 1 & 1)


def counting(data: bytes, frames: int) -> bytes:
    """An mp3 whose Xing frame says another number of frames."""
    at = data.index(b"Xing") + 8
    return data[:at] + struct.pack(">I", frames) + data[at + 4 :]


def tag(n_bytes: int) -> bytes:
    """An ID3 tag with a picture in it."""
    body = np.random.default_rng(0).bytes(n_bytes)
    return b"ID3\x03\0\0" + bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if length is None else length) + body + bytes(len(body) % 2)


def riff(*chunks: bytes, magic: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 32_767).astype("<i2").tobytes()


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, 4 * RATE, 4, 16))


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def whole(path: Path) -> audio.Sound:
    """The file read whole; its length is the same by whatever way it is asked for, and stretches are those of the whole."""
    sound, info = audio.read(path), audio.check(path)
    n_samples = sound.samples.shape[1]
    assert (n_samples, sound.sample_rate, len(sound.samples)) == audio.header(path)
    assert info.duration == sound.duration
    blocks = list(audio.blocks(path, 10_000))
    assert {block.shape[1] for block in blocks[:-1]} <= {10_000}
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), sound.samples)
    for start in (
        *np.random.default_rng(0).integers(0, n_samples, 4),
        n_samples - 20_000,
        n_samples - 700,
    ):  # libsndfile misses a Vorbis' end
        end = min(n_samples, start + 5000)
        stretch = audio.read(path, start=start / sound.sample_rate, end=end / sound.sample_rate)
        np.testing.assert_allclose(stretch.samples, sound.samples[:, start:end], atol=1e-3)
    return sound


def like(found: audio.Sound, samples: np.ndarray, at_most: float = 0.1) -> None:
    """Assert that what was found is nearly these samples, at once and not a sample off."""
    n = min(found.samples.shape[1], len(samples))
    error = {lag: np.square(np.roll(found.samples[:, :n], lag, axis=1) - samples[:n].T).mean() for lag in (-2, -1, 0, 1, 2)}
    assert min(error, key=error.__getitem__) == 0
    assert error[0] < at_most * np.square(samples).mean()
