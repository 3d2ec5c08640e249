"""Ogg: one stream or several one after the other."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.audio import BadAudio
from tests.learner.core.files.decoding.makers import by_ffmpeg, ogg, put, song, whole


class TestOgg:
    @pytest.mark.parametrize(("subtype", "rate"), [("VORBIS", 44_100), ("OPUS", 48_000)])
    def test_streams_one_after_the_other_are_each_as_if_alone(self, tmp_path: Path, subtype: str, rate: int) -> None:
        parts = [ogg(song(seconds, rate, seed=seconds), subtype, rate) for seconds in (3, 2, 1)]
        path = put(tmp_path, "radio.ogg", b"".join(parts))
        alone = [audio.read(put(tmp_path, f"{number}.ogg", part)).samples for number, part in enumerate(parts)]
        found = whole(path)
        np.testing.assert_array_equal(found.samples, np.concatenate(alone, axis=1))
        assert found.duration == 6
        assert audio.check(path).notes == ("The file is 3 streams one after the other; all of them were read.",)

    @pytest.mark.parametrize(("subtype", "rate"), [("VORBIS", 44_100), ("OPUS", 48_000)])
    def test_a_single_stream_is_what_libsndfile_makes_of_it(self, tmp_path: Path, subtype: str, rate: int) -> None:
        path = put(tmp_path, "song.ogg", ogg(song(4, rate), subtype, rate))
        theirs, _ = soundfile.read(path, dtype="float32", always_2d=True)
        np.testing.assert_array_equal(whole(path).samples, theirs.T)

    @pytest.mark.parametrize("n_parts", [1, 2])
    def test_junk_behind_the_last_page_is_no_damage(self, tmp_path: Path, n_parts: int) -> None:
        assert whole(put(tmp_path, "song.ogg", ogg(song(2)) * n_parts + bytes(70_000))).duration == 2 * n_parts

    @pytest.mark.parametrize(
        ("second", "reason"),
        [(ogg(song(2, 48_000), rate=48_000), "44100 to 48000 Hz at 3.0 s"), (ogg(song(2, channels=1)), "2 to 1 channels at 3.0 s")],
    )
    def test_another_rate_or_number_of_channels_on_the_way_is_refused(self, tmp_path: Path, second: bytes, reason: str) -> None:
        with pytest.raises(BadAudio, match=reason):
            audio.check(put(tmp_path, "radio.ogg", ogg(song(3)) + second))

    def test_a_chain_that_is_cut_off_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadAudio, match="page is cut off"):
            audio.check(put(tmp_path, "radio.ogg", (ogg(song(2)) * 2)[:-100]))

    def test_flac_in_it_is_read(self, tmp_path: Path) -> None:
        x = song(3)
        found = whole(put(tmp_path, "song.oga", by_ffmpeg(x, "ogg", "flac")))
        np.testing.assert_allclose(found.samples, x.T, atol=2**-15)
