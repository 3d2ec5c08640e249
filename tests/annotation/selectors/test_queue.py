"""Whether a task may be given to a person is asked in SQL and in the ORM: both say the same."""

import itertools
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F, OuterRef, Q
from django.utils.timezone import now

from annotation.models import Assignment, Membership, Reliability, Submission, Task
from annotation.selectors.queue import FREE_FOR, for_tie_breakers, unseen_by
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Membership]:
    people = worlds.people(worlds.campaign(), 2)
    rates: dict[str, Any] = {"sensitivity": 0.1, "specificity": 0.5, "onset_lag": 0.0, "offset_lag": 0.0, "n_tasks": 9}
    Reliability.objects.create(membership=people[1], settles=False, **rates)
    return people


def open_every_kind_of_task(people: list[Membership]) -> None:
    """Tasks in every state, of both kinds, with and without room, given to and answered by nobody or each."""
    campaign = people[0].campaign
    track = worlds.track(campaign)
    rules: dict[str, Any] = {"checkpoint": "c" * 64, "arm": "random", "chance": 1.0, "min_overlap": 2, "max_overlap": 5}
    kinds = itertools.product(Task.State, (Task.Kind.POOL, Task.Kind.GOLD), (0, 3), (2, 4), (None, "answered", *Assignment.State))
    for n, (state, kind, taken, overlap, touched) in enumerate(kinds):
        clip: dict[str, Any] = {"track": track, "stem": "vocals", "start": n / 10, "end": n / 10 + 0.1}
        task = Task.objects.create(
            campaign=campaign,
            **clip,
            state=state,
            kind=kind,
            taken=taken,
            overlap=overlap,
            contested=state == Task.State.IN_REVIEW,
            **rules,
        )
        for by in people:
            if touched == "answered":
                versions: dict[str, Any] = {"consent_version": 1, "instruction_version": 1}
                Submission.objects.create(task=task, by=by, status="surplus", client_key=uuid4(), result=[], **versions)
            elif touched == Assignment.State.LEASED:  # one after the other: a person has one task in hand
                Assignment.objects.filter(by=by, state=touched).update(state=Assignment.State.DONE)
                Assignment.objects.create(task=task, by=by, state=touched, lease_until=now())
            elif touched:
                Assignment.objects.create(task=task, by=by, state=touched, lease_until=now())


def test_sql_and_orm_name_the_same_tasks(people: list[Membership]) -> None:
    open_every_kind_of_task(people)
    for by in people:
        with connection.cursor() as cursor:
            given = [str(state) for state in Assignment.GIVEN]
            cursor.execute(f"SELECT id FROM annotation_task AS task WHERE {FREE_FOR}", {"by": by.pk, "given": given, "question": "draw"})
            in_sql = {pk for (pk,) in cursor.fetchall()}
        room = Q(state=Task.State.OPEN, kind=Task.Kind.POOL, taken__lt=F("overlap"))
        in_orm = set(Task.objects.filter(room, unseen_by(OuterRef("pk"), by), for_tie_breakers(by)).values_list("pk", flat=True))
        assert in_sql == in_orm and in_sql
