"""A round's least valuable new clips give way to one more opinion on disputed ones, where that is worth more."""

import pytest

from annotation import services as annotating
from annotation.models import Campaign, Task
from learner import services
from learner.models import Round
from learner.work import opinions
from learner.work.foretelling import EXPECTED
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Two people have disagreed on two clips, and a third waits."""
    campaign = worlds.with_model(worlds.campaign(sound_as_witness=False), worlds.checkpoint("a"))
    people = worlds.people(campaign, 3)
    for task in worlds.tasks(campaign, 2):
        worlds.answer(task, people[0], (task.start + 2, task.start + 8))
        worlds.answer(task, people[1])
        assert worlds.agreed(task).state == Task.State.CLOSED
    return campaign


def new(campaign: Campaign, *expected: float, **about: object) -> list[annotating.Clip]:
    track = present(campaign.tracks.first())
    return [worlds.clip(track, 300 + 15 * n, **({"strategy": "expected", "parts": {EXPECTED: s}} | about)) for n, s in enumerate(expected)]  # type: ignore[arg-type]


def test_the_least_valuable_gives_way_to_as_many_opinions_as_it_has_people(campaign: Campaign) -> None:
    clips = new(campaign, 6.0, 0.01, 7.0)
    kept, again = opinions.instead(campaign, clips)
    assert kept == [clips[0], clips[2]]
    assert set(present(again).worth) == set(Task.objects.values_list("pk", flat=True))
    assert min(present(again).worth.values()) > present(again).instead > 0


@pytest.mark.parametrize("why", ["worth more", "switched off", "control", "for the gate", "not foretold", "nothing heard"])
def test_new_clips_stay_otherwise(campaign: Campaign, why: str) -> None:
    clips = new(campaign, 0.01, 0.01)
    if why == "worth more":
        clips = new(campaign, 9.0, 9.0)
    elif why == "switched off":
        Campaign.objects.update(asks_again=False)
    elif why == "control":
        clips = new(campaign, 0.01, 0.01, arm=Task.Arm.RANDOM)
    elif why == "for the gate":
        clips = new(campaign, 0.01, 0.01, kept_apart=True)
    elif why == "not foretold":
        clips = new(campaign, 0.01, 0.01, strategy="leak-aware")
    else:
        Task.objects.update(state=Task.State.WITHDRAWN)
    assert opinions.instead(Campaign.objects.get(), clips) == (clips, None)


def test_a_round_waits_for_the_opinions_that_it_asked_for(campaign: Campaign) -> None:
    round_ = present(services.start_round(campaign=campaign))
    Round.objects.filter(pk=round_.pk).update(state=Round.State.ANNOTATING, number=2)
    task = present(Task.objects.order_by("pk").first())
    annotating.ask_once_more(campaign=campaign, round_number=2, worth={task.pk: 1.0}, instead=0.5)
    services.advance(campaign=campaign)
    assert Round.objects.get().state == Round.State.ANNOTATING
    worlds.answer(task, campaign.memberships.get(pseudonym="p2"), (2.0, 8.0))
    Task.objects.update(state=Task.State.CLOSED)
    services.advance(campaign=campaign)
    assert Round.objects.get().state != Round.State.ANNOTATING
