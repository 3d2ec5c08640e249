"""Songs from folders: checked, kept bit for bit, taken once, and never half."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from annotation.models import Campaign, Stem, Track
from annotation.storage import local
from learner.ingest import ingest

pytestmark = pytest.mark.django_db
RATE = 22_050


@pytest.fixture
def campaign() -> Campaign:
    return Campaign.objects.create(name="C", slug="c")


def noise(seed: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (round(seconds * RATE), channels))


def song(folder: Path, name: str, **stems: np.ndarray) -> Path:
    home = folder / name
    home.mkdir(parents=True)
    for stem, samples in stems.items():
        soundfile.write(home / f"{stem}.wav", samples, RATE, subtype="PCM_16")
    return home


def take(campaign: Campaign, folder: Path):
    return ingest(campaign=campaign, folder=folder, use="pool", domain="target")


def test_the_original_is_kept_bit_for_bit(campaign: Campaign, tmp_path: Path) -> None:
    home = song(tmp_path, "One", mixture=noise(1, channels=2), vocals=noise(2, channels=2))
    assert take(campaign, tmp_path).added == ["One"]
    track = Track.objects.get()
    assert (track.channels, track.sample_rate, track.duration) == (2, RATE, 1.0)
    assert local(track.stems.get(name="vocals").file).read_bytes() == (home / "vocals.wav").read_bytes()


def test_any_two_stems_give_the_third(campaign: Campaign, tmp_path: Path) -> None:
    mixture, vocals = noise(1), noise(2)
    song(tmp_path, "One", mixture=mixture, vocals=vocals)
    take(campaign, tmp_path)
    made = Stem.objects.get(name="accompaniment")
    samples, _ = soundfile.read(local(made.file))
    assert made.derived
    np.testing.assert_allclose(samples, (mixture - vocals)[:, 0], atol=1e-4)


def test_run_twice_it_adds_nothing_twice(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path, "One", mixture=noise(1), vocals=noise(2))
    take(campaign, tmp_path)
    (tmp_path / "One").rename(tmp_path / "Another name")
    again = take(campaign, tmp_path)
    assert (again.added, again.known) == ([], ["Another name"])
    assert Track.objects.count() == 1


def test_a_bad_file_is_named_with_its_reason_and_the_rest_goes_on(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path, "Good", mixture=noise(1), vocals=noise(2))
    (tmp_path / "text.wav").write_text("not audio at all")
    whole = song(tmp_path, "Cut", mixture=noise(3), vocals=noise(4)) / "mixture.wav"
    whole.write_bytes(whole.read_bytes()[:20_000])
    soundfile.write(tmp_path / "silent.flac", np.zeros(RATE), RATE)
    outcome = take(campaign, tmp_path)
    assert outcome.added == ["Good"]
    assert {path.name for path, _ in outcome.bad} == {"text.wav", "mixture.wav", "silent.flac"}
    assert all(reason for _, reason in outcome.bad)
    assert Track.objects.count() == 1


def test_a_plain_mix_is_a_track_without_stems_of_its_own(campaign: Campaign, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mix.ogg", noise(1), RATE)
    assert take(campaign, tmp_path).added == ["mix"]
    assert [stem.name for stem in Track.objects.get().stems.all()] == ["mixture"]
