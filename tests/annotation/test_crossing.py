"""Two things at once on the same rows, with real commits: nobody is killed by a deadlock, and nothing is handed out twice."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections
from django.db.models import Count, F
from django.utils.timezone import now

from annotation import services
from annotation.core import label_studio
from annotation.models import Assignment, Campaign, Draft, Estimate, Membership, Submission, Task, Track
from annotation.services import queue

pytestmark = pytest.mark.django_db(transaction=True)
CHECKPOINT = "c" * 64
LIMIT = 20.0  # seconds


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


def test_asking_for_a_task_while_an_answer_is_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = services.create_campaign(name="C", slug="c", min_overlap=1, max_overlap=1)
    person = services.add_member(campaign=campaign)
    track = Track.objects.create(campaign=campaign, name="t", use="pool", domain="target", duration=60, sample_rate=8000, channels=1)
    Estimate.objects.create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="x")
    clips = [services.Clip(track, start, start + 15, Task.Arm.SCORE, 1.0, "") for start in (0.0, 15.0)]
    first, second = services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips)
    in_hand = services.assign_task(by=person)
    assert in_hand is not None
    assert in_hand.task == first
    room_made = threading.Event()
    make_room: Callable[..., bool] = queue._make_room

    def make_room_and_dawdle(*arguments) -> bool:
        made = make_room(*arguments)
        room_made.set()
        deadline = time.monotonic() + LIMIT
        while not somebody_waits() and time.monotonic() < deadline:
            time.sleep(0.02)
        return made

    monkeypatch.setattr(queue, "_make_room", make_room_and_dawdle)
    errors: list[Exception] = []

    def submit() -> None:
        try:
            services.submit(task=first, by=person, result=[], client_key=uuid.uuid4())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    answering = threading.Thread(target=submit)
    answering.start()
    assert room_made.wait(LIMIT)
    given = services.assign_task(by=person)
    answering.join(LIMIT)
    assert not errors
    assert given is not None
    assert given.task == second, "the first one is answered"
    assert set(Assignment.objects.values_list("task", "state")) == {(first.pk, "done"), (second.pk, "leased")}


def campaign_of(n_people: int, n_tasks: int, **rules: int) -> tuple[Campaign, list[Membership]]:
    campaign = services.create_campaign(name="C", slug="c", **rules)
    people = [services.add_member(campaign=campaign, pseudonym=f"p{n}") for n in range(n_people)]
    track = Track.objects.create(campaign=campaign, name="t", use="pool", domain="target", duration=900, sample_rate=8000, channels=1)
    Estimate.objects.create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="x")
    clips = [services.Clip(track, 15.0 * n, 15.0 * (n + 1), Task.Arm.SCORE, 1.0, "") for n in range(n_tasks)]
    services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=clips)
    return campaign, people


def at_once(works: list[Callable[[], None]]) -> None:
    """Run each in a thread with a connection of its own; whatever one of them trips over is raised here."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


def another_connection() -> psycopg.Connection:
    names = {"NAME": "dbname", "USER": "user", "HOST": "host"}
    return psycopg.connect(**{libpq: str(connection.settings_dict[django]) for django, libpq in names.items()})


def test_a_task_that_somebody_almost_takes_is_waited_for_before_nothing_is_left() -> None:
    campaign, (person,) = campaign_of(1, 1, min_overlap=1, max_overlap=1)
    given: list[Assignment | None] = []
    with another_connection() as taking:
        taking.execute("UPDATE annotation_task SET taken = taken + 1")

        def give_up() -> None:
            deadline = time.monotonic() + LIMIT
            while not somebody_waits() and time.monotonic() < deadline:
                time.sleep(0.02)
            taking.rollback()

        at_once([lambda: given.append(services.assign_task(by=person)), give_up])
    assert given[0] is not None
    assert Task.objects.get(campaign=campaign).taken == 1


def test_a_task_that_somebody_does_take_is_not_given_twice() -> None:
    _, (person,) = campaign_of(1, 1, min_overlap=1, max_overlap=1)
    given: list[Assignment | None] = []
    with another_connection() as taking:
        taking.execute("UPDATE annotation_task SET taken = taken + 1")

        def take() -> None:
            deadline = time.monotonic() + LIMIT
            while not somebody_waits() and time.monotonic() < deadline:
                time.sleep(0.02)
            taking.commit()

        at_once([lambda: given.append(services.assign_task(by=person)), take])
    assert given == [None]
    assert Task.objects.get().taken == 1


def test_two_tabs_of_one_person_at_once_hold_one_task() -> None:
    _, (person,) = campaign_of(1, 5, min_overlap=1, max_overlap=1)
    given: list[Assignment | None] = []
    at_once([lambda: given.append(services.assign_task(by=person)) for _ in range(6)])
    assert len({one.pk for one in given if one}) == 1
    assert Assignment.objects.count() == 1


def test_an_answer_sent_twice_at_once_is_kept_once() -> None:
    _, (person,) = campaign_of(1, 1, min_overlap=1, max_overlap=1)
    lease = services.assign_task(by=person)
    assert lease is not None
    key, kept = uuid.uuid4(), []
    at_once([lambda: kept.append(services.submit(task=lease.task, by=person, result=[], client_key=key).pk) for _ in range(6)])
    assert len(set(kept)) == Submission.objects.count() == 1


def test_answers_of_one_person_sent_at_once_are_judged_one_after_the_other() -> None:
    _, (person,) = campaign_of(1, 8, min_overlap=1, max_overlap=1)
    for task in Task.objects.all():
        Assignment.objects.create(task=task, by=person, state="expired", taken_at=now() - timedelta(seconds=12), lease_until=now())

    def answer(task: Task) -> Callable[[], object]:
        return lambda: services.submit(task=task, by=person, result=[], client_key=uuid.uuid4(), heard=[[0.0, 15.0]], by_the_clock=True)

    at_once([answer(task) for task in Task.objects.select_related("campaign")])
    counted = Submission.objects.filter(status="accepted").count()
    assert 1 <= counted < 8, "there was time to hear one; however slow the machine, not for all"


def test_a_freeze_waits_for_an_answer_that_is_being_changed_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, (person,) = campaign_of(1, 1, min_overlap=1, max_overlap=1)
    lease = services.assign_task(by=person)
    assert lease is not None
    services.submit(task=lease.task, by=person, result=[], client_key=uuid.uuid4())
    services.agree_on_task(task_id=lease.task.pk)
    room_made = threading.Event()
    make_room: Callable[..., bool] = queue._make_room

    def make_room_and_dawdle(*arguments) -> bool:
        made = make_room(*arguments)
        room_made.set()
        deadline = time.monotonic() + LIMIT
        while not somebody_waits() and time.monotonic() < deadline:
            time.sleep(0.02)
        return made

    monkeypatch.setattr(queue, "_make_room", make_room_and_dawdle)

    def freeze() -> None:
        assert room_made.wait(LIMIT)
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)

    at_once([lambda: services.submit(task=lease.task, by=person, result=[], client_key=uuid.uuid4()), freeze])
    changed = Submission.objects.get(revision=2)
    assert changed.status == "accepted" and changed.used_in.exists(), "no answer is learned from that its person has just replaced"


def test_of_two_first_drafts_at_once_one_is_told_of_the_other() -> None:
    _, (person,) = campaign_of(1, 1, min_overlap=1, max_overlap=1)
    lease = services.assign_task(by=person)
    assert lease is not None
    told: list[int] = []

    def keep(n: int) -> None:
        result = label_studio.result([(n, n + 1.0)], lease.task.clip)
        try:
            services.go_on_with_draft(task=lease.task, by=person, result=result, based_on=None)
        except services.DraftChanged:
            told.append(n)

    at_once([lambda n=n: keep(n) for n in range(5)])
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
                services.submit(task=lease.task, by=person, result=[], client_key=key)
                acknowledged.append(key)
                if chance.random() < 0.5:
                    services.submit(task=lease.task, by=person, result=[], client_key=key)
                services.agree_on_task(task_id=lease.task_id)

        return work

    at_once([hurry(person, tab) for person in people for tab in (1, 2)])
    assert set(acknowledged) == set(Submission.objects.values_list("client_key", flat=True))
    assert len(acknowledged) == Submission.objects.count()
    accepted = Submission.objects.filter(status="accepted")
    assert not accepted.values("task", "by").annotate(n=Count("pk")).filter(n__gt=1).exists()
    services.agree_on_due_tasks(campaign=campaign)
    assert set(Task.objects.values_list("state", flat=True)) <= {"closed", "in review"}, "nobody is told that nothing is left too soon"
    assert not Task.objects.exclude(taken=F("overlap")).exists()
    for task in Task.objects.all():
        assert accepted.filter(task=task).count() == task.taken
