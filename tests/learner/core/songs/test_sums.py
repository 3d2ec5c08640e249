"""Stems that are not of their mixture are found, with what is wrong with them; honest ones pass, however they were stored."""

import os
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio, songs
from learner.core.songs import streaming
from learner.core.songs.sums import misfit
from learner.core.songs.synth import make_song
from tests.present import present

RATE = 22_050
STEMS = ("vocals", "accompaniment")
Samples = np.ndarray


def part(seed: int, seconds: float = 6.0, level: float = 0.1) -> Samples:
    """(2, samples): steady partials that all parts share, in other phases, and a burst of noise each second that is its own."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) / (i + 1) for i, f in enumerate((196, 294, 587, 988)))
    burst = rng.normal(0, 0.15, (2, t.size)) * ((t + 0.1 * seed) % 1 < 0.15)
    return (level * (tones + burst)).astype(np.float32)


def late(samples: Samples, seconds: float) -> Samples:
    n = round(seconds * RATE)
    return np.concatenate([np.zeros((2, n), np.float32), samples[:, : samples.shape[1] - n]], axis=1)


V, A, OTHER = part(1), part(2), part(9)


def reason(mixture: Samples, **stems: Samples) -> str:
    sounds = {"mixture": mixture, **stems}
    n_samples = min(samples.shape[1] for samples in sounds.values())
    return misfit(lambda stem, first, end: sounds[stem][:, first:end], list(stems), n_samples, RATE, complete=set(STEMS) <= set(stems))


class TestHonestStems:
    @pytest.mark.parametrize("stems", [{"vocals": V, "accompaniment": A}, {"vocals": V}, {"accompaniment": A}])
    def test_what_adds_up_passes(self, stems: dict[str, Samples]) -> None:
        assert reason(V + A, **stems) == ""

    def test_a_mixture_in_16_bits_passes(self) -> None:
        assert reason(np.round((V + A) * 32767) / np.float32(32767), vocals=V, accompaniment=A) == ""

    def test_a_mixture_that_was_clipped_a_little_passes(self) -> None:
        mixture = 1.3 * (V + A) / np.abs(V + A).max()
        scale = np.float32(1.3 / np.abs(V + A).max())
        assert reason(np.clip(mixture, -1, 1), vocals=V * scale, accompaniment=A * scale) == ""

    @pytest.mark.parametrize("stem", STEMS)
    def test_a_stem_in_which_nothing_sounds_passes(self, stem: str) -> None:
        stems = {"vocals": V, "accompaniment": A} | {stem: 0 * V}
        assert reason(np.sum(list(stems.values()), axis=0), **stems) == ""
        assert reason(A, vocals=0 * V) == ""

    def test_a_faint_voice_passes(self) -> None:
        assert reason(0.01 * V + A, vocals=0.01 * V) == ""
        assert reason(0.01 * V + A, vocals=0.01 * V, accompaniment=A) == ""

    def test_a_song_shorter_than_a_frame_passes(self) -> None:
        assert reason((V + A)[:, :900], vocals=V[:, :900], accompaniment=A[:, :900]) == ""

    def test_stems_of_a_band_over_full_scale_pass(self) -> None:
        assert reason(8 * (V + A + OTHER), vocals=8 * V, drums=8 * A) == ""

    @pytest.mark.parametrize("seed", range(3))
    def test_generated_songs_pass(self, seed: int) -> None:
        song = make_song(seed, "source", 8.0)
        assert reason(song.mixture, vocals=present(song.vocals), accompaniment=present(song.accompaniment)) == ""
        assert reason(song.mixture, vocals=present(song.vocals)) == ""


WRONG: dict[str, tuple[Callable[[Samples, Samples], dict[str, Samples]], str]] = {
    "the mixture is another song's": (lambda v, a: {"mixture": OTHER}, "vocals and accompaniment are of another song"),
    "the mixture is late": (lambda v, a: {"mixture": late(v + a, 0.06)}, "the mixture is late by 60 ms against vocals and accompaniment"),
    "a decoder's delay": (lambda v, a: {"mixture": late(v + a, 1105 / RATE)}, "the mixture is late by 50.11 ms"),
    "the mixture's polarity": (lambda v, a: {"mixture": -v - a}, "vocals and accompaniment are in the other polarity"),
    "the mixture is quieter": (lambda v, a: {"mixture": 0.5 * (v + a)}, "vocals and accompaniment are 6.0 dB louder than in the mixture"),
    "the vocals are another song's": (lambda v, a: {"vocals": OTHER}, "vocals are of another song"),
    "the vocals are late": (lambda v, a: {"vocals": late(v, 0.06)}, "vocals are late by 60 ms"),
    "the vocals are late by seconds": (lambda v, a: {"vocals": late(v, 2.3)}, "vocals are late by 2300 ms"),
    "the vocals' polarity": (lambda v, a: {"vocals": -v}, "vocals are in the other polarity"),
    "late and in the other polarity": (lambda v, a: {"vocals": -late(v, 0.02)}, "vocals are late by 20 ms and in the other polarity"),
    "the vocals are louder": (lambda v, a: {"vocals": 2 * v}, "vocals are 6.0 dB louder than in the mixture"),
    "the vocals are quieter": (lambda v, a: {"vocals": 0.4 * v}, "vocals are 8.0 dB quieter than in the mixture"),
}


class TestWrongStems:
    @pytest.mark.parametrize("name", WRONG)
    def test_what_is_wrong_is_said_with_the_residual(self, name: str) -> None:
        change, words = WRONG[name]
        found = reason(**({"mixture": V + A, "vocals": V, "accompaniment": A} | change(V, A)))
        assert found.startswith("The stems are not those of this mixture: ")
        assert words in found
        assert "the residual, what they leave of the mixture, is " in found

    @pytest.mark.parametrize("name", WRONG)
    def test_two_files_are_enough_to_tell(self, name: str) -> None:
        change, words = WRONG[name]
        found = reason(**({"mixture": V + A, "vocals": V} | change(V, A)))
        # How loud exactly, the other sounds of the mixture leave a little open.
        assert re.sub(r"are \d\.\d dB", "are", words.replace("vocals and accompaniment", "vocals")) in re.sub(
            r"are \d\.\d dB", "are", found
        )
        assert "the mixture holds vocals " in found

    @pytest.mark.parametrize("voice", [part(1, level=0.004), part(9, level=0.004)])
    def test_a_faint_voice_is_told_though_the_residual_is_small(self, voice: Samples) -> None:
        true = part(1, level=0.004)
        found = reason(true + A, vocals=voice if voice is not true and not np.array_equal(voice, true) else -true, accompaniment=A)
        assert "vocals are " in found
        assert "the mixture holds vocals " in found

    def test_something_more_in_the_mixture_is_told(self) -> None:
        found = reason(V + A + 0.8 * OTHER, vocals=V, accompaniment=A)
        assert "vocals and accompaniment do not add up to it" in found
        assert "at most -15 dB is allowed" in found


def coded(samples: Samples, bit_rate: int) -> Samples:
    """(2, samples) through AAC and back, in step to the sample."""
    av = (
        pytest.importorskip("av", reason="PyAV is not installed: pip install 'unbleed[musdb]'")
        if not os.environ.get("CI")
        else __import__("av")
    )
    import io

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for piece in (frame, None):
            for packet in stream.encode(piece):
                container.mux(packet)
    file.seek(0)
    out = np.zeros_like(samples)
    with av.open(file) as container:
        for frame in container.decode(audio=0):
            at, piece = round(frame.pts * frame.time_base * RATE), frame.to_ndarray()
            first, end = max(0, at), min(at + piece.shape[1], out.shape[1])
            if first < end:
                out[:, first:end] = piece[:, first - at : end - at]
    return out


def residual_db(mixture: Samples, *stems: Samples) -> float:
    return float(10 * np.log10(np.square(mixture - sum(stems)).sum() / np.square(mixture).sum()))


@pytest.fixture(scope="module")
def streams() -> dict[str, Samples]:
    song = make_song(3, "source", 12.0)
    at_rate = {name: audio.resample(getattr(song, name), song.sample_rate, RATE) for name in STEMS}
    hiss = {
        name: np.random.default_rng(seed).normal(0, 3e-4, (2, samples.shape[1])) for seed, (name, samples) in enumerate(at_rate.items())
    }
    wide = {name: (samples + hiss[name]).astype(np.float32) for name, samples in at_rate.items()}
    return {name: coded(samples, 128_000) for name, samples in (("mixture", np.sum(list(wide.values()), axis=0)), *wide.items())}


class TestCodedStems:
    """MUSDB18's .stem.mp4: mixture and stems were coded each by itself, with as many bits a sample as here."""

    def test_they_pass_though_they_leave_much_of_the_mixture(self, streams: dict[str, Samples]) -> None:
        assert -45 < residual_db(streams["mixture"], *(streams[name] for name in STEMS)) < -20
        assert reason(**streams) == ""
        assert reason(streams["mixture"], vocals=streams["vocals"]) == ""

    def test_they_are_told_when_they_are_late_or_in_the_other_polarity(self, streams: dict[str, Samples]) -> None:
        assert "vocals are late by 60 ms" in reason(**streams | {"vocals": late(streams["vocals"], 0.06)})
        assert "vocals are in the other polarity" in reason(streams["mixture"], vocals=-streams["vocals"])


def put(home: Path, **sounds: Samples) -> Path:
    home.mkdir(parents=True)
    for name, samples in sounds.items():
        soundfile.write(home / f"{name}.wav", samples.T, RATE, "FLOAT")
    return home


class TestSongs:
    def test_a_song_with_strange_stems_is_left_out_by_name_and_the_rest_goes_on(self, tmp_path: Path) -> None:
        put(tmp_path / "good", mixture=V + A, vocals=V, accompaniment=A)
        put(tmp_path / "late", mixture=late(V + A, 0.06), vocals=V, accompaniment=A)
        put(tmp_path / "strange", mixture=OTHER, vocals=V)
        put(tmp_path / "sum", vocals=V, accompaniment=A)
        found = songs.find(tmp_path)
        assert [files.name for files in found.songs] == ["good", "sum"]
        assert {bad.path.parent.name for bad in found.bad} == {"late", "strange"}
        assert all("not those of this mixture" in bad.reason for bad in found.bad)

    def test_only_the_stems_that_are_read_count(self, tmp_path: Path) -> None:
        put(tmp_path / "song", mixture=V + A, vocals=V, drums=OTHER)
        (files,) = songs.scan(tmp_path).songs
        songs.check(files)
        with pytest.raises(songs.StrangeStems, match="drums are of another song"):
            songs.check(files, "drums")

    def test_a_band_without_its_voice_passes_over_full_scale(self, tmp_path: Path) -> None:
        drums, bass, other = 6 * part(3), 6 * part(4), 6 * part(5)
        mixture = 6 * V + drums + bass + other
        assert np.abs(mixture).max() > 1.2
        home = put(tmp_path / "hot", mixture=mixture, drums=drums, bass=bass, other=other)
        (files,) = songs.find(tmp_path).songs
        with songs.unpacked(files) as single:
            assert single["mixture"] == home / "mixture.wav"
            kept = {name: soundfile.read(path, dtype="float32", always_2d=True)[0].T for name, path in single.items()}
        assert residual_db(kept["mixture"], kept["vocals"], kept["accompaniment"]) < -90
        np.testing.assert_allclose(kept["vocals"], 6 * V, atol=1e-5)

    def test_songs_on_disk_are_compared_by_stretches_too(self, tmp_path: Path) -> None:
        put(tmp_path / "late", mixture=late(V + A, 0.06), vocals=V, accompaniment=A)
        (files,) = songs.scan(tmp_path).songs
        song = streaming.stream(files)
        with pytest.raises(songs.StrangeStems, match="60 ms"):
            songs.check_stems(files, song.mixture.n_samples, song.sample_rate)
