"""How clips were chosen, as reviewers and managers read it, and as it is exported."""

import csv
import io
import math

import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Task
from annotation.selectors import chosen
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """One clip chosen by its score and one drawn at random."""
    campaign = worlds.campaign("bleed", min_overlap=1)
    track = worlds.track(campaign, "=song")
    by_score = worlds.clip(track, 0.0, strategy="expected", reason="First of 40.", parts={"seconds": 4.25, "unsure": math.nan})
    at_random = worlds.clip(track, 15.0, strategy="expected", arm="random", chance=0.125, parts={"seconds": 0.5})
    worlds.opened([by_score, at_random])
    return campaign


@pytest.fixture
def manager(campaign: Campaign) -> Client:
    return worlds.client(campaign, "max", Membership.Role.MANAGER)


def test_how_a_clip_was_chosen_is_said_in_words(campaign: Campaign) -> None:
    by_score, at_random = Task.objects.order_by("start")
    assert chosen.in_words(by_score) == "Strategy: expected. Group: chosen. What it was chosen by: expected false-positive seconds 4.25."
    assert chosen.in_words(at_random) == (
        "Strategy: expected. Group: control, drawn at random. Chance: 12.5 %. What it was chosen by: expected false-positive seconds 0.5."
    )
    by_score.parts, by_score.asked_again = {"seconds": 4.25, "one more opinion": 1.5}, 3
    assert chosen.in_words(by_score).endswith(
        "expected false-positive seconds 4.25, seconds that one more opinion sets right per minute of listening 1.5. "
        "Round 3 asked one more person about it: that was worth more than a new clip."
    )
    assert chosen.in_words(worlds.task(campaign, start=300.0)) == "", "clips of before say no more than they did"


def test_what_is_no_number_is_left_out_of_the_parts(campaign: Campaign) -> None:
    assert Task.objects.order_by("start")[0].parts == {"seconds": 4.25}


def test_csv_and_json_say_of_each_clip_how_it_was_chosen_and_what_came_of_it(campaign: Campaign, manager: Client) -> None:
    by_score = Task.objects.order_by("start")[0]
    worlds.answer(by_score, worlds.people(campaign, 1)[0], (2.0, 4.5))
    worlds.agreed(by_score)
    answer = manager.get("/c/bleed/clips.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="bleed-clips-')
    table = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    told = manager.get("/api/campaigns/bleed/clips/").json()
    assert (told["choosing"], told["clips_per_track"], len(told["clips"])) == ("expected", 2, 2)
    first, second = told["clips"]
    assert (first["arm"], first["strategy"], first["chance"], first["parts"]) == ("score", "expected", 1, {"seconds": 4.25})
    assert first["answers"] == 1 and first["agreed_seconds"] == pytest.approx(2.5, abs=0.3) and first["reason"] == "First of 40."
    assert (second["arm"], second["chance"], second["agreed_seconds"]) == ("random", 0.125, None)
    assert first["asked_again"] is None and told["asks_again"] is True
    assert [row["parts"] for row in table] == ['{"seconds": 4.25}', '{"seconds": 0.5}']
    assert table[0]["track"] == "'=song" and table[1]["chance"] == "0.125" and table[1]["agreed_seconds"] == ""


def test_many_clips_come_in_parts_each_saying_where_the_next_is(
    campaign: Campaign, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [one["task"] for one in manager.get("/api/campaigns/bleed/clips/").json()["clips"]]
    monkeypatch.setattr("annotation.pages.chosen.AT_ONCE", 1)
    first = manager.get("/api/campaigns/bleed/clips/").json()
    second = manager.get(first["next"]).json()
    assert [one["task"] for one in first["clips"] + second["clips"]] == every and second["next"] is None
    assert manager.get("/api/campaigns/bleed/clips/?after=x").status_code == 400


@pytest.mark.parametrize("role", [Membership.Role.ANNOTATOR, Membership.Role.REVIEWER])
def test_who_is_still_asked_gets_no_export(campaign: Campaign, role: str) -> None:
    browser = worlds.client(campaign, "ann", role)
    for url in ("/c/bleed/clips.csv", "/api/campaigns/bleed/clips/"):
        assert browser.get(url).status_code == 403
    assert Client().get("/api/campaigns/bleed/clips/").status_code in (401, 403)


def test_a_reviewer_reads_why_this_clip_and_an_annotator_is_not_told(campaign: Campaign) -> None:
    task = Task.objects.order_by("start")[1]
    Task.objects.filter(pk=task.pk).update(state="in review", contested=True)
    reviewer = worlds.client(campaign, "rita", Membership.Role.REVIEWER)
    words = "Chance: 12.5 %."
    assert words in reviewer.get(f"/c/bleed/review/{task.pk}/").content.decode()
    about = reviewer.get(f"/api/tasks/{task.pk}/review/").json()["task"]
    assert (about["arm"], about["chance"], about["parts"]) == ("random", 0.125, {"seconds": 0.5}) and words in about["words"]
    given = worlds.client(campaign, "ann").post("/api/campaigns/bleed/next/")
    assert given.status_code == 200 and b"expected" not in given.content and b"4.25" not in given.content
