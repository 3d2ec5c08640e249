"""MP3: as long as its frames, wherever tags, counts and seams stand."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.audio import BadAudio
from tests.learner.core.files.decoding.makers import (
    RATE,
    by_ffmpeg,
    counting,
    frame_size,
    mp3,
    put,
    song,
    tag,
    whole,
)


class TestMP3:
    def test_without_a_header_it_is_as_long_as_its_frames(self, tmp_path: Path) -> None:
        data = mp3(song(6))
        path = put(tmp_path, "radio.mp3", data[frame_size(data) :])
        found = whole(path)
        assert found.duration == pytest.approx(6, abs=0.06)
        assert "does not say how long it is" in audio.check(path).notes[0]

    @pytest.mark.parametrize("count", [0, 100])
    def test_an_empty_or_stale_count_is_a_hint(self, tmp_path: Path, count: int) -> None:
        path = put(tmp_path, "song.mp3", counting(mp3(song(5)), count))
        assert whole(path).duration == pytest.approx(5, abs=0.06)
        assert "was read to its end" in audio.check(path).notes[0]

    def test_an_older_count_inside_is_a_frame_like_any_other(self, tmp_path: Path) -> None:
        data = mp3(song(4))
        at = data.index(b"Xing") + 8
        count = int.from_bytes(data[at : at + 4], "big")
        path = put(tmp_path, "mended.mp3", counting(data, count + 1)[: frame_size(data)] + counting(data, 9999))
        assert whole(path).duration == pytest.approx(4, abs=0.06)

    def test_quiet_at_first_is_not_silent(self, tmp_path: Path) -> None:
        x = np.concatenate([song(8) * 1e-4, song(4)])
        data = mp3(x)
        assert whole(put(tmp_path, "song.mp3", data[frame_size(data) :])).duration == pytest.approx(12, abs=0.06)

    def test_joined_ones_are_each_part_as_if_it_were_alone(self, tmp_path: Path) -> None:
        parts = [mp3(song(seconds, seed=seconds)) for seconds in (6, 4, 2)]
        path = put(tmp_path, "joined.mp3", b"".join(parts))
        alone = [audio.read(put(tmp_path, f"{number}.mp3", part)).samples for number, part in enumerate(parts)]
        found = whole(path).samples
        assert found.shape[1] == 12 * RATE
        at = 0
        for part in alone:  # the decoder goes on over a seam, so the first frames are not to the bit those of the part alone
            np.testing.assert_allclose(found[:, at + 5000 : at + part.shape[1]], part[:, 5000:], atol=1e-5)
            at += part.shape[1]
        assert audio.check(path).notes == ("The file is 3 mp3s one after the other; all of them were read.",)

    def test_tags_and_padding_are_no_sound_wherever_they_stand(self, tmp_path: Path) -> None:
        plain = mp3(song(3))
        alone = whole(put(tmp_path, "plain.mp3", plain)).samples
        ape = b"APETAGEX" + struct.pack("<IIII", 2000, 70_000, 1, 0xA0000000) + bytes(8) + np.random.default_rng(1).bytes(70_000)
        for end in (b"TAG" + bytes(125), ape, bytes(70_000)):
            np.testing.assert_array_equal(whole(put(tmp_path, "a.mp3", tag(70_000) + plain + end)).samples, alone)
        joined = whole(put(tmp_path, "b.mp3", tag(70_000) + plain + b"TAG" + bytes(125) + tag(70_000) + plain))
        assert joined.samples.shape[1] == 2 * alone.shape[1]

    def test_a_frame_cut_off_at_a_seam_costs_itself_alone(self, tmp_path: Path) -> None:
        data = mp3(song(4))
        data = data[frame_size(data) :]
        path = put(tmp_path, "joined.mp3", data[:-100] + data)
        assert whole(path).duration == pytest.approx(8, abs=0.1)
        assert "are no mp3 and were passed over" in audio.check(path).notes[-1]

    @pytest.mark.parametrize(
        ("second", "reason"),
        [(mp3(song(3, 48_000), 48_000), "44100 to 48000 Hz at 3.0 s"), (mp3(song(3, channels=1)), "2 to 1 channels at 3.0 s")],
    )
    def test_another_rate_or_number_of_channels_on_the_way_is_refused(self, tmp_path: Path, second: bytes, reason: str) -> None:
        with pytest.raises(BadAudio, match=reason):
            audio.check(put(tmp_path, "joined.mp3", mp3(song(3)) + second))

    def test_a_hole_is_damage(self, tmp_path: Path) -> None:
        data = mp3(song(6))
        data = data[frame_size(data) :]
        with pytest.raises(BadAudio, match=r"damaged: .* bytes at 1.* s are no mp3"):
            audio.check(put(tmp_path, "song.mp3", data[:30_000] + bytes(9000) + data[39_000:]))

    def test_one_of_the_joined_cut_short_is_refused(self, tmp_path: Path) -> None:
        parts = [mp3(song(6)), mp3(song(4))]
        with pytest.raises(BadAudio, match=r"promises 6.* s, 2.* s can be read"):
            audio.check(put(tmp_path, "joined.mp3", parts[0][: len(parts[0]) // 2] + parts[1]))

    @pytest.mark.parametrize("rate", [16_000, 44_100])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_well_formed_ones_are_what_libsndfile_makes_of_them(self, tmp_path: Path, rate: int, channels: int) -> None:
        path = put(tmp_path, "song.mp3", mp3(song(5, rate, channels), rate))
        theirs, _ = soundfile.read(path, dtype="float32", always_2d=True)
        np.testing.assert_allclose(whole(path).samples, theirs.T, atol=2e-6)

    def test_in_a_wav_it_is_read(self, tmp_path: Path) -> None:
        x = song(5)
        path = put(tmp_path, "song.wav", by_ffmpeg(x, "wav", "mp3"))
        assert whole(path).duration == pytest.approx(5, abs=0.1)
        assert audio.check(path).format == "wav"
