"""The study designer: from a new campaign and from the settings of one that runs, by what that one knows of its people."""

import json
import re

import pytest
from django.test import Client

from annotation.models import Campaign, Reliability
from annotation.selectors.study import known
from hub.accounts.models import User
from tests import worlds
from tests.hub.reading import text


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("c", clip_seconds=20.0, clips_per_round=10)


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "boss", "owner")


def fit(campaign: Campaign, *people: tuple[float, float]) -> None:
    for member, (sensitivity, specificity) in zip(worlds.people(campaign, len(people)), people, strict=True):
        Reliability.objects.create(
            membership=member, sensitivity=sensitivity, specificity=specificity, onset_lag=0.1, offset_lag=0.1, n_tasks=9
        )


def test_it_says_at_once_how_much_it_takes_and_fills_a_new_campaign_in(db: None) -> None:
    admin = worlds.signed_in(User.objects.create_superuser("head"))
    assert "/campaigns/study/" in admin.get("/campaigns/new/").content.decode()
    page = admin.get("/campaigns/study/?f1=0.8&pay=12&minutes=3").content.decode()
    said = text(admin, "/campaigns/study/?f1=0.8&pay=12&minutes=3")
    assert re.search(r"\d answers? to each of \d+ clips: \d+ minutes of people's time, \d+ people, [\d.]+ in pay", said)
    address = re.findall(r'id="use" href="([^"]+)"', page)[0].replace("&amp;", "&")
    form = admin.get(address)
    filled = dict(pair.split("=") for pair in address.partition("?")[2].split("&"))
    assert form.context["form"]["min_overlap"].value() == filled["min_overlap"]
    assert "From the study designer: length of a clip, in seconds 15" in text(admin, address)
    assert not Campaign.objects.exists()


def test_the_curve_has_its_uncertainty_and_a_table_behind_it(owner: Client) -> None:
    page = owner.get("/c/c/study/").content.decode()
    chart = json.loads(re.findall(r'id="chart-study"[^>]*>(.*?)</script>', page, re.S)[0])
    one, wanted = chart["series"]
    expected, low, high = (one[name] for name in ("values", "low", "high"))
    assert chart["x"] == [1, 2, 3, 4, 5, 6, 7]
    assert all(a <= b <= c for a, b, c in zip(low, expected, high, strict=True)) and set(wanted["values"]) == {0.85}
    assert page.count("Fill in<span") == 7


def test_a_campaign_goes_by_its_own_people_as_soon_as_there_are_enough(campaign: Campaign, owner: Client) -> None:
    assert "knows too little of its people yet" in text(owner, "/c/c/study/")
    fit(campaign, (0.9, 0.98), (0.7, 0.98), (0.8, 0.98), (0.5, 0.5))
    found = known(campaign)
    assert (found.sensitivity, found.spammers, found.leak, found.pace) == (pytest.approx(0.8), 0.25, None, None)
    assert "4 people, who mark 0.80 of the bleed, and a share of 0.25 who do not listen" in text(owner, "/c/c/study/")
    form = owner.get("/c/c/study/").context["form"]
    assert (form["spammers"].value(), form["clip_seconds"].value()) == (0.25, 20.0)
    assert owner.get("/c/c/study/?spammers=0.1").context["form"]["spammers"].value() == "0.1"


def test_what_people_agreed_on_and_how_long_they_took_is_known_after_some_clips(campaign: Campaign) -> None:
    Campaign.objects.update(min_overlap=1, max_overlap=1)
    campaign.refresh_from_db()
    ann = worlds.member(campaign)
    for task in worlds.tasks(campaign, 5):
        worlds.answer(worlds.given(ann), ann, (task.start + 1, task.start + 4), lead_time=30.0)
        worlds.agreed(task)
    found = known(campaign)
    assert found.leak == pytest.approx(12.0, rel=0.15) and found.pace == 2.0 and found.n_clips == 5


def test_settings_are_filled_in_and_nothing_is_saved_before_the_button(campaign: Campaign, owner: Client) -> None:
    assert "/c/c/study/" in owner.get("/c/c/settings/").content.decode()
    page = owner.get("/c/c/settings/?min_overlap=4&max_overlap=6&max_rounds=9")
    assert (page.context["form"]["min_overlap"].value(), page.context["form"]["max_rounds"].value()) == ("4", "9")
    assert next(one for one in page.context["form"].sections if one["section"].title == "How many answers")["is_open"]
    campaign.refresh_from_db()
    assert campaign.min_overlap == 2


def test_what_no_people_reach_is_said_with_the_most_that_they_do(owner: Client) -> None:
    said = text(owner, "/c/c/study/?f1=0.99&sensitivity=0.55&spammers=0.4")
    assert "An F1 of 0.99 is not reached with people like these" in said


@pytest.mark.parametrize(("name", "value"), [("f1", "2"), ("leak", "0"), ("clip_seconds", "60"), ("pay", "nan"), ("minutes", "x")])
def test_what_cannot_be_is_refused_at_its_field(owner: Client, name: str, value: str) -> None:
    answer = owner.get(f"/c/c/study/?{name}={value}")
    assert answer.status_code == 400 and answer.context["form"].errors.keys() == {name}
