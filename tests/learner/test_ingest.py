"""Songs from folders: checked, kept bit for bit, taken once, and never half."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from annotation.files.storage import local
from annotation.models import Campaign, Stem, Track
from learner import services
from learner.ingest import ingest
from learner.models import Job
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db
RATE = 22_050


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("c")


def noise(seed: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (round(seconds * RATE), channels))


def song(folder: Path, name: str, **stems: np.ndarray) -> Path:
    home = folder / name
    home.mkdir(parents=True)
    for stem, samples in stems.items():
        soundfile.write(home / f"{stem}.wav", samples, RATE, subtype="PCM_16")
    return home


def take(campaign: Campaign, folder: Path) -> Any:
    return ingest(campaign=campaign, folder=folder, use="pool", domain="target")


def test_the_original_is_kept_bit_for_bit(campaign: Campaign, tmp_path: Path) -> None:
    home = song(tmp_path, "One", mixture=noise(1, channels=2) + noise(2, channels=2), vocals=noise(2, channels=2))
    assert take(campaign, tmp_path).added == ["One"]
    track = Track.objects.get()
    assert (track.channels, track.sample_rate, track.duration) == (2, RATE, 1.0)
    assert local(track.stems.get(name="vocals").file).read_bytes() == (home / "vocals.wav").read_bytes()


def test_any_two_stems_give_the_third(campaign: Campaign, tmp_path: Path) -> None:
    mixture, vocals = noise(1) + noise(2), noise(2)
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
    song(tmp_path, "One", mixture=noise(1) + noise(2), vocals=noise(2))
    take(campaign, tmp_path)
    (tmp_path / "One").rename(tmp_path / "Another name")
    again = take(campaign, tmp_path)
    assert (again.added, again.known) == ([], ["Another name"])
    assert Track.objects.count() == 1


def test_a_bad_file_is_named_with_its_reason_and_the_rest_goes_on(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path, "Good", mixture=noise(1) + noise(2), vocals=noise(2))
    (tmp_path / "text.wav").write_text("not audio at all")
    whole = song(tmp_path, "Cut", mixture=noise(3) + noise(4), vocals=noise(4)) / "mixture.wav"
    whole.write_bytes(whole.read_bytes()[:20_000])
    soundfile.write(tmp_path / "silent.flac", np.zeros(RATE), RATE)
    outcome = take(campaign, tmp_path)
    assert outcome.added == ["Good"]
    assert {path.name for path, _ in outcome.bad} == {"text.wav", "mixture.wav", "silent.flac"}
    assert all(reason for _, reason in outcome.bad)
    assert Track.objects.count() == 1


@pytest.mark.parametrize("use", ["pool", "replay", "validation"])
def test_a_plain_mix_is_a_track_without_stems_of_its_own(campaign: Campaign, tmp_path: Path, use: str) -> None:
    soundfile.write(tmp_path / "mix.ogg", noise(1), RATE)
    assert ingest(campaign=campaign, folder=tmp_path, use=use, domain="target").added == ["mix"]
    assert [stem.name for stem in Track.objects.get().stems.all()] == ["mixture"]


def test_a_file_that_a_header_cuts_short_is_taken_whole_and_said_so(
    campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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


@pytest.mark.parametrize("use", ["gate", "test"])
def test_a_plain_mix_is_of_no_use_where_stems_are_measured(campaign: Campaign, tmp_path: Path, use: str) -> None:
    soundfile.write(tmp_path / "mix.ogg", noise(1), RATE)
    outcome = ingest(campaign=campaign, folder=tmp_path, use=use, domain="target")
    ((path, reason),) = outcome.bad
    assert path.name == "mix.ogg"
    assert reason == f"A song for {use} needs its vocals or accompaniment beside the mixture; pool, replay, validation take mixes."
    assert not Track.objects.exists()


def test_a_song_held_out_for_one_use_is_not_taken_for_another(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path / "held out", "One", mixture=noise(1) + noise(2), vocals=noise(2))
    ingest(campaign=campaign, folder=tmp_path / "held out", use="test", domain="target")
    (tmp_path / "plain").mkdir()
    (tmp_path / "held out" / "One" / "mixture.wav").rename(tmp_path / "plain" / "Some name.wav")
    outcome = take(campaign, tmp_path / "plain")
    ((path, reason),) = outcome.bad
    assert path.name == "Some name.wav"
    assert "One" in reason
    assert "test" in reason


def test_the_same_song_for_another_use_is_refused_by_name(campaign: Campaign, tmp_path: Path) -> None:
    song(tmp_path, "One", mixture=noise(1) + noise(2), vocals=noise(2))
    take(campaign, tmp_path)
    outcome = ingest(campaign=campaign, folder=tmp_path, use="gate", domain="target")
    assert (outcome.added, outcome.known) == ([], [])
    assert "pool" in outcome.bad[0].reason


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path, "Bad", mixture=noise(1) + noise(2), vocals=noise(2))
    song(tmp_path, "Good", mixture=noise(3) + noise(4), vocals=noise(4))

    def open_(path: Path, *arguments: Any, **keywords: Any) -> Any:
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


def test_a_full_disk_stops_with_one_clear_line(campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song(tmp_path, "One", mixture=noise(1) + noise(2), vocals=noise(2))

    def full(*arguments: Any, **keywords: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("annotation.files.storage.keep", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("ingest", "c", str(tmp_path), use="pool", domain="target")
    assert not Track.objects.exists()


def test_any_name_is_taken_or_refused_by_name_and_the_rest_goes_on(
    campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {
        b"a_first.wav": "a_first",
        b"Bj\xf6rk - [/b] live.wav": r"Bj\xf6rk - [/b] live",
        b"two\nlines.wav": r"two\nlines",
        b"L" * 251 + b".wav": "L" * 251,
        b"x" * 250 + b"/" + b"y" * 250 + b"/song.wav": "x" * 250 + "/" + "y" * 250 + "/song",
        b"z_last.wav": "z_last",
    }
    for seed, name in enumerate(names):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        soundfile.write(path, noise(seed), RATE, format="WAV")
    (tmp_path / os.fsdecode(b"no \xff\n[red]sound.wav")).write_text("words")
    (tmp_path / "._a_first.wav").write_bytes(b"\x00\x05\x16\x07")
    call_command("ingest", "c", str(tmp_path), use="pool", domain="target")
    told = capsys.readouterr().out
    assert "6 added, 0 already there, 1 left out." in told
    (line,) = [line for line in told.splitlines() if line.startswith("left out")]
    assert r"no \xff\n[red]sound.wav: The file is not audio" in line
    assert set(Track.objects.values_list("name", flat=True)) == set(names.values())


def test_what_a_job_is_at_is_cut_to_its_column_however_long_the_track_s_name(campaign: Campaign) -> None:
    job = services.queue_job(campaign=campaign, kind=Job.Kind.SCORE)
    present(Job.claim(job.pk)).beat(1, 2, f"separating and scoring {'L' * 900}")
    assert Job.objects.get().doing.startswith("separating and scoring LLL")


def test_a_licence_too_long_for_a_row_is_refused_at_once(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="licence"):
        call_command("ingest", "c", str(tmp_path), use="pool", domain="target", licence="L" * 81)


def tell(seed: int, seconds: float = 3.0) -> np.ndarray:
    """Noise in which every moment is its own, so that it shows when it is late."""
    return np.random.default_rng(seed).normal(0, 0.1, (round(seconds * RATE), 1))


def strange_songs(folder: Path) -> None:
    v, a = tell(1), tell(2)
    song(folder, "good", mixture=v + a, vocals=v, accompaniment=a)
    song(folder, "late", mixture=np.roll(v + a, 1323, axis=0), vocals=v, accompaniment=a)
    song(folder, "polarity", mixture=v + a, vocals=-v, accompaniment=a)
    song(folder, "strange", mixture=tell(9), vocals=v, accompaniment=a)


@pytest.mark.parametrize("use", ["replay", "validation", "gate", "test"])
def test_stems_of_another_mixture_are_refused_with_what_is_wrong(campaign: Campaign, tmp_path: Path, use: str) -> None:
    strange_songs(tmp_path)
    outcome = ingest(campaign=campaign, folder=tmp_path, use=use, domain="target")
    assert outcome.added == ["good"]
    reasons = {path.parent.name: reason for path, reason in outcome.bad}
    assert "the mixture is late by 60 ms" in reasons["late"]
    assert "vocals are in the other polarity" in reasons["polarity"]
    assert "of another song" in reasons["strange"]
    assert all("dB of it; at most -15 dB is allowed" in reason for reason in reasons.values())


def test_the_pool_takes_the_mixture_without_stems_that_are_not_its_own_and_says_so(campaign: Campaign, tmp_path: Path) -> None:
    strange_songs(tmp_path)
    outcome = take(campaign, tmp_path)
    assert outcome.added == ["good", "late", "polarity", "strange"]
    assert {path.parent.name for path, _ in outcome.notes} == {"late", "polarity", "strange"}
    assert all("without its stems" in said for _, said in outcome.notes)
    stems = {track.name: {stem.name for stem in track.stems.all()} for track in Track.objects.all()}
    assert stems == {"good": {"mixture", "vocals", "accompaniment"}} | {name: {"mixture"} for name in ("late", "polarity", "strange")}
    again = take(campaign, tmp_path)
    assert (again.added, len(again.known)) == ([], 4)


def test_a_band_over_full_scale_is_kept_bit_for_bit_and_adds_up(campaign: Campaign, tmp_path: Path) -> None:
    home = tmp_path / "hot"
    home.mkdir()
    parts = {name: 4 * tell(seed) for seed, name in enumerate(("drums", "bass", "other"))}
    for name, samples in {**parts, "mixture": sum(parts.values()) + 4 * tell(9)}.items():
        soundfile.write(home / f"{name}.wav", samples, RATE, subtype="FLOAT")
    assert ingest(campaign=campaign, folder=tmp_path, use="gate", domain="source").bad == []
    stems = {stem.name: stem for stem in Stem.objects.all()}
    assert local(stems["mixture"].file).read_bytes() == (home / "mixture.wav").read_bytes()
    assert {name: stem.derived for name, stem in stems.items()} == {"mixture": False, "vocals": True, "accompaniment": True}
    mixture, vocals, accompaniment = (soundfile.read(local(stems[name].file))[0] for name in ("mixture", "vocals", "accompaniment"))
    assert np.abs(mixture).max() > 1.2
    left = mixture - vocals - accompaniment
    assert 10 * np.log10(np.square(left).sum() / np.square(mixture).sum()) < -90
    np.testing.assert_allclose(vocals, 4 * tell(9)[:, 0], atol=1e-6)


def test_floats_on_the_scale_of_integers_are_refused_by_name(campaign: Campaign, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", 32_767 * tell(1), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "hot.wav", 5 * tell(2), RATE, subtype="FLOAT")
    outcome = take(campaign, tmp_path)
    assert outcome.added == ["hot"]
    ((path, reason),) = outcome.bad
    assert path.name == "loud.wav"
    assert "Full scale is 1" in reason
