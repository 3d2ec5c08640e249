"""WAV: lengths that are unknown, stale or too large for their field."""

import struct
from pathlib import Path

import numpy as np
import pytest

from learner.core import audio
from learner.core.audio import BadAudio
from tests.learner.core.files.decoding.makers import (
    FMT,
    RATE,
    chunk,
    encoded,
    pcm,
    put,
    riff,
    song,
    whole,
)


class TestWav:
    UNKNOWN = (0x7FFFF000, 0x7FFFF000 // 6 * 6, 0x7FFFFFFF, 0x7FFFFFFF - 36, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0xFFFFF000)

    @pytest.mark.parametrize("length", UNKNOWN)
    def test_one_that_does_not_know_its_length_goes_to_its_end(self, tmp_path: Path, length: int) -> None:
        x = song(2)
        data = riff(FMT, chunk(b"data", pcm(x), length), size=min(length + 36, 0xFFFFFFFF))
        np.testing.assert_allclose(whole(put(tmp_path, "pipe.wav", data)).samples, x.T, atol=2**-14)

    def test_a_length_of_nothing_is_a_hint_where_something_follows(self, tmp_path: Path) -> None:
        x = song(2)
        path = put(tmp_path, "crashed.wav", riff(FMT, chunk(b"data", pcm(x), 0), size=0))
        np.testing.assert_allclose(whole(path).samples, x.T, atol=2**-14)
        assert "tells of no length" in audio.check(path).notes[0]
        with pytest.raises(BadAudio, match="no audio"):
            audio.check(put(tmp_path, "empty.wav", riff(FMT, chunk(b"data", b""), chunk(b"LIST", b"INFOISFT\x04\0\0\0Unbl"))))

    @pytest.mark.parametrize("length", [2 * 4 * RATE * 2, 0x90000000, 0xF0000000])
    def test_one_that_is_cut_off_is_refused(self, tmp_path: Path, length: int) -> None:
        with pytest.raises(BadAudio, match=f"truncated: its header promises {length} bytes"):
            audio.check(put(tmp_path, "half.wav", riff(FMT, chunk(b"data", pcm(song(2)), length))))

    @pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
    def test_the_length_of_a_large_one_stands_in_a_chunk_of_its_own(self, tmp_path: Path, magic: bytes) -> None:
        x = song(2)
        samples = pcm(x)
        for times, n in ((1, len(samples)), (1, 0), (1, (1 << 64) - 1), (2, 2 * len(samples))):
            large = riff(
                chunk(b"ds64", struct.pack("<QQQI", min(n + 72, (1 << 64) - 1), n, n // 4, 0)),
                FMT,
                chunk(b"data", samples, 0xFFFFFFFF),
                magic=magic,
                size=0xFFFFFFFF,
            )
            path = put(tmp_path, "large.wav", large)
            if times == 1:
                np.testing.assert_allclose(whole(path).samples, x.T, atol=2**-14)
            else:
                with pytest.raises(BadAudio, match="truncated"):
                    audio.check(path)

    def test_one_that_libsndfile_cannot_seek_in_is_read(self, tmp_path: Path) -> None:
        x = song(3, 8000, 1)
        found = whole(put(tmp_path, "answering machine.wav", encoded(x, "WAV", "GSM610", 8000)))
        assert found.duration == pytest.approx(3, abs=0.05)

    def test_joined_ones_are_refused_as_what_they_are(self, tmp_path: Path) -> None:
        one = riff(FMT, chunk(b"data", pcm(song(1))))
        with pytest.raises(BadAudio, match="several wavs"):
            audio.check(put(tmp_path, "joined.wav", one + one))
