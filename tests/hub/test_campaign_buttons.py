"""Who steers a campaign presses buttons: what they ask first, and what they do. Real rows."""

import pytest
from django.test import Client

from annotation import services as annotating
from annotation.models import Campaign, Membership, Task
from learner import selectors, services
from learner.models import Adaptation, Checkpoint, Round
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text
from tests.hub.rounds import answered, judged, listening


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def simulated(campaign: Campaign) -> Membership:
    return annotating.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")


class TestButtons:
    def test_while_paused_no_round_begins(self, campaign: Campaign, owner: Client) -> None:
        rounds.song(campaign)
        owner.post("/c/bleed/pause/")
        services.advance(campaign=campaign)
        assert not Round.objects.exists()
        assert "paused" in text(owner, "/c/bleed/")
        owner.post("/c/bleed/resume/")
        services.advance(campaign=campaign)
        assert Round.objects.count() == 1
        assert "you let the rounds go on" in text(owner, "/c/bleed/parts/history/")

    def test_buttons_want_a_post(self, owner: Client) -> None:
        assert owner.get("/c/bleed/pause/").status_code == 405

    def test_freezing_asks_first_and_then_queues_the_adaptation(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        listening(campaign)
        answered(Task.objects.all()[0], simulated, (1.0, 3.0))
        assert "1 of 2 answers are in" in text(owner, "/c/bleed/rounds/1/freeze/")
        assert Round.objects.get().state == "annotating"
        owner.post("/c/bleed/rounds/1/freeze/")
        assert Round.objects.get().state == "adapting"
        assert Adaptation.objects.get().job.state == "queued"
        again = owner.post("/c/bleed/rounds/1/freeze/", follow=True)
        assert "it was frozen before" in again.content.decode()

    def test_rolling_back_asks_first_and_then_the_parent_is_current(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        judged(listening(campaign), simulated, "promoted", "child1", sdr_median=3.0)
        child = Checkpoint.objects.get(hash__startswith="child1")
        assert f"roll-back/?seen={child.hash}" in owner.get("/c/bleed/parts/checkpoints/").content.decode()
        assert "uses its parent base0000 again" in text(owner, f"/c/bleed/roll-back/?seen={child.hash}")
        assert selectors.current_checkpoint(campaign) == child
        owner.post("/c/bleed/roll-back/", {"seen": child.hash})
        assert selectors.current_checkpoint(campaign) == child.parent

    def test_a_page_that_saw_another_checkpoint_rolls_nothing_back(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        judged(listening(campaign), simulated, "promoted", "child1", sdr_median=3.0)
        child = Checkpoint.objects.get(hash__startswith="child1")
        owner.post("/c/bleed/roll-back/", {"seen": child.hash})
        assert "not the one in use any more" in text(owner, f"/c/bleed/roll-back/?seen={child.hash}")
        late = owner.post("/c/bleed/roll-back/", {"seen": child.hash}, follow=True)
        assert "Another checkpoint became current meanwhile" in late.content.decode()
        assert selectors.current_checkpoint(campaign) == child.parent

    def test_the_base_has_nothing_to_roll_back_to(self, campaign: Campaign, owner: Client) -> None:
        base = Checkpoint.objects.get()
        assert "Roll back to" not in text(owner, "/c/bleed/")
        assert "nothing to roll back to" in text(owner, f"/c/bleed/roll-back/?seen={base.hash}")
        assert "nothing to roll back to" in owner.post("/c/bleed/roll-back/", {"seen": base.hash}, follow=True).content.decode()
