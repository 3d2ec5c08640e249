"""People's reliability, and whose word settles nothing."""

import numpy as np
import pytest

from annotation.core.consensus import Person, agree, close_one, not_tie_breakers
from annotation.core.consensus.answers import Key
from annotation.core.regions import to_frames
from tests.annotation.core.crowds import PUNCTUAL, Answer, answers, crowd, frame_f1, majority


def test_spammers_are_found_out() -> None:
    truth, given = crowd(3, clips=60, people=20, n_answers=5, spam=0.0)
    spam: list[Answer] = [(clip, who, 30.0, marks) for clip in truth for who, marks in (("nothing", []), ("everything", [(0.0, 30.0)]))]
    people = agree(given + spam).people
    assert people["nothing"].sensitivity < 0.2
    assert people["everything"].specificity < 0.2
    honest = [person for who, person in people.items() if str(who).startswith("person")]
    assert min(person.sensitivity for person in honest) > 0.4
    assert min(person.specificity for person in honest) > 0.85
    assert max(people["nothing"].reliability, people["everything"].reliability) < 0.2 < min(person.reliability for person in honest)
    assert people["nothing"].n_answers == 60


def test_rates_and_lags_are_recovered_and_mostly_inside_their_intervals() -> None:
    truth, given = crowd(4, clips=200, people=10, n_answers=5, spam=0.0, lag_of=np.linspace(0, 0.3, 10))
    people = agree(given, truth={clip: truth[clip] for clip in range(40)}).people
    inside = 0
    for i in range(10):
        person, lag = people[f"person {i}"], i / 30
        trues, mines = [], []
        for clip, name, _, marks in given:
            if name == f"person {i}":
                trues.append(to_frames(truth[clip], 30.0, 0.05))
                mines.append(to_frames([(start - lag, end - lag) for start, end in marks], 30.0, 0.05))
        true, mine = np.concatenate(trues), np.concatenate(mines)
        sensitivity, specificity = mine[true].mean(), 1 - mine[~true].mean()
        assert person.sensitivity == pytest.approx(sensitivity, abs=0.05)
        assert person.specificity == pytest.approx(specificity, abs=0.05)
        assert (person.onset_lag + person.offset_lag) / 2 == pytest.approx(lag, abs=0.05)
        inside += person.sensitivity_interval[0] <= sensitivity <= person.sensitivity_interval[1]
    assert inside >= 7


def test_more_answers_narrow_what_is_known_of_a_person() -> None:
    _, given = crowd(4, clips=80, people=10, n_answers=5, spam=0.0)
    few, many = (agree(part).people["person 3"].sensitivity_interval for part in (given[:50], given))
    assert 0 <= many[0] < many[1] <= 1
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(("n_answers", "at_least"), [(3, 0.85), (5, 0.91)])
def test_our_consensus_beats_the_majority(n_answers: int, at_least: float) -> None:
    truth, given = crowd(7, clips=60, people=40, n_answers=n_answers)
    ours = frame_f1(truth, {clip: posterior > 0.5 for clip, posterior in agree(given).posterior.items()})
    assert ours > frame_f1(truth, majority(given)) + 0.04
    assert ours > at_least


def test_closing_one_task_by_the_stored_fit_agrees_with_the_fit() -> None:
    truth, given = crowd(5)
    fitted = agree(given)
    closed = {clip: close_one([answer for answer in given if answer[0] == clip], fitted.people).posterior > 0.5 for clip in truth}
    assert frame_f1(truth, closed) == pytest.approx(frame_f1(truth, {c: p > 0.5 for c, p in fitted.posterior.items()}), abs=0.01)


def test_a_reliable_person_outweighs_a_stranger() -> None:
    reliable: dict[Key, Person] = {"person 0": Person(0.95, 0.99, 0.0, 0.0, 50), "person 1": Person(0.05, 0.95, 0.0, 0.0, 50)}
    assert close_one(answers([(5, 7)], []), reliable, prior=PUNCTUAL).regions[0][:2] == (
        pytest.approx(5, abs=0.1),
        pytest.approx(7, abs=0.1),
    )


def test_who_is_clearly_less_reliable_than_half_of_the_crowd_settles_nothing() -> None:
    def crowd_of(*sensitivities: float) -> dict[Key, Person]:
        return {i: Person(sensitivity, 0.95, 0.1, 0.1) for i, sensitivity in enumerate(sensitivities)}

    assert not_tie_breakers(crowd_of(0.9, 0.8, 0.8, 0.1)) == {3}
    assert not_tie_breakers(crowd_of(0.5, 0.45, 0.45, 0.05)) == {3}, "where bleed is hard to hear, all find less"
    assert not_tie_breakers(crowd_of(0.8, 0.79, 0.8)) == set()
    assert not_tie_breakers({}) == set()


def test_closing_says_whether_everybody_was_known() -> None:
    marks = answers([(5, 7)], [(5, 7)])
    known: dict[Key, Person] = {f"person {i}": Person(0.8, 0.95, 0.1, 0.1) for i in range(2)}
    assert close_one(marks, known).all_known
    assert not close_one(marks, {"person 0": known["person 0"]}).all_known
