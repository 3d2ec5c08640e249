"""Leak where nobody sings: at the level asked for, nowhere else, and as a separator would leave it."""

from itertools import pairwise

import numpy as np
import pytest

from annotation.core import leak
from annotation.core.regions import Region, intersect, subtract, total

RATE = 16_000
SUNG = Region(2.0, 5.0)


@pytest.fixture(scope="module")
def song() -> tuple[np.ndarray, np.ndarray]:
    """12 s: a tone sung from 2 to 5 s; chords and noise all through."""
    seconds = np.arange(12 * RATE) / RATE
    sings = (seconds >= SUNG.start) & (seconds < SUNG.end)
    vocals = 0.2 * sings * sum(np.sin(2 * np.pi * 220 * k * seconds) / k for k in range(1, 8))
    noise = np.random.default_rng(0).standard_normal(len(seconds))
    band = 0.1 * sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (110, 330, 495)) + 0.05 * noise
    return np.stack([vocals, vocals]).astype(np.float32), np.stack([band, 0.8 * band]).astype(np.float32)


def level(samples: np.ndarray, region: Region) -> float:
    part = samples[:, round(region.start * RATE) : round(region.end * RATE)]
    return float(10 * np.log10((part.astype(float) ** 2).mean() + 1e-15))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_singing_is_found_with_its_level(song: tuple[np.ndarray, np.ndarray]) -> None:
    ((start, end),), sung_level = leak.sung(song[0], RATE)
    assert start == pytest.approx(SUNG.start, abs=0.06)
    assert end == pytest.approx(SUNG.end + leak.HANGOVER, abs=0.06)
    assert sung_level == pytest.approx(level(song[0], SUNG), abs=0.3)


def test_rests_keep_their_distance_from_singing(song: tuple[np.ndarray, np.ndarray]) -> None:
    found, _ = leak.sung(song[0], RATE)
    first, second = leak.rests(found, Region(0, 12), 1.0)
    assert first.end <= SUNG.start - leak.MARGIN + 0.06
    assert second.start >= SUNG.end + leak.MARGIN


@pytest.mark.parametrize("seed", range(20))
def test_spans_lie_in_rests_and_apart(seed: int) -> None:
    rests = [Region(0, 1.5), Region(6, 12)]
    spans = leak.draw_spans(rests, 3, rng(seed))
    assert 1 <= len(spans) <= 3
    assert total(intersect(spans, rests)) == pytest.approx(total(spans))
    assert all(0.69 <= span.duration <= 3.01 for span in spans)
    assert all(later.start - earlier.end >= 0.59 for earlier, later in pairwise(spans))


@pytest.mark.parametrize("graded", leak.LEVELS)
def test_the_leak_is_as_loud_as_asked_and_only_in_its_span(song: tuple[np.ndarray, np.ndarray], graded: leak.Level) -> None:
    vocals, band = song
    before = vocals.copy()
    span = Region(8.0, 10.0)
    mixed = leak.leaky(vocals, band, RATE, [span], graded.db, rng())
    _, sung_level = leak.sung(vocals, RATE)
    assert level(mixed, span) == pytest.approx(sung_level + graded.db, abs=0.5)
    for quiet in (Region(0, 1.9), Region(5.3, 7.9), Region(10.1, 12)):
        assert level(mixed, quiet) < sung_level - 35
    assert level(mixed, SUNG) == pytest.approx(sung_level, abs=0.2)
    assert np.array_equal(vocals, before)


def test_the_mask_opens_and_closes_over_time_and_differs_by_frequency(song: tuple[np.ndarray, np.ndarray]) -> None:
    left = leak.as_left_by_a_separator(*song, RATE, rng())
    kept = np.abs(np.fft.rfft(left[0, : 11 * RATE].reshape(-1, RATE // 4))) / np.abs(
        np.fft.rfft(song[1][0, : 11 * RATE].reshape(-1, RATE // 4))
    )
    assert kept[:, 50:500].mean(axis=1).std() > 0.02
    assert kept[:, 40:120].mean() > 1.5 * kept[:, 1600:].mean(), "a separator leaves most where the voice is"


def test_the_same_seed_gives_the_same_sound(song: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = (leak.leaky(*song, RATE, [(8, 10)], -9, rng(3)) for _ in range(2))
    assert np.array_equal(one, other)


def test_no_leak_from_silence(song: tuple[np.ndarray, np.ndarray]) -> None:
    vocals, band = song
    with pytest.raises(leak.NothingLeaks, match="too quiet"):
        leak.leaky(vocals, np.zeros_like(band), RATE, [(8, 10)], -4, rng())


def test_a_band_that_pauses_leaks_in_no_span_with_its_pause(song: tuple[np.ndarray, np.ndarray]) -> None:
    vocals, band = song
    broken = band.copy()
    broken[:, round(8.6 * RATE) : round(9.4 * RATE)] = 0
    with pytest.raises(leak.NothingLeaks, match="pauses"):
        leak.leaky(vocals, broken, RATE, [(8, 10)], -4, rng())


def test_full_scale_is_never_passed(song: tuple[np.ndarray, np.ndarray]) -> None:
    vocals, band = song
    assert np.abs(leak.leaky(4 * vocals, 4 * band, RATE, [(8, 10)], -4, rng())).max() < 1


@pytest.fixture(scope="module")
def estimate(song: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """What a separator gives that leaves a hundredth of the band, and a tenth of it from 8 to 9.5 s."""
    vocals, band = song
    heard = np.full(band.shape[1], 0.01, dtype=np.float32)
    heard[8 * RATE : round(9.5 * RATE)] = 0.3
    return vocals + heard * band


def test_what_a_separator_leaves_loudly_where_nobody_sings_is_found(song: tuple[np.ndarray, np.ndarray], estimate: np.ndarray) -> None:
    sung, sung_level = leak.sung(song[0], RATE)
    ((start, end),) = leak.own_leaks(estimate, subtract([(0, 12)], sung), RATE, sung_level)
    assert (start, end) == pytest.approx((8.0, 9.5), abs=0.06)


def test_rests_are_turned_down_as_a_whole_and_singing_is_not(song: tuple[np.ndarray, np.ndarray], estimate: np.ndarray) -> None:
    sung, sung_level = leak.sung(song[0], RATE)
    quiet = leak.with_quiet_rests(estimate, sung, RATE, sung_level - 40)
    assert level(quiet, Region(8.1, 9.4)) == pytest.approx(sung_level - 40, abs=0.5)
    assert level(estimate, Region(8.1, 9.4)) - level(estimate, Region(6, 7)) == pytest.approx(
        level(quiet, Region(8.1, 9.4)) - level(quiet, Region(6, 7)), abs=0.1
    )
    assert np.array_equal(quiet[:, 2 * RATE : 5 * RATE], estimate[:, 2 * RATE : 5 * RATE])
    assert np.array_equal(leak.with_quiet_rests(quiet, sung, RATE, sung_level - 30), quiet)


@pytest.mark.parametrize("graded", leak.LEVELS)
def test_what_was_left_is_raised_to_the_level_and_nothing_beside_it(
    song: tuple[np.ndarray, np.ndarray], estimate: np.ndarray, graded: leak.Level
) -> None:
    vocals, band = song
    sung, sung_level = leak.sung(vocals, RATE)
    quiet, span = leak.with_quiet_rests(estimate, sung, RATE, sung_level - 40), Region(9.8, 11.4)
    heard, loud = leak.boost_residual(quiet, estimate, vocals + band, RATE, [span], sung_level + graded.db, rng())
    assert level(heard, span) == pytest.approx(sung_level + graded.db, abs=0.6)
    assert loud == pytest.approx(sung_level + graded.db, abs=0.3)
    for beside in (Region(0, 9.7), Region(11.5, 12)):
        first, last = round(beside.start * RATE), round(beside.end * RATE)
        assert np.array_equal(heard[:, first:last], quiet[:, first:last])


def test_what_is_loud_enough_stays_as_it_is(song: tuple[np.ndarray, np.ndarray], estimate: np.ndarray) -> None:
    span = Region(8.2, 9.3)
    heard, loud = leak.boost_residual(estimate, estimate, song[0] + song[1], RATE, [span], -60, rng())
    assert np.allclose(heard, estimate, atol=1e-6)
    assert loud == pytest.approx(level(estimate, span), abs=0.1)


def test_no_more_is_raised_than_there_was(song: tuple[np.ndarray, np.ndarray], estimate: np.ndarray) -> None:
    with pytest.raises(leak.NothingLeaks):
        leak.boost_residual(estimate, estimate, (song[0] + 0.01 * song[1]).astype(np.float32), RATE, [Region(8, 10)], -20, rng())


def test_a_clip_is_moved_until_it_begins_and_ends_between_phrases() -> None:
    sung = [Region(9.0, 11.0), Region(19.5, 22.0)]
    moved = leak.between_phrases(Region(10.0, 20.0), sung, 60.0, furthest=3.0)
    assert moved == Region(9.0, 19.0), "a second back is nearest where neither edge cuts a phrase"
    assert leak.between_phrases(Region(12.0, 19.0), sung, 60.0, furthest=3.0) == Region(12.0, 19.0), "it cuts none"
    assert leak.between_phrases(Region(0.0, 10.0), [Region(0.0, 10.0)], 10.0, furthest=3.0) == Region(0.0, 10.0), "a song as a whole"
    everywhere = leak.between_phrases(Region(10.0, 20.0), [Region(0.0, 60.0)], 60.0, furthest=3.0)
    assert everywhere == Region(10.0, 20.0), "nowhere is better than here"
