"""Proposals: who sees them, what becomes of them, and what managers read of them."""

from typing import Any
from uuid import uuid4

import pytest

from annotation import services
from annotation.core import label_studio
from annotation.models import Campaign, Membership, Proposal, Submission, Task
from annotation.selectors.proposals import compared
from annotation.services.proposals import propose
from tests import worlds

pytestmark = pytest.mark.django_db

REGIONS = ((2.0, 4.0, 0.9), (8.0, 9.0, 0.6))


def proposed(campaign: Campaign, n: int = 1, **about: Any) -> list[Task]:
    track = worlds.track(campaign)
    clips = []
    for start in (worlds.CLIP * k for k in range(n)):
        regions = [(start + first, start + last, probability) for first, last, probability in REGIONS]
        clips.append(worlds.clip(track, start, proposed=regions, **about))
    return worlds.opened(clips)


def predictions(campaign: Campaign, client: Any) -> list[dict[str, Any]]:
    given = client.post(f"/api/campaigns/{campaign.slug}/next/").json()
    found = given["task"]["predictions"]
    assert isinstance(found, list)
    return found


def test_a_shown_proposal_comes_as_a_prediction_in_clip_seconds_and_is_no_mark() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=0.0)
    (task,) = proposed(campaign)
    (prediction,) = predictions(campaign, worlds.client(campaign, "ann"))
    assert [(one["id"], one["value"]["start"], one["value"]["end"], one["origin"]) for one in prediction["result"]] == [
        ("proposal1", 2.0, 4.0, "prediction"), ("proposal2", 8.0, 9.0, "prediction"),
    ]  # fmt: skip
    assert not worlds.answer(task, Membership.objects.get(pseudonym="ann")).marks.exists()


def test_a_blind_clip_has_none_and_both_have_their_exact_chance() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=1.0)
    proposed(campaign)
    assert predictions(campaign, worlds.client(campaign, "ann")) == []
    assert Proposal.objects.values_list("shown", "chance").get() == (False, 0.0)


def test_about_the_blind_share_of_clips_is_blind() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=0.5)
    proposed(campaign, 60)
    assert 15 <= Proposal.objects.filter(shown=True).count() <= 45
    assert set(Proposal.objects.values_list("chance", flat=True)) == {0.5}


@pytest.mark.parametrize(
    ("rules", "about"),
    [({"proposes": False}, {}), ({"proposes": True}, {"kept_apart": True}), ({"proposes": True, "quick_share": 1.0}, {})],
)
def test_where_they_are_not_wanted_or_would_judge_nothing_is_proposed(rules: dict[str, Any], about: dict[str, Any]) -> None:
    proposed(worlds.campaign(blind_share=0.0, **rules), **about)
    assert not Proposal.objects.exists()


def test_gold_clips_never_have_any() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=0.0)
    (task,) = proposed(campaign)
    Proposal.objects.all().delete()
    Task.objects.update(kind=Task.Kind.GOLD)
    task.refresh_from_db()
    propose(campaign, [task], {(task.track_id, task.start): REGIONS})
    assert not Proposal.objects.exists()


def accept(task: Task, by: Membership, n: int) -> Submission:
    """Accept the first `n` proposals of a task."""
    found = label_studio.prediction(Proposal.objects.get(task=task).regions, task.clip, "x")["result"][:n]
    task = Task.objects.select_related("campaign").get(pk=task.pk)
    return services.submit(task=task, by=worlds.again(by), result=found, client_key=uuid4(), heard=[(0.0, 15.0)], lead_time=30.0)


def test_managers_see_what_proposals_do_beside_blind_clips() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=0.5)
    tasks, by = proposed(campaign, 40), worlds.people(campaign, 1)[0]
    shown = set(Proposal.objects.filter(shown=True).values_list("task", flat=True))
    for task in tasks:
        if task.pk in shown:
            assert accept(task, by, 1).marks.count() == 1
        else:
            worlds.answer(task, by, lead_time=30.0)
    with_them, blind = compared(campaign)
    assert (with_them.answers, blind.answers) == (len(shown), 40 - len(shown))
    assert with_them.marks_per_minute.value == pytest.approx(2.0) and blind.marks_per_minute.value == 0
    assert with_them.accepted.value == pytest.approx(0.5) and blind.accepted.value is None
    boss = worlds.client(campaign, "boss", Membership.Role.MANAGER)
    assert "What proposals do" in boss.get("/c/test/").content.decode()
    assert "0.50 [0.50, 0.50]" in boss.get("/c/test/parts/proposals/").content.decode()
    assert "What proposals do" not in worlds.client(campaign, "rev", Membership.Role.REVIEWER).get("/c/test/").content.decode()


def test_managers_take_them_home_as_label_studios_predictions() -> None:
    campaign = worlds.campaign(proposes=True, blind_share=1.0)
    (task,) = proposed(campaign)
    (row,) = worlds.client(campaign, "boss", Membership.Role.MANAGER).get("/api/campaigns/test/proposals/").json()
    assert (row["id"], row["data"]["shown"], row["data"]["chance"]) == (task.pk, False, 0.0)
    assert [item["score"] for item in row["predictions"][0]["result"]] == [0.9, 0.6]
    assert worlds.client(campaign, "ann").get("/api/campaigns/test/proposals/").status_code == 403
