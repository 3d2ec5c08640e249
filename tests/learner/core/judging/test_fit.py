"""Whether a base suits songs. What the figures mean was measured on real songs: see `fit`."""

import numpy as np
import pytest
from numpy.typing import NDArray

from learner.core.judging import fit
from learner.core.judging.fit import OnSong

RATE = 8000
Sound = NDArray[np.float64]


@pytest.fixture
def sounds() -> tuple[Sound, Sound]:
    """A voice that sings every other 2 s of 40 s, and a band that never rests: (1, samples) each."""
    generator = np.random.default_rng(1)
    seconds = np.arange(40 * RATE) / RATE
    voice = np.where(seconds % 4 < 2, 0.3 * np.sin(2 * np.pi * 440 * seconds), 0.0)
    return voice[None], 0.1 * generator.normal(size=(1, seconds.size))


def test_an_estimate_that_holds_the_voice_suits_though_it_leaks_in_every_rest(sounds: tuple[Sound, Sound]) -> None:
    voice, band = sounds
    leaky = np.where(voice == 0, band, voice)
    one = OnSong("song", fit.measure(leaky, voice + band, RATE, voice))
    assert one.fit == "fits"
    assert "which marks can mend" in fit.in_words("base", [one])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_mix_turned_down_suits_no_song_and_neither_does_silence(sounds: tuple[Sound, Sound], share: float) -> None:
    voice, band = sounds
    one = OnSong("song", fit.measure(share * (voice + 4 * band), voice + 4 * band, RATE, voice))
    assert one.fit == "unfit"
    assert "take another base" in fit.in_words("base", [one])


def test_worse_than_silence_is_said(sounds: tuple[Sound, Sound]) -> None:
    voice, band = sounds
    one = OnSong("song", fit.measure(voice + 4 * band, voice + 4 * band, RATE, voice))
    assert "On song it is worse than silence" in fit.in_words("base", [one])


def test_a_voice_that_is_hardly_kept_is_said(sounds: tuple[Sound, Sound]) -> None:
    voice, band = sounds
    one = OnSong("song", fit.measure(0.25 * voice, voice + band, RATE, voice))
    assert "Much of what it should extract is gone in song (-12 dB)." in fit.in_words("base", [one])


def test_without_stems_an_estimate_that_rests_seems_to_suit_and_one_that_never_does_not(sounds: tuple[Sound, Sound]) -> None:
    voice, band = sounds
    rests = OnSong("song", fit.measure(voice, voice + band, RATE))
    never = OnSong("song", fit.measure(voice + 0.2 * band, voice + band, RATE))
    assert (rests.fit, never.fit) == ("fits", "unfit")
    assert "this is a guess" in fit.in_words("base", [rests]) and "it hardly ever rests" in fit.in_words("base", [never])
    assert never.figures["rest_level_db"] == pytest.approx(-14, abs=1)


def test_without_stems_nothing_is_told_by_an_estimate_that_is_the_mix_nearly_all_the_time(sounds: tuple[Sound, Sound]) -> None:
    _, band = sounds
    one = OnSong("song", fit.measure(0.9 * band, band, RATE))
    assert one.fit == "unknown"
    assert "hear what it makes" in fit.in_words("base", [one])


def test_a_song_in_which_nobody_sings_is_judged_as_one_without_stems(sounds: tuple[Sound, Sound]) -> None:
    _, band = sounds
    one = OnSong("song", fit.measure(0.2 * band, band, RATE, np.zeros_like(band)))
    assert not one.known and one.fit == "unfit"


def song(sung: float | None = None, *, quiet: float = 0.7) -> OnSong:
    return OnSong("song", {"quiet": quiet} | ({} if sung is None else {"sung_sdr": sung, "sung_sdr_of_mix": 0.5, "sdr": sung, "leak": 1.0}))


@pytest.mark.parametrize(
    ("songs", "found"),
    [
        ([song(6), song(6), song(0.2)], "fits"),
        ([song(6), song(0.2)], "partly"),
        ([song(0.5), song(0.2), song(-3)], "unfit"),
        ([song(0.5), song(), song(), song()], "unfit"),  # stems go before guesses
        ([song(quiet=0.2), song(quiet=0.3)], "unfit"),
        ([song(quiet=0.5)], "unknown"),
        ([], "unknown"),
    ],
)
def test_songs_together(songs: list[OnSong], found: str) -> None:
    assert fit.of_songs(songs) == found
    assert bool(fit.in_words("base", songs)) == bool(songs)


def test_the_excerpt_is_where_most_leaks(sounds: tuple[Sound, Sound]) -> None:
    voice, band = sounds
    leak = voice.copy()
    leak[:, 26 * RATE : 28 * RATE] = 0.3
    start = fit.excerpt(leak, voice + band, RATE, voice)
    assert start <= 26 and start + fit.EXCERPT >= 28
    assert fit.excerpt(voice[:, :RATE], voice[:, :RATE], RATE) == 0.0
