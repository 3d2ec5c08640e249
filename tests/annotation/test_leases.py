"""Leases: in hand and ahead, renewed, skipped, taken over; the queue's clock is the database's."""

import uuid
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from annotation import services
from annotation.models import Assignment, Campaign, Membership, Task
from annotation.selectors import queue
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign()


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return worlds.people(campaign, 4)


def let_leases_run_out() -> None:
    Assignment.objects.filter(state="leased").update(lease_until=now() - timedelta(seconds=1))


def slots(task: Task) -> int:
    task.refresh_from_db()
    return task.taken


class TestAhead:
    def test_two_more_are_reserved_and_come_next_in_that_order(self, campaign: Campaign, people: list[Membership]) -> None:
        first, second, third, fourth = worlds.tasks(campaign, 4)
        assert worlds.given(people[0]) == first
        assert [one.task for one in services.prefetch(by=people[0])] == [second, third]
        assert worlds.given(people[0]) == first, "what is in hand stays in hand"
        worlds.answer(first, people[0])
        assert worlds.given(people[0]) == second
        assert [one.task for one in services.prefetch(by=people[0])] == [third, fourth]
        assert [slots(task) for task in (first, second, third, fourth)] == [1, 1, 1, 1]

    def test_asked_twice_no_more_than_two_are_held(self, campaign: Campaign, people: list[Membership]) -> None:
        worlds.tasks(campaign, 9)
        worlds.given(people[0])
        assert services.prefetch(by=people[0]) == services.prefetch(by=people[0])
        assert Assignment.objects.filter(state="leased").count() == 3

    def test_at_most_three_is_a_rule_of_the_database(self, campaign: Campaign, people: list[Membership]) -> None:
        one, two = worlds.tasks(campaign, 2)
        until = now()
        Assignment.objects.create(task=one, by=people[0], lease_until=until)
        with pytest.raises(IntegrityError, match="one_lease_in_each_place"), transaction.atomic():
            Assignment.objects.create(task=two, by=people[0], lease_until=until)
        with pytest.raises(IntegrityError, match="one_task_in_hand_and_two_ahead"), transaction.atomic():
            Assignment.objects.create(task=two, by=people[0], lease_until=until, place=3)

    def test_a_task_ahead_may_be_answered_before_it_is_in_hand(self, campaign: Campaign, people: list[Membership]) -> None:
        """The page shows it at once, and its own request for the next one may be the later to arrive."""
        first, second = worlds.tasks(campaign, 2)
        worlds.given(people[0])
        services.prefetch(by=people[0])
        assert worlds.answer(second, people[0]).status == "accepted"
        assert worlds.given(people[0]) == first
        assert (slots(first), slots(second)) == (1, 1)

    def test_the_heartbeat_of_one_keeps_all_three(self, campaign: Campaign, people: list[Membership]) -> None:
        first, *_ = worlds.tasks(campaign, 3)
        worlds.given(people[0])
        services.prefetch(by=people[0])
        Assignment.objects.update(lease_until=now() + timedelta(seconds=5))
        services.renew_lease(task=first, by=people[0])
        assert all(one.lease_until > now() + timedelta(seconds=600) for one in Assignment.objects.all())

    def test_nobody_sits_idle_while_others_hold_what_they_have_not_begun(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(min_overlap=1)
        campaign.refresh_from_db()
        first, second, third = worlds.tasks(campaign, 3)
        assert worlds.given(people[0]) == first
        services.prefetch(by=people[0])
        assert {worlds.given(people[1]), worlds.given(people[2])} == {second, third}
        assert services.assign_task(by=people[3]) is None, "what is in hand is not taken away"
        worlds.answer(first, people[0])
        assert services.assign_task(by=people[0]) is None
        assert [slots(task) for task in (first, second, third)] == [1, 1, 1]

    def test_who_lost_a_task_ahead_may_have_it_again(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(min_overlap=1)
        campaign.refresh_from_db()
        _, second = worlds.tasks(campaign, 2)
        worlds.given(people[0])
        services.prefetch(by=people[0])
        services.skip(task=worlds.given(people[1]), by=people[1], reason="technical")
        assert slots(second) == 0
        assert [one.task for one in services.prefetch(by=people[0])] == [second]


class TestTheDatabasesClock:
    @pytest.mark.parametrize("hours", [-5, 5])
    def test_a_web_server_whose_clock_is_wrong_harms_no_lease(
        self, campaign: Campaign, people: list[Membership], monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return super().now(tz) + timedelta(hours=hours)

        (task,) = worlds.tasks(campaign, 1)
        monkeypatch.setattr(timezone, "datetime", Wrong)
        assert abs(timezone.now() - datetime.now(timezone.get_default_timezone())) > timedelta(hours=4)
        assert worlds.given(people[0]) == worlds.given(people[1]) == task
        services.renew_lease(task=task, by=people[0])
        assert services.expire_leases(campaign=campaign) == 0
        monkeypatch.undo()
        for lease in Assignment.objects.all():
            assert timedelta(seconds=840) < lease.lease_until - now() < timedelta(seconds=960)

    def test_a_lease_renewed_in_time_does_not_run_out(self, campaign: Campaign, people: list[Membership]) -> None:
        worlds.tasks(campaign, 1)
        task = worlds.given(people[0])
        let_leases_run_out()
        services.renew_lease(task=task, by=people[0])
        assert services.expire_leases(campaign=campaign) == 0


class TestSkipping:
    def test_to_others(self, campaign: Campaign, people: list[Membership]) -> None:
        (task,) = worlds.tasks(campaign, 1)
        services.skip(task=worlds.given(people[0]), by=people[0], reason="offensive")
        assert slots(task) == 0
        assert services.assign_task(by=people[0]) is None
        assert worlds.given(people[1]) == task

    def test_back_to_me_when_nothing_else_is_left_and_only_once(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(skip_policy="me")
        first, second = worlds.tasks(campaign, 2)
        assert worlds.given(people[0]) == first
        services.skip(task=first, by=people[0], reason="cannot decide")
        assert slots(first) == 0
        assert worlds.given(people[0]) == second
        worlds.answer(second, people[0])
        assert services.close_unanswerable_tasks(campaign=campaign) == 0
        assert worlds.given(people[0]) == first, "once more"
        services.skip(task=first, by=people[0], reason="cannot decide")
        assert services.assign_task(by=people[0]) is None
        assert worlds.given(people[1]) == second

    def test_ignored_nobody_is_asked_instead(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(skip_policy="ignored")
        (task,) = worlds.tasks(campaign, 1)
        for person in people[:2]:
            services.skip(task=worlds.given(person), by=person, reason="bad audio")
        assert slots(task) == 2
        assert services.assign_task(by=people[2]) is None
        services.agree_on_task(task_id=task.pk)
        task.refresh_from_db()
        assert task.state == Task.State.WITHDRAWN, "nobody answered it"

    def test_ignored_the_other_answers_decide(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(skip_policy="ignored", certainty=0.1)
        (task,) = worlds.tasks(campaign, 1)
        services.skip(task=worlds.given(people[0]), by=people[0], reason="bad audio")
        worlds.answer(worlds.given(people[1]), people[1])
        assert services.agree_on_task(task_id=task.pk) is not None
        task.refresh_from_db()
        assert task.state == Task.State.CLOSED

    def test_who_answers_after_all_takes_the_slot_that_the_skip_had_spent(self, campaign: Campaign, people: list[Membership]) -> None:
        Campaign.objects.update(skip_policy="ignored")
        (task,) = worlds.tasks(campaign, 1)
        services.skip(task=worlds.given(people[0]), by=people[0], reason="bad audio")
        assert worlds.answer(task, people[0]).status == "accepted"
        assert slots(task) == 1


class TestAnswers:
    def test_an_answer_to_a_task_withdrawn_meanwhile_is_kept_and_thanked(self, campaign: Campaign, people: list[Membership]) -> None:
        (task,) = worlds.tasks(campaign, 1)
        worlds.given(people[0])
        Task.objects.update(state=Task.State.WITHDRAWN)
        kept = worlds.answer(task, people[0])
        assert kept.status == "surplus"
        assert services.thanks(kept) == "Thank you. This clip was withdrawn while you listened; your answer is kept."
        assert slots(task) == 0

    def test_what_counts_needs_no_words(self, campaign: Campaign, people: list[Membership]) -> None:
        worlds.tasks(campaign, 1)
        assert services.thanks(worlds.answer(worlds.given(people[0]), people[0])) == ""

    def test_a_key_is_for_one_answer(self, campaign: Campaign, people: list[Membership]) -> None:
        worlds.tasks(campaign, 2)
        key = uuid.uuid4()
        services.submit(task=worlds.given(people[0]), by=people[0], result=[], client_key=key)
        with pytest.raises(services.UsedKey):
            services.submit(task=worlds.given(people[0]), by=people[0], result=[], client_key=key)
        with pytest.raises(services.UsedKey):
            services.submit(task=worlds.given(people[1]), by=people[1], result=[], client_key=key)

    def test_a_lost_message_is_made_up_for(self, campaign: Campaign, people: list[Membership]) -> None:
        (task,) = worlds.tasks(campaign, 1)
        for person in people[:2]:
            worlds.answer(worlds.given(person), person)
        assert services.agree_on_due_tasks(campaign=campaign) == 1
        assert services.agree_on_due_tasks(campaign=campaign) == 0
        task.refresh_from_db()
        assert task.state == Task.State.CLOSED


def test_what_waits_is_counted_as_far_as_it_helps(campaign: Campaign, people: list[Membership], monkeypatch: pytest.MonkeyPatch) -> None:
    worlds.tasks(campaign, 5)
    worlds.given(people[0])
    services.prefetch(by=people[0])
    assert queue.own_progress(people[0]).open == 5
    monkeypatch.setattr(queue, "COUNT_TO", 4)
    assert queue.own_progress(people[0]).open == 4


def test_the_queue_asks_the_database_no_more_for_many_tasks(
    campaign: Campaign, people: list[Membership], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    worlds.tasks(campaign, 60)
    with django_assert_max_num_queries(8):  # with its savepoint's two
        worlds.given(people[0])


def test_only_an_answer_that_may_be_the_last_asks_for_consensus(
    campaign: Campaign, people: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotation.services import queue

    asked: list[int] = []
    monkeypatch.setattr(queue, "send", lambda actor, pk: asked.append(pk))
    worlds.tasks(campaign, 1)
    for n, person in enumerate(people[: campaign.min_overlap]):
        assert asked == [], f"after {n} of {campaign.min_overlap} answers"
        task = worlds.given(person)
        worlds.answer(task, person)
    assert asked == [task.pk]
