"""What choosing gained, from rows."""

import math
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from annotation.models import Campaign, Consensus, Membership, Task
from learner import selectors
from learner.models import Round
from learner.selectors import Turn
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(min_overlap=1, max_overlap=1)


@pytest.fixture
def person(campaign: Campaign) -> Membership:
    return worlds.people(campaign, 1)[0]


def answered(person: Membership, number: int, *marked: float, **about: object) -> None:
    """Clips of 15 s of a new song in round `number`, with so many seconds marked in each."""
    song = worlds.track(person.campaign, f"{number} {about}")
    clips = [worlds.clip(song, 15.0 * n, **about) for n in range(len(marked))]  # type: ignore[arg-type]
    for task, seconds in zip(worlds.opened(clips, round_number=number), marked, strict=True):
        worlds.answer(task, person, *([(task.start + 2, task.start + 2 + seconds)] if seconds else []))
        worlds.agreed(task)


def test_chosen_clips_are_held_against_those_drawn_at_random_round_by_round(
    campaign: Campaign, person: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    answered(person, 1, 6, 6, strategy="uncertainty")
    answered(person, 1, 3, 3, arm="random", chance=0.25, strategy="uncertainty")
    answered(person, 2, 8, strategy="expected")
    answered(person, 2, 0, arm="random", chance=0.5, strategy="expected")
    with django_assert_num_queries(2):
        found = selectors.choices(campaign)
    first, second = found.rounds
    assert (first.number, first.strategies, second.strategies) == (1, ["uncertainty"], ["expected"])
    assert first.gain.chosen.value == pytest.approx(24, abs=0.5) and first.gain.control.value == pytest.approx(12, abs=0.5)
    assert first.gain.saved == pytest.approx(0.5, abs=0.05)
    assert second.gain.saved is None and second.gain.control.value == 0
    assert (found.whole.gain.chosen.n, found.whole.gain.control.n) == (3, 3)
    assert found.chosen.minutes == [0, 0.5, 0.75] and found.chosen.seconds == pytest.approx([0, 12, 20], abs=0.6)
    assert found.control.minutes == [0, 0.5, 0.75] and found.control.seconds == pytest.approx([0, 6, 6], abs=0.6)


def test_only_what_people_agreed_on_counts_and_nothing_that_is_kept_apart(campaign: Campaign, person: Membership) -> None:
    answered(person, 1, 4, arm="random", kept_apart=True)
    worlds.task(campaign, start=600.0)
    found = selectors.choices(campaign)
    assert found.rounds == [] and found.whole.gain.chosen.value is None
    assert found.chosen.minutes == [0]


def test_a_later_consensus_takes_the_place_of_the_earlier(campaign: Campaign, person: Membership) -> None:
    answered(person, 1, 6)
    task = Task.objects.get()
    latest = task.consensuses.latest("version")
    task.consensuses.create(version=latest.version + 1, method=latest.method, certainty=1.0, parameters={})
    assert selectors.choices(campaign).whole.gain.chosen.found == 0


def turn(choosing: Any) -> Turn:
    """A round that kept this of its choosing."""
    return Turn(Round(number=3, choosing=choosing), None, None)


def test_how_well_leak_was_foretold_is_read_from_what_the_round_kept() -> None:
    kept = {"quality": {"n": 14, "spearman": 0.61, "auroc": 0.9, "expected": 2.0, "found": 2.4, "better": 0.97}, "words": "On 14 clips …"}
    assert selectors.foretold([turn(kept)]) == [selectors.Foretold(3, 14, 0.61, 0.9, 2.0, 2.4, "On 14 clips …")]


@pytest.mark.parametrize(
    "kept", [None, {}, [], {"quality": None}, {"quality": {"spearman": 1}}, {"quality": {"n": "many"}}, {"quality": {"n": 0}}]
)
def test_a_round_that_kept_nothing_of_it_says_nothing(kept: Any) -> None:
    assert selectors.foretold([turn(kept)]) == []


def test_a_figure_that_does_not_exist_is_none() -> None:
    (found,) = selectors.foretold([turn({"quality": {"n": 2, "spearman": None, "auroc": math.nan}})])
    assert (found.n, found.spearman, found.auroc, found.expected, found.words) == (2, None, None, None, "")


def test_a_campaign_may_be_set_to_every_strategy_that_there_is() -> None:
    from learner.core.choosing.strategies import BY_NAME

    assert set(Campaign.Choosing.values) == set(BY_NAME)


def test_many_clips_are_added_up_by_the_database_as_few_are_one_by_one(
    campaign: Campaign, person: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(person, 1, 6, 4, 0, strategy="uncertainty")
    answered(person, 1, 3, 0, 1, arm="random", chance=0.25, strategy="uncertainty")
    answered(person, 2, 8, strategy="expected")
    few = selectors.choices(campaign)
    monkeypatch.setattr("learner.selectors.choosing.MANY", 0)
    many = selectors.choices(campaign)
    for one, other in zip([*few.rounds, few.whole], [*many.rounds, many.whole], strict=True):
        assert one.strategies == other.strategies and other.gain.saved == (one.gain.saved and pytest.approx(one.gain.saved))
        for arm in ("chosen", "control"):
            ours, theirs = getattr(one.gain, arm), getattr(other.gain, arm)
            assert (ours.n, ours.value) == (theirs.n, theirs.value and pytest.approx(theirs.value))


def test_the_seconds_of_a_consensus_are_those_of_its_regions(campaign: Campaign, person: Membership) -> None:
    answered(person, 1, 6, 0)
    for consensus in Consensus.objects.prefetch_related("regions"):
        assert consensus.seconds == pytest.approx(sum(one.end - one.start for one in consensus.regions.all()))
    assert sorted(round(one.seconds) for one in Consensus.objects.all()) == [0, 6]
