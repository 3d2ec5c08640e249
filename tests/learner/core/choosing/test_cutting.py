"""Where a track is cut into clips: generated sounds, whose rests are known."""

import numpy as np
import pytest

from learner.core.choosing import cutting
from learner.core.metrics import frame_levels

RATE = 2_000
LENGTHS = [10.0, 10.04, 12.5, 15.0, 22.2, 29.99, 30.0]


def sung(duration: float, rests: list[tuple[float, float]], seed: int = 0) -> np.ndarray:
    """Levels, dBFS per 0.1 s, of a noise that is silent in the rests."""
    sound = 0.1 * np.random.default_rng(seed).standard_normal((1, round(duration * RATE)))
    for start, end in rests:
        sound[:, round(start * RATE) : round(end * RATE)] = 0
    return frame_levels(sound, RATE)


def test_a_cut_goes_into_the_rest_beside_it() -> None:
    voice = sung(45, [(13.2, 14.0), (31.5, 32.4)])
    first, second, third = cutting.cut(45, 15, voice, sung(45, []))
    assert (first[0], third[1]) == (0, 45)
    assert 13.5 <= first[1] <= 13.7 and 31.8 <= second[1] <= 32.1
    assert first[1] == second[0] and second[1] == third[0], "nothing is left out between clips"


def test_of_two_rests_the_one_where_the_band_is_quieter_too() -> None:
    voice = sung(30, [(13.0, 14.0), (16.0, 17.0)])
    band = np.where(np.arange(300) < 150, -10.0, -40.0)
    assert 16.3 <= cutting.cut(30, 15, voice, band)[0][1] <= 16.7


def test_a_gap_within_a_word_is_no_rest() -> None:
    voice = sung(30, [(15.0, 15.1), (12.5, 13.3)])
    assert 12.8 <= cutting.cut(30, 15, voice, voice)[0][1] <= 13.0


def test_what_never_rests_is_cut_where_it_is_softest() -> None:
    level = np.full(300, -20.0)
    level[165:172] = -26
    assert cutting.cut(30, 15, level, level)[0][1] == pytest.approx(16.8, abs=0.11)


def test_where_all_is_alike_the_grid_stays() -> None:
    silent = np.full(600, -120.0)
    assert cutting.cut(60, 15, silent, silent) == cutting.grid(60, 15)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("seed", range(8))
def test_every_clip_lasts_10_to_30_seconds_whatever_sounds(length: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    duration = float(generator.uniform(10, 200))
    level = generator.uniform(-80, -5, int(np.ceil(duration * 10)))
    spans = cutting.cut(duration, length, level, level)
    assert len(spans) == len(cutting.grid(duration, length))
    assert all(10 - 1e-6 <= end - start <= 30 + 1e-6 for start, end in spans)
    assert spans == cutting.cut(duration, length, level, level)
    assert cutting.tiles(spans, duration, length) and spans[-1][1] <= duration


def test_a_track_shorter_than_a_clip_is_one_clip() -> None:
    assert cutting.cut(4.25, 15, sung(4.25, []), sung(4.25, [])) == [(0, 4.25)]


def test_clips_of_another_length_or_with_a_hole_are_no_cut_for_this_one() -> None:
    assert cutting.tiles([(0, 14), (14, 32), (32, 45)], 45, 15)
    assert not cutting.tiles([(0, 14), (32, 45)], 45, 15)
    assert not cutting.tiles([(0, 14), (15, 32), (32, 45)], 45, 15)
    assert not cutting.tiles([(0, 22), (22, 45)], 45, 15)
    assert not cutting.fits((15, 30), 30, 10)


@pytest.mark.parametrize(
    ("span", "asked_again"), [((0, 15), False), ((2.5, 17.5), False), ((0, 12), False), ((12, 30), True), ((15, 30), True)]
)
def test_a_clip_that_was_heard_is_not_asked_again_with_other_edges(span: tuple[float, float], asked_again: bool) -> None:
    assert cutting.heard(span, [(60, 75), (0, 15)]) is not asked_again
