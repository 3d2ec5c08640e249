"""Separation of whole recordings, and the separators behind it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from learner.core import audio, checkpoint
from learner.core import separate as module
from learner.core.audio import BadAudio
from learner.core.separate import separate, separate_file
from learner.core.separators import Cut, Separator, unet
from learner.core.separators.unet import UNetSeparator
from learner.core.separators.unet_network import UNet
from learner.core.songs.synth import make_song
from learner.core.teaching.train import BASE
from tests.present import present


@pytest.fixture
def separator() -> UNetSeparator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNetSeparator(widths=(2, 2, 2)).eval()


def lively(**config: Any) -> UNetSeparator:
    """An untrained network whose mask is not the same everywhere."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = UNetSeparator(**config).eval()
    with torch.no_grad():
        separator.net.last.weight.mul_(20)
    return separator


def noise(channels: int, n_samples: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, n_samples)).astype(np.float32) * 0.1


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("n_samples", [1, 700, 16_000, 16_001])
def test_the_stem_has_the_shape_of_the_recording(separator: UNetSeparator, channels: int, n_samples: int) -> None:
    assert separate(separator, noise(channels, n_samples), 16_000).shape == (channels, n_samples)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_another_sample_rate_comes_back_as_it_went_in(separator: UNetSeparator, rate: int) -> None:
    assert separate(separator, noise(2, rate + 7), rate).shape == (2, rate + 7)


def test_a_separator_of_two_channels_takes_a_mono_recording() -> None:
    separator = UNetSeparator(channels=2, widths=(2, 2, 2))
    assert separate(separator, noise(1, 5000), 16_000).shape == (1, 5000)


def at_once(separator: Separator, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr(type(separator), "cut", Cut(10**9, 0, 0))
        return separate(separator, samples, separator.sample_rate)


@pytest.mark.parametrize(
    "config",
    [
        {"widths": (4, 4, 4, 4)},
        {"widths": (4, 4, 4, 4), "kernel": 5},
        {"widths": (4, 4, 4), "sample_rate": 44_100, "n_fft": 2048, "hop": 1024, "channels": 2},
        {"widths": (4, 4, 4), "hop": 256},
    ],
)
def test_pieces_are_as_if_there_were_no_cut(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unet, "CORE", 1.0)
    separator = lively(**config)
    samples = noise(2, 9 * separator.sample_rate + 123)
    assert separator.cut.n_core < samples.shape[1] / 5, "there are seams"
    difference = separate(separator, samples, separator.sample_rate) - at_once(separator, samples, monkeypatch)
    assert np.abs(difference).max() < 1e-4, "no seam louder than -80 dBFS"


def test_the_shipped_base_leaves_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    separator = checkpoint.load(BASE)
    monkeypatch.setattr(unet, "CORE", 4.0)
    samples = make_song(7, "target", 30.0).mixture
    difference = separate(separator, samples, 16_000) - at_once(separator, samples, monkeypatch)
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize("n_fade", [0, 1000])
@pytest.mark.parametrize("n_samples", [5999, 6000, 6001, 9000, 9001, 33_333])
def test_pieces_of_a_model_that_lets_all_through_add_up_to_the_recording(
    n_samples: int, n_fade: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    separator = lively(widths=(2, 2))
    with torch.no_grad():
        present(separator.net.last.bias).fill_(100.0)
    monkeypatch.setattr(UNetSeparator, "cut", Cut(4000, 2000, n_fade))
    monkeypatch.setattr(module, "BLOCK", 0.1)
    samples = noise(2, n_samples)
    assert np.allclose(separate(separator, samples, 16_000), samples, atol=1e-5)


class TestFiles:
    """From a file into a file."""

    @pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2)])
    def test_as_many_samples_come_out_as_went_in(self, tmp_path: Path, separator: Separator, rate: int, channels: int) -> None:
        audio.write_flac(tmp_path / "mix.flac", noise(channels, 3 * rate + 11), rate)
        separate_file(separator, tmp_path / "mix.flac", tmp_path / "new" / "vocals.flac")
        stem = audio.read(tmp_path / "new" / "vocals.flac")
        assert (stem.samples.shape, stem.sample_rate) == ((channels, 3 * rate + 11), rate)
        in_memory = separate(separator, audio.read(tmp_path / "mix.flac").samples, rate)
        assert np.allclose(stem.samples, in_memory, atol=1e-6)

    def test_stem_and_rest_add_up_to_the_mix(self, tmp_path: Path, separator: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(UNetSeparator, "cut", Cut(4096, 1024, 512))
        monkeypatch.setattr(module, "BLOCK", 0.2)
        audio.write_flac(tmp_path / "mix.flac", noise(1, 33_000), 22_050)
        separate_file(separator, tmp_path / "mix.flac", tmp_path / "vocals.flac", rest=tmp_path / "rest.flac")
        mix, stem, rest = (audio.read(tmp_path / f"{name}.flac").samples for name in ("mix", "vocals", "rest"))
        assert np.allclose(stem + rest, mix, atol=1e-6)

    @pytest.mark.parametrize("kind", ["joined mp3", "chained opus", "flac of unknown length", "answering machine"])
    def test_files_that_headers_cut_short_are_separated_to_their_end(self, tmp_path: Path, separator: Separator, kind: str) -> None:
        path, parts = tmp_path / "mix", [io.BytesIO(), io.BytesIO()]
        rate = {"joined mp3": 16_000, "chained opus": 48_000, "flac of unknown length": 16_000, "answering machine": 8_000}[kind]
        form = {"joined mp3": ("MP3", None), "chained opus": ("OGG", "OPUS"), "answering machine": ("WAV", "GSM610")}.get(
            kind, ("FLAC", None)
        )
        for part, seconds in zip(parts, (3, 2), strict=True):
            soundfile.write(part, noise(1, seconds * rate).T, rate, form[1], format=form[0])
        data = parts[0].getvalue() + (parts[1].getvalue() if form[0] in ("MP3", "OGG") else b"")
        path.write_bytes(data[:22] + bytes(4) + data[26:] if form[0] == "FLAC" else data)
        seconds = 5 if form[0] in ("MP3", "OGG") else 3
        info = separate_file(separator, path, tmp_path / "vocals.flac", rest=tmp_path / "rest.flac")
        mix, stem, rest = (audio.read(tmp_path / name).samples for name in ("mix", "vocals.flac", "rest.flac"))
        assert info.duration == pytest.approx(seconds, abs=0.1)
        assert mix.shape == stem.shape == rest.shape
        assert np.allclose(stem + rest, mix, atol=1e-6)

    def test_progress_runs_to_the_end_in_seconds(self, tmp_path: Path, separator: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(UNetSeparator, "cut", Cut(16_000, 0, 0))
        monkeypatch.setattr(module, "BLOCK", 0.5)
        audio.write_flac(tmp_path / "mix.flac", noise(1, 40_000), 16_000)
        told: list[tuple[float, float]] = []
        separate_file(separator, tmp_path / "mix.flac", tmp_path / "vocals.flac", lambda done, total: told.append((done, total)))
        assert told == [(1.0, 2.5), (2.0, 2.5), (2.5, 2.5)]

    def test_what_is_cancelled_leaves_no_file(self, tmp_path: Path, separator: Separator) -> None:
        def cancel(done: float, total: float) -> None:
            raise KeyboardInterrupt

        audio.write_flac(tmp_path / "mix.flac", noise(1, 8000), 16_000)
        with pytest.raises(KeyboardInterrupt):
            separate_file(separator, tmp_path / "mix.flac", tmp_path / "vocals.flac", cancel)
        assert [path.name for path in tmp_path.iterdir()] == ["mix.flac"]

    def test_what_is_no_audio_is_refused(self, tmp_path: Path, separator: Separator) -> None:
        (tmp_path / "words.wav").write_text("no sound")
        with pytest.raises(BadAudio, match="not audio"):
            separate_file(separator, tmp_path / "words.wav", tmp_path / "vocals.flac")


def test_no_samples_give_no_samples(separator: UNetSeparator) -> None:
    assert separate(separator, np.zeros((2, 0), np.float32), 44_100).shape == (2, 0)


def test_separation_leaves_the_mode_of_the_separator_and_uses_no_dropout(separator: UNetSeparator) -> None:
    separator.train()
    first, second = (separate(separator, noise(1, 8000), 16_000) for _ in range(2))
    assert separator.training
    assert np.array_equal(first, second)


def test_silence_in_gives_silence_out(separator: UNetSeparator) -> None:
    assert not separate(separator, np.zeros((1, 8000), np.float32), 16_000).any()


def test_a_plain_vector_is_refused(separator: UNetSeparator) -> None:
    with pytest.raises(ValueError, match="channels, samples"):
        separate(separator, np.zeros(8000, np.float32), 16_000)


def test_the_spectrum_is_that_of_the_waveform(separator: UNetSeparator) -> None:
    mixture = torch.from_numpy(noise(1, 8192))[None]
    with torch.no_grad():
        inner = separator.spectrum(mixture)[..., 2:-2]
        again = separator.spectra(separator(mixture))[..., 2:-2]
    assert (inner - again).abs().mean() < 0.2 * inner.abs().mean(), "a masked spectrum is only nearly consistent"


def test_dropout_of_one_half_follows_the_first_three_decoder_layers() -> None:
    rates = [part.p for part in UNet(1, (2, 2, 2, 2, 2, 2)).up.modules() if isinstance(part, torch.nn.Dropout)]
    assert rates == [0.5, 0.5, 0.5, 0, 0]
