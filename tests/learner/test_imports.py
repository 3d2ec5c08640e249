"""Answers from elsewhere: what is kept of them, and that nothing is kept twice, half, or without where it came from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from annotation.core import label_studio
from annotation.models import Campaign, Membership, Proposal, Provenance, Submission, Task
from learner.services.imports import BadImport, import_tasks
from tests import worlds

pytestmark = pytest.mark.django_db
MODEL = worlds.CHECKPOINT


@pytest.fixture
def campaign() -> Campaign:
    return worlds.with_model(worlds.campaign(owner=worlds.user("owner")), worlds.checkpoint(MODEL))


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get(role="owner")


def region(start: float, end: float, label: str = "False positive vocals", **about: Any) -> dict[str, Any]:
    """A mark as Label Studio has it; its name is as new as its times."""
    value = {"start": start, "end": end, "channel": 0, "labels": [label]}
    return {"id": f"r{start}", "from_name": "fp", "to_name": "vocals", "type": "labels", "value": value, **about}


def annotation(*regions: dict[str, Any], by: Any = 7, **about: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": by, "result": list(regions), "created_at": "2025-03-01T10:00:00Z", "lead_time": 31.5, **about}


def task(
    name: str = "song", *annotations: dict[str, Any], start: float | None = 15.0, end: float | None = 30.0, **data: Any
) -> dict[str, Any]:
    clip = {} if start is None else {"start": start, "end": end}
    return {"data": {"track": name, **clip, **data}, "annotations": list(annotations)}


def spans() -> list[tuple[float, float]]:
    return [(mark.start, mark.end) for one in Submission.objects.order_by("pk") for mark in one.marks.order_by("start")]


class TestTasksOfPrograms:
    def test_a_clip_that_nobody_was_asked_about_is_opened_on_what_the_current_checkpoint_extracts(
        self, campaign: Campaign, owner: Membership
    ) -> None:
        worlds.estimate(worlds.track(campaign))
        done = import_tasks(campaign=campaign, tasks=[task()], by=owner)
        opened = Task.objects.get()
        assert done.task_ids == [opened.pk] and opened.clip == (15.0, 30.0) and opened.checkpoint == MODEL
        assert opened.round_number == 0 and opened.state == "open", "it holds no round up, and people are asked about it"
        assert import_tasks(campaign=campaign, tasks=[task()], by=owner).task_ids == [opened.pk]

    def test_its_annotations_are_answers_of_who_sent_them_with_where_they_came_from(self, campaign: Campaign, owner: Membership) -> None:
        known = worlds.task(campaign, start=15.0)
        done = import_tasks(campaign=campaign, tasks=[task("song", annotation(region(1.0, 2.5)))], by=owner)
        kept = Submission.objects.get()
        assert done.task_ids == [known.pk] and kept.task == known and kept.by == owner and kept.status == "accepted"
        assert spans() == [(16.0, 17.5)]
        assert kept.heard == [] and kept.lead_time == 0, "what was heard, and for how long, nobody here has seen"
        assert kept.provenance.said == {"id": 1, "created_at": "2025-03-01T10:00:00Z", "lead_time": 31.5, "completed_by": 7}
        assert kept.provenance.where == "tasks[0].annotations[0]"

    def test_sent_twice_it_adds_nothing(self, campaign: Campaign, owner: Membership) -> None:
        worlds.task(campaign, start=15.0)
        tasks = [task("song", annotation(region(1.0, 2.5)), annotation(region(3, 4), by=8))]
        import_tasks(campaign=campaign, tasks=tasks, by=owner)
        n = Submission.objects.count()
        again = import_tasks(campaign=campaign, tasks=tasks, by=owner)
        assert Submission.objects.count() == n == Provenance.objects.count() and again.report.known == 2

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            (task("song", annotation(region(14, 16))), "tasks[0].annotations[0].result[0] (id 'r14'): value.end is 16"),
            (task("song", annotation(region(1, 2, "Speech"))), "'Speech'"),
            (task("nobody's song"), "nobody's song"),
            (task(start=None), "is of 900 s"),
            (task(end=float("inf")), "tasks[0]: data.end"),
            (task(start=-1.0), "data.end is 30; it must be more than data.start"),
            ({"data": 3}, "tasks[0]: data is 3"),
            ([], "tasks[0] is []"),
            (task("song", {"result": "all"}), "tasks[0].annotations[0]: result is no list"),
            (task("song", annotation({**region(1, 2), "original_length": 240.0})), "240 s of sound"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_nothing_is_kept(self, campaign: Campaign, owner: Membership, sent: Any, said: str) -> None:
        worlds.task(campaign, start=15.0)
        good = task("song", annotation(region(1.0, 2.5)))
        with pytest.raises(BadImport) as refused:
            import_tasks(campaign=campaign, tasks=[sent, good], by=owner)
        assert said in str(refused.value)
        assert not Submission.objects.exists()

    def test_a_song_without_an_estimate_is_not_asked_about(self, campaign: Campaign, owner: Membership) -> None:
        worlds.track(campaign)
        with pytest.raises(BadImport, match="nothing was extracted from song yet"):
            import_tasks(campaign=campaign, tasks=[task()], by=owner)

    def test_predictions_are_proposals_where_the_campaign_shows_such(self, campaign: Campaign, owner: Membership) -> None:
        Campaign.objects.update(proposes=True, blind_share=0)
        campaign.refresh_from_db()
        worlds.estimate(worlds.track(campaign))
        sent = task() | {"predictions": [{"result": [region(1, 2)], "score": 0.8, "model_version": "theirs"}]}
        assert import_tasks(campaign=campaign, tasks=[sent], by=owner).report.predictions == 1
        assert Proposal.objects.get().regions == [[16.0, 17.0, 0.8]]


class TestRoundTrip:
    def test_our_own_export_comes_back_to_another_campaign_with_the_same_marks(self, campaign: Campaign, owner: Membership) -> None:
        from annotation.core.formats.reading.label_studio import marks_of
        from annotation.core.formats.reading.label_studio import task as read

        clip = worlds.task(campaign, start=15.0)
        given = worlds.answer(clip, worlds.member(campaign), (16, 17.25), (20.5, 29.9))
        out = json.loads(json.dumps(task("song", annotation(*given.result))))
        (one,) = read(out, "tasks[0]").annotations
        assert label_studio.result_of(marks_of(one, clip.clip, "vocals", {}), clip.clip) == given.result
