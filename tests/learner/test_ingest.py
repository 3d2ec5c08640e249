"""Songs from folders: checked, kept bit for bit, taken once, and never half."""

import errno
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

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


def test_a_file_that_holds_two_stems_is_taken_apart_once(campaign: Campaign, tmp_path: Path) -> None:
    (tmp_path / "Wavfile").mkdir()
    accompaniment, vocals = noise(1), noise(2)
    soundfile.write(tmp_path / "Wavfile" / "abjones_1_01.wav", np.hstack([accompaniment, vocals]), RATE, subtype="PCM_16")
    assert take(campaign, tmp_path).added == ["Wavfile/abjones_1_01"]
    assert take(campaign, tmp_path).known == ["Wavfile/abjones_1_01"]
    samples, _ = soundfile.read(local(Stem.objects.get(name="vocals").file))
    np.testing.assert_allclose(samples, vocals[:, 0], atol=1e-4)


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


def test_a_file_that_a_header_cuts_short_is_taken_whole_and_said_so(campaign: Campaign, tmp_path: Path, capsys) -> None:
    parts = [io.BytesIO(), io.BytesIO()]
    for seed, part in enumerate(parts):
        soundfile.write(part, noise(seed), RATE, format="OGG")
    (tmp_path / "radio.ogg").write_bytes(b"".join(part.getvalue() for part in parts))
    soundfile.write(tmp_path / "answering machine.wav", noise(1), RATE, subtype="GSM610")
    soundfile.write(tmp_path / "good.wav", noise(2), RATE)
    call_command("ingest", "c", str(tmp_path), use="pool", domain="target")
    told = capsys.readouterr().out
    assert "radio.ogg: The file is 2 streams one after the other" in told
    assert "3 added" in told
    assert Track.objects.get(name="radio").duration == 2.0


@pytest.mark.parametrize("use", ["replay", "validation", "gate", "test"])
def test_a_plain_mix_is_of_no_use_outside_the_pool(campaign: Campaign, tmp_path: Path, use: str) -> None:
    soundfile.write(tmp_path / "mix.ogg", noise(1), RATE)
    outcome = ingest(campaign=campaign, folder=tmp_path, use=use, domain="target")
    ((path, reason),) = outcome.bad
    assert path.name == "mix.ogg"
    assert "vocals" in reason
    assert not Track.objects.exists()


def test_a_song_held_out_for_one_use_is_not_taken_for_another(campaign: Campaign, tmp_path: Path) -> None:
    mixture = noise(1)
    song(tmp_path / "held out", "One", mixture=mixture, vocals=noise(2))
    ingest(campaign=campaign, folder=tmp_path / "held out", use="test", domain="target")
    (tmp_path / "plain").mkdir()
    (tmp_path / "held out" / "One" / "mixture.wav").rename(tmp_path / "plain" / "Some name.wav")
    outcome = take(campaign, tmp_path / "plain")
    ((path, reason),) = outcome.bad
    assert path.name == "Some name.wav"
    assert "One" in reason
    assert "test" in reason


def test_the_same_song_for_another_use_is_refused_by_name(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path, "One", mixture=noise(1), vocals=noise(2))
    take(campaign, tmp_path)
    outcome = ingest(campaign=campaign, folder=tmp_path, use="gate", domain="target")
    assert (outcome.added, outcome.known) == ([], [])
    assert "pool" in outcome.bad[0].reason


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(campaign: Campaign, tmp_path: Path, monkeypatch) -> None:
    song(tmp_path, "Bad", mixture=noise(1), vocals=noise(2))
    song(tmp_path, "Good", mixture=noise(3), vocals=noise(4))

    def open_(path: Path, *arguments, **keywords):
        if path.parent.name == "Bad" and arguments == ("rb",):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **keywords)

    opened = Path.open
    monkeypatch.setattr(Path, "open", open_)
    outcome = take(campaign, tmp_path)
    assert outcome.added == ["Good"]
    ((path, reason),) = outcome.bad
    assert path.parent.name == "Bad"
    assert "Permission denied" in reason


def test_a_full_disk_stops_with_one_clear_line(campaign: Campaign, tmp_path: Path, monkeypatch) -> None:
    song(tmp_path, "One", mixture=noise(1), vocals=noise(2))

    def full(*arguments, **keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("annotation.storage.keep", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("ingest", "c", str(tmp_path), use="pool", domain="target")
    assert not Track.objects.exists()
