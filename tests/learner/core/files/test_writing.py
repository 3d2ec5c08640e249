"""What is written is not clipped, and stems that were written still add up."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio
from learner.core.files import writing

RATE = 8000


def noise(peak: float, n_samples: int = 3000, seed: int = 1) -> np.ndarray:
    samples = np.random.default_rng(seed).uniform(-1, 1, (2, n_samples)).astype(np.float32)
    return samples * np.float32(peak / np.abs(samples).max())


@pytest.mark.parametrize(("peak", "name"), [(0.5, "a.flac"), (1.0, "a.flac"), (1.001, "a.wav"), (14.0, "a.wav")])
def test_what_is_over_full_scale_becomes_a_float_wav_and_nothing_is_clipped(tmp_path: Path, peak: float, name: str) -> None:
    samples = noise(peak)
    assert writing.write(tmp_path / "a.flac", samples, RATE) == tmp_path / name
    assert [path.name for path in tmp_path.iterdir()] == [name]
    np.testing.assert_allclose(audio.read(tmp_path / name).samples, samples, atol=2**-22)


def test_a_file_that_grows_over_full_scale_keeps_what_was_there(tmp_path: Path) -> None:
    quiet, loud = noise(0.4), noise(2.0, seed=2)
    with writing.Writing(tmp_path / "a.flac", RATE, 2) as file:
        for block in (quiet, loud, quiet):
            file.write(block)
    assert file.path == tmp_path / "a.wav"
    np.testing.assert_allclose(audio.read(file.path).samples, np.concatenate([quiet, loud, quiet], axis=1), atol=2**-23)


def test_what_was_to_be_overwritten_does_not_stay_beside_the_wav_and_no_other_file_is_touched(tmp_path: Path) -> None:
    writing.write(tmp_path / "vocals.flac", noise(0.5), RATE)
    writing.write(tmp_path / "vocals.flac", noise(2.0), RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["vocals.wav"]
    writing.write(tmp_path / "vocals.flac", noise(0.5), RATE)  # the .wav may be somebody's own
    assert audio.examine(tmp_path / "vocals.wav").peak == pytest.approx(2.0)


def test_the_same_sound_is_the_same_file_whenever_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = writing.write(tmp_path / "a.flac", noise(2.0), RATE)
    first = path.read_bytes()
    stamp = first.index(b"PEAK") + 12
    assert first[stamp : stamp + 4] == bytes(4)
    assert writing.write(tmp_path / "b.flac", noise(2.0), RATE).read_bytes() == first


def test_what_is_stopped_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    writing.write(tmp_path / "a.flac", noise(0.5), RATE)
    with pytest.raises(KeyboardInterrupt), writing.Writing(tmp_path / "a.flac", RATE, 2) as file:
        file.write(noise(0.3))
        file.write(noise(3.0))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]
    assert audio.examine(tmp_path / "a.flac").peak == pytest.approx(0.5, abs=1e-6)


def test_an_hour_at_the_highest_rate_becomes_a_wav_of_64_bits(tmp_path: Path) -> None:
    path = writing.write(tmp_path / "a.flac", noise(2.0), 192_000)
    assert soundfile.info(path).format == "RF64"
    np.testing.assert_allclose(audio.read(path).samples, noise(2.0))


def test_a_flac_is_never_clipped_in_silence(tmp_path: Path) -> None:
    with pytest.raises(audio.BadAudio, match=r"within full scale \(1\), not peak at 2"):
        audio.write_flac(tmp_path / "a.flac", noise(2.0), RATE)
    assert not list(tmp_path.iterdir())


class TestScaleOfIntegers:
    @pytest.mark.parametrize("peak", [17.0, 127.0, 11_000.0, 2.0**31])
    def test_floats_on_the_scale_of_integers_are_refused_with_their_peak(self, tmp_path: Path, peak: float) -> None:
        soundfile.write(tmp_path / "loud.wav", noise(peak).T, RATE, "FLOAT")
        with pytest.raises(audio.BadAudio, match=rf"peaks at {peak:,.0f}, .* dB over full scale.*Full scale is 1"):
            audio.check(tmp_path / "loud.wav")

    def test_a_float_mix_some_db_over_full_scale_is_taken(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "hot.wav", noise(2.0).T, RATE, "FLOAT")
        assert audio.check(tmp_path / "hot.wav").peak == pytest.approx(2.0)


@pytest.mark.parametrize("command", [("separate", "{song}", "--out", "{out}"), ("generate", "{out}", "--seeds", "1", "--duration", "4")])
def test_a_file_that_finds_no_room_is_one_line_of_the_systems_reason(command: tuple[str, ...], tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full, which only root could make."""
    song, out = tmp_path / "song.flac", tmp_path / "out"
    audio.write_flac(song, np.random.default_rng(1).uniform(-0.5, 0.5, (1, 32_000)).astype(np.float32), 16_000)
    ran = subprocess.run(
        [sys.executable, "-m", "learner.core", *(part.format(song=song, out=out) for part in command)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[4],
        timeout=300,
    )
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert "File too large" in ran.stderr and str(out) in ran.stderr
    assert not [path for path in out.rglob("*") if path.is_file()], "and nothing is half written"
