"""Which version is preferred, and how sure that is."""

import itertools

import numpy as np
import pytest

from annotation.core.preference import Answer, Preferred, preferred


def said(scores: list[list[float]]) -> Preferred:
    """A row for each listener, a column for each song."""
    found = preferred([Answer(who, song, score) for who, row in enumerate(scores) for song, score in enumerate(row)])
    assert found
    return found


def test_an_answer_without_a_difference_is_half_of_one() -> None:
    found = said([[1, 1, 0, 0.5]])
    assert (found.share, found.n_ties, found.n_answers, found.n_songs, found.n_listeners) == (0.625, 1, 4, 4, 1)


def test_where_all_agree_it_is_as_sure_as_wilson_says() -> None:
    found = said([[1.0] * 10])
    assert (found.low, found.high) == (pytest.approx(0.7225, abs=1e-3), 1.0) and found.is_clear, "10 of 10, from tables"


def test_answers_of_one_song_count_as_fewer_than_they_are() -> None:
    by_song = said([[1, 1, 0, 0, 1, 0]] * 8)  # what is preferred hangs on the song
    mixed = said([[(who + song) % 2 for song in range(6)] for who in range(8)])
    assert by_song.share == mixed.share == 0.5
    assert by_song.high - by_song.low > 1.5 * (mixed.high - mixed.low)


def test_nobody_prefers_anything_where_nobody_answered_and_the_other_version_sees_it_the_other_way_round() -> None:
    assert preferred([]) is None
    turned = said([[1, 1, 1, 0]]).turned
    assert turned.share == 0.25 and turned.low < 0.25 < turned.high and turned.interval.startswith("[")


def test_the_same_answers_have_the_same_interval_in_any_order() -> None:
    answers = [Answer(who, song, float((who * song) % 3 == 0)) for who, song in itertools.product(range(4), range(7))]
    assert preferred(answers) == preferred(answers[::-1])


def test_not_everybody_has_to_hear_everything() -> None:
    found = preferred([Answer(0, 0, 1.0), Answer(1, 1, 0.0), Answer(2, 1, 1.0)])
    assert found and 0 <= found.low < found.share < found.high <= 1


def test_crowds_without_a_preference_are_seldom_said_to_have_one() -> None:
    generator = np.random.default_rng(5)
    wrong = sum(said((generator.random((4, 8)) < 0.5).astype(float).tolist()).is_clear for _ in range(60))
    assert wrong <= 4, "at 95 %, three of sixty are expected"


def test_a_thousand_listeners_of_few_opinions_have_the_interval_of_a_thousand() -> None:
    found = said([[1.0]] * 600 + [[0.0]] * 400)
    half = 1.96 * (0.6 * 0.4 / 1000) ** 0.5
    assert (found.low, found.high) == (pytest.approx(0.6 - half, abs=0.004), pytest.approx(0.6 + half, abs=0.004))
    assert found.n_listeners == 1000
