"""Songs that stay on disk give the same sound as songs in memory."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from learner.core import songs
from learner.core.separators import build
from learner.core.songs import BadSong, SongFiles
from learner.core.songs.streaming import stream
from learner.core.teaching.replay import Replay, Stems
from tests.present import present

SECONDS = 3.0


def noise(seed: int, rate: int, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(SECONDS * rate) + 7))).astype(np.float32)


def put(folder: Path, rate: int = 44_100, suffix: str = ".wav", **stems: np.ndarray) -> SongFiles:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, samples in stems.items():
        soundfile.write(folder / f"{stem}{suffix}", samples.T, rate, "FLOAT" if suffix == ".wav" else "PCM_24")
    return songs.scan(folder).songs[0]


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize(
    ("own", "wanted"), [(44_100, 44_100), (44_100, 16_000), (44_100, 22_050), (48_000, 44_100), (16_000, 44_100), (22_050, 16_000)]
)
def test_a_stretch_is_that_of_the_whole_song_at_any_rate_and_offset(tmp_path: Path, own: int, wanted: int, suffix: str) -> None:
    files = put(tmp_path / "song", own, suffix, mixture=noise(1, own), vocals=noise(2, own))
    whole, on_disk = songs.load(files, wanted), stream(files)
    n_samples = whole.mixture.shape[1]
    starts = [0, 1, 159, 12_345, n_samples // 2, n_samples - 5000, n_samples - 1]
    for stem in ("mixture", "vocals", "accompaniment"):
        assert getattr(on_disk, stem).length(wanted) == n_samples
        for start in starts:
            stretch = getattr(on_disk, stem).read(start, start + 4000, wanted)
            np.testing.assert_allclose(stretch, getattr(whole, stem)[:, start : start + 4000], atol=2e-5)


def test_stems_stay_in_step(tmp_path: Path) -> None:
    files = put(tmp_path / "song", mixture=noise(1, 44_100), vocals=noise(2, 44_100))
    song = stream(files)
    mixture, vocals, rest = (stem.read(10_001, 20_000, 16_000) for stem in map(present, (song.mixture, song.vocals, song.accompaniment)))
    np.testing.assert_allclose(vocals + rest, mixture, atol=1e-5)


def test_nothing_lies_past_the_end(tmp_path: Path) -> None:
    song = stream(put(tmp_path / "song", mixture=noise(1, 8000), vocals=noise(2, 8000), rate=8000))
    assert present(song.vocals).read(30_000, 31_000).shape == (2, 0)
    assert present(song.vocals).read(24_000, 31_000).shape == (2, 7)


def test_any_stem_can_be_streamed(tmp_path: Path) -> None:
    files = put(tmp_path / "song", mixture=noise(1, 8000), drums=noise(2, 8000), rate=8000)
    song, whole = stream(files, stem="drums"), songs.load(files, stem="drums")
    np.testing.assert_array_equal(present(song.vocals).read(100, 200), present(whole.vocals)[:, 100:200])
    np.testing.assert_array_equal(present(song.accompaniment).read(100, 200), present(whole.accompaniment)[:, 100:200])
    assert stream(files).vocals is None


def test_left_and_right_can_be_streamed(tmp_path: Path) -> None:
    put(tmp_path / "Wavfile", abjones_1_01=noise(1, 16_000), rate=16_000)
    song = stream(songs.scan(tmp_path).songs[0])
    np.testing.assert_allclose(present(song.vocals).read(100, 200), noise(1, 16_000)[1:, 100:200], atol=1e-6)
    assert song.mixture.shape == (1, 48_007)


def test_stems_that_do_not_belong_together_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    put(tmp_path / "song", mixture=noise(1, 8000), rate=8000)
    with pytest.raises(BadSong, match="one sample rate"):
        stream(put(tmp_path / "song", vocals=noise(2, 16_000), rate=16_000))


def test_a_file_cut_off_meanwhile_is_named(tmp_path: Path) -> None:
    files = put(tmp_path / "song", mixture=noise(1, 8000), vocals=noise(2, 8000), rate=8000)
    song = stream(files)
    soundfile.write(files.vocals, noise(2, 8000)[:, :1000].T, 8000)
    with pytest.raises(BadSong) as refused:
        present(song.vocals).read(500, 1500)
    assert refused.value.path == files.vocals


@pytest.mark.parametrize("pitch_shift", [0.0, 3.0])
def test_replay_draws_the_same_patches_from_disk_as_from_memory(tmp_path: Path, pitch_shift: float) -> None:
    files = [put(tmp_path / str(n), mixture=noise(2 * n, 44_100), vocals=noise(2 * n + 1, 44_100)) for n in range(3)]
    separator = build("unet", {})
    drawn = []
    for made in ([songs.load(one) for one in files], [stream(one) for one in files]):
        replay = Replay(
            made,
            separator,
            n_samples=8192,
            n_frames=17,
            share=1.0,
            generator=torch.Generator().manual_seed(1),
            pitch_shift=pitch_shift,
        )
        drawn.append(replay.patches(8, torch.Generator().manual_seed(2), remixed=0.5, keep=0.0))
        assert replay.vocals(torch.Generator().manual_seed(3)).shape == (separator.channels, 8192)
    torch.testing.assert_close(drawn[0].mixture, drawn[1].mixture, atol=2e-5, rtol=0)
    torch.testing.assert_close(drawn[0].truth, drawn[1].truth, atol=2e-5, rtol=0)


def test_a_song_shorter_than_a_patch_ends_in_silence(tmp_path: Path) -> None:
    files = put(tmp_path / "song", mixture=noise(1, 16_000), vocals=noise(2, 16_000), rate=16_000)
    separator = build("unet", {})
    stems = Stems.of(stream(files), separator)
    assert stems.vocals.shape == (1, 48_007)
    assert stems.vocals[..., 40_000:90_000].shape == (1, 8007)
