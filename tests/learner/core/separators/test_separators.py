"""What every separator does."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import audio, checkpoint, cli, metrics
from learner.core.separate import separate, separate_file, spectrum_of
from learner.core.separators import ARCHITECTURES, PRESETS, MissingExtra, Separator, build, interface
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching import lora
from learner.core.teaching.adapt import Recipe, adapt
from learner.core.teaching.continual import fisher, freeze_statistics
from learner.core.teaching.feedback import MarkedSong
from tests.learner.core.separators.tiny import PACKAGES, TINY, tiny
from tests.present import present


def test_every_architecture_is_tried_here() -> None:
    assert TINY.keys() == ARCHITECTURES.keys()


@pytest.fixture(scope="module")
def songs() -> list[Song]:
    return [make_song(1, "target", 4.0), make_song(2, "source", 4.0)]


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
class TestEverySeparator:
    @pytest.fixture
    def separator(self, architecture: str) -> Separator:
        return tiny(architecture)

    @pytest.fixture
    def mixture(self, separator: Separator) -> torch.Tensor:
        return torch.randn(2, separator.channels, 9001, generator=torch.Generator().manual_seed(0))

    def test_gives_a_stem_as_long_as_the_mix(self, separator: Separator, mixture: torch.Tensor) -> None:
        assert separator(mixture).shape == mixture.shape

    def test_is_differentiable_to_every_weight_by_its_spectrum(self, separator: Separator, mixture: torch.Tensor) -> None:
        freeze_statistics(separator)
        separator.spectrum(mixture).abs().sum().backward()
        gradients = [p.grad for p in separator.parameters()]
        assert any(g is not None and bool(g.any()) for g in gradients)
        assert all(bool(torch.isfinite(g).all()) for g in gradients if g is not None)

    def test_its_spectrum_has_the_shape_of_its_spectra(self, separator: Separator, mixture: torch.Tensor) -> None:
        assert separator.spectrum(mixture).shape == separator.spectra(mixture).shape

    def test_survives_a_checkpoint(self, separator: Separator, mixture: torch.Tensor, tmp_path: Path) -> None:
        saved = checkpoint.save(separator, tmp_path, recipe={}, parent=None)
        with torch.no_grad():
            assert torch.equal(checkpoint.load(saved.path)(mixture), separator.eval()(mixture))

    @pytest.mark.parametrize("channels", [1, 2])
    def test_separates_mono_and_stereo_at_another_rate(self, separator: Separator, channels: int) -> None:
        samples = torch.randn(channels, 12_345, generator=torch.Generator().manual_seed(0)).numpy()
        assert separate(separator, samples, 22_050).shape == (channels, 12_345)

    def test_its_weights_matter_to_replay_one_by_one(self, separator: Separator, mixture: torch.Tensor) -> None:
        freeze_statistics(separator)
        importance = fisher(separator, [separator.spectrum(mixture[:1]).abs().mean()])
        learnt = {name for name, parameter in separator.named_parameters() if parameter.requires_grad}
        assert importance.keys() == learnt and any(bool(one.any()) for one in importance.values())

    def test_with_adapters_nothing_learns_that_did_not_before(self, separator: Separator) -> None:
        fixed = {name for name, parameter in separator.named_parameters() if not parameter.requires_grad}
        try:
            lora.attach(separator, 1, torch.Generator().manual_seed(0))
        except ValueError:
            pytest.skip("no layer of the tiny one is large enough")
        learning = {name for name, parameter in separator.named_parameters() if parameter.requires_grad}
        assert learning and not fixed & learning

    def test_a_long_song_is_judged_as_it_is_separated(self, separator: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
        """A network that hears a piece as a whole gets no longer one while it is adapted: its memory would grow with the song."""
        if separator.architecture == "unet":
            pytest.skip("it reaches a few frames, whatever the length")
        longest, forward = 0, type(separator).forward

        def measured(self: Separator, mixture: torch.Tensor) -> torch.Tensor:
            nonlocal longest
            longest = max(longest, mixture.shape[-1])
            return forward(self, mixture)

        monkeypatch.setattr(type(separator), "forward", measured)
        monkeypatch.setattr(type(separator), "cut", interface.Cut(16_384, 4096, 1024))
        samples = torch.randn(separator.channels, 60_000, generator=torch.Generator().manual_seed(0))
        stem = torch.from_numpy(separate(separator, samples.numpy(), separator.sample_rate))
        assert torch.equal(spectrum_of(separator, samples), separator.spectra(stem[None]))
        assert longest <= 16_384 + 2 * 4096

    def test_serves_mono_too(self, architecture: str) -> None:
        separator = tiny(architecture, channels=1, sample_rate=16_000)
        assert separator(torch.zeros(1, 1, 5000)).shape == (1, 1, 5000)

    def test_takes_a_long_recording_in_pieces(self, separator: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(separator), "cut", interface.Cut(16_384, 4096, 1024))
        samples = torch.randn(2, 50_000, generator=torch.Generator().manual_seed(0)).numpy()
        stem = separate(separator, samples, separator.sample_rate)
        assert stem.shape == samples.shape
        assert np.isfinite(stem).all()

    def test_is_separated_with_adapted_and_measured_like_any_other(self, separator: Separator, songs: list[Song], tmp_path: Path) -> None:
        parent = checkpoint.save(separator, tmp_path, recipe={}, parent=None).path
        song, known = songs
        audio.write_flac(tmp_path / "song.flac", song.mixture, song.sample_rate)
        separate_file(checkpoint.load(parent), tmp_path / "song.flac", tmp_path / "vocals.flac")
        marked = MarkedSong("song", song.sample_rate, song.mixture, [(0.5, 1.5, 1.0)], [(0.0, 4.0)])
        recipe = Recipe(steps=2, n_frames=16, new_patches=2, replay_patches=1, keep_every=2, factors=(0.5,))
        adapted = adapt(parent, [marked], [known], [known], recipe=recipe, seed=0, out=tmp_path)
        child = checkpoint.load(adapted.path)
        assert checkpoint.about(adapted.path).architecture == separator.architecture
        estimate = separate(child, song.mixture, song.sample_rate)
        before = audio.read(tmp_path / "vocals.flac").samples
        assert estimate.shape == before.shape
        assert not np.allclose(estimate, before, atol=1e-6), "two steps change what it says"
        assert np.isfinite(metrics.evaluate(estimate, present(song.vocals), song.mixture, song.sample_rate)["si_sdr"])


def test_weights_that_layers_share_survive_a_checkpoint(tmp_path: Path) -> None:
    """As in every BS-RoFormer of more than one layer."""
    deep = TINY["bsroformer"]["settings"] | {"depth": 2, "time_transformer_depth": 2}
    separator = tiny("bsroformer", settings=deep).eval()
    mixture = torch.randn(1, 2, 9000, generator=torch.Generator().manual_seed(0))
    saved = checkpoint.save(separator, tmp_path, recipe={}, parent=None)
    with torch.no_grad():
        assert torch.equal(checkpoint.load(saved.path)(mixture), separator(mixture))


class TestStems:
    @pytest.mark.parametrize("architecture", ["hdemucs", "htdemucs", "bsroformer"])
    def test_a_model_of_the_voice_gives_the_accompaniment_as_the_rest(self, architecture: str) -> None:
        mixture = torch.randn(1, 2, 9000, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            voice, rest = (tiny(architecture, stem=stem).eval()(mixture) for stem in ("vocals", "accompaniment"))
        assert torch.allclose(voice + rest, mixture, atol=1e-5)

    def test_a_model_of_four_sources_gives_each_of_them(self) -> None:
        mixture = torch.randn(1, 2, 9000, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            stems = [tiny("hdemucs", stem=stem).eval()(mixture) for stem in ("vocals", "drums", "bass", "other")]
        assert all(not torch.equal(stems[0], other) for other in stems[1:])

    @pytest.mark.parametrize("architecture", ["hdemucs", "htdemucs", "bsroformer"])
    def test_a_stem_that_it_does_not_separate_is_refused(self, architecture: str) -> None:
        with pytest.raises(ValueError, match=r"'piano'.*vocals"):
            tiny(architecture, stem="piano")


class TestPresets:
    def test_the_paper_like_shape_has_about_ten_million_weights(self) -> None:
        assert {name: sum(p.numel() for p in build("unet", PRESETS[name]).parameters()) for name in PRESETS if "jansson" in name} == {
            "jansson-16k": 9_821_809,
            "jansson-22k": 9_821_809,
            "jansson-44k": 9_821_809,
        }

    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.parametrize("name", [name for name in PRESETS if "small" in name])
    def test_a_preset_separates_at_its_rate(self, name: str, channels: int) -> None:
        separator = build("unet", PRESETS[name] | {"channels": channels}).eval()
        assert separator.sample_rate == {"16k": 16_000, "22k": 22_050, "44k": 44_100}[name.split("-")[1]]
        assert separate(separator, np.zeros((2, 5000), np.float32), separator.sample_rate).shape == (2, 5000)

    def test_frames_are_longer_in_samples_at_44_kilohertz(self) -> None:
        frames = [(s.spectra.n_fft, s.spectra.hop) for s in (build("unet", PRESETS[name]) for name in ("small-16k", "small-44k"))]
        assert frames == [(1024, 512), (2048, 1024)]

    def test_what_is_as_it_always_was_is_not_written_down(self) -> None:
        assert build("unet", PRESETS["small-16k"]).config.keys() == {"sample_rate", "channels", "stem", "widths", "dropout"}
        assert build("unet", PRESETS["jansson-44k"]).config["kernel"] == 5

    def test_train_takes_a_preset(self, tmp_path: Path) -> None:
        assert cli.main(["generate", str(tmp_path / "songs"), "--seeds", "1-2", "--duration", "4"]) == 0
        arguments = ["train", str(tmp_path / "songs"), "--preset", "small-22k", "--channels", "2", "--steps", "1", "--batch", "1"]
        assert cli.main([*arguments, "--out", str(tmp_path / "out")]) == 0
        (path,) = (tmp_path / "out").glob("*.safetensors")
        about = checkpoint.about(path)
        assert (about.sample_rate, about.channels) == (22_050, 2)


def test_another_stem_is_learnt_from_songs_that_have_it(tmp_path: Path) -> None:
    drums, vocals = np.random.default_rng(0).standard_normal((2, 1, 64_000)).astype(np.float32) / 20
    for name, samples in {"drums": drums, "mixture": drums + vocals, "vocals": vocals}.items():
        (tmp_path / "song").mkdir(exist_ok=True)
        audio.write_flac(tmp_path / "song" / f"{name}.flac", samples, 16_000)
    assert cli.main(["train", str(tmp_path), "--stem", "drums", "--steps", "1", "--batch", "1", "--out", str(tmp_path / "out")]) == 0
    (path,) = (tmp_path / "out").glob("*.safetensors")
    assert checkpoint.about(path).stem == "drums"


def test_an_unknown_architecture_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'vae'.*bsroformer, hdemucs, htdemucs, openunmix, spleeter, unet"):
        build("vae", {})


def test_a_package_that_is_not_there_is_asked_for_by_its_extra() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'unbleed\[openunmix\]'"):
        interface.from_extra("no_such_package.model", "openunmix")


@pytest.mark.parametrize(
    ("architecture", "more", "reason"),
    [
        ("unet", {"n_fft": 1000}, "n_fft is 1000"),
        ("unet", {"kernel": 4}, "odd"),
        ("spleeter", {"n_fft": 1000}, "n_fft is 1000"),
        ("spleeter", {"stem": "drums"}, "'drums'; allowed are vocals, accompaniment"),
        ("openunmix", {"max_bin": 300}, r"1 \.\.\. 257"),
        ("htdemucs", {"settings": {"samplerate": 8000}}, "settings may not hold samplerate"),
        ("bsroformer", {"settings": {"mask_factor": 2.5}}, "mask_factor is 2.5; allowed are 1 to 8"),
        ("bsroformer", {"settings": {"first_values": "no"}}, "first_values is 'no'; allowed are true and false"),
        ("bsroformer", {"settings": {"freqs_per_bands": [1, 2]}}, "do not fit BSRoformer"),
        ("bsroformer", {"settings": {"freqs_per_bands": 65}}, "do not fit BSRoformer"),
    ],
)
def test_a_config_that_cannot_be_is_refused_with_its_reason(architecture: str, more: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        tiny(architecture, **more)


def test_a_config_is_plain_json() -> None:
    for architecture in ARCHITECTURES:
        package = PACKAGES.get(architecture)
        if not package or importlib.util.find_spec(package):
            config = tiny(architecture).config
            assert json.loads(json.dumps(config)) == config
