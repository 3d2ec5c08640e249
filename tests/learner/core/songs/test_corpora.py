"""Corpora as they come: MUSDB18(-HQ), CC-Mixter, MIR-1K; any stem; their splits."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio, songs
from learner.core.songs import SongFiles, mp4, splits, streaming
from tests.present import present

RATE = 8000


def noise(seed: int, seconds: float = 1.0, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))).astype(np.float32)


SOURCES = {stem: noise(seed) for seed, stem in enumerate(("vocals", "drums", "bass", "other"))}
MIXTURE = np.sum(list(SOURCES.values()), axis=0)


def put(folder: Path, **stems: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, samples in stems.items():
        soundfile.write(folder / f"{stem}.wav", samples.T, RATE, "FLOAT")
    return folder


def only(folder: Path, layout: str = "") -> SongFiles:
    found = songs.find(folder, layout=layout)
    assert found.bad == []
    (files,) = found.songs
    return files


def test_a_musdb18_hq_folder_is_one_song_with_all_its_stems(tmp_path: Path) -> None:
    put(tmp_path / "train" / "A Band - A Song", mixture=MIXTURE, **SOURCES)
    files = only(tmp_path)
    assert (files.name, files.artist) == ("train/A Band - A Song", "A Band")
    assert set(files.stems) == {"mixture", *SOURCES}


@pytest.mark.parametrize("stem", songs.TARGETS)
def test_any_stem_can_be_asked_for_and_the_rest_is_everything_else(tmp_path: Path, stem: str) -> None:
    put(tmp_path / "song", mixture=MIXTURE, **SOURCES)
    wanted = SOURCES.get(stem, MIXTURE - SOURCES["vocals"])
    song = songs.load(only(tmp_path), stem=stem)
    np.testing.assert_allclose(present(song.vocals), wanted, atol=1e-6)
    np.testing.assert_allclose(present(song.accompaniment), MIXTURE - wanted, atol=1e-6)
    np.testing.assert_allclose(song.mixture, MIXTURE, atol=1e-6)


@pytest.mark.parametrize("stem", songs.TARGETS)
@pytest.mark.parametrize("missing", ["mixture", "vocals"])
def test_what_is_missing_is_made_from_all_the_others(tmp_path: Path, stem: str, missing: str) -> None:
    stems = {"mixture": MIXTURE, **SOURCES}
    del stems[missing]
    put(tmp_path / "song", **stems)
    song = songs.load(only(tmp_path), stem=stem)
    wanted = SOURCES.get(stem, MIXTURE - SOURCES["vocals"])
    np.testing.assert_allclose(present(song.vocals), wanted, atol=1e-6)
    np.testing.assert_allclose(song.mixture, MIXTURE, atol=1e-6)
    np.testing.assert_allclose(present(song.accompaniment), MIXTURE - wanted, atol=1e-6)


def test_a_song_without_the_stem_that_is_asked_for_is_a_plain_mix(tmp_path: Path) -> None:
    put(tmp_path / "song", mixture=MIXTURE, drums=SOURCES["drums"])
    files = only(tmp_path)
    assert (files.has("drums"), files.has("bass"), files.has_stems) == (True, False, False)
    assert songs.load(files, stem="bass").vocals is None
    assert songs.load(files, stem="drums").accompaniment is not None


def test_a_stem_that_no_song_has_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "song", mixture=MIXTURE, **SOURCES)
    with pytest.raises(ValueError, match="one of vocals, drums, bass, other, accompaniment, not 'kazoo'"):
        songs.load(only(tmp_path), stem="kazoo")


@pytest.mark.parametrize("names", [("mix", "source-01", "source-02"), ("Mix", "background", "voice")])
def test_a_cc_mixter_folder_is_a_song(tmp_path: Path, names: tuple[str, str, str]) -> None:
    parts = (MIXTURE, MIXTURE - SOURCES["vocals"], SOURCES["vocals"])
    put(tmp_path / "somebody_-_a_song", **dict(zip(names, parts, strict=True)))
    files = only(tmp_path)
    assert files.artist == "somebody"
    song = songs.load(files)
    for stem, samples in zip(songs.STEMS, (parts[0], parts[2], parts[1]), strict=True):
        np.testing.assert_allclose(getattr(song, stem), samples, atol=1e-6)


class TestMir1k:
    def test_a_folder_called_wavfile_holds_accompaniment_on_the_left_and_voice_on_the_right(self, tmp_path: Path) -> None:
        put(tmp_path / "Wavfile", abjones_1_01=noise(1))
        files = only(tmp_path)
        assert (files.name, files.artist) == ("Wavfile/abjones_1_01", "abjones")
        song = songs.load(files)
        left, right = noise(1)
        np.testing.assert_allclose(present(song.accompaniment), [left], atol=1e-6)
        np.testing.assert_allclose(present(song.vocals), [right], atol=1e-6)
        np.testing.assert_allclose(song.mixture, [left + right], atol=1e-6)

    def test_elsewhere_it_must_be_said(self, tmp_path: Path) -> None:
        put(tmp_path, abjones_1_01=noise(1))
        assert not only(tmp_path).has_stems
        assert only(tmp_path, layout="mir-1k").has_stems
        with pytest.raises(ValueError, match="mir-1k"):
            songs.scan(tmp_path, layout="mir-2k")

    def test_a_mono_file_is_refused(self, tmp_path: Path) -> None:
        put(tmp_path / "Wavfile", abjones_1_01=noise(1, channels=1))
        (bad,) = songs.find(tmp_path).bad
        assert "accompaniment on the left, voice on the right" in bad.reason


def write_stem_mp4(path: Path, stems: list[np.ndarray]) -> None:
    """Write arrays (2, samples) as AAC streams, as MUSDB18 comes."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        streams = [container.add_stream("aac", rate=44_100, layout="stereo") for _ in stems]
        for stream, samples in zip(streams, stems, strict=True):
            stream.bit_rate = 256_000
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
            for part in (frame, None):
                for packet in stream.encode(part):
                    container.mux(packet)


def tone(hertz: float, seconds: float = 3.0) -> np.ndarray:
    """A tone that comes and goes, louder on the left."""
    t = np.arange(round(seconds * 44_100)) / 44_100
    wave = 0.2 * np.sin(2 * np.pi * hertz * t) * (1 + np.sin(2 * np.pi * 0.7 * t)) * np.minimum(1, 20 * np.minimum(t, t[-1] - t))
    return np.stack([wave, 0.5 * wave]).astype(np.float32)


TONES = {stem: tone(hertz) for stem, hertz in (("drums", 220), ("bass", 110), ("other", 880), ("vocals", 440))}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "song.stem.mp4"
    write_stem_mp4(path, [np.sum(list(TONES.values()), axis=0), *TONES.values()])
    return path


@pytest.fixture
def stem_mp4(tmp_path: Path, written: Path) -> Path:
    path = tmp_path / "test" / "A Band - A Song.stem.mp4"
    path.parent.mkdir()
    shutil.copy(written, path)
    return path


class TestStemMp4:
    @pytest.mark.parametrize("stem", songs.TARGETS)
    def test_its_streams_are_the_stems(self, tmp_path: Path, stem_mp4: Path, stem: str) -> None:
        files = only(tmp_path)
        assert (files.name, files.artist) == ("test/A Band - A Song", "A Band")
        song = songs.load(files, stem=stem)
        vocals, wanted = present(song.vocals), TONES.get(stem, np.sum(list(TONES.values()), axis=0) - TONES["vocals"])
        n_samples = wanted.shape[1]
        assert 0 <= song.mixture.shape[1] - n_samples <= 1024, "AAC fills its last frame"
        error = {lag: np.square(np.roll(vocals[:, :n_samples], lag, axis=1) - wanted).sum() for lag in range(-3, 4)}
        assert min(error, key=error.__getitem__) == 0, "in step to the sample"
        assert error[0] < 0.01 * np.square(wanted).sum()
        np.testing.assert_allclose(present(song.accompaniment), song.mixture - vocals, atol=1e-6 if stem != "accompaniment" else 0.05)

    def test_any_stretch_is_in_step_with_the_whole(self, stem_mp4: Path) -> None:
        whole, rate = mp4.read(stem_mp4, 4)
        n_samples = whole.shape[1]
        assert (n_samples, rate, 2) == mp4.header(stem_mp4, 4)
        for first, end in (
            (0, 100),
            (1, 5000),
            (1023, 1025),
            (4097, 9000),
            (44_100, 66_000),
            (100_001, 100_002),
            (n_samples - 50, n_samples),
        ):
            stretch, _ = mp4.read(stem_mp4, 4, first, end)
            np.testing.assert_allclose(stretch, whole[:, first:end], atol=1e-3)

    def test_a_stretch_of_it_can_be_streamed_at_another_rate(self, tmp_path: Path, stem_mp4: Path) -> None:
        files = only(tmp_path)
        whole, on_disk = songs.load(files, 16_000), streaming.stream(files)
        for start in (0, 9_999, 40_000):
            for stem in songs.STEMS:
                stretch = getattr(on_disk, stem).read(start, start + 5000, 16_000)
                np.testing.assert_allclose(stretch, getattr(whole, stem)[:, start : start + 5000], atol=1e-3)

    def test_one_that_is_cut_off_or_no_mp4_is_refused(self, tmp_path: Path, stem_mp4: Path) -> None:
        (stem_mp4.parent / "words.stem.mp4").write_text("no sound")
        (stem_mp4.parent / "empty.stem.mp4").write_bytes(b"")
        (stem_mp4.parent / "cut.stem.mp4").write_bytes(stem_mp4.read_bytes()[:60_000])
        write_stem_mp4(stem_mp4.parent / "three.stem.mp4", list(TONES.values())[:3])
        found = songs.find(tmp_path)
        assert [files.name for files in found.songs] == ["test/A Band - A Song"]
        reasons = {bad.path.name.split(".")[0]: bad.reason for bad in found.bad}
        assert set(reasons) == {"words", "empty", "cut", "three"}
        assert "this has 3" in reasons["three"]


class TestUnpacked:
    def test_a_packed_song_gets_a_file_for_each_stem(self, tmp_path: Path) -> None:
        put(tmp_path / "Wavfile", abjones_1_01=noise(1))
        with songs.unpacked(only(tmp_path)) as paths:
            assert set(paths) == set(songs.STEMS)
            assert len(set(paths.values())) == 3
            np.testing.assert_allclose(audio.read(paths["vocals"]).samples, noise(1)[1:], atol=1e-6)

    @pytest.mark.parametrize("stem", songs.TARGETS)
    def test_what_has_a_file_keeps_it_and_the_rest_is_what_is_left(self, tmp_path: Path, stem: str) -> None:
        put(tmp_path / "song", mixture=MIXTURE, **SOURCES)
        whole = songs.load(only(tmp_path), stem=stem)
        with songs.unpacked(only(tmp_path), stem, "rest") as paths:
            assert list(paths) == ["mixture", stem, "rest"]
            assert paths["mixture"] == only(tmp_path).mixture
            for name, samples in (("mixture", whole.mixture), (stem, present(whole.vocals)), ("rest", present(whole.accompaniment))):
                np.testing.assert_allclose(audio.read(paths[name]).samples, samples, atol=1e-6)

    def test_of_a_song_without_the_stem_it_is_the_mixture_alone(self, tmp_path: Path) -> None:
        put(tmp_path / "song", vocals=MIXTURE / 2, accompaniment=MIXTURE / 2)
        with songs.unpacked(only(tmp_path), "drums", "rest") as paths:
            assert list(paths) == ["mixture"]
            np.testing.assert_allclose(audio.read(paths["mixture"]).samples, MIXTURE, atol=1e-4)


class TestSplit:
    def musdb(self, root: Path) -> list[SongFiles]:
        """150 songs by name alone; splitting opens nothing."""
        validation = sorted(splits.MUSDB18_VALIDATION)
        names = [f"train/{name}" for name in validation] + [f"train/Band {n} - Song" for n in range(86)]
        names += [f"test/Band {n} - Other song" for n in range(50)]
        return [SongFiles(name, mixture=root / name / "mixture.wav", vocals=root / name / "vocals.wav") for name in names]

    def test_musdb18_is_split_as_published(self, tmp_path: Path) -> None:
        parts = splits.split(self.musdb(tmp_path))
        assert {part: len(songs) for part, songs in parts.items()} == {"train": 86, "validation": 14, "test": 50}
        assert {song.name.split("/")[1] for song in parts["validation"]} == splits.MUSDB18_VALIDATION

    def test_stem_mp4_and_a_folder_named_train_itself_are_split_alike(self, tmp_path: Path) -> None:
        path = tmp_path / "train" / "ANiMAL - Rockshow.stem.mp4"
        assert splits.published(songs.of_file(path)) == "validation"

    def test_no_artist_is_in_two_parts_and_no_song_moves_when_others_come(self, tmp_path: Path) -> None:
        files = [
            SongFiles(f"Wavfile/singer{singer}_{clip}", vocals=tmp_path / "x.wav", accompaniment=tmp_path / "x.wav", packing="sides")
            for singer in range(40)
            for clip in range(3)
        ]
        parts = splits.split(files)
        artists = {part: {song.artist for song in songs} for part, songs in parts.items()}
        assert all(artists.values())
        assert sum(map(len, artists.values())) == 40
        fewer = splits.split(files[:60])
        assert all(fewer[part] == [song for song in parts[part] if song in files[:60]] for part in parts)
        assert splits.split(files, seed=1) != parts

    def test_an_unknown_artist_is_the_song_itself(self, tmp_path: Path) -> None:
        assert SongFiles("album/hydrogen", mixture=tmp_path / "hydrogen.wav").artist == "hydrogen"
