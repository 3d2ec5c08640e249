"""Two things at once on the same rows, with real commits: nobody is killed by a deadlock, and nothing is handed out twice."""

import random
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db.models import Count, F
from django.utils.timezone import now

from annotation import events, services
from annotation.models import Assignment, Campaign, Draft, Membership, Submission, Task
from annotation.services import queue
from hub import postgres
from tests import worlds
from tests.product import wait_for
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def another_connection(**options: Any) -> psycopg.Connection:
    return psycopg.connect(**postgres.keywords(), **options)


def until_somebody_waits() -> None:
    """For a lock. Asked on a connection of its own, since a transaction is told again and again what it was told first."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with another_connection(autocommit=True) as connection:
        wait_for(lambda: connection.execute(asked).fetchone() != (0,), "wait for a lock")


def commit_slowly(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """From now on an answer is committed only when somebody waits for that; the event says that one is written."""
    written, record = threading.Event(), events.record

    def record_and_dawdle(*arguments: Any, **about: Any) -> None:
        record(*arguments, **about)
        written.set()
        until_somebody_waits()

    monkeypatch.setattr(queue, "record", record_and_dawdle)
    return written


def campaign_of(n_people: int, n_tasks: int, **rules: Any) -> tuple[Campaign, list[Membership]]:
    """One answer decides about a clip unless `rules` say otherwise."""
    campaign = worlds.campaign(**{"min_overlap": 1, "max_overlap": 1, **rules})
    worlds.tasks(campaign, n_tasks)
    return campaign, worlds.people(campaign, n_people)


def test_asking_for_a_task_while_an_answer_is_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _, (person,) = campaign_of(1, 2)
    first, second = Task.objects.order_by("pk")
    assert worlds.given(person) == first
    written = commit_slowly(monkeypatch)

    def ask() -> Assignment | None:
        assert written.wait(60)
        return services.assign_task(by=person)

    _, given = at_once(lambda: worlds.answer(first, person), ask)
    assert given is not None
    assert given.task == second, "the first one is answered"
    assert set(Assignment.objects.values_list("task", "state")) == {(first.pk, "done"), (second.pk, "leased")}


def test_a_task_that_somebody_almost_takes_is_waited_for_before_nothing_is_left() -> None:
    campaign, (person,) = campaign_of(1, 1)
    with another_connection() as taking:
        taking.execute("UPDATE annotation_task SET taken = taken + 1")

        def give_up() -> None:
            until_somebody_waits()
            taking.rollback()

        given, _ = at_once(lambda: services.assign_task(by=person), give_up)
    assert given is not None
    assert Task.objects.get(campaign=campaign).taken == 1


def test_a_task_that_somebody_does_take_is_not_given_twice() -> None:
    _, (person,) = campaign_of(1, 1)
    with another_connection() as taking:
        taking.execute("UPDATE annotation_task SET taken = taken + 1")

        def take() -> None:
            until_somebody_waits()
            taking.commit()

        given, _ = at_once(lambda: services.assign_task(by=person), take)
    assert given is None
    assert Task.objects.get().taken == 1


def test_two_tabs_of_one_person_at_once_hold_one_task() -> None:
    _, (person,) = campaign_of(1, 5)
    given = at_once(*[lambda: services.assign_task(by=person)] * 6)
    assert len({one.pk for one in given if one}) == 1
    assert Assignment.objects.count() == 1


def test_an_answer_sent_twice_at_once_is_kept_once() -> None:
    _, (person,) = campaign_of(1, 1)
    task, key = worlds.given(person), uuid.uuid4()
    kept = at_once(*[lambda: worlds.answer(task, person, client_key=key).pk] * 6)
    assert len(set(kept)) == Submission.objects.count() == 1


def test_answers_of_one_person_sent_at_once_are_judged_one_after_the_other() -> None:
    _, (person,) = campaign_of(1, 8)
    for task in Task.objects.all():
        Assignment.objects.create(task=task, by=person, state="expired", taken_at=now() - timedelta(seconds=12), lease_until=now())

    def answer(task: Task) -> Callable[[], object]:
        return lambda: worlds.answer(task, person, by_the_clock=True)

    at_once(*(answer(task) for task in Task.objects.all()))
    counted = Submission.objects.filter(status="accepted").count()
    assert 1 <= counted < 8, "there was time to hear one; however slow the machine, not for all"


def test_a_freeze_waits_for_an_answer_that_is_being_changed_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, (person,) = campaign_of(1, 1)
    task = worlds.given(person)
    worlds.answer(task, person)
    worlds.agreed(task)
    written = commit_slowly(monkeypatch)

    def freeze() -> None:
        assert written.wait(60)
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)

    at_once(lambda: worlds.answer(task, person), freeze)
    changed = Submission.objects.get(revision=2)
    assert changed.status == "accepted" and changed.used_in.exists(), "no answer is learned from that its person has just replaced"


def test_of_two_first_drafts_at_once_one_is_told_of_the_other() -> None:
    _, (person,) = campaign_of(1, 1)
    task = worlds.given(person)
    told: list[int] = []

    def keep(n: int) -> None:
        try:
            services.go_on_with_draft(task=task, by=person, result=worlds.marks(task, (n, n + 1.0)), based_on=None)
        except services.DraftChanged:
            told.append(n)

    at_once(*(partial(keep, n) for n in range(5)))
    kept = Draft.objects.get()
    assert len(told) == 4 and kept.result[0]["value"]["start"] not in told


@pytest.mark.parametrize("seed", [1, 2])
def test_a_crowd_in_a_hurry_leaves_nothing_doubled_lost_or_undone(seed: int) -> None:
    campaign, people = campaign_of(6, 8, min_overlap=2, max_overlap=3)
    acknowledged: list[uuid.UUID] = []

    def hurry(person: Membership, tab: int) -> Callable[[], None]:
        def work() -> None:
            chance = random.Random(f"{seed}{person.pseudonym}{tab}")
            while lease := services.assign_task(by=person):
                if chance.random() < 0.5:
                    services.prefetch(by=person)
                if chance.random() < 0.1:
                    Assignment.objects.filter(pk=lease.pk, state="leased").update(lease_until=lease.taken_at)  # runs out as they answer
                key = uuid.uuid4()
                worlds.answer(lease.task, person, client_key=key)
                acknowledged.append(key)
                if chance.random() < 0.5:
                    worlds.answer(lease.task, person, client_key=key)
                services.agree_on_task(task_id=lease.task_id)

        return work

    at_once(*(hurry(person, tab) for person in people for tab in (1, 2)))
    assert set(acknowledged) == set(Submission.objects.values_list("client_key", flat=True))
    assert len(acknowledged) == Submission.objects.count()
    accepted = Submission.objects.filter(status="accepted")
    assert not accepted.values("task", "by").annotate(n=Count("pk")).filter(n__gt=1).exists()
    services.agree_on_due_tasks(campaign=campaign)
    assert set(Task.objects.values_list("state", flat=True)) <= {"closed", "in review"}, "nobody is told that nothing is left too soon"
    assert not Task.objects.exclude(taken=F("overlap")).exists()
    for task in Task.objects.all():
        assert accepted.filter(task=task).count() == task.taken
