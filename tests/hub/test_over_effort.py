"""Figures over what rounds took of people's minutes, and of money."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Link, Participation
from annotation.selectors.effort import effort
from annotation.services import crowd_links
from learner.models import Checkpoint
from tests import worlds
from tests.hub import reading, rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Two rounds of two clips of 15 s; in the second whoever answers comes by a link that pays."""
    campaign = rounds.campaign()
    rounds.figures(campaign, Checkpoint.objects.get(), false_positive_seconds_per_minute=10.0)
    rounds.judged(rounds.listening(campaign), worlds.member(campaign, "ann"), "promoted", "child1", false_positive_seconds_per_minute=7.0)
    boss = worlds.member(campaign, "boss", "owner")
    link = crowd_links.create_link(campaign=campaign, who=boss, kind="invitation", pay_per_task=Decimal("0.25"), currency="EUR")
    guest = crowd_links.join_by_invitation(link=link, user=worlds.user("guest"))
    rounds.judged(rounds.listening(campaign), guest, "promoted", "child2", false_positive_seconds_per_minute=6.0)
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.signed_in(worlds.user("boss"))


def drawn(client: Client, axis: str) -> dict[str, Any]:
    page = client.get(f"/c/bleed/over-effort/?axis={axis}").content.decode()
    chart = re.search(r'<script id="chart-leak-target" type="application/json">(.*?)</script>', page)
    assert chart
    found: dict[str, Any] = json.loads(chart[1])
    return found


def test_figures_stand_over_the_minutes_answered_so_far(owner: Client) -> None:
    assert (drawn(owner, "minutes")["x"], drawn(owner, "minutes")["x_label"]) == ([0, 0.5, 1.0], "minutes of clips answered")


def test_and_over_what_answers_are_worth(owner: Client) -> None:
    assert (drawn(owner, "money")["x"], drawn(owner, "money")["x_label"]) == ([0, 0.0, 0.5], "pay (EUR)")


def test_what_the_payout_does_not_pay_is_no_cost(campaign: Campaign) -> None:
    Participation.objects.update(state=Participation.State.REJECTED)
    assert effort(campaign).money_until(2) == 0.0


def test_without_pay_or_in_two_currencies_there_is_no_money_to_add_up(campaign: Campaign, owner: Client) -> None:
    crowd_links.create_link(
        campaign=campaign, who=campaign.memberships.get(user__username="boss"), kind="invitation", pay_per_task=Decimal(1), currency="GBP"
    )
    assert drawn(owner, "money")["x_label"] == "minutes of clips answered"
    Link.objects.update(pay_per_task=None)
    assert effort(campaign).currency == ""


def test_what_it_cost_stands_on_top(owner: Client) -> None:
    said = reading.text(owner, "/c/bleed/over-effort/")
    assert re.search(r"So far: 1 minutes? of clips answered, 0\.50 EUR of pay for them, and \d+ minutes? of jobs of the machine\.", said)
