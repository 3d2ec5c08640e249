"""Answers become agreed regions and people's reliability."""

import random
from itertools import pairwise, product

import numpy as np
import pytest

from annotation.core.agreement import event_f1
from annotation.core.consensus import Person, Prior, agree, certainty, close_one, not_tie_breakers
from annotation.core.consensus.chain import Chain
from annotation.core.regions import BadRegion, from_frames, merge, to_frames

PUNCTUAL = Prior(onset_lag=0.0, offset_lag=0.0)  # a crowd without a common lag, so that edges can be checked by eye


def answers(*marks_of_each, task="t", duration=20.0):
    """Return one answer for each list of marks, by people 0, 1, …"""
    return [(task, f"person {i}", duration, marks) for i, marks in enumerate(marks_of_each)]


def crowd(seed, clips=30, people=20, n_answers=3, spam=0.25, lag_of=None):
    """Return (truth {clip: regions}, answers): clips of 30 s, people with their own sensitivity, lag and stray marks."""
    rng = np.random.default_rng(seed)
    spammer = rng.random(people) < spam
    sensitivity, stray = rng.beta(12, 3, people), rng.uniform(0, 0.75, people)
    lag, jitter = rng.uniform(0, 0.35, people), rng.uniform(0.05, 0.2, people)
    if lag_of is not None:
        lag = lag_of
    truth, given = {}, []
    for clip in range(clips):
        starts = rng.uniform(0, 26, rng.integers(1, 5))
        truth[clip] = [(start, start + length) for start, length in zip(starts, rng.uniform(0.6, 4, len(starts)), strict=True)]
        for person in rng.choice(people, n_answers, replace=False):
            if spammer[person]:
                block = rng.uniform(0, 25)
                marks = [[], [(0.0, 30.0)], [(block, block + 5)]][person % 3]
            else:
                marks = [tuple(edge + lag[person] + rng.normal(0, jitter[person]) for edge in region) for region in truth[clip]]
                marks = [mark for mark in marks if rng.random() < sensitivity[person]]
                marks += [(start, start + 0.7) for start in rng.uniform(0, 29, rng.poisson(stray[person]))]
                marks = [(max(0.0, start), min(30.0, end)) for start, end in marks if end > max(0.0, start)]
            given.append((clip, f"person {person}", 30.0, marks))
    return truth, given


def frame_f1(truth, found):
    """Return F1 over the frames of all clips; `found` is {clip: frames}."""
    true = np.concatenate([to_frames(truth[clip], 30.0, 0.05) for clip in truth])
    mine = np.concatenate([found[clip] for clip in truth])
    return 2 * (true & mine).sum() / (true.sum() + mine.sum())


def pooled_event_f1(truth, regions):
    """Return F1 over the events of all clips."""
    found = {clip: merge(regions[clip]) for clip in truth}
    n_right = sum(event_f1(truth[clip], found[clip]).recall * len(merge(truth[clip])) for clip in truth)
    return 2 * n_right / sum(len(merge(truth[clip])) + len(found[clip]) for clip in truth)


def majority(given):
    votes = {}
    for clip, _, duration, marks in given:
        votes.setdefault(clip, []).append(to_frames(marks, duration, 0.05))
    return {clip: np.mean(frames, axis=0) > 0.5 for clip, frames in votes.items()}


# -- three answers, a new campaign


@pytest.mark.parametrize("fitted", [True, False])
def test_two_of_three_strangers_outvote_the_third(fitted):
    def regions_of(*marks):
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


def test_a_short_region_that_all_mark_is_not_smoothed_away():
    assert len(agree(answers(*[[(5, 5.3)]] * 3), prior=PUNCTUAL).regions["t"]) == 1


def test_an_empty_answer_is_a_vote():
    alone = agree(answers([(5, 7)]))
    doubted = agree(answers([(5, 7)], []))
    assert doubted.posterior["t"].max() < alone.posterior["t"].max()


def test_an_unheard_stretch_is_no_vote():
    marked, empty = answers([(5, 7)], [])
    deaf = (*empty, [(10.0, 20.0)])
    alone = close_one([marked], {}).posterior
    assert close_one([marked, deaf], {}).posterior[:150] == pytest.approx(alone[:150], abs=0.02)
    assert close_one([marked, (*empty, None)], {}).posterior.max() < 0.9 < alone.max(), "without `heard` all was heard"


def test_a_mark_on_an_unheard_stretch_is_no_vote():
    (marked,) = answers([(5, 7)])
    assert close_one([(*marked, [(10.0, 20.0)])], {}).regions == []


def test_one_task_with_answers_of_nobody_who_heard_it_says_nothing():
    (empty,) = answers([])
    assert close_one([(*empty, [])], {}).needs_more


def test_who_heard_nothing_has_no_vote_and_no_say():
    (marked, empty) = answers([(5, 7)], [])
    alone, beside = agree([marked]), agree([marked, (*empty, [])])
    assert beside.regions["t"][0][:2] == alone.regions["t"][0][:2]
    assert beside.posterior["t"] == pytest.approx(alone.posterior["t"], abs=0.02)
    assert beside.people["person 1"].sensitivity == pytest.approx(Person.unknown(Prior()).sensitivity), "nothing was learned of them"


# -- edges


def test_edges_of_one_thing_lie_where_most_say():
    ((start, end, _),) = agree(answers([(4.9, 7.1)], [(5.0, 7.0)], [(5.1, 6.9)]), prior=PUNCTUAL).regions["t"]
    assert (start, end) == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_people_who_heard_nothing_there_do_not_draw_the_edges_in():
    two = agree(answers([(4.9, 7.1)], [(5.1, 6.9)], []), prior=PUNCTUAL).regions["t"]
    assert two[0][:2] == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_a_short_pause_that_several_leave_stays_a_pause():
    marks = [(5.0, 6.0), (6.25, 8.0)]
    assert [region[:2] for region in agree(answers(marks, marks, marks), prior=PUNCTUAL).regions["t"]] == [
        (pytest.approx(start, abs=0.051), pytest.approx(end, abs=0.051)) for start, end in marks
    ]


def test_one_long_mark_over_two_short_ones_is_outvoted():
    marks = [(5.0, 6.0), (8.0, 9.5)]
    assert len(agree(answers(marks, marks, [(5.0, 9.5)]), prior=PUNCTUAL).regions["t"]) == 2


def test_a_steady_person_draws_an_edge_more_than_an_unsteady_one():
    steady, unsteady = (Person(0.75, 0.9, 0.0, 0.0, edge_jitter=jitter) for jitter in (0.05, 0.3))
    given = answers([(5.0, 7.0)], [(5.3, 7.3)])
    for first, second, near in ((steady, unsteady, 5.0), (unsteady, steady, 5.3)):
        closed = close_one(given, {"person 0": first, "person 1": second}, prior=PUNCTUAL)
        assert closed.regions[0].start == pytest.approx(near, abs=0.08)


def test_the_posterior_is_open_where_the_edge_is():
    posterior = agree(answers(*[[(5, 7)]] * 3), prior=PUNCTUAL).posterior["t"]
    assert 0.05 < posterior[98] < 0.5 < posterior[101] < 0.95, "50 ms either side of the edge"
    assert posterior[85] < 0.02 < 0.98 < posterior[120]


def test_most_events_of_a_noisy_crowd_are_found_to_a_fifth_of_a_second():
    truth, given = crowd(7, clips=60, people=40, n_answers=5)
    votes = {clip: from_frames(frames, 0.05) for clip, frames in majority(given).items()}
    assert pooled_event_f1(truth, agree(given).regions) > max(0.8, 1.5 * pooled_event_f1(truth, votes))


# -- the chain


def test_the_chain_is_the_sum_over_all_ways_through_it():
    rng = np.random.default_rng(3)
    n_frames, n_tasks, stationary = 6, 2, 0.3
    off, on = rng.uniform(0.05, 0.5, (2, n_frames, n_tasks))  # chances of going off, and of coming on
    evidence = rng.normal(0, 2, (n_frames, n_tasks))
    found = Chain(np.ones((n_frames, n_tasks)), off, on, leave_on=0.1, leave_off=0.1 * stationary).smooth(evidence).sums()
    for task in range(n_tasks):
        expected, total = np.zeros(n_frames), 0.0
        for states in product((0, 1), repeat=n_frames):
            weight = (stationary if states[0] else 1) * np.exp(evidence[:, task] @ states)
            for i, (before, now) in enumerate(pairwise(states), start=1):
                change = (off if before else on)[i, task]
                weight *= change if before != now else 1 - change
            total, expected = total + weight, expected + weight * np.array(states)
        assert found[:, task] == pytest.approx(expected / total, abs=1e-9)


def test_a_stretch_of_equal_frames_is_as_good_as_its_frames_one_by_one():
    rng = np.random.default_rng(4)
    leave_on, leave_off = 0.05, 0.01
    length = np.array([[5.0, 1.0], [1.0, 40.0], [30.0, 2.0], [7.0, 0.0]])  # the second task ends sooner
    on_to_off, off_to_on = rng.uniform(0.05, 0.5, (2, *length.shape))
    evidence = np.array([[-3.0, 1.0], [30.0, -30.0], [-0.2, 0.3], [0.0, 0.0]])
    whole = Chain(length, on_to_off, off_to_on, leave_on, leave_off).smooth(evidence).sums()
    for task in range(2):
        n = length[:, task].astype(int)
        first = np.cumsum(n)[n > 0] - n[n > 0]
        off, on = np.full((n.sum(), 1), leave_on), np.full((n.sum(), 1), leave_off)
        off[first, 0], on[first, 0] = on_to_off[n > 0, task], off_to_on[n > 0, task]
        single = Chain(np.ones((n.sum(), 1)), off, on, leave_on, leave_off).smooth(np.repeat(evidence[:, task], n)[:, None]).sums()
        assert whole[n > 0, task] == pytest.approx(np.add.reduceat(single[:, 0], first), abs=1e-9)
        assert (whole[n == 0, task] == 0).all()


# -- lags


def test_a_lag_common_to_all_is_taken_off_by_the_prior():
    ((start, end, _),) = agree(answers(*[[(5.15, 7.15)]] * 3)).regions["t"]
    assert (start, end) == (pytest.approx(5, abs=0.051), pytest.approx(7, abs=0.051))


def test_an_edge_at_the_border_of_the_clip_stays_there():
    ((start, end, _),) = agree(answers(*[[(0.0, 20.0)]] * 3)).regions["t"]
    assert (start, end) == (0.0, 20.0)


def test_people_are_told_apart_by_their_lags_and_the_mean_is_the_priors():
    lags = np.linspace(0, 0.3, 10)
    _, given = crowd(1, clips=300, people=10, spam=0.0, lag_of=lags)
    people = agree(given).people
    for edge in ("onset_lag", "offset_lag"):
        found = np.array([getattr(people[f"person {i}"], edge) for i in range(10)])
        assert found.mean() == pytest.approx(Prior().onset_lag, abs=0.02)
        assert found - found.mean() == pytest.approx(lags - lags.mean(), abs=0.05)


def test_gold_tasks_teach_the_lag_that_all_share():
    truth, given = crowd(2, clips=100, people=10, spam=0.0, lag_of=np.full(10, 0.4))
    gold = {clip: truth[clip] for clip in range(30)}
    people = agree(given, truth=gold).people
    assert np.mean([person.onset_lag for person in people.values()]) == pytest.approx(0.4, abs=0.05)


def test_a_gold_task_comes_back_as_it_was_given():
    found = agree(answers([], [(1, 2)]), truth={"t": [(5, 7)], "elsewhere": [(0, 1)]})
    assert found.regions == {"t": [(5, 7, 1.0)]}
    assert found.certainty == {"t": 1.0}


# -- reliability


def test_spammers_are_found_out():
    truth, given = crowd(3, clips=60, people=20, n_answers=5, spam=0.0)
    spam = [(clip, who, 30.0, marks) for clip in truth for who, marks in (("nothing", []), ("everything", [(0.0, 30.0)]))]
    people = agree(given + spam).people
    assert people["nothing"].sensitivity < 0.2
    assert people["everything"].specificity < 0.2
    honest = [person for who, person in people.items() if who.startswith("person")]
    assert min(person.sensitivity for person in honest) > 0.4
    assert min(person.specificity for person in honest) > 0.85
    assert max(people["nothing"].reliability, people["everything"].reliability) < 0.2 < min(person.reliability for person in honest)
    assert people["nothing"].n_answers == 60


def test_rates_and_lags_are_recovered_and_mostly_inside_their_intervals():
    truth, given = crowd(4, clips=200, people=10, n_answers=5, spam=0.0, lag_of=np.linspace(0, 0.3, 10))
    people = agree(given, truth={clip: truth[clip] for clip in range(40)}).people
    inside = 0
    for i in range(10):
        person, lag = people[f"person {i}"], i / 30
        true, mine = [], []
        for clip, name, _, marks in given:
            if name == f"person {i}":
                true.append(to_frames(truth[clip], 30.0, 0.05))
                mine.append(to_frames([(start - lag, end - lag) for start, end in marks], 30.0, 0.05))
        true, mine = np.concatenate(true), np.concatenate(mine)
        sensitivity, specificity = mine[true].mean(), 1 - mine[~true].mean()
        assert person.sensitivity == pytest.approx(sensitivity, abs=0.05)
        assert person.specificity == pytest.approx(specificity, abs=0.05)
        assert (person.onset_lag + person.offset_lag) / 2 == pytest.approx(lag, abs=0.05)
        inside += person.sensitivity_interval[0] <= sensitivity <= person.sensitivity_interval[1]
    assert inside >= 7


def test_more_answers_narrow_what_is_known_of_a_person():
    _, given = crowd(4, clips=80, people=10, n_answers=5, spam=0.0)
    few, many = (agree(part).people["person 3"].sensitivity_interval for part in (given[:50], given))
    assert 0 <= many[0] < many[1] <= 1
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(("n_answers", "at_least"), [(3, 0.85), (5, 0.91)])
def test_our_consensus_beats_the_majority(n_answers, at_least):
    truth, given = crowd(7, clips=60, people=40, n_answers=n_answers)
    ours = frame_f1(truth, {clip: posterior > 0.5 for clip, posterior in agree(given).posterior.items()})
    assert ours > frame_f1(truth, majority(given)) + 0.04
    assert ours > at_least


def test_closing_one_task_by_the_stored_fit_agrees_with_the_fit():
    truth, given = crowd(5)
    fitted = agree(given)
    closed = {clip: close_one([answer for answer in given if answer[0] == clip], fitted.people).posterior > 0.5 for clip in truth}
    assert frame_f1(truth, closed) == pytest.approx(frame_f1(truth, {c: p > 0.5 for c, p in fitted.posterior.items()}), abs=0.01)


def test_a_reliable_person_outweighs_a_stranger():
    reliable = {"person 0": Person(0.95, 0.99, 0.0, 0.0, 50), "person 1": Person(0.05, 0.95, 0.0, 0.0, 50)}
    assert close_one(answers([(5, 7)], []), reliable, prior=PUNCTUAL).regions[0][:2] == (
        pytest.approx(5, abs=0.1),
        pytest.approx(7, abs=0.1),
    )


def test_who_is_clearly_less_reliable_than_half_of_the_crowd_settles_nothing():
    def crowd_of(*sensitivities):
        return {i: Person(sensitivity, 0.95, 0.1, 0.1) for i, sensitivity in enumerate(sensitivities)}

    assert not_tie_breakers(crowd_of(0.9, 0.8, 0.8, 0.1)) == {3}
    assert not_tie_breakers(crowd_of(0.5, 0.45, 0.45, 0.05)) == {3}, "where bleed is hard to hear, all find less"
    assert not_tie_breakers(crowd_of(0.8, 0.79, 0.8)) == set()
    assert not_tie_breakers({}) == set()


def test_closing_says_whether_everybody_was_known():
    marks = answers([(5, 7)], [(5, 7)])
    known = {f"person {i}": Person(0.8, 0.95, 0.1, 0.1) for i in range(2)}
    assert close_one(marks, known).all_known
    assert not close_one(marks, {"person 0": known["person 0"]}).all_known


# -- certainty


def test_agreement_is_certain_and_disagreement_asks_one_more():
    assert not close_one(answers([(5, 7)], [(5, 7)], [(5, 7)]), {}).needs_more
    assert not close_one(answers([], [], []), {}).needs_more
    torn = close_one(answers([(5, 9)], [(5, 9)], [], [], []), {})
    assert torn.needs_more
    assert torn.certainty < close_one(answers(*[[(5, 9)]] * 5), {}).certainty


def test_certainty_is_the_frame_f1_to_be_expected():
    assert certainty(np.array([1.0, 1.0, 0.0]), frame=1.0) == 1.0
    assert certainty(np.array([0.8, 0.0]), frame=1.0) == pytest.approx((2 * 0.8 + 1) / (1 + 0.8 + 1))
    assert certainty(np.zeros(5), frame=1.0) == 1.0


def test_the_posterior_means_what_it_says():
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


def the_bytes(agreement):
    return repr((agreement.regions, agreement.people, agreement.certainty)), [p.tobytes() for p in agreement.posterior.values()]


def test_the_order_of_answers_marks_and_gold_changes_nothing():
    truth, given = crowd(11, clips=12, people=9)
    gold = {clip: truth[clip] for clip in (3, 7)}
    expected = the_bytes(agree(given, truth=gold))
    shuffled = random.Random(1)
    for _ in range(3):
        again = [(clip, person, duration, shuffled.sample(marks, len(marks))) for clip, person, duration, marks in given]
        shuffled.shuffle(again)
        assert the_bytes(agree(again, truth=dict(reversed(gold.items())))) == expected


def test_answers_are_left_as_they_were():
    given = answers([(7, 8), (1, 2)])
    agree(given)
    assert given == answers([(7, 8), (1, 2)])


def test_tasks_may_differ_in_length_and_frames_cover_each():
    found = agree(answers([(1, 2)], task="short", duration=10.0) + answers([(1, 2)], task="long", duration=30.02))
    assert {task: len(posterior) for task, posterior in found.posterior.items()} == {"long": 601, "short": 200}
    assert all(((posterior >= 0) & (posterior <= 1)).all() for posterior in found.posterior.values())


def test_a_longer_task_beside_it_does_not_change_a_task():
    alone = close_one(answers([(8, 10)], [(8, 10)], duration=10.0), {}).posterior
    beside = agree([*answers([(8, 10)], [(8, 10)], duration=10.0), ("other", "stranger", 30.0, [])]).posterior["t"]
    assert (alone > 0.5).tolist() == (beside > 0.5).tolist()


def test_no_answers_agree_on_nothing():
    assert agree([]).regions == {}


def test_plain_numbers_come_back_for_storage():
    found = agree(answers([(5, 7)], [(5, 7)]))
    assert {type(value) for value in found.regions["t"][0]} == {float}
    assert type(found.people["person 0"].sensitivity) is float
    assert type(found.certainty["t"]) is float


def test_what_is_no_answer_is_refused():
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
