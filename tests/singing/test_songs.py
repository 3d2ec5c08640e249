"""Songs that are put together of voices and bands."""

from pathlib import Path

import numpy as np
import pytest

from learner.core import audio
from learner.core.songs import scan
from tests.singing.songs import RATE, in_a_room, level, main, mix, phrase_of_notes, songs


def tone(pitch: float, seconds: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)


def test_a_voice_lies_so_much_over_its_band_where_it_sings() -> None:
    voice = tone(440, 4) * (np.arange(4 * RATE) < RATE)
    stems = mix(voice, tone(110, 5), 6.0)
    assert {len(samples) for samples in stems.values()} == {4 * RATE}
    assert 20 * np.log10(level(stems["vocals"]) / level(stems["accompaniment"])) == pytest.approx(6, abs=0.1)
    assert np.allclose(stems["mixture"], stems["vocals"] + stems["accompaniment"]) and np.abs(stems["mixture"]).max() <= 0.95


def test_a_phrase_stays_about_its_base_and_begins_where_the_note_before_ended() -> None:
    notes = list(phrase_of_notes(60.0, np.random.default_rng(0)))
    assert 4 <= len(notes) <= 10
    for n_frames, pitches in notes:
        assert len(pitches) == n_frames >= 30
        assert pitches.min() > 50 and pitches.max() < 76


def test_a_room_answers_more_quietly() -> None:
    voice = tone(300, 1)
    wet = in_a_room(voice, np.random.default_rng(1))
    assert len(wet) == len(voice) and 0 < wet.std() < voice.std()


def test_a_voice_that_rests_for_long_is_heard_all_the_same(tmp_path: Path) -> None:
    audio.write_flac(tmp_path / "anna.flac", (tone(440, 60) * (np.arange(60 * RATE) < 2 * RATE))[None].astype(np.float32), RATE)
    audio.write_flac(tmp_path / "band.flac", tone(110, 2)[None].astype(np.float32), RATE)
    made = [next(songs([tmp_path / "anna.flac"], [tmp_path / "band.flac"], 2.0, np.random.default_rng(seed))) for seed in range(5)]
    assert all(stems["vocals"].any() for _, stems in made)


def test_songs_are_written_as_the_product_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, pitch in (("anna", 440.0), ("ben", 220.0)):
        audio.write_flac(tmp_path / f"{name}.flac", tone(pitch, 2)[None].astype(np.float32), RATE)
    (tmp_path / "band").mkdir()
    for name, pitch in (("bass", 55.0), ("guitar", 110.0)):
        audio.write_flac(tmp_path / "band" / f"{name}.flac", tone(pitch, 3)[None].astype(np.float32), RATE)
    voices = [str(tmp_path / "anna.flac"), str(tmp_path / "ben.flac")]
    monkeypatch.setattr(
        "sys.argv",
        ["songs", "mix", "--voices", *voices, "--bands", str(tmp_path / "band"), "--seconds", "2", "--out", str(tmp_path / "made")],
    )
    main()
    made = scan(tmp_path / "made").songs
    assert sorted(files.name for files in made) == ["anna - band", "ben - band"]
    assert all(files.has_stems for files in made)
