"""Lineage both ways: from a model to the very marks, from a mark to the models that it changed, and the picture."""

import re
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Task
from hub.pages.lineage.picture import picture
from learner.models import Checkpoint
from learner.selectors.family import relations
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import main, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    """Of a campaign with a promoted child, a refused one, and a second promoted one."""
    boss = worlds.member(campaign, "boss", "owner")
    for name, verdict in (("one", "promoted"), ("bad", "refused"), ("two", "promoted")):
        rounds.judged(rounds.listening(campaign), boss, verdict, name)
    return worlds.signed_in(boss)


def named(name: str) -> Checkpoint:
    return Checkpoint.objects.get(hash__startswith=name)


def test_a_model_leads_to_the_marks_and_a_mark_to_the_models(owner: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(15):
        html = owner.get(f"/c/bleed/checkpoints/{named('bad').hash}/marks/").content.decode()
    page, first = main(html), Task.objects.get(round_number=1, start=0)
    assert "What round 2 froze: 4 regions in 4 clips." in page
    rows = re.findall(r"<tr><th.*?</tr>", html, re.DOTALL)[1:]
    assert "0 to 15 s" in rows[0] and "boss" in rows[0] and re.search(r"2\.00 to 4\.00", rows[0])
    assert [name in rows[0] for name in ("one00000", "bad00000", "two00000")] == [True, True, True]
    assert [name in rows[2] for name in ("one00000", "bad00000", "two00000")] == [False, True, True], "it came in round 2"
    song = text(owner, f"/c/bleed/tracks/{first.track_id}/")
    assert "one00000 , bad00000 , two00000" in song
    assert "it is a base" in text(owner, f"/c/bleed/checkpoints/{named('base').hash}/marks/")


def test_the_picture_shows_each_to_the_right_of_its_parent(campaign: Campaign, owner: Client) -> None:
    found = picture(relations(campaign), named("two"), named("bad"))
    assert found
    at = {box.checkpoint.short[:4]: (box.x, box.y) for box in found.boxes}
    assert at["base"][0] < at["one0"][0] < at["bad0"][0] == at["two0"][0]
    assert at["base"][1] == at["one0"][1] == at["two0"][1] < at["bad0"][1], "promoted ones stand in one line"
    assert [line.regions for line in found.lines] == [2, 4, 6]
    html = owner.get(f"/c/bleed/checkpoints/{named('bad').hash}/").content.decode()
    assert 'aria-label="Checkpoint two00000, round 3: promoted, current"' in html
    assert 'aria-label="Checkpoint bad00000, round 2: refused, this page" aria-current="page"' in html
    assert f'href="/c/bleed/checkpoints/{named("bad").hash}/marks/"' in html


def test_no_two_boxes_stand_in_one_place(campaign: Campaign) -> None:
    for name in "abc":
        worlds.ended_round(campaign, worlds.checkpoint(name, named("base")), "refused")
    found = picture(relations(campaign), None, named("a"))
    assert found and len({(box.x, box.y) for box in found.boxes}) == len(found.boxes) == 4


def test_a_campaign_without_children_has_no_picture(campaign: Campaign) -> None:
    assert picture(relations(campaign), None, named("base")) is None


def test_only_managers_see_who_marked_what(campaign: Campaign, owner: Client) -> None:
    somebody: Membership = worlds.member(campaign, "ann")
    assert worlds.signed_in(somebody).get(f"/c/bleed/checkpoints/{named('one').hash}/marks/").status_code == 403
    page = worlds.signed_in(somebody).get(f"/c/bleed/checkpoints/{named('one').hash}/").content.decode()
    assert "/marks/" not in page and "Hear it beside" not in page
