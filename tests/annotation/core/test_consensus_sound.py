"""The sound as a witness beside the people: silence, edges, lags."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.core.consensus import Agreement, agree, close_one
from annotation.core.regions import FRAME, to_frames
from tests.annotation.core.crowds import PUNCTUAL, Truth, answers, crowd, frame_f1, pooled_event_f1

QUIET, LOUD = -75.0, -25.0  # dBFS


def levels(*loud: tuple[float, float], duration: float = 20.0) -> np.ndarray:
    """Return the levels of a clip in which the extracted vocals sound in these stretches only."""
    level = np.where(to_frames(loud, duration, FRAME), LOUD, QUIET)
    return np.stack([level, np.full(len(level), -15.0)], axis=1)


def heard(truth: Truth) -> dict[int | str, np.ndarray]:
    return {clip: levels(*marks, duration=30.0) for clip, marks in truth.items()}


def content(found: Agreement) -> tuple[object, ...]:
    return found.regions, {task: part.tobytes() for task, part in found.posterior.items()}, found.people, found.certainty


def test_a_mark_where_it_is_silent_does_not_count_against_others_who_left_it_alone() -> None:
    given = answers([(2, 4), (10, 12)], [(2, 4), (10, 12)], [(2, 4)])
    found = agree(given, prior=PUNCTUAL, sound={"t": levels((2, 4))})
    assert [region[:2] for region in found.regions["t"]] == [pytest.approx((2, 4), abs=0.05)]
    assert len(agree(given, prior=PUNCTUAL).regions["t"]) == 2


def test_many_people_are_believed_against_the_sound() -> None:
    given = answers(*[[(2, 4), (10, 12)]] * 5)
    assert len(agree(given, prior=PUNCTUAL, sound={"t": levels((2, 4))}).regions["t"]) == 2


def test_edges_move_to_where_the_sound_begins_and_ends() -> None:
    given = answers([(2.15, 4.2)], [(2.2, 4.1)], [(2.1, 4.15)])
    near = agree(given, prior=PUNCTUAL, sound={"t": levels((2, 4))}).regions["t"][0]
    without = agree(given, prior=PUNCTUAL).regions["t"][0]
    assert abs(near.start - 2) < abs(without.start - 2)
    assert abs(near.end - 4) < abs(without.end - 4)
    assert near[:2] == pytest.approx((2, 4), abs=0.08)


def test_sound_far_from_every_mark_adds_none() -> None:
    found = agree(answers([(2, 4)], [(2, 4)], []), prior=PUNCTUAL, sound={"t": levels((2, 4), (10, 14))})
    assert len(found.regions["t"]) == 1
    assert not agree(answers([], [], []), sound={"t": levels((2, 4))}).regions["t"]


def test_the_sound_tells_how_late_a_whole_crowd_is() -> None:
    truth, given = crowd(3, lag_of=np.full(20, 0.5))
    late, told = agree(given), agree(given, sound=heard(truth))
    assert pooled_event_f1(truth, told.regions) > pooled_event_f1(truth, late.regions) + 0.2
    lags = [person.onset_lag for person in told.people.values() if person.n_answers > 3 and person.reliability > 0.5]
    assert np.mean(lags) == pytest.approx(0.5, abs=0.1)
    assert frame_f1(truth, {clip: part > 0.5 for clip, part in told.posterior.items()}) > 0.85


def test_permuted_answers_and_sounds_give_the_same_bytes() -> None:
    truth, given = crowd(5, clips=12)
    sound = heard(truth)
    mixed = {clip: sound[clip] for clip in reversed(list(sound))}
    shuffled = [given[i] for i in np.random.default_rng(0).permutation(len(given))]
    assert content(agree(given, sound=sound)) == content(agree(shuffled, sound=mixed))


def test_an_unknown_sound_changes_nothing() -> None:
    truth, given = crowd(6, clips=8)
    alone = content(agree(given))
    assert content(agree(given, sound={clip: np.full((600, 2), np.nan) for clip in truth})) == alone
    assert content(agree(given, sound={"no such task": levels((1, 2))})) == alone
    assert content(agree(given, sound={clip: np.zeros((0, 2)) for clip in truth})) == alone


def test_one_task_is_closed_with_its_sound() -> None:
    given = answers([(2, 4), (10, 12)], [(2, 4), (10, 12)], [(2, 4)])
    assert len(close_one(given, {}, prior=PUNCTUAL).regions) == 2
    assert len(close_one(given, {}, prior=PUNCTUAL, sound={"t": levels((2, 4))}).regions) == 1


def test_a_level_that_ends_early_or_is_partly_unknown_counts_as_far_as_it_goes() -> None:
    given = answers([(2.1, 4.1), (10, 12)], [(2.1, 4.1), (10, 12)], [(2.1, 4.1)])
    short = levels((2, 4))[:100]
    short[:10] = np.nan
    found = agree(given, prior=PUNCTUAL, sound={"t": short})
    assert len(found.regions["t"]) == 2
    assert found.regions["t"][0].start == pytest.approx(2, abs=0.08)


def test_levels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"levels are \(400,\); they must be \(frames, 2\)"):
        agree(answers([(2, 4)]), sound={"t": np.zeros(400)})
