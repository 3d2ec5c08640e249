"""The pages on which answers from elsewhere are brought in: who may, what is asked, and what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.models import Campaign, Submission
from learner.models import DataImport, Job
from learner.work.imports import go_through
from tests import worlds
from tests.learner.test_imports import annotation, region, task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def campaign() -> Campaign:
    made = worlds.with_model(worlds.campaign(owner=worlds.user("owner")), worlds.checkpoint(worlds.CHECKPOINT))
    worlds.estimate(worlds.track(made, "song.wav"))
    return made


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.signed_in(worlds.user("owner"))


def sent(owner: Client, name: str, body: bytes, **said: str) -> Any:
    return owner.post("/c/test/import/", {"files": SimpleUploadedFile(name, body), "kept_as": "answers", **said})


def worked() -> None:
    job = Job.claim(Job.objects.get(state="queued").pk)
    assert job
    go_through(job)


def test_the_browser_knows_how_much_is_taken(owner: Client) -> None:
    page = owner.get("/c/test/import/").content.decode()
    assert 'data-largest="100000000"' in page and "up to 100 MB together" in page and 'accept=".csv,.jams,.json' in page


def test_where_nothing_can_be_chosen_nothing_is_asked(owner: Client) -> None:
    where = sent(owner, "cut.json", b"[{")["Location"]
    worked()
    page = owner.get(where).content.decode()
    assert "bring them again without it" in page and ">Look again<" in page and 'value="import"' not in page


def test_files_are_looked_at_who_is_who_is_chosen_and_then_they_are_imported(campaign: Campaign, owner: Client) -> None:
    ann = worlds.member(campaign)
    tasks = [task("song.wav", annotation(region(1, 2), by={"id": 7, "email": "<b>ann"}), annotation(region(3, 4, "Speech"), by=8))]
    where = sent(owner, "<i>1.json", json.dumps(tasks).encode())["Location"]
    assert "Being looked at" in owner.get(where).content.decode()
    worked()
    page = owner.get(where).content.decode()
    assert "1 answer will be imported, with 1 mark." in page and "&lt;i&gt;1.json" in page and "&lt;b&gt;ann" in page
    assert "1 clip will be opened for them" in page and 'value="Speech"' in page
    choices = {"who-0": "member", "name-0": "ann", "who-1": "new", "name-1": "Expert", "text-0": "Speech", "label-0": "mark"}
    refused = owner.post(where, choices | {"name-0": "nobody", "do": "import"}, follow=True).content.decode()
    assert "Nobody in this campaign is called &#x27;nobody&#x27;" in refused
    owner.post(where, choices | {"do": "look"})
    worked()
    assert "2 answers will be imported, with 2 marks." in (page := owner.get(where).content.decode())
    assert 'value="ann"' in page and 'value="Expert"' in page, "the choices are kept"
    owner.post(where, choices | {"do": "import"})
    worked()
    assert "2 answers were imported, with 2 marks." in (page := owner.get(where).content.decode()) and "Who is who" not in page
    assert {one.by.pseudonym for one in Submission.objects.all()} == {ann.pseudonym, "Expert"}
    assert "imported 2 answers with 2 marks from &lt;i&gt;1.json" in owner.get("/c/test/audit/").content.decode()
    assert owner.post(where, {"do": "discard"}, follow=True).content.decode().count("2 answers were imported") == 1


@pytest.mark.parametrize(
    ("name", "body", "said", "why"),
    [
        ("song.txt", b"1\t2\tx", {"kept_as": "anything"}, "is not a valid choice"),
        ("song.txt", b"1\t2\tx", {"person": "x" * 61}, "at most 60 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said(owner: Client, name: str, body: bytes, said: dict[str, str], why: str) -> None:
    answer = sent(owner, name, body, **said)
    assert answer.status_code == 400 and why in answer.content.decode()
    assert not DataImport.objects.exists()


def test_a_file_that_is_none_is_named_and_can_be_thrown_away(owner: Client) -> None:
    where = sent(owner, "song.exe", b"MZ")["Location"]
    worked()
    page = owner.get(where).content.decode()
    assert "song.exe is of no kind that is read here" in page and 'value="import"' not in page
    owner.post(where, {"do": "import"})
    assert Job.objects.filter(state="queued").count() == 0
    assert "thrown away" in owner.post(where, {"do": "discard"}, follow=True).content.decode()


def test_pages_ask_few_questions(owner: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(3):
        where = sent(owner, f"{number}.json", json.dumps([task("song.wav", annotation(region(1, 2), by=number))]).encode())["Location"]
        worked()
    for page in ("/c/test/import/", where):
        with django_assert_max_num_queries(15):
            assert owner.get(page).status_code == 200
    assert 'href="/c/test/import/"' in owner.get("/c/test/data/").content.decode()
