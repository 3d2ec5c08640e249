"""What a lab takes home: marks, what people agreed on, checkpoints. Real rows and files."""

import csv
import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotation import services
from annotation.core import label_studio
from annotation.files import storage
from annotation.models import Campaign, Task
from learner.models import Checkpoint
from tests import worlds
from tests.hub import rounds
from tests.hub.rounds import answered, listening


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    settings.HOME = tmp_path
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def table(client: Client, name: str) -> list[dict[str, str]]:
    answer: Any = client.get(f"/c/bleed/{name}.csv")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith('attachment; filename="bleed-')
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_marks_and_regions_are_in_seconds_of_the_track(campaign: Campaign, owner: Client) -> None:
    listening(campaign)
    ann, ben = worlds.member(campaign), worlds.member(campaign, "ben")
    first, second = Task.objects.order_by("start")
    answered(first, ann, (1.0, 3.0), (5.0, 6.0))
    answered(second, ben)
    found = table(owner, "marks")
    times = [(row["person"], row["start"], row["end"]) for row in found]
    at = first.start
    assert times == [("ann", f"{at + 1}", f"{at + 3}"), ("ann", f"{at + 5}", f"{at + 6}"), ("ben", "", "")]
    assert {row["track"] for row in found} == {"a song"}
    agreed = table(owner, "regions")
    assert [row["task"] for row in agreed if row["start"]] == [str(first.pk)] * 2
    assert [row["start"] for row in agreed if row["task"] == str(second.pk)] == [""]


def test_tags_and_what_is_missing_are_taken_home_too(campaign: Campaign, owner: Client) -> None:
    Campaign.objects.update(tags=["guitar"], collects_missing=True, min_overlap=1)
    listening(campaign)
    first, second = Task.objects.order_by("start")
    at, ann = first.start, worlds.member(campaign)
    wrong, missing = label_studio.result([(at + 1, at + 3)], first.clip, missing=[(at + 5, at + 6), (at + 8, at + 9)])[::2]
    drawn = {first: [wrong, label_studio.tag_item(wrong, "guitar"), missing]}
    drawn[second] = label_studio.result([], second.clip, missing=[(second.start + 1, second.start + 3)])
    for task, result in drawn.items():
        services.submit(task=task, by=ann, result=result, client_key=uuid.uuid4(), heard=[(0.0, task.end - task.start)])
        worlds.agreed(task)
    for name in ("marks", "regions"):
        rows = [(row["task"], row["label"], round(float(row["start"]) - at), row["tag"]) for row in table(owner, name)]
        assert rows == [
            (f"{first.pk}", "wrong", 1, "guitar"),
            (f"{first.pk}", "missing", 8, ""),
            (f"{second.pk}", "missing", round(second.start - at) + 1, ""),
        ]


def test_what_was_withdrawn_is_not_passed_on(campaign: Campaign, owner: Client) -> None:
    listening(campaign)
    ann = worlds.member(campaign)
    answered(Task.objects.order_by("start")[0], ann, (1.0, 3.0))
    ann.submissions.update(status="withdrawn")
    assert table(owner, "marks") == []


def test_a_checkpoint_is_downloaded(campaign: Campaign, owner: Client, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"weights")
    base = Checkpoint.objects.get()
    Checkpoint.objects.update(file=storage.keep(file, ".safetensors"))
    where = f"/c/bleed/checkpoints/{base.hash}.safetensors"
    assert where in owner.get("/c/bleed/parts/checkpoints/").content.decode()
    answer: Any = owner.get(where)
    assert answer.getvalue() == b"weights"
    assert f"bleed-{base.short}.safetensors" in answer["Content-Disposition"]
    assert owner.get(f"/c/bleed/checkpoints/{'0' * 64}.safetensors").status_code == 404


@pytest.mark.parametrize("what", ["marks.csv", "regions.csv", "checkpoints/" + "0" * 64 + ".safetensors"])
def test_only_those_who_manage_take_things_home(campaign: Campaign, what: str) -> None:
    assert worlds.client(campaign, "rev", "reviewer").get(f"/c/bleed/{what}").status_code == 403
    assert worlds.signed_in(worlds.user("stranger")).get(f"/c/bleed/{what}").status_code == 404
