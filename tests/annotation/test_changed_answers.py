"""Drafts from several places, answers changed and skips taken back, on real rows."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from annotation import services
from annotation.core import label_studio
from annotation.core.panels import Visit
from annotation.core.regions import Region
from annotation.models import Assignment, Campaign, Draft, GoldScore, GoldTruth, Membership, Submission, Task
from annotation.selectors import access, answers, payout
from annotation.selectors.crowd_links import n_done
from annotation.selectors.gold import on_gold, scores_of
from annotation.services import crowd_links, gold
from annotation.services import first_visit as steps
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign()


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return worlds.people(campaign, 4)


@pytest.fixture
def tasks(campaign: Campaign) -> list[Task]:
    return worlds.tasks(campaign, 5)


@pytest.fixture
def task(tasks: list[Task]) -> Task:
    """The first 15 s of a song."""
    return tasks[0]


def marks(*spans: tuple[float, float]) -> list[dict[str, Any]]:
    """Marks of a clip that begins with its song."""
    return label_studio.result(spans, Region(0.0, worlds.CLIP))


def closed(task: Task, people: list[Membership], *regions: tuple[float, float]) -> Task:
    """Two people agree, and consensus is taken."""
    for person in people[:2]:
        worlds.answer(task, person, *regions)
    worlds.agreed(task)
    assert task.state == Task.State.CLOSED
    return task


def freeze(campaign: Campaign) -> None:
    services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
    campaign.refresh_from_db()


class TestDrafts:
    def test_a_draft_goes_on_from_the_one_it_names(self, task: Task, people: list[Membership]) -> None:
        first = services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None)
        second = services.go_on_with_draft(task=task, by=people[0], result=marks((1, 3)), based_on=first.saved)
        assert second.saved > first.saved
        assert Draft.objects.get().result == marks((1, 3))

    def test_an_older_draft_does_not_overwrite_a_newer_one(self, task: Task, people: list[Membership]) -> None:
        first = services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None)
        services.go_on_with_draft(task=task, by=people[0], result=marks((4, 5)), based_on=first.saved)
        for based_on in (None, first.saved):
            with pytest.raises(services.DraftChanged) as refused:
                services.go_on_with_draft(task=task, by=people[0], result=marks((7, 8)), based_on=based_on)
            assert refused.value.draft["result"] == marks((4, 5))
            assert 0 <= refused.value.draft["age"] < 60
        assert Draft.objects.get().result == marks((4, 5))

    def test_the_same_draft_sent_again_after_a_lost_answer_is_no_other_one(self, task: Task, people: list[Membership]) -> None:
        first = services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None)
        assert services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None).saved == first.saved

    def test_whoever_names_none_has_the_last_word(self, task: Task, people: list[Membership]) -> None:
        services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None)
        services.save_draft(task=task, by=people[0], result=marks((4, 5)))
        assert Draft.objects.get().result == marks((4, 5))

    def test_a_draft_from_before_an_answer_does_not_come_back_after_it(self, task: Task, people: list[Membership]) -> None:
        first = services.go_on_with_draft(task=task, by=people[0], result=marks((1, 2)), based_on=None)
        worlds.answer(task, people[0], (1, 2))
        with pytest.raises(services.AlreadyAnswered):
            services.go_on_with_draft(task=task, by=people[0], result=marks((1, 3)), based_on=first.saved)
        assert not Draft.objects.exists()
        services.go_on_with_draft(task=task, by=people[0], result=marks((1, 3)), based_on=None, revises=1)
        assert Draft.objects.get().result == marks((1, 3))


class TestAnsweredElsewhere:
    def test_another_tab_does_not_replace_an_answer_that_it_does_not_know(self, task: Task, people: list[Membership]) -> None:
        worlds.answer(task, people[0], (1, 2), (4, 5), revises=0)
        with pytest.raises(services.AlreadyAnswered) as refused:
            worlds.answer(task, people[0], (7, 8), revises=0)
        assert (refused.value.revision, refused.value.marks) == (1, 2)
        assert Submission.objects.count() == 1
        worlds.answer(task, people[0], (7, 8), revises=1)
        assert list(Submission.objects.order_by("revision").values_list("revision", "status")) == [(1, "superseded"), (2, "accepted")]

    def test_whoever_names_none_replaces_what_there_is(self, task: Task, people: list[Membership]) -> None:
        worlds.answer(task, people[0], (1, 2))
        assert worlds.answer(task, people[0], (7, 8)).revision == 2

    def test_the_same_answer_sent_again_is_not_another(self, task: Task, people: list[Membership]) -> None:
        key = uuid.uuid4()
        first = worlds.answer(task, people[0], client_key=key, revises=0)
        assert worlds.answer(task, people[0], client_key=key, revises=0) == first

    def test_an_answer_taken_back_does_not_stand(self, task: Task, people: list[Membership]) -> None:
        worlds.answer(task, people[0], (1, 2))
        steps.withdraw_consent(by=people[0], with_answers=True)
        steps.give_consent(by=people[0])
        assert worlds.answer(task, people[0], (7, 8), revises=0).revision == 2

    def test_the_heartbeat_of_another_tab_tells_that_it_is_answered(self, task: Task, people: list[Membership]) -> None:
        services.assign_task(by=people[0])
        worlds.answer(task, people[0], (1, 2))
        with pytest.raises(services.AlreadyAnswered):
            services.renew_lease(task=task, by=people[0])


class TestChanged:
    def test_a_changed_answer_counts_though_the_task_is_closed(self, task: Task, people: list[Membership]) -> None:
        closed(task, people, (2, 4))
        changed = worlds.answer(task, people[0], (2, 4), (8, 10), revises=1)
        assert changed.status == "accepted" and services.thanks(changed) == ""
        worlds.agreed(task)
        latest = task.consensuses.order_by("-version").first()
        assert latest is not None and latest.version == 2
        assert changed in latest.submissions.all(), "consensus is taken again"
        assert task.taken == 2

    def test_changed_answers_that_agree_no_longer_go_to_a_reviewer(self, campaign: Campaign, task: Task, people: list[Membership]) -> None:
        for person, region in zip(people[:3], [(1, 4), (6, 9), (11, 14)], strict=True):
            task.refresh_from_db()
            Task.objects.filter(pk=task.pk).update(overlap=3)
            worlds.answer(task, person, region)
        campaign.certainty = 0.99
        campaign.save()
        worlds.agreed(task)
        assert task.state == Task.State.IN_REVIEW
        Campaign.objects.update(certainty=0.3)
        for person in people[:2]:
            worlds.answer(task, person, (11, 14))
        worlds.agreed(task)
        assert (task.state, task.contested) == (Task.State.CLOSED, False)

    def test_what_a_reviewer_decided_stands(self, campaign: Campaign, task: Task, people: list[Membership]) -> None:
        reviewer = worlds.member(campaign, "rev", "reviewer")
        closed(task, people, (2, 4))
        Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW, contested=True)
        decided = services.edit_review(task=task, by=reviewer, result=[])
        assert worlds.answer(task, people[0], (8, 10)).status == "accepted"
        services.agree_on_task(task_id=task.pk)
        assert task.consensuses.order_by("-version").first() == decided

    def test_a_message_that_was_lost_is_made_up_for_before_the_round_is_frozen(
        self, campaign: Campaign, task: Task, people: list[Membership]
    ) -> None:
        closed(task, people, (2, 4))
        changed = worlds.answer(task, people[0], (8, 10))
        services.reopen_uncertain(campaign=campaign, round_number=1)
        assert changed.used_in.exists()

    def test_the_freeze_goes_by_changed_answers(self, campaign: Campaign, task: Task, people: list[Membership]) -> None:
        closed(task, people, (2, 4))
        for person in people[:2]:
            worlds.answer(task, person, (8, 10))
        (agreed,) = services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        assert [(round(one.start), round(one.end)) for one in agreed.regions.all()] == [(8, 10)]

    def test_frozen_an_answer_stands_and_one_more_is_kept_beside_it(self, campaign: Campaign, task: Task, people: list[Membership]) -> None:
        closed(task, people, (2, 4))
        first = Submission.objects.get(by=people[0])
        freeze(campaign)
        with pytest.raises(services.RoundFrozen):
            services.to_change(task=task, by=worlds.again(people[0]))
        late = worlds.answer(task, people[0], (8, 10), revises=1)
        assert late.status == "surplus"
        assert services.thanks(late).startswith("The round of this clip was closed by then: your earlier answer stands")
        first.refresh_from_db()
        assert first.status == "accepted"
        with pytest.raises(services.RoundFrozen):
            services.to_change(task=task, by=worlds.again(people[0]))

    def test_what_came_after_the_freeze_can_be_changed_until_the_next(
        self, campaign: Campaign, tasks: list[Task], people: list[Membership]
    ) -> None:
        freeze(campaign)
        worlds.answer(tasks[1], people[0], (2, 4))
        assert services.to_change(task=tasks[1], by=worlds.again(people[0]))
        freeze(campaign)
        with pytest.raises(services.RoundFrozen):
            services.to_change(task=tasks[1], by=worlds.again(people[0]))

    def test_of_answers_that_came_too_late_the_last_waits(self, task: Task, people: list[Membership]) -> None:
        closed(task, people, (2, 4))
        worlds.answer(task, people[2], (2, 4))
        worlds.answer(task, people[2], (2, 5))
        assert list(Submission.objects.filter(by=people[2]).order_by("revision").values_list("status", flat=True)) == [
            "superseded",
            "surplus",
        ]

    def test_words_for_a_late_answer_say_why_it_is_late(self, task: Task, people: list[Membership]) -> None:
        closed(task, people, (2, 4))
        assert "Enough people had answered" in services.thanks(worlds.answer(task, people[2], (2, 4)))
        Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW, contested=True)
        assert "A reviewer decides" in services.thanks(worlds.answer(task, people[2], (2, 4)))
        Task.objects.filter(pk=task.pk).update(state=Task.State.CLOSED, overlap=3)
        assert "was closed by then" in services.thanks(worlds.answer(task, people[2], (2, 4)))


class TestGold:
    """Nobody can tell a clip whose truth is known by whether an answer to it can be changed, nor find the truth by changing it."""

    @pytest.fixture
    def known(self, campaign: Campaign, task: Task) -> Task:
        made = Task.objects.create(
            campaign=campaign, track=task.track, stem="vocals", checkpoint=gold.MADE, round_number=0, start=600.0, end=615.0,
            kind="gold", arm="random", chance=1.0, reason="gold", min_overlap=9, max_overlap=9, overlap=9,
        )  # fmt: skip
        GoldTruth.objects.create(task=made, file="x", regions=[[602.0, 604.0]])
        return made

    def test_the_first_grade_stays(self, known: Task, people: list[Membership]) -> None:
        worlds.answer(known, people[0], (608, 610))
        services.agree_on_task(task_id=known.pk)
        (worse,) = scores_of(people[0])
        assert worse.score < 0.5
        assert worlds.answer(known, people[0], (602, 604)).status == "accepted"
        services.agree_on_task(task_id=known.pk)
        assert list(scores_of(people[0])) == [worse]
        assert on_gold(people[0]).n == 1 and GoldScore.objects.count() == 1

    def test_taken_back_the_grade_goes(self, known: Task, people: list[Membership]) -> None:
        worlds.answer(known, people[0], (608, 610))
        services.agree_on_task(task_id=known.pk)
        worlds.answer(known, people[0], (602, 604))
        steps.withdraw_consent(by=people[0], with_answers=True)
        assert not scores_of(people[0]).exists()

    def test_its_answers_can_be_changed_as_long_as_others(
        self, campaign: Campaign, known: Task, task: Task, people: list[Membership]
    ) -> None:
        for one in (known, task):
            worlds.answer(one, people[0], (one.start + 1, one.start + 2))
            assert worlds.answer(one, people[0], (one.start + 1, one.start + 3)).status == "accepted"
        freeze(campaign)
        for one in (known, task):
            with pytest.raises(services.RoundFrozen):
                services.to_change(task=one, by=worlds.again(people[0]))
            assert worlds.answer(one, people[0], (one.start + 1, one.start + 4)).status == "surplus"
        assert {one.may_change for one in answers.history(worlds.again(people[0]))} == {False}


class TestSkips:
    def state(self, task: Task, by: Membership) -> str:
        return Assignment.objects.get(task=task, by=by).state

    @pytest.mark.parametrize("policy", Campaign.SkipPolicy.values)
    def test_a_skip_taken_back_is_in_hand_again_before_what_came_next(
        self, campaign: Campaign, tasks: list[Task], people: list[Membership], policy: str
    ) -> None:
        Campaign.objects.update(skip_policy=policy)
        person = people[0]
        first = services.assign_task(by=person)
        assert first is not None
        services.prefetch(by=person)
        services.save_draft(task=first.task, by=person, result=marks((1, 2)))
        services.skip(task=first.task, by=person, reason="technical")
        second = services.assign_task(by=person)
        services.prefetch(by=person)
        assert second is not None and second.task != first.task
        services.undo_skip(task=first.task, by=person)
        assert services.assign_task(by=person) == first
        assert Draft.objects.get().result == marks((1, 2)), "with its marks"
        worlds.answer(first.task, person, (1, 2))
        assert services.assign_task(by=person) == second, "and then what was in hand"
        for task in Task.objects.all():
            live = Assignment.objects.filter(task=task, state__in=["leased", "done"]).count()
            assert task.taken == live, "slots are what the rows say"

    def test_not_where_others_have_taken_it(self, tasks: list[Task], people: list[Membership]) -> None:
        Task.objects.update(overlap=2)
        first = services.assign_task(by=people[0])
        assert first is not None
        services.skip(task=first.task, by=people[0], reason="technical")
        for other in people[1:3]:
            worlds.answer(first.task, other)
        with pytest.raises(services.NoWayBack):
            services.undo_skip(task=first.task, by=people[0])
        assert self.state(first.task, people[0]) == "skipped"

    def test_not_once_the_round_is_frozen(self, campaign: Campaign, tasks: list[Task], people: list[Membership]) -> None:
        first = services.assign_task(by=people[0])
        assert first is not None
        services.skip(task=first.task, by=people[0], reason="technical")
        freeze(campaign)
        with pytest.raises(services.RoundFrozen):
            services.undo_skip(task=first.task, by=people[0])

    def test_twice_is_the_same_as_once_and_nothing_skipped_is_said(self, tasks: list[Task], people: list[Membership]) -> None:
        first = services.assign_task(by=people[0])
        assert first is not None
        services.skip(task=first.task, by=people[0], reason="technical")
        assert services.undo_skip(task=first.task, by=people[0]) == services.undo_skip(task=first.task, by=people[0])
        with pytest.raises(services.NotYours, match="not skipped"):
            services.undo_skip(task=tasks[3], by=people[0])

    def test_whoever_withdrew_consent_skips_and_renews_nothing(self, tasks: list[Task], people: list[Membership]) -> None:
        first = services.assign_task(by=people[0])
        assert first is not None
        steps.withdraw_consent(by=people[0], with_answers=False)
        for verb in (
            lambda: services.skip(task=first.task, by=people[0], reason="technical"),
            lambda: services.renew_lease(task=first.task, by=people[0]),
            lambda: services.undo_skip(task=first.task, by=people[0]),
        ):
            with pytest.raises(access.NotReady) as refused:
                verb()
            assert refused.value.go == "/c/test/me/"


class TestHistory:
    def test_the_latest_first_each_clip_once_as_it_stands(self, tasks: list[Task], people: list[Membership]) -> None:
        person = people[0]
        worlds.answer(tasks[0], person, (1, 2))
        skipped = services.assign_task(by=person)
        assert skipped is not None
        services.skip(task=skipped.task, by=person, reason="bad audio")
        worlds.answer(tasks[2], person)
        worlds.answer(tasks[0], person, (1, 2), (3, 5))
        shown = [(one.task_id, one.what, one.marks, one.seconds) for one in answers.history(person)]
        assert shown == [
            (tasks[0].pk, "accepted", 2, 3.0),
            (tasks[2].pk, "accepted", 0, 0.0),
            (skipped.task_id, "skipped", 0, 0.0),
        ]

    def test_answers_changed_in_a_later_study_do_not_count_for_it(
        self, campaign: Campaign, tasks: list[Task], people: list[Membership]
    ) -> None:
        owner = worlds.member(campaign, "owner", "owner")
        studies = [crowd_links.create_link(campaign=campaign, who=owner, kind="prolific", tasks_asked=1) for _ in range(2)]
        first = crowd_links.enter_from_panel(link=studies[0], visit=Visit("a" * 24, "s1", "study1"))
        member = worlds.again(first.membership)
        worlds.answer(tasks[0], member, (1, 2), lead_time=20.0)
        second = crowd_links.enter_from_panel(link=studies[1], visit=Visit("a" * 24, "s2", "study2"))
        worlds.answer(tasks[0], member, (1, 3), lead_time=10.0)
        Assignment.objects.update(taken_at=now() - timedelta(minutes=1))
        assert (n_done(first), n_done(second)) == (1, 0)
        head, one, two = (line.strip().split(",") for line in payout.lines(campaign))
        figures = [dict(zip(head, cells, strict=True)) for cells in (one, two)]
        assert [line["tasks_accepted"] for line in figures] == ["1", "0"]
        assert figures[0]["minutes_spent"] == "0.50", "on both tries"
