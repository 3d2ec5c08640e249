"""Generated songs."""

import numpy as np
import pytest

from learner.core import metrics
from learner.core.songs import Song
from learner.core.songs.synth import DOMAINS, Domain, make_song
from tests.present import present

RATE = 16_000


@pytest.fixture(scope="module", params=DOMAINS)
def song(request: pytest.FixtureRequest) -> Song:
    return make_song(3, request.param, 12.0)


def test_the_mixture_is_the_sum_of_its_stems_to_the_last_bit(song: Song) -> None:
    assert np.array_equal(song.mixture, present(song.vocals) + present(song.accompaniment))


def test_a_song_is_mono_float32_at_16_khz_of_the_length_asked_for(song: Song) -> None:
    assert song.sample_rate == RATE
    for samples in (song.mixture, present(song.vocals), present(song.accompaniment)):
        assert samples.shape == (1, 12 * RATE)
        assert samples.dtype == np.float32


def test_nothing_is_louder_than_the_peak_allowed(song: Song) -> None:
    assert 0.3 < np.abs(song.mixture).max() <= 0.9


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_same_seed_gives_the_same_song_and_another_gives_another(domain: Domain) -> None:
    first, again, other = make_song(1, domain, 4.0), make_song(1, domain, 4.0), make_song(2, domain, 4.0)
    assert np.array_equal(first.mixture, again.mixture)
    assert np.array_equal(present(first.vocals), present(again.vocals))
    assert not np.array_equal(first.mixture, other.mixture)


def test_domains_differ_for_one_seed() -> None:
    mixes = [make_song(1, domain, 4.0).mixture for domain in DOMAINS]
    assert not np.array_equal(mixes[0], mixes[1])
    assert not np.array_equal(mixes[1], mixes[2])


@pytest.mark.parametrize("domain", DOMAINS)
def test_vocals_are_silent_for_about_half_of_a_song(domain: Domain) -> None:
    for seed in range(4):
        song = make_song(seed, domain, 30.0)
        silent = sum(end - start for start, end in metrics.silent_regions(present(song.vocals), RATE)) / song.duration
        assert 0.4 <= silent <= 0.6


def test_silences_of_the_vocals_hold_a_noise_floor_well_under_what_counts_as_voice() -> None:
    song = make_song(5, "target", 30.0)
    start, end = max(metrics.silent_regions(present(song.vocals), RATE), key=lambda r: r[1] - r[0])
    middle = present(song.vocals)[0, round((start + 0.75 * (end - start)) * RATE) : round(end * RATE) - 1600]
    level = 10 * np.log10(np.mean(middle**2))
    assert -90 < level < -60, "neither digital silence nor sound"


def test_the_target_has_sound_as_loud_as_voice_where_nobody_sings() -> None:
    song = make_song(6, "target", 30.0)
    assert metrics.evaluate(song.mixture, present(song.vocals), song.mixture, RATE)["false_positive_seconds_per_minute"] > 8


def test_an_unknown_domain_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'jazz'.*source, target, bystander"):
        make_song(1, "jazz")  # type: ignore[arg-type]


def test_a_song_too_short_to_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 s"):
        make_song(1, "source", 2.0)
