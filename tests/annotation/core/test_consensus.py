"""Answers become agreed regions, as certain as they can be."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from annotation.core.consensus import Agreement, ConsensusRegion, Person, Prior, agree, certainty, close_one
from annotation.core.regions import BadRegion, to_frames
from tests.annotation.core.crowds import PUNCTUAL, Mark, Truth, answers, crowd

# -- three answers, a new campaign


@pytest.mark.parametrize("fitted", [True, False])
def test_two_of_three_strangers_outvote_the_third(fitted: bool) -> None:
    def regions_of(*marks: Sequence[Mark]) -> list[ConsensusRegion]:
        if fitted:
            return agree(answers(*marks), prior=PUNCTUAL).regions["t"]
        return close_one(answers(*marks), {}, prior=PUNCTUAL).regions

    ((start, end, probability),) = regions_of([(5, 7)], [(5, 7)], [])
    assert (start, end) == (pytest.approx(5, abs=0.1), pytest.approx(7, abs=0.1))
    assert 0.5 < probability < 1
    assert regions_of([(5, 7)], [], []) == []
    assert regions_of([], [], []) == []
    ((start, end, _),) = regions_of([(0, 20)], [(5, 7)], [(5, 7)])
    assert (start, end) == (pytest.approx(5, abs=0.3), pytest.approx(7, abs=0.3))


def test_a_short_region_that_all_mark_is_not_smoothed_away() -> None:
    assert len(agree(answers(*[[(5, 5.3)]] * 3), prior=PUNCTUAL).regions["t"]) == 1


def test_an_empty_answer_is_a_vote() -> None:
    alone = agree(answers([(5, 7)]))
    doubted = agree(answers([(5, 7)], []))
    assert doubted.posterior["t"].max() < alone.posterior["t"].max()


def test_an_unheard_stretch_is_no_vote() -> None:
    marked, empty = answers([(5, 7)], [])
    deaf = (*empty, [(10.0, 20.0)])
    alone = close_one([marked], {}).posterior
    assert close_one([marked, deaf], {}).posterior[:150] == pytest.approx(alone[:150], abs=0.02)
    assert close_one([marked, (*empty, None)], {}).posterior.max() < 0.9 < alone.max(), "without `heard` all was heard"


def test_a_mark_on_an_unheard_stretch_is_no_vote() -> None:
    (marked,) = answers([(5, 7)])
    assert close_one([(*marked, [(10.0, 20.0)])], {}).regions == []


def test_one_task_with_answers_of_nobody_who_heard_it_says_nothing() -> None:
    (empty,) = answers([])
    assert close_one([(*empty, [])], {}).needs_more


def test_who_heard_nothing_has_no_vote_and_no_say() -> None:
    (marked, empty) = answers([(5, 7)], [])
    alone, beside = agree([marked]), agree([marked, (*empty, [])])
    assert beside.regions["t"][0][:2] == alone.regions["t"][0][:2]
    assert beside.posterior["t"] == pytest.approx(alone.posterior["t"], abs=0.02)
    assert beside.people["person 1"].sensitivity == pytest.approx(Person.unknown(Prior()).sensitivity), "nothing was learned of them"


# -- certainty


def test_agreement_is_certain_and_disagreement_asks_one_more() -> None:
    assert not close_one(answers([(5, 7)], [(5, 7)], [(5, 7)]), {}).needs_more
    assert not close_one(answers([], [], []), {}).needs_more
    torn = close_one(answers([(5, 9)], [(5, 9)], [], [], []), {})
    assert torn.needs_more
    assert torn.certainty < close_one(answers(*[[(5, 9)]] * 5), {}).certainty


def test_certainty_is_the_frame_f1_to_be_expected() -> None:
    assert certainty(np.array([1.0, 1.0, 0.0]), frame=1.0) == 1.0
    assert certainty(np.array([0.8, 0.0]), frame=1.0) == pytest.approx((2 * 0.8 + 1) / (1 + 0.8 + 1))
    assert certainty(np.zeros(5), frame=1.0) == 1.0


def test_the_posterior_means_what_it_says() -> None:
    """On frames that somebody marked, shares of 0.0-0.1, 0.1-0.2, … bleed about as often; the whole error is 0.05 at most."""
    truth, given = crowd(8, clips=120, people=40, n_answers=5)
    posterior = agree(given).posterior
    marked = {clip: np.zeros(600, dtype=bool) for clip in truth}
    for clip, _, duration, marks in given:
        marked[clip] |= to_frames(marks, duration, 0.05)
    said = np.concatenate([posterior[clip][marked[clip]] for clip in truth])
    was = np.concatenate([to_frames(truth[clip], 30.0, 0.05)[marked[clip]] for clip in truth])
    bins = np.minimum((said * 10).astype(int), 9)
    assert np.abs(np.bincount(bins, said - was, 10)).sum() / len(said) < 0.05


# -- order, shapes and refusals


def the_bytes(agreement: Agreement) -> tuple[str, list[bytes]]:
    return repr((agreement.regions, agreement.people, agreement.certainty)), [p.tobytes() for p in agreement.posterior.values()]


def test_the_order_of_answers_marks_and_gold_changes_nothing() -> None:
    truth, given = crowd(11, clips=12, people=9)
    gold: Truth = {clip: truth[clip] for clip in (3, 7)}
    expected = the_bytes(agree(given, truth=gold))
    shuffled = random.Random(1)
    for _ in range(3):
        again = [(clip, person, duration, shuffled.sample(marks, len(marks))) for clip, person, duration, marks in given]
        shuffled.shuffle(again)
        assert the_bytes(agree(again, truth=dict(reversed(gold.items())))) == expected


def test_answers_are_left_as_they_were() -> None:
    given = answers([(7, 8), (1, 2)])
    agree(given)
    assert given == answers([(7, 8), (1, 2)])


def test_tasks_may_differ_in_length_and_frames_cover_each() -> None:
    found = agree(answers([(1, 2)], task="short", duration=10.0) + answers([(1, 2)], task="long", duration=30.02))
    assert {task: len(posterior) for task, posterior in found.posterior.items()} == {"long": 601, "short": 200}
    assert all(((posterior >= 0) & (posterior <= 1)).all() for posterior in found.posterior.values())


def test_a_longer_task_beside_it_does_not_change_a_task() -> None:
    alone = close_one(answers([(8, 10)], [(8, 10)], duration=10.0), {}).posterior
    beside = agree([*answers([(8, 10)], [(8, 10)], duration=10.0), ("other", "stranger", 30.0, [])]).posterior["t"]
    assert (alone > 0.5).tolist() == (beside > 0.5).tolist()


def test_no_answers_agree_on_nothing() -> None:
    assert agree([]).regions == {}


def test_plain_numbers_come_back_for_storage() -> None:
    found = agree(answers([(5, 7)], [(5, 7)]))
    assert {type(value) for value in found.regions["t"][0]} == {float}
    assert type(found.people["person 0"].sensitivity) is float
    assert type(found.certainty["t"]) is float


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="answered task 't' twice"):
        agree(answers([]) * 2)
    with pytest.raises(ValueError, match="answers of one task, not of 2"):
        close_one(answers([], task="a") + answers([], task="b"), {})
    with pytest.raises(BadRegion, match=r"task 't', annotator 'person 0': .*must be finite and run forward"):
        agree(answers([(2, 1)]))
    with pytest.raises(BadRegion, match="finite"):
        agree(answers([(1, float("nan"))]))
    with pytest.raises(ValueError, match="duration is 0"):
        agree(answers([], duration=0.0))
    with pytest.raises(ValueError, match="frame is 0"):
        agree(answers([]), frame=0)
