"""A picture of what sounds when: mel bands upwards, time to the right. NumPy only, PNG written by hand."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

COLUMNS = 125  # a second: 8 ms each
WINDOW = 0.032  # seconds
BANDS = 96
LOWEST, HIGHEST = 60.0, 12_000.0  # Hz
# Fixed, so that a faint sound looks as faint in every clip and none drops out of the picture beside a loud one.
FLOOR, TOP = -90.0, -20.0  # dB, re a full-scale sine in one band
SHADES = 48  # fewer than the eye tells apart, and half the bytes of 256
# From near black over violet and orange to pale yellow: grows evenly lighter, so that it can be read without colours too.
INK = ((10, 8, 30), (70, 20, 110), (160, 45, 115), (235, 100, 75), (252, 180, 95), (253, 245, 205))


def bands(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Levels in dB, (bands, columns), lowest band first, of samples (samples, channels); channels add up as power.

    Column n is centred on (n + 0.5) / 125 s. Bands are triangles on the mel scale 2595 log10(1 + f / 700), each at least one
    bin wide, from 60 Hz to 12 kHz at every rate, so that a page knows the frequency of a band: above half the rate there is nothing.
    """
    n_window = 1 << round(np.log2(WINDOW * rate))
    n_columns = max(1, round(len(samples) / rate * COLUMNS))
    centres = np.round((np.arange(n_columns) + 0.5) * rate / COLUMNS).astype(int)
    padded = np.pad(samples, ((n_window // 2, n_window), (0, 0)))
    window = np.hanning(n_window).astype(np.float32)
    power = np.zeros((n_columns, n_window // 2 + 1), np.float32)
    for channel in padded.T:
        frames = np.lib.stride_tricks.sliding_window_view(channel, n_window)[centres]
        power += np.abs(np.fft.rfft(frames * window)).astype(np.float32) ** 2
    power /= (window.sum() / 2) ** 2
    level = power @ _triangles(n_window, rate)
    return (10 * np.log10(np.maximum(level.T, 1e-12))).astype(np.float32)


def png(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    """The picture of samples (samples, channels): 96 rows, highest band on top, 125 columns a second."""
    shade = (bands(samples, rate)[::-1] - FLOOR) / (TOP - FLOOR) * (SHADES - 1)
    return _png(np.clip(np.round(shade), 0, SHADES - 1).astype(np.uint8), _palette())


def colours() -> list[str]:
    """The shades of a picture, from `FLOOR` to `TOP` dB, as a style sheet writes them: pages tell levels by them."""
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in _palette().tolist()]


def _triangles(n_window: int, rate: int) -> npt.NDArray[np.float32]:
    """Weights (bins, bands) that sum the power of a band."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    mel = np.linspace(lowest, highest, BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(n_window // 2 + 1) * rate / n_window
    width = rate / n_window
    low, centre, high = (edges[n : n + BANDS] for n in range(3))
    rising = (bins[:, None] - low) / np.maximum(centre - low, width)
    falling = (high - bins[:, None]) / np.maximum(high - centre, width)
    nearest = np.abs(bins[:, None] - centre) <= width / 2
    return np.maximum(np.minimum(rising, falling).clip(0, 1), nearest).astype(np.float32)


def _palette() -> npt.NDArray[np.uint8]:
    ink = np.array(INK, float)
    at = np.linspace(0, len(ink) - 1, SHADES)
    return np.stack([np.interp(at, np.arange(len(ink)), ink[:, part]) for part in range(3)], axis=1).round().astype(np.uint8)


def _png(pixels: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Indexed-colour PNG (W3C, 3rd edition): pixels (rows, columns) into palette (colours, 3)."""
    rows, columns = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    lines = np.pad(pixels, ((0, 0), (1, 0)))  # each line begins with its filter: none
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
