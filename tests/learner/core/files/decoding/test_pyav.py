"""What FFmpeg decodes for us: AAC, MP4, WebM, whatever the file is called."""

from pathlib import Path

import av
import pytest

from learner.core import audio
from learner.core.audio import BadAudio
from tests.learner.core.files.decoding.makers import FMT, by_ffmpeg, chunk, like, pcm, put, riff, song, whole


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("container", "codec", "suffix", "kind", "rate"),
        [
            ("adts", "aac", ".aac", "aac", 44_100),
            ("ipod", "aac", ".m4a", "mp4", 44_100),
            ("mp4", "aac", ".mp4", "mp4", 22_050),
            ("ipod", "alac", ".m4a", "mp4", 44_100),
            ("webm", "libopus", ".webm", "webm", 48_000),
            ("ogg", "libopus", ".opus", "ogg", 48_000),
        ],
    )
    @pytest.mark.parametrize("named", ["by its kind", ".mp3"])
    def test_they_are_read_whatever_they_are_called(
        self, tmp_path: Path, container: str, codec: str, suffix: str, kind: str, rate: int, named: str
    ) -> None:
        x = song(5, rate)
        path = put(tmp_path, f"song{suffix if named != '.mp3' else named}", by_ffmpeg(x, container, codec, rate))
        found, info = whole(path), audio.check(path)
        assert found.duration == pytest.approx(5, abs=0.06)
        assert (info.format, info.sample_rate, info.channels) == (kind, rate, 2)
        assert info.notes == (() if named != ".mp3" else (f"It is called .mp3 and is {kind}; it was read as what it is.",))
        if container != "adts":  # which does not tell of its encoder's delay
            like(found, x, 0.2)

    @pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("webm", "libopus")])
    @pytest.mark.parametrize("kept", [0.05, 0.5, 0.9])
    def test_what_is_cut_off_is_refused(self, tmp_path: Path, container: str, codec: str, kept: float) -> None:
        data = by_ffmpeg(song(6, 48_000), container, codec, 48_000)
        with pytest.raises(BadAudio, match=r"truncated|not audio"):
            audio.check(put(tmp_path, "song.m4a", data[: int(len(data) * kept)]))

    def test_a_film_without_sound_is_refused(self, tmp_path: Path) -> None:
        with av.open(str(tmp_path / "film.mp4"), "w") as out:
            stream = out.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 32
            out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
            out.mux(stream.encode(None))
        with pytest.raises(BadAudio, match="no sound"):
            audio.check(tmp_path / "film.mp4")

    def test_a_playlist_leads_to_no_other_file(self, tmp_path: Path) -> None:
        put(tmp_path, "secret.wav", riff(FMT, chunk(b"data", pcm(song(1)))))
        put(tmp_path, "list.mp3", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.wav\n#EXT-X-ENDLIST\n")
        put(tmp_path, "list.wav", b"ffconcat version 1.0\nfile secret.wav\n")
        for name in ("list.mp3", "list.wav"):
            with pytest.raises(BadAudio, match="not audio"):
                audio.check(tmp_path / name)
