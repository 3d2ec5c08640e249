"""The annotate page as the form of a campaign has it so far: nothing is kept, and what people type stays text."""

import json
import re

import pytest
from django.test import Client

from annotation.models import Campaign, Submission
from tests import worlds

ASKED = {"stem": "vocals", "tags": '["strings", "<b>drums"]', "collects_missing": "on", "instructions": "<script>alert(1)</script> Listen."}


@pytest.fixture
def boss(db: None) -> Client:
    return worlds.client(worlds.campaign("c"), "boss", "owner")


def clip_of(boss: Client, asked: dict[str, str]) -> dict:
    page = boss.get("/campaigns/preview/", asked).content.decode()
    where = re.findall(r'data-preview="([^"]+)"', page)[0]
    assert boss.put(f"{where}/practice/1/", "{}", "application/json").json()["html"].startswith("<p><strong>This is a preview")
    given: dict = boss.post(f"{where}/practice/next/").json()
    return given


def test_the_page_is_that_of_annotators_with_the_forms_rules(boss: Client) -> None:
    answer = boss.get("/campaigns/preview/", ASKED)
    page = answer.content.decode()
    assert answer.status_code == 200 and 'id="opposite"' in page and "What leaks" in page
    rules = json.loads(re.findall(r'id="rules"[^>]*>(.*?)</script>', page, re.S)[0])
    assert rules["tags"] == ["strings", "<b>drums"] and rules["missing_label"]
    config = clip_of(boss, ASKED)["config"]
    assert '<Choice value="strings"/>' in config and '<Choice value="&lt;b&gt;drums"/>' in config and config.count("<Label ") == 2
    assert clip_of(boss, {})["config"].count("<Label ") == 1


def test_what_people_type_stays_text(boss: Client) -> None:
    page = boss.get("/campaigns/preview/", ASKED | {"name": "<i>Mine"}).content.decode()
    assert "<h1>&lt;i&gt;Mine</h1>" in page and "<script>alert(1)" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; Listen." in page


def test_the_clip_can_be_heard_and_seen_whatever_the_stem(boss: Client) -> None:
    given = clip_of(boss, {"stem": "drums"})
    for address in (*given["task"]["data"].values(), given["picture"]):
        assert boss.get(address).status_code == 200, address
    assert boss.get("/campaigns/preview/sound/vocals/volume/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tags": "[1"}, "no list in JSON"),
        ({"tags": '["a", "a"]'}, "each once"),
        ({"tags": "{}"}, "a list of texts"),
        ({"stem": "x"}, "no such stem"),
    ],
)
def test_what_cannot_be_is_said_in_its_place(boss: Client, asked: dict[str, str], said: str) -> None:
    answer = boss.get("/campaigns/preview/", asked)
    assert answer.status_code == 400 and said in answer.content.decode()


def test_only_the_form_of_this_site_may_frame_it_and_only_forms_may_frame(boss: Client) -> None:
    preview, form, queue = (boss.get(address) for address in ("/campaigns/preview/", "/c/c/settings/", "/"))
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"] and preview["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-src 'self'" in form["Content-Security-Policy"] and "frame-ancestors 'none'" in form["Content-Security-Policy"]
    assert "frame-src" not in queue["Content-Security-Policy"] and queue["X-Frame-Options"] == "DENY"
    assert 'data-preview="/campaigns/preview/"' in form.content.decode()


def test_nothing_is_kept_and_a_forged_address_is_none(boss: Client) -> None:
    clip_of(boss, ASKED)
    assert Campaign.objects.count() == 1 and not Submission.objects.exists()
    assert boss.post("/campaigns/preview/forged/practice/next/").status_code == 404
    assert Client().get("/campaigns/preview/").status_code == 302
