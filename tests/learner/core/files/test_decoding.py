"""The true length is what decodes: files whose headers say nothing, too little or too much, and files that are not what they are called."""

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.audio import BadAudio
from learner.core.files import decoding

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


def test_a_decoder_that_gives_more_and_more_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(decoding.Source):
        kind, sample_rate, channels = "wav", 8000, 1

        def blocks(self, first: int = 0) -> Iterator[np.ndarray]:
            while True:
                yield np.ones((10_000, 1), np.float32)

    path = put(tmp_path, "small.wav", riff(FMT, chunk(b"data", bytes(100))))
    monkeypatch.setattr(decoding.riff, "open_riff", lambda path, stack: Endless())
    for ask in (audio.check, audio.read, audio.header, lambda path: list(audio.blocks(path, 1000))):
        with pytest.raises(BadAudio, match="gives more and more sound"):
            ask(path)
    path.write_bytes(riff(FMT, chunk(b"data", bytes(100_000))))
    for ask in (audio.check, audio.header):
        with pytest.raises(BadAudio, match="at most 60 minutes"):
            ask(path)
