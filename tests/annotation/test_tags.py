"""What leaks, and what is missing: from an answer to consensus, to what is learned from, and to exports."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from annotation import services
from annotation.core import label_studio
from annotation.models import Campaign, Consensus, Mark, Membership, MissingMark, Reliability, Submission, Task
from annotation.selectors import chosen
from annotation.selectors.tags import of_tags
from learner.models import FeedbackSet
from learner.services.rounds import _content_hash, _freeze_clip
from tests import worlds

pytestmark = pytest.mark.django_db

Span = tuple[float, float]


def answer(task: Task, by: Membership, tag: str = "", missing: tuple[Span, ...] = ()) -> Submission:
    """One mark at 2-5 s with a tag, and what is missing."""
    sent = label_studio.result([(task.start + 2, task.start + 5)], task.clip, missing=missing)
    sent += [label_studio.tag_item(sent[0], tag)] if tag else []
    task = Task.objects.select_related("campaign").get(pk=task.pk)
    return services.submit(task=task, by=worlds.again(by), result=sent, client_key=uuid4(), heard=[(0.0, 15.0)])


def campaign(**rules: Any) -> Campaign:
    return worlds.campaign(tags=["strings", "drums"], collects_missing=True, min_overlap=3, max_overlap=3, **rules)


def latest(task: Task) -> Consensus:
    return task.consensuses.order_by("-version")[0]


def test_a_region_has_the_tag_that_most_reliable_words_speak_for() -> None:
    task = worlds.task(made := campaign())
    people = worlds.people(made, 3)
    for by, sensitivity in zip(people, (0.99, 0.3, 0.3), strict=True):
        lags = {"onset_lag": 0.0, "offset_lag": 0.0}
        Reliability.objects.create(membership=by, sensitivity=sensitivity, specificity=0.9, n_tasks=9, **lags)
    for by, tag in zip(people, ("drums", "strings", "strings"), strict=True):
        answer(task, by, tag)
    (region,) = latest(worlds.agreed(task)).regions.all()
    assert region.tag == "drums" and region.tag_share == pytest.approx(0.89 / 1.29, abs=0.01)
    (of,) = of_tags(made, task.round_number)
    assert (of.tag, of.domain, of.before) == ("drums", "target", None) and of.seconds == pytest.approx(3, abs=0.5)
    (row,) = chosen.rows(made)
    assert row["tags"] == {"drums": pytest.approx(3, abs=0.5)} and row["missing_seconds"] == 0


def test_false_positives_of_a_tag_are_counted_on_clips_drawn_at_random() -> None:
    made = campaign()
    people = worlds.people(made, 3)
    clips = ((1, "random", "drums"), (2, "random", ""), (2, "score", "drums"), (2, "score", "strings"))
    for task, (number, arm, tag) in zip(worlds.tasks(made, 4), clips, strict=True):
        Task.objects.filter(pk=task.pk).update(round_number=number, arm=arm)
        for by in people:
            answer(task, by, tag)
        worlds.agreed(task)
    found = {one.tag: one for one in of_tags(made, 2)}
    assert found["drums"].per_minute == 0 and found["drums"].before == pytest.approx(12, abs=2), "3 of 15 s"
    assert found[""].per_minute == pytest.approx(12, abs=2) and found[""].before == 0 and found["strings"].per_minute == 0
    assert {one.before for one in of_tags(made, 1)} == {None}


def test_what_is_missing_has_a_consensus_of_its_own_and_is_never_a_mark() -> None:
    task = worlds.task(made := campaign())
    for by, missing in zip(worlds.people(made, 3), (((3, 4), (8, 10)), ((8, 10),), ((8.1, 9.9), (12, 13))), strict=True):
        answer(task, by, missing=missing)
    agreed = latest(worlds.agreed(task))
    (region,), (missing_region,) = agreed.regions.all(), agreed.missing.all()
    assert (region.start, region.end) == (pytest.approx(2, abs=0.3), pytest.approx(5, abs=0.3)), "as if nobody had marked what is missing"
    assert (missing_region.start, missing_region.end) == (pytest.approx(8, abs=0.3), pytest.approx(10, abs=0.3))
    assert missing_region.probability > 0.9
    assert (Mark.objects.count(), MissingMark.objects.count()) == (3, 5)
    again = services.agree_again_over_campaign(campaign=made, up_to_round=1)
    assert [one.missing.count() for one in again] == [1]


def test_a_campaign_that_asks_for_neither_keeps_them_in_the_answer_alone() -> None:
    task = worlds.task(made := worlds.campaign())
    kept = answer(task, worlds.people(made, 1)[0], "drums", missing=((8, 10),))
    assert [mark.tag for mark in kept.marks.all()] == [""] and not kept.missing.exists()
    assert len(kept.result) == 3, "whatever the rules are now, nothing that somebody said is lost"


def test_what_is_missing_makes_other_feedback() -> None:
    made = worlds.with_model(campaign(), worlds.checkpoint("a"))
    worlds.track(made)
    round_ = worlds.listening_round(made, 1)
    task = made.tasks.get()
    for by in worlds.people(made, 3):
        answer(task, by, missing=((8, 10),))
    feedback_set = FeedbackSet.objects.create(round=round_, content_hash="")
    clip = _freeze_clip(feedback_set, latest(worlds.agreed(task)))
    before = _content_hash([clip])
    clip[0].consensus.missing.all().delete()
    assert _content_hash([clip]) != before
    assert len(clip[1]) == 1, "what is missing is no item that silence is learned from"


def test_a_campaign_refuses_tags_that_no_key_could_choose() -> None:
    made = worlds.campaign()
    made.tags = ["strings", "strings"]
    with pytest.raises(ValidationError, match="each once"):
        made.full_clean()


def test_the_page_is_told_what_the_campaign_asks_for() -> None:
    made = worlds.campaign("asks", tags=["strings"], collects_missing=True)
    worlds.task(made)
    client = worlds.client(made, "ann")
    given = client.post("/api/campaigns/asks/next/").json()
    assert '<Choice value="strings"/>' in given["config"] and 'value="Missing vocals"' in given["config"]
    page = client.get("/c/asks/annotate/").content.decode()
    assert "What leaks" in page and 'id="opposite" aria-pressed="false"' in page and '"missing_label": "Missing vocals"' in page


def test_a_reviewer_sees_what_each_said_beside_its_times() -> None:
    made = campaign(certainty=1.0)
    task = worlds.task(made)
    for by in worlds.people(made, 3):
        answer(task, by, "drums", missing=((8, 10),))
    worlds.agreed(task)
    shown = worlds.client(made, "rev", Membership.Role.REVIEWER).get(f"/api/tasks/{task.pk}/review/").json()
    assert [(lane["tags"], lane["missing"]) for lane in shown["lanes"]] == [(["drums"], [[8, 10]])] * 3
    assert shown["crowd"]["tags"] == ["drums"] and len(shown["crowd"]["missing"]) == 1


def test_a_reviewer_decides_what_is_missing_too_where_the_campaign_asks_for_it() -> None:
    made = campaign(certainty=1.0)
    task = worlds.task(made)
    people = worlds.people(made, 3)
    for by, span in zip(people, ((8, 10), (8, 10), (12, 14)), strict=True):
        answer(task, by, "drums", missing=(span,))
    worlds.agreed(task)
    reviewer = worlds.member(made, "rev", Membership.Role.REVIEWER)

    def decided(verb: Any, **about: Any) -> list[tuple[float, float, float]]:
        Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW)
        return list(verb(task=task, by=reviewer, **about).missing.order_by("start").values_list("start", "end", "probability"))

    start = task.start
    own = label_studio.result([(start + 1, start + 2)], task.clip, missing=[(start + 11, start + 12)])
    assert decided(services.edit_review, result=own) == [(start + 11, start + 12, 1.0)]
    assert decided(services.edit_review, result=own[:1]) == [], "taken out"
    theirs = Submission.objects.get(by=people[2])
    assert [(one[0] - start, one[1] - start) for one in decided(services.accept_one_answer, answer=theirs)] == [(12, 14)]
    crowds = decided(services.accept_review)
    assert [round(one[0] - start) for one in crowds] == [8], "as people agree"
    Campaign.objects.update(collects_missing=False)
    assert decided(services.edit_review, result=own[:1]) == crowds, "where it is not asked for any more, it stays as people agree"
