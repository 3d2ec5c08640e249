"""Simulated people answer by their habits, and the same seed answers the same."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotation.core import simulated
from annotation.core.consensus import agree
from annotation.core.regions import Region, to_frames
from annotation.core.simulated import Habits, answer, draw_habits

CLIP = Region(60.0, 90.0)
TRUTH = [Region(62.0, 64.0), Region(70.0, 75.0)]
PERFECT = Habits(sensitivity=1.0, over_marking=0.0, lag=0.0, jitter=0.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_perfect_person_marks_the_truth_inside_the_clip() -> None:
    assert answer(PERFECT, [*TRUTH, Region(10, 20), Region(88, 99)], CLIP, rng()) == [*TRUTH, Region(88, 90)]


def test_a_late_person_is_late_at_both_edges() -> None:
    late = Habits(sensitivity=1.0, over_marking=0.0, lag=0.25, jitter=0.0)
    assert answer(late, TRUTH, CLIP, rng()) == [Region(62.25, 64.25), Region(70.25, 75.25)]


def test_sensitivity_is_the_share_of_regions_marked() -> None:
    half = Habits(sensitivity=0.5, over_marking=0.0, lag=0.0, jitter=0.05)
    generator = rng(1)
    n_marks = sum(len(answer(half, TRUTH, CLIP, generator)) for _ in range(1000))
    assert n_marks / 2000 == pytest.approx(0.5, abs=0.04)


def test_over_marking_is_stray_marks_a_minute() -> None:
    eager = Habits(sensitivity=1.0, over_marking=1.0, lag=0.0, jitter=0.0)
    generator = rng(2)
    n_marks = sum(len(answer(eager, [], CLIP, generator)) for _ in range(1000))
    assert n_marks / 500 == pytest.approx(1.0, abs=0.1)  # a clip is half a minute; a few strays run into one


@pytest.mark.parametrize(("spam", "seconds"), [("nothing", 0), ("everything", 30), ("block", 5)])
def test_spammers_do_not_listen(spam: Literal["nothing", "everything", "block"], seconds: float) -> None:
    marks = answer(Habits(1.0, 0.0, 0.0, 0.0, spam=spam), TRUTH, CLIP, rng())
    assert sum(mark.duration for mark in marks) == pytest.approx(seconds)


def test_crumbs_of_bleed_are_heard_as_one() -> None:
    assert answer(PERFECT, [(62.0, 62.3), (62.4, 62.8), (64.0, 64.5)], CLIP, rng()) == [(62.0, 62.8), (64.0, 64.5)]


def test_the_same_seed_draws_and_answers_the_same() -> None:
    assert draw_habits(rng(3)) == draw_habits(rng(3))
    assert answer(draw_habits(rng(3), 0), TRUTH, CLIP, rng(4)) == answer(draw_habits(rng(3), 0), TRUTH, CLIP, rng(4))
    assert draw_habits(rng(3)) != draw_habits(rng(4))


def test_the_share_of_spammers_is_kept_and_their_kinds_are_as_likely() -> None:
    generator = rng(5)
    kinds = [draw_habits(generator, spam_share=0.3).spam for _ in range(2000)]
    assert kinds.count(None) / 2000 == pytest.approx(0.7, abs=0.03)
    assert all(kinds.count(kind) / 2000 == pytest.approx(0.1, abs=0.03) for kind in simulated.SPAM)
    assert not any(draw_habits(generator, spam_share=0.0).spam for _ in range(50))


@given(
    st.integers(0, 10_000),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 200), st.floats(0.01, 40)).map(lambda made: (made[0], made[0] + made[1])), max_size=8),
    st.tuples(st.floats(0, 200), st.floats(0.05, 30)).map(lambda made: Region(made[0], made[0] + made[1])),
)
@example(1, 1.0, [], Region(6e-26, 1.0))  # as long as the block that a spammer marks, but for rounding
def test_whoever_answers_marks_stay_in_the_clip_apart_and_long_enough(
    seed: int, spam_share: float, truth: list[Region], clip: Region
) -> None:
    generator = rng(seed)
    marks = answer(draw_habits(generator, spam_share), truth, clip, generator)
    assert all(clip.start <= mark.start < mark.end <= clip.end for mark in marks)
    assert all(mark.duration >= simulated.SHORTEST - 1e-9 for mark in marks)
    assert all(one.end < other.start for one, other in pairwise(marks))
    assert all(type(edge) is float for mark in marks for edge in mark)


def test_a_crowd_of_them_agrees_on_the_truth() -> None:
    generator = rng(8)
    people = [draw_habits(generator, spam_share=0.25) for _ in range(12)]
    truths = {clip: [Region(start, start + 2) for start in generator.uniform(0, 27, 2)] for clip in range(20)}
    given_answers = [
        (clip, person, 30.0, answer(people[person], truth, Region(0.0, 30.0), generator))
        for clip, truth in truths.items()
        for person in generator.choice(12, 3, replace=False).tolist()
    ]
    found = agree(given_answers)
    true = np.concatenate([to_frames(truth, 30.0, 0.05) for truth in truths.values()])
    mine = np.concatenate([found.posterior[clip] > 0.5 for clip in truths])
    assert 2 * (true & mine).sum() / (true.sum() + mine.sum()) > 0.8
