"""FLAC: what its header promises is a hint where it is unknown or stale, and else a promise."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.audio import BadAudio
from tests.learner.core.files.decoding.makers import encoded, flac, put, song, tag, whole


class TestFLAC:
    @pytest.mark.parametrize("promised", [0, 1000, 700_000])
    def test_an_unknown_or_stale_length_is_a_hint(self, tmp_path: Path, promised: int) -> None:
        x = song(18) * 0.1
        path = put(tmp_path, "pipe.flac", flac(x, promised))
        assert len(x) > 700_000
        np.testing.assert_allclose(whole(path).samples, x.T, atol=2**-15)
        assert bool(audio.check(path).notes) == bool(promised)

    def test_a_promise_that_is_not_kept_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadAudio, match="truncated or damaged"):
            audio.check(put(tmp_path, "song.flac", flac(song(2), 99_999)))

    def test_a_hole_in_one_of_unknown_length_is_damage(self, tmp_path: Path) -> None:
        data = flac(song(4), 0)
        half = len(data) // 2
        with pytest.raises(BadAudio, match="damaged"):
            audio.check(put(tmp_path, "song.flac", data[:half] + bytes(300) + data[half + 300 :]))

    @pytest.mark.parametrize("seconds", [(6, 4), (4, 6), (4, 4.1)])
    def test_joined_ones_are_refused_as_what_they_are(self, tmp_path: Path, seconds: tuple[float, float]) -> None:
        path = put(tmp_path, "joined.flac", b"".join(flac(song(one)) for one in seconds))
        with pytest.raises(BadAudio, match="several"):
            audio.check(path)

    @pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
    def test_plain_ones_are_what_libsndfile_makes_of_them(self, tmp_path: Path, subtype: str) -> None:
        path = put(tmp_path, "song.flac", tag(2000) + encoded(song(14) * 0.1, "FLAC", subtype) + b"TAG" + bytes(125))
        theirs, _ = soundfile.read(path, dtype="float32", always_2d=True)
        np.testing.assert_array_equal(whole(path).samples, theirs.T)
        assert audio.check(path).notes == ()
