"""Two things at once on the same rows, with real commits: nobody is killed by a deadlock, and nothing is handed out twice."""

import threading
import time
import uuid
from collections.abc import Callable

import pytest
from django.db import connection, connections

from annotation import services
from annotation.models import Assignment, Estimate, Task, Track
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
