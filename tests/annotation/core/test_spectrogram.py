"""The picture of a clip: what sounds when, on the clip's own seconds."""

import struct
import zlib

import numpy as np
import pytest

from annotation.core import spectrogram

RATE = 44_100


def tone(hertz: float, level: float, start: float, end: float, seconds: float = 2.0, channels: int = 1) -> np.ndarray:
    at = np.arange(round(seconds * RATE)) / RATE
    sound = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * at) * ((at >= start) & (at < end))
    return np.repeat(sound[:, None], channels, axis=1).astype(np.float32)


def test_a_column_is_eight_milliseconds_and_the_last_one_ends_with_the_clip() -> None:
    assert spectrogram.bands(tone(440, 0, 0, 2), RATE).shape == (96, 250)
    assert spectrogram.bands(tone(440, 0, 0, 12.016, 12.016), RATE).shape == (96, 1502)


def test_an_edge_is_seen_within_20_ms_of_where_it_is() -> None:
    level = spectrogram.bands(tone(1000, -10, 0.5, 1.5), RATE).max(axis=0)
    loud = np.flatnonzero(level > -16)
    assert loud[0] / 125 == pytest.approx(0.5, abs=0.02) and (loud[-1] + 1) / 125 == pytest.approx(1.5, abs=0.02)


def test_a_tone_has_its_level_in_its_band_and_higher_tones_stand_higher() -> None:
    peaks = []
    for hertz in (100, 440, 1000, 5000):
        level = spectrogram.bands(tone(hertz, -30, 0, 2), RATE)[:, 125]
        peaks.append(int(level.argmax()))
        assert level.max() == pytest.approx(-30, abs=3)
    assert peaks == sorted(set(peaks))


def test_sounds_out_of_phase_do_not_cancel() -> None:
    opposite = tone(1000, -10, 0, 2, channels=2) * np.array([1, -1], np.float32)
    assert spectrogram.bands(opposite, RATE).max() > -10


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000, 96_000])
def test_every_rate_gives_a_picture(rate: int) -> None:
    level = spectrogram.bands(np.random.default_rng(1).standard_normal((rate, 2)).astype(np.float32), rate)
    assert level.shape == (96, 125) and np.isfinite(level).all()
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (spectrogram.LOWEST, spectrogram.HIGHEST))
    centre = 700 * (10 ** (np.linspace(lowest, highest, 98)[1:-1] / 2595) - 1)
    assert (level[centre < 0.48 * rate] > -90).all(), "noise sounds in every band that the rate has"
    assert (level[centre > 0.55 * rate] < -119).all(), "above half the rate there is nothing: a band is the same frequency at every rate"


def test_the_png_holds_the_shades_and_the_highest_band_is_on_top() -> None:
    png = spectrogram.png(tone(5000, -20, 0, 1), RATE)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        chunks[kind] = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + chunks[kind])
        at += 12 + length
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (250, 96)
    assert len(chunks[b"PLTE"]) == 3 * spectrogram.SHADES
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(96, 251)
    assert not lines[:, 0].any(), "no line is filtered"
    pixels = lines[:, 1:]
    assert pixels.max() < spectrogram.SHADES and pixels[:, 60].argmax() < 40 and not pixels[:, 200].any()


def test_silence_is_dark_and_no_clip_is_too_short() -> None:
    assert spectrogram.bands(np.zeros((10, 1), np.float32), RATE).shape == (96, 1)
    assert spectrogram.png(np.zeros((0, 2), np.float32), RATE)
