"""The sentence on top: what rounds brought, whether promoted, refused, empty or rolled back."""

from __future__ import annotations

import pytest
from django.utils.timezone import now

from annotation.models import Campaign, Membership
from hub.pages import improvement
from learner import selectors, services
from learner.models import Checkpoint, Evaluation, Round
from tests import worlds
from tests.hub import rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    campaign = rounds.campaign()
    measured(Checkpoint.objects.get(), leak=10.0, voice=-1.0, source=6.0)
    return campaign


@pytest.fixture
def sim(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "sim")


@pytest.fixture
def boss(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "owner")


def measured(checkpoint: Checkpoint, *, leak: float, voice: float, source: float) -> None:
    campaign = Campaign.objects.get()
    rounds.figures(campaign, checkpoint, false_positive_seconds_per_minute=leak, voice_kept_db=voice)
    Evaluation.objects.create(
        campaign=campaign, use="test", domain="source", metric="sdr_median", value=source, n_songs=3, checkpoint=checkpoint
    )


def judged(campaign: Campaign, by: Membership, verdict: str, name: str, *, leak: float, voice: float = -1.0, source: float = 6.0) -> None:
    adaptation = rounds.judged(rounds.listening(campaign), by, verdict, name)
    assert adaptation.child
    measured(adaptation.child, leak=leak, voice=voice, source=source)


def said(campaign: Campaign) -> str:
    current = selectors.current_checkpoint(campaign)
    return improvement.in_words(selectors.history(campaign), selectors.figures(campaign), current, "voice")


def test_before_the_first_round_there_is_nothing_to_say(campaign: Campaign) -> None:
    assert said(campaign) == ""


def test_a_promoted_round_says_what_it_took_away_and_what_that_cost(campaign: Campaign, sim: Membership) -> None:
    judged(campaign, sim, "promoted", "child1", leak=8.2)
    assert said(campaign) == (
        "Round 1 took 18 % of the false positives away; the voice lost nothing; source songs lost nothing. "
        "Since the base, false positives went from 10.0 to 8.2 s a minute; the voice lost nothing; source songs lost nothing."
    )


def test_where_something_was_lost_it_says_how_much(campaign: Campaign, sim: Membership) -> None:
    judged(campaign, sim, "promoted", "child1", leak=8.0, voice=-1.5, source=5.8)
    assert "; the voice lost 0.5 dB; source songs lost 0.2 dB." in said(campaign)


def test_refused_and_empty_rounds_changed_nothing(campaign: Campaign, sim: Membership) -> None:
    judged(campaign, sim, "refused", "child1", leak=9.9)
    assert said(campaign) == "Round 1 changed nothing."
    Round.objects.filter(pk=rounds.listening(campaign).pk).update(state=Round.State.EMPTY, finished=now())
    assert said(campaign) == "Rounds 1 and 2 changed nothing."


def test_what_came_before_the_last_promoted_round_is_not_told(campaign: Campaign, sim: Membership) -> None:
    judged(campaign, sim, "refused", "child1", leak=9.9)
    judged(campaign, sim, "promoted", "child2", leak=5.0)
    judged(campaign, sim, "refused", "child3", leak=5.0)
    assert said(campaign).startswith("Round 2 took 50 % of the false positives away; ")
    assert "source songs lost nothing. Round 3 changed nothing. Since the base," in said(campaign)


def test_a_round_that_was_rolled_back_is_not_sold_as_a_gain(campaign: Campaign, sim: Membership, boss: Membership) -> None:
    judged(campaign, sim, "promoted", "child1", leak=5.0)
    child = selectors.current_checkpoint(campaign)
    assert child
    services.roll_back(campaign=campaign, seen=child, who=boss)
    assert said(campaign) == (
        "Round 1 took 50 % of the false positives away; the voice lost nothing; source songs lost nothing; "
        "it was rolled back since: base0000 is in use again."
    )


def test_a_refused_child_that_was_chosen_by_hand_is_in_use(campaign: Campaign, sim: Membership, boss: Membership) -> None:
    judged(campaign, sim, "promoted", "child1", leak=5.0)
    judged(campaign, sim, "refused", "child2", leak=4.0)
    child, other = selectors.current_checkpoint(campaign), Checkpoint.objects.get(hash__startswith="child2")
    assert child
    services.choose_checkpoint(campaign=campaign, checkpoint=other, seen=child, who=boss, reason="it sounds better")
    assert "child200 is in use by now. Round 2 changed nothing." in said(campaign)
    assert "went from 10.0 to 4.0 s a minute" in said(campaign)


def test_without_test_songs_it_says_only_which_child_is_in_use(sim: Membership, campaign: Campaign) -> None:
    Evaluation.objects.all().delete()
    rounds.judged(rounds.listening(campaign), sim, "promoted", "child1")
    assert said(campaign) == ""
