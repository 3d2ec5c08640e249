from pathlib import Path

import numpy as np
import pytest
import soundfile

from learner.core import audio, songs
from learner.core.songs import SongFiles
from tests.present import present

RATE = 8000


def noise(seed: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))).astype(np.float32)


VOCALS, ACCOMPANIMENT = noise(1), noise(2)
STEMS = {"mixture": VOCALS + ACCOMPANIMENT, "vocals": VOCALS, "accompaniment": ACCOMPANIMENT}


def put(folder: Path, rate: int = RATE, suffix: str = ".flac", **stems: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, samples in stems.items():
        audio.write_flac(folder / f"{stem}{suffix}", samples, rate)
    return folder


def names(found: songs.Found) -> list[str]:
    return [files.name for files in found.songs]


class TestFind:
    def test_folders_with_stems_and_plain_mixes_are_songs(self, tmp_path: Path) -> None:
        put(tmp_path / "with stems", **STEMS)
        put(tmp_path, jam=VOCALS)
        soundfile.write(tmp_path / "live.OGG", VOCALS.T, RATE)
        found = songs.find(tmp_path)
        assert names(found) == ["jam", "live", "with stems"]
        assert [files.has_stems for files in found.songs] == [False, False, True]
        assert found.bad == []

    def test_names_keep_spaces_and_accents_and_folders(self, tmp_path: Path) -> None:
        put(tmp_path / "Álbum one" / "Sängerin & 歌", **STEMS)
        put(tmp_path / "Álbum one", RATE, ".flac", **{"take v1.5": VOCALS})
        assert names(songs.find(tmp_path)) == ["Álbum one/Sängerin & 歌", "Álbum one/take v1.5"]

    def test_a_folder_may_be_one_song(self, tmp_path: Path) -> None:
        put(tmp_path / "hydrogen", **STEMS)
        assert names(songs.find(tmp_path / "hydrogen")) == ["hydrogen"]

    def test_a_mixture_alone_is_a_plain_mix(self, tmp_path: Path) -> None:
        put(tmp_path / "on the run", mixture=VOCALS)
        found = songs.find(tmp_path)
        assert names(found) == ["on the run"]
        assert not found.songs[0].has_stems

    def test_further_stems_are_left_alone(self, tmp_path: Path) -> None:
        put(tmp_path / "musdb", mixture=STEMS["mixture"], vocals=VOCALS, drums=noise(3), bass=noise(4))
        found = songs.find(tmp_path)
        assert names(found) == ["musdb"]
        assert list(found.songs[0].paths) == ["mixture", "vocals"]

    def test_other_files_are_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "roles.json").write_text("{}")
        (tmp_path / "._ghost.wav").write_bytes(b"x")
        (tmp_path / "empty").mkdir()
        assert songs.find(tmp_path) == ([], [])

    def test_a_link_that_leads_back_is_followed_once(self, tmp_path: Path) -> None:
        put(tmp_path / "song", **STEMS)
        (tmp_path / "song" / "again").symlink_to(tmp_path)
        assert names(songs.find(tmp_path)) == ["song"]

    def test_bad_ones_are_told_by_name_and_reason_and_the_rest_goes_on(self, tmp_path: Path) -> None:
        put(tmp_path / "good", **STEMS)
        put(tmp_path / "lonely", vocals=VOCALS)
        put(tmp_path / "twice", **STEMS)
        put(tmp_path / "twice", suffix=".wav", vocals=VOCALS)
        put(tmp_path / "short", mixture=noise(3, 0.5), vocals=VOCALS)
        put(tmp_path / "rate", mixture=VOCALS)
        put(tmp_path / "rate", rate=16_000, vocals=VOCALS)
        put(tmp_path / "channels", mixture=noise(3, channels=2), vocals=VOCALS)
        put(tmp_path / "silent", mixture=0 * VOCALS, vocals=VOCALS)
        put(tmp_path / "all silent", accompaniment=0 * VOCALS, vocals=0 * VOCALS)
        put(tmp_path / "lossy", mixture=VOCALS)
        soundfile.write(tmp_path / "lossy" / "vocals.ogg", VOCALS.T, RATE)
        (tmp_path / "words.mp3").write_text("no sound")
        (tmp_path / "phone.m4a").write_bytes(b"x")
        (tmp_path / "studio.aiff").write_bytes(b"x")
        put(tmp_path / "renamed", mixture=VOCALS)
        soundfile.write(tmp_path / "renamed" / "vocals.wav", VOCALS.T, RATE, format="OGG")
        put(tmp_path, good=VOCALS)

        found = songs.find(tmp_path)

        assert names(found) == ["good"]
        reasons = {path.relative_to(tmp_path).as_posix(): reason for path, reason in found.bad}
        expected = {
            "lonely": "Only vocals is here",
            "twice": "several files for vocals",
            "short/mixture.flac": "vocals has 1.000 s, mixture 0.500 s",
            "rate/vocals.flac": "mixture has 8000 Hz, vocals 16000 Hz",
            "channels/vocals.flac": "mixture has 2, vocals 1",
            "silent/mixture.flac": "silent",
            "all silent/vocals.flac": "no stem of it is louder",
            "lossy/vocals.ogg": "Stems must be wav or flac, not .ogg",
            "words.mp3": "not audio",
            "phone.m4a": "not audio",
            "studio.aiff": "allowed are wav, flac, ogg, opus, mp3, m4a, mp4, aac and webm",
            "renamed/vocals.wav": "Stems must be wav or flac; this is called .wav and is ogg",
            "good.flac": "already called good",
        }
        assert {path: text for path, text in expected.items() if text in reasons.get(path, "")} == expected
        assert set(reasons) == set(expected)

    def test_what_their_owner_should_know_is_told_of_files_that_are_taken(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "live.mp3", VOCALS.T, RATE, format="FLAC")
        (files,) = songs.scan(tmp_path).songs
        assert songs.notes(files, songs.check(files)) == [
            (tmp_path / "live.mp3", "It is called .mp3 and is flac; it was read as what it is.")
        ]

    def test_a_song_in_which_nobody_sings_is_good(self, tmp_path: Path) -> None:
        put(tmp_path / "instrumental", mixture=ACCOMPANIMENT, vocals=0 * VOCALS)
        assert names(songs.find(tmp_path)) == ["instrumental"]

    def test_progress_is_told(self, tmp_path: Path) -> None:
        put(tmp_path, a=VOCALS, b=VOCALS)
        told = []
        songs.find(tmp_path, progress=lambda done, total: told.append((done, total)))
        assert told == [(1, 2), (2, 2)]

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NotADirectoryError, match=r"no folder .*gone"):
            songs.find(tmp_path / "gone")


class TestLoad:
    @pytest.mark.parametrize("missing", [None, "mixture", "vocals", "accompaniment"])
    def test_any_two_stems_give_the_third(self, tmp_path: Path, missing: str | None) -> None:
        put(tmp_path, **{stem: samples for stem, samples in STEMS.items() if stem != missing})
        song = songs.load(songs.scan(tmp_path).songs[0])
        for stem, samples in STEMS.items():
            np.testing.assert_allclose(getattr(song, stem), samples, atol=1e-6)
        assert song.duration == 1

    def test_a_plain_mix_has_no_stems(self, tmp_path: Path) -> None:
        put(tmp_path, jam=noise(3, channels=2))
        song = songs.load(songs.scan(tmp_path).songs[0], sample_rate=16_000)
        assert song.mixture.shape == (2, 16_000)
        assert (song.sample_rate, song.vocals, song.accompaniment) == (16_000, None, None)

    def test_a_difference_of_50_ms_is_cut_and_a_greater_one_refused(self, tmp_path: Path) -> None:
        longer = np.concatenate([VOCALS + ACCOMPANIMENT, noise(3, 0.05)], axis=1)
        put(tmp_path / "a", mixture=longer, vocals=VOCALS)
        put(tmp_path / "b", mixture=noise(3, 1.06), vocals=VOCALS)
        a, b = songs.scan(tmp_path).songs
        song = songs.load(a)
        assert song.mixture.shape == present(song.vocals).shape == present(song.accompaniment).shape == (1, RATE)
        with pytest.raises(songs.BadSong, match="50 ms"):
            songs.load(b)
        assert names(songs.find(tmp_path)) == ["a"]

    def test_stems_of_different_rate_are_refused(self, tmp_path: Path) -> None:
        put(tmp_path, mixture=VOCALS)
        put(tmp_path, rate=16_000, vocals=VOCALS)
        with pytest.raises(songs.BadSong, match="one sample rate"):
            songs.load(SongFiles("x", mixture=tmp_path / "mixture.flac", vocals=tmp_path / "vocals.flac"))
