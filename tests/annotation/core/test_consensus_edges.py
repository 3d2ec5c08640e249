"""Where an agreed region begins and ends, and how late people are."""

import numpy as np
import pytest

from annotation.core.consensus import Person, Prior, agree, close_one
from annotation.core.regions import from_frames
from tests.annotation.core.crowds import PUNCTUAL, Truth, answers, crowd, majority, pooled_event_f1

# -- edges


def test_edges_of_one_thing_lie_where_most_say() -> None:
    ((start, end, _),) = agree(answers([(4.9, 7.1)], [(5.0, 7.0)], [(5.1, 6.9)]), prior=PUNCTUAL).regions["t"]
    assert (start, end) == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_people_who_heard_nothing_there_do_not_draw_the_edges_in() -> None:
    two = agree(answers([(4.9, 7.1)], [(5.1, 6.9)], []), prior=PUNCTUAL).regions["t"]
    assert two[0][:2] == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_a_short_pause_that_several_leave_stays_a_pause() -> None:
    marks = [(5.0, 6.0), (6.25, 8.0)]
    assert [region[:2] for region in agree(answers(marks, marks, marks), prior=PUNCTUAL).regions["t"]] == [
        (pytest.approx(start, abs=0.051), pytest.approx(end, abs=0.051)) for start, end in marks
    ]


def test_one_long_mark_over_two_short_ones_is_outvoted() -> None:
    marks = [(5.0, 6.0), (8.0, 9.5)]
    assert len(agree(answers(marks, marks, [(5.0, 9.5)]), prior=PUNCTUAL).regions["t"]) == 2


def test_a_steady_person_draws_an_edge_more_than_an_unsteady_one() -> None:
    steady, unsteady = (Person(0.75, 0.9, 0.0, 0.0, edge_jitter=jitter) for jitter in (0.05, 0.3))
    given = answers([(5.0, 7.0)], [(5.3, 7.3)])
    for first, second, near in ((steady, unsteady, 5.0), (unsteady, steady, 5.3)):
        closed = close_one(given, {"person 0": first, "person 1": second}, prior=PUNCTUAL)
        assert closed.regions[0].start == pytest.approx(near, abs=0.08)


def test_the_posterior_is_open_where_the_edge_is() -> None:
    posterior = agree(answers(*[[(5, 7)]] * 3), prior=PUNCTUAL).posterior["t"]
    assert 0.05 < posterior[98] < 0.5 < posterior[101] < 0.95, "50 ms either side of the edge"
    assert posterior[85] < 0.02 < 0.98 < posterior[120]


def test_most_events_of_a_noisy_crowd_are_found_to_a_fifth_of_a_second() -> None:
    truth, given = crowd(7, clips=60, people=40, n_answers=5)
    votes = {clip: from_frames(frames, 0.05) for clip, frames in majority(given).items()}
    assert pooled_event_f1(truth, agree(given).regions) > max(0.8, 1.5 * pooled_event_f1(truth, votes))


# -- lags


def test_a_lag_common_to_all_is_taken_off_by_the_prior() -> None:
    ((start, end, _),) = agree(answers(*[[(5.15, 7.15)]] * 3)).regions["t"]
    assert (start, end) == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_an_edge_at_the_border_of_the_clip_stays_there() -> None:
    ((start, end, _),) = agree(answers(*[[(0.0, 20.0)]] * 3)).regions["t"]
    assert (start, end) == (0.0, 20.0)


def test_people_are_told_apart_by_their_lags_and_the_mean_is_the_priors() -> None:
    lags = np.linspace(0, 0.3, 10)
    _, given = crowd(1, clips=300, people=10, spam=0.0, lag_of=lags)
    people = agree(given).people
    for edge in ("onset_lag", "offset_lag"):
        found = np.array([getattr(people[f"person {i}"], edge) for i in range(10)])
        assert found.mean() == pytest.approx(Prior().onset_lag, abs=0.02)
        assert found - found.mean() == pytest.approx(lags - lags.mean(), abs=0.05)


def test_gold_tasks_teach_the_lag_that_all_share() -> None:
    truth, given = crowd(2, clips=100, people=10, spam=0.0, lag_of=np.full(10, 0.4))
    gold: Truth = {clip: truth[clip] for clip in range(30)}
    people = agree(given, truth=gold).people
    assert np.mean([person.onset_lag for person in people.values()]) == pytest.approx(0.4, abs=0.05)


def test_a_gold_task_comes_back_as_it_was_given() -> None:
    found = agree(answers([], [(1, 2)]), truth={"t": [(5, 7)], "elsewhere": [(0, 1)]})
    assert found.regions == {"t": [(5, 7, 1.0)]}
    assert found.certainty == {"t": 1.0}
