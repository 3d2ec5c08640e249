"""Simulated annotators: who they are."""

from annotation.models import Campaign
from annotation.services import create_campaign
from learner.people import invite_simulated


def habits(campaign: Campaign) -> list[tuple[str, object]]:
    return list(campaign.memberships.order_by("pk").values_list("pseudonym", "habits"))


def test_more_can_be_invited_later_and_are_the_same_as_all_at_once(db: None) -> None:
    twice, once = (create_campaign(name=slug, slug=slug) for slug in ("twice", "once"))
    invite_simulated(campaign=twice, n=2, seed=5)
    invite_simulated(campaign=twice, n=2, seed=5)
    invite_simulated(campaign=once, n=4, seed=5)
    assert len(habits(twice)) == 4 and habits(twice) == habits(once)
