"""The check list of a new campaign: what is missing, what is thin, what it costs to do without, and where to mend it."""

import pytest

from annotation.models import Campaign, Stem
from hub.pages.starting.first_steps import Step, first_steps
from tests import worlds
from tests.hub.reading import text
from tests.hub.test_fit_section import BAD, GOOD, tried

POOL, BASE, PEOPLE, GATE, PAST, TEST = range(6)


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("c", paused=True, min_overlap=3, max_overlap=5)


def step(campaign: Campaign, which: int, *, has_model: bool = False) -> Step:
    return first_steps(campaign, has_model=has_model)[which]


def songs(campaign: Campaign, n: int, use: str = "pool", domain: str = "target", *, stems: bool = True) -> None:
    for number in range(n):
        track = worlds.track(campaign, f"{use} {domain} {number} {stems}", use=use, domain=domain)
        if stems:
            Stem.objects.create(track=track, name="vocals", file="x")


def test_nothing_is_there(campaign: Campaign) -> None:
    assert [one.state for one in first_steps(campaign, has_model=False)] == ["to do"] * 3 + ["may wait"] * 3


def test_a_pool_that_gives_fewer_clips_than_a_round_asks_for_is_thin(campaign: Campaign) -> None:
    songs(campaign, 2)
    assert (one := step(campaign, POOL)).state == "thin" and "at most 4 clips a round, of 6 that are asked for" in one.said
    songs(campaign, 2, stems=False)
    assert (one := step(campaign, POOL)).state == "thin" and "6 or more teach better" in one.said
    songs(campaign, 6, "pool", "source")
    assert step(campaign, POOL).state == "done"


def test_fewer_people_than_answers_are_thin(campaign: Campaign) -> None:
    worlds.member(campaign, "boss", "owner")
    assert step(campaign, PEOPLE).state == "to do"
    worlds.people(campaign, 1)
    assert (one := step(campaign, PEOPLE)).state == "thin" and "each clip asks for 3 answers" in one.said
    worlds.member(campaign, "ann")
    assert step(campaign, PEOPLE) == Step("People", "done", "2 people besides you", "/c/c/links/", "Invite people")


def test_gate_songs_need_stems_and_one_is_thin(campaign: Campaign) -> None:
    songs(campaign, 1)
    songs(campaign, 3, "gate", stems=False)
    songs(campaign, 3, "gate", "source")
    assert (one := step(campaign, GATE)).state == "to do" and "no new model is ever taken over" in one.said
    songs(campaign, 1, "pool", "source")
    assert (one := step(campaign, GATE)).state == "may wait" and "one song in four" in one.said
    songs(campaign, 1, "gate")
    assert (one := step(campaign, GATE)).state == "thin" and "one song decides alone" in one.said
    assert one.go == "/c/c/tracks/add/?use=gate&domain=target"
    for number in range(3):
        Stem.objects.create(track=worlds.track(campaign, f"g{number}", use="gate"), name="vocals", file="x")
    assert step(campaign, GATE).state == "done"


def test_what_the_model_must_keep_is_named_with_its_cost(campaign: Campaign) -> None:
    assert "with nobody to notice" in step(campaign, PAST).said
    songs(campaign, 2, "replay", "source", stems=False)
    assert (one := step(campaign, PAST)).state == "may wait" and "what a new model forgets" in one.said
    songs(campaign, 1, "gate", "source")
    assert step(campaign, PAST).state == "done"


def test_the_base_is_judged_by_what_it_did_on_the_songs(campaign: Campaign) -> None:
    tried(campaign, "shipped", BAD, "sodium")
    assert (one := step(campaign, BASE)).state == "to do"
    assert one.said == "choose one: shipped does not suit the songs; spleeter-22k was not tried yet"
    tried(campaign, "spleeter-22k", GOOD, "sodium")
    assert "spleeter-22k suits the songs" in step(campaign, BASE).said
    assert step(campaign, BASE, has_model=True).state == "done"
    tried(campaign, "own", BAD, "sodium")
    assert step(campaign, BASE, has_model=True).state == "thin"


def test_the_page_shows_it_and_a_button_leads_where_the_use_is_chosen_already(campaign: Campaign) -> None:
    boss = worlds.client(campaign, "boss", "owner")
    assert "to do A base : choose it below, under Base." in text(boss, "/c/c/")
    page = boss.get("/c/c/tracks/add/?use=gate&domain=source").content.decode()
    lines = [line for line in page.splitlines() if "checked" in line or "selected" in line]
    assert any('"gate"' in line for line in lines) and any('"source"' in line for line in lines)
