"""The Python client, and the notebook that uses it, against the site itself; the network between them is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest
import requests
from django.test import Client as Browser
from requests.adapters import BaseAdapter

from annotation.models import Campaign, Membership, Submission, Task
from hub.api.tokens.services import make_token
from hub.home import ROOT
from tests import worlds
from tests.annotation import endpoints
from tests.hub import rounds
from unbleed import Client, Problem

SITE = "http://testserver"
NOTEBOOK = ROOT / "docs" / "notebooks" / "marks.ipynb"


class Straight(BaseAdapter):
    """Hands requests to the site of this process; the first `lost` answers to a POST do not arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.lost = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url and request.method
        self.asked.append(f"{request.method} {request.path_url}")
        body, headers = request.body or b"", {name: str(value) for name, value in request.headers.items()}
        browser: Any = Browser()
        said = browser.generic(request.method, request.path_url, body, headers.get("Content-Type", ""), headers=headers)
        if request.method == "POST" and self.lost:
            self.lost -= 1
            raise requests.ConnectionError
        answer = requests.Response()
        answer.status_code, answer._content, answer.reason, answer.url = said.status_code, said.content, said.reason_phrase, request.url
        answer.headers.update(said.headers)
        return answer

    def close(self) -> None:
        pass


@pytest.fixture
def campaign(db: None) -> Campaign:
    made = rounds.campaign()
    ann = worlds.member(made, "ann")
    rounds.figures(made, made.shared_model.current, false_positive_seconds_per_minute=6.0)
    rounds.judged(rounds.listening(made), ann, "promoted", "child", false_positive_seconds_per_minute=3.0)
    rounds.listening(made)
    return made


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Straight:
    network = Straight()
    monkeypatch.setattr(requests.Session, "get_adapter", lambda self, url: network)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return network


def client_of(member: Membership) -> Client:
    return Client(SITE, make_token(owner=worlds.account(member), name="script", days=1, writes=True)[1])


def test_lists_are_read_page_by_page(campaign: Campaign, network: Straight) -> None:
    boss = client_of(worlds.member(campaign, "boss", "manager"))
    events = boss.campaign("bleed").events(limit=4)
    seen = [one["id"] for one in events]
    assert seen == sorted(campaign.events.values_list("pk", flat=True)) and len(network.asked) == -(-len(seen) // 4)
    assert events.first() == next(iter(events))
    assert [one["slug"] for one in boss.campaigns()] == ["bleed"] and boss.me()["username"] == "boss"


def test_a_list_becomes_a_table(campaign: Campaign, network: Straight) -> None:
    table = client_of(worlds.member(campaign, "boss", "manager")).campaign("bleed").marks(round=1).frame()
    assert len(table) == 2 and isinstance(table["created"].dtype, pandas.DatetimeTZDtype)
    assert list(table["end"] - table["start"]) == pytest.approx([2.0, 2.0])


def test_what_is_refused_is_said(campaign: Campaign, network: Straight) -> None:
    with pytest.raises(Problem, match="There is no such filter") as refused:
        client_of(worlds.member(campaign, "boss", "manager")).campaign("bleed").marks(colour="red").first()
    assert (refused.value.status, refused.value.field) == (400, "colour")


def test_an_answer_that_was_lost_is_sent_again_and_counts_once(campaign: Campaign, network: Straight) -> None:
    bob = client_of(worlds.member(campaign, "bob")).campaign("bleed")
    task = bob.next_task()
    assert task
    worlds.later(3600)
    network.lost = 2
    kept = bob.submit(task["task"], [(1.0, 2.5)], heard=[(0, task["duration"])])
    assert kept["status"] == "accepted"
    submission = Submission.objects.get(by__pseudonym="bob")
    assert submission.pk == kept["id"] and submission.marks.get().start == Task.objects.get(pk=task["task"]).start + 1.0


def test_a_sound_is_fetched_and_its_absence_said(network: Straight, db: None, settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    campaign = endpoints.with_two_tones()
    bob = client_of(worlds.member(campaign, "bob")).campaign(campaign.slug)
    task = bob.next_task()
    assert task and bob.sound(task["task"], "vocals").startswith(b"OggS") and bob.sound(task["task"]).startswith(b"OggS")
    with pytest.raises(Problem) as missing:
        bob.sound(task["task"], "drums")
    assert missing.value.status == 404


def test_the_notebook_goes_through(campaign: Campaign, network: Straight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib

    matplotlib.use("agg")
    ben = worlds.member(campaign, "ben", "researcher")
    _, token = make_token(owner=worlds.account(ben), name="notebook", days=1)
    for name, value in (("ADDRESS", SITE), ("CAMPAIGN", "bleed"), ("TOKEN", token)):
        monkeypatch.setenv(f"UNBLEED_{name}", value)
    told: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), told)
    assert list(told["leak"]["round"]) == [0, 1] and list(told["leak"]["value"]) == [6.0, 3.0]
    assert list(told["marks"]["seconds"]) == pytest.approx([2.0, 2.0])


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    assert all(cell.get("outputs", []) == [] for cell in json.loads(NOTEBOOK.read_text())["cells"])


def test_the_client_brings_nothing_of_the_site() -> None:
    code = "import unbleed, sys; print(sorted({'django', 'hub', 'torch', 'pandas', 'annotation'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "platform", capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"
