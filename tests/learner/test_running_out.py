"""A pool in which nothing is left to hear: said when it is so, and undone. Real rows."""

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation import services as annotating
from annotation.models import Campaign
from learner import services
from learner.models import Round
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    campaign = rounds.campaign()
    rounds.scoring(campaign)
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def run_out(**left: int) -> None:
    Round.objects.update(state=Round.State.EXHAUSTED, finished=now(), choosing=left)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ({"left": 0, "left_apart": 0}, "Everything in the pool was heard. The campaign is done, unless"),
        ({}, "Everything in the pool was heard."),
        ({"left": 0, "left_apart": 5}, "5 clips of songs kept apart for the gate are not heard yet: rounds have such clips from 3 clips"),
        ({"left": 3, "left_apart": 0}, "3 clips are not heard yet, and none could be used: look at the songs set aside"),
    ],
)
def test_it_is_done_where_everything_was_heard_and_not_before(owner: Client, left: dict[str, int], said: str) -> None:
    run_out(**left)
    page = text(owner, "/c/bleed/")
    assert said in page
    assert ("is done" in page) is (sum(left.values()) == 0)


def test_a_click_lets_it_look_again(campaign: Campaign, owner: Client) -> None:
    run_out()
    assert services.next_round_of(campaign) is None
    assert "Look for clips again" in text(owner, "/c/bleed/")
    assert "It looks for clips again" in owner.post("/c/bleed/resume/", follow=True).content.decode()
    assert services.next_round_of(campaign) == 2


@pytest.mark.parametrize(("rule", "looks"), [("clip_seconds", True), ("clips_per_round", True), ("certainty", False)])
def test_so_does_a_rule_of_what_is_heard(campaign: Campaign, rule: str, looks: bool) -> None:
    boss = worlds.member(campaign, "boss", "owner")
    run_out()
    annotating.change_campaign(campaign=campaign, changes={rule: 12 if looks else 0.8}, who=boss)
    campaign.refresh_from_db()
    assert (services.next_round_of(campaign) == 2) is looks


def test_nothing_to_look_for_again_while_a_round_is_under_way(campaign: Campaign) -> None:
    assert not services.look_again(campaign=campaign)
