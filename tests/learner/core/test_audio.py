from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.audio import BadAudio

RATE = 8000


def noise(seconds: float = 1.0, channels: int = 1, level: float = 0.1) -> np.ndarray:
    generator = np.random.default_rng(1)
    return (level * generator.standard_normal((channels, round(seconds * RATE)))).clip(-1, 1).astype(np.float32)


def write(path: Path, samples: np.ndarray | None = None, **options: Any) -> Path:
    soundfile.write(path, noise().T if samples is None else samples.T, options.pop("rate", RATE), **options)
    return path


@pytest.fixture(params=["wav", "flac", "ogg", "mp3"])
def good(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"good.{request.param}"
    return write(path, noise(4))


class TestCheck:
    def test_a_good_file_of_every_kind_passes(self, good: Path) -> None:
        info = audio.check(good)
        assert info.duration == pytest.approx(4, abs=0.15)
        assert (info.sample_rate, info.channels, info.format) == (RATE, 1, good.suffix[1:])
        assert 0.2 < info.peak < 1

    @pytest.mark.parametrize("kept", [0.05, 0.5, 0.9])
    def test_a_truncated_file_of_every_kind_is_refused(self, good: Path, kept: float) -> None:
        content = good.read_bytes()
        good.write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(BadAudio, match=r"truncated|not audio"):
            audio.check(good)

    @pytest.mark.parametrize("kind", ["ogg", "flac"])
    def test_random_bytes_inside_are_noticed(self, tmp_path: Path, kind: str) -> None:
        path = write(tmp_path / f"song.{kind}", noise(4))
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 500] = np.random.default_rng(0).bytes(500)
        path.write_bytes(content)
        with pytest.raises(BadAudio, match="damaged"):
            audio.check(path)

    def test_tags_after_the_samples_of_a_wav_are_no_damage(self, tmp_path: Path) -> None:
        path = write(tmp_path / "tagged.wav")
        path.write_bytes(path.read_bytes() + b"LIST\x04\x00\x00\x00INFO")
        assert audio.check(path).duration == 1

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (
                b"these are words, no sounds " * 400,
                "not audio that can be read; allowed are wav, flac, ogg, opus, mp3, m4a, mp4, aac and webm",
            ),
            (np.random.default_rng(0).bytes(20_000), "not audio"),
            (b"OggS" + np.random.default_rng(0).bytes(5000), "not audio"),
        ],
    )
    @pytest.mark.parametrize("suffix", audio.SUFFIXES)
    def test_what_is_not_audio_is_refused(self, tmp_path: Path, content: bytes, reason: str, suffix: str) -> None:
        path = tmp_path / f"song{suffix}"
        path.write_bytes(content)
        with pytest.raises(BadAudio, match=reason):
            audio.check(path)

    @pytest.mark.parametrize(
        ("samples", "reason"),
        [
            (np.zeros((1, 0), np.float32), "no audio"),
            (np.zeros((1, RATE), np.float32), "silent"),
            (np.full((1, RATE), 5e-5, np.float32), "silent"),
            (np.full((1, RATE), np.nan, np.float32), "NaN"),
            (np.array([[0.1, np.inf, 0.1]], np.float32), "infinity"),
            (noise(channels=3), "3 channels; 1 .mono. or 2 .stereo. are allowed"),
        ],
    )
    def test_what_cannot_be_used_is_refused_with_the_reason(self, tmp_path: Path, samples: np.ndarray, reason: str) -> None:
        path = write(tmp_path / "song.wav", samples, subtype="FLOAT")
        with pytest.raises(BadAudio, match=reason):
            audio.check(path)

    def test_an_hour_is_the_most(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audio, "MAX_MINUTES", 1 / 60)
        assert audio.check(write(tmp_path / "one.wav", noise(1))).duration == 1
        with pytest.raises(BadAudio, match="minutes are allowed"):
            audio.check(write(tmp_path / "more.wav", noise(1.1)))

    def test_other_formats_and_rates_are_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(BadAudio, match="is aiff; allowed are wav, flac, ogg, opus, mp3, m4a, mp4, aac and webm"):
            audio.check(write(tmp_path / "song.wav", format="AIFF"))
        with pytest.raises(BadAudio, match="1000 Hz; 4000 to 192000 Hz"):
            audio.check(write(tmp_path / "slow.wav", rate=1000))

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BadAudio, match=r"no file gone\.wav"):
            audio.check(tmp_path / "gone.wav")

    def test_a_silent_stem_may_be_examined(self, tmp_path: Path) -> None:
        path = write(tmp_path / "vocals.wav", np.zeros((2, RATE), np.float32))
        assert audio.examine(path).silent
        assert audio.examine(path).channels == 2


class TestRead:
    def test_channels_come_first(self, tmp_path: Path) -> None:
        stereo = noise(channels=2)
        sound = audio.read(write(tmp_path / "a.wav", stereo, subtype="FLOAT"))
        np.testing.assert_array_equal(sound.samples, stereo)
        assert sound.samples.dtype == np.float32
        assert (sound.duration, sound.sample_rate) == (1.0, RATE)
        np.testing.assert_allclose(sound.mono().samples, stereo.mean(axis=0, keepdims=True), atol=1e-7)

    def test_a_stretch_is_cut_by_seconds(self, tmp_path: Path) -> None:
        samples = noise(2)
        path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
        np.testing.assert_array_equal(audio.read(path, start=0.5, end=1.25).samples, samples[:, 4000:10_000])
        assert audio.read(path, start=1.5, end=99).duration == 0.5, "an end past the end is the end"

    def test_a_stretch_that_holds_nothing_is_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav")
        with pytest.raises(BadAudio, match="no audio from 2 s on"):
            audio.read(path, start=2)
        with pytest.raises(ValueError, match="0 <= start < end"):
            audio.read(path, start=1, end=1)

    def test_nan_and_damage_are_refused_here_too(self, tmp_path: Path) -> None:
        with pytest.raises(BadAudio, match="NaN"):
            audio.read(write(tmp_path / "a.wav", np.full((1, 9), np.nan, np.float32), subtype="FLOAT"))
        path = write(tmp_path / "a.flac", noise(4))
        path.write_bytes(path.read_bytes()[:20_000])
        with pytest.raises(BadAudio, match="damaged"):
            audio.read(path)

    def test_it_resamples(self, tmp_path: Path) -> None:
        sound = audio.read(write(tmp_path / "a.wav", noise(1.5)), sample_rate=16_000)
        assert (sound.sample_rate, sound.samples.shape) == (16_000, (1, 24_000))


class TestResample:
    @pytest.mark.parametrize("to_rate", [4000, 7350, 8000, 16_000, 22_050])
    def test_a_tone_keeps_its_pitch_and_level(self, to_rate: int) -> None:
        def tone(rate: int) -> np.ndarray:
            return np.sin(2 * np.pi * 440 * np.arange(rate) / rate, dtype=np.float32)[None] / 2

        out = audio.resample(tone(RATE), RATE, to_rate)
        assert out.shape == (1, to_rate)
        middle = slice(to_rate // 4, -to_rate // 4)
        np.testing.assert_allclose(out[:, middle], tone(to_rate)[:, middle], atol=2e-3)

    def test_an_odd_length_stays_in_step(self) -> None:
        assert audio.resample(noise()[:, :1001], RATE, 22_050).shape == (1, round(1001 * 22_050 / RATE))

    def test_block_by_block_is_as_at_once(self) -> None:
        samples = noise(12.6, channels=2)
        blocks = (samples[:, at : at + 7000] for at in range(0, samples.shape[1], 7000))
        streamed = np.concatenate(list(audio.resample_blocks(blocks, 44_100, 16_000)), axis=1)
        whole = audio.resample(samples, 44_100, 16_000)
        assert abs(streamed.shape[1] - whole.shape[1]) <= 1
        n = min(streamed.shape[1], whole.shape[1])
        np.testing.assert_allclose(streamed[:, :n], whole[:, :n], atol=1e-6)


class TestWrite:
    def test_flac_keeps_24_bits(self, tmp_path: Path) -> None:
        samples = noise(channels=2)
        audio.write_flac(tmp_path / "a.flac", samples, RATE)
        np.testing.assert_allclose(audio.read(tmp_path / "a.flac").samples, samples, atol=2**-23)

    @pytest.mark.parametrize("bad", [np.zeros((1, 0)), np.zeros((3, 9)), np.zeros(9), np.full((1, 9), np.nan)])
    def test_what_cannot_be_written_leaves_no_file(self, tmp_path: Path, bad: np.ndarray) -> None:
        with pytest.raises(BadAudio, match="Samples to write"):
            audio.write_flac(tmp_path / "a", bad.astype(np.float32), RATE)
        assert not list(tmp_path.iterdir())

    def test_a_file_is_written_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.flac"
        audio.write_flac(path, noise(), RATE)
        before = path.read_bytes()

        def full(self: object, data: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(soundfile.SoundFile, "write", full)
        with pytest.raises(OSError, match="disk full"):
            audio.write_flac(path, noise(2), RATE)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a.flac"]
