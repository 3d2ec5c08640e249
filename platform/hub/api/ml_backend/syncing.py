"""A campaign kept in step with a project of a Label Studio server: annotations in, open clips out.

All of the project's tasks are read first. So what a sync that was cut short has sent is found again, and nothing is sent twice; what
events have told already changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.label_studio import FROM_NAME, MIX_NAME
from annotation.models import Campaign, Task
from hub.api.ml_backend import events, for_a_while, services
from hub.api.ml_backend.models import Annotation, Colleague, Connection, SentTask
from hub.api.ml_backend.naming import named
from hub.api.ml_backend.server import Server
from learner.models import Job
from learner.services.jobs import finish

AT_ONCE = 50  # tasks in one request
SOON = for_a_while.LASTS / 3  # before their end addresses of sounds are made anew


class OtherConfig(DomainError):
    """The project's labelling config is not the campaign's: copy it from the campaign's page to the project's settings there."""


def sync(job: Job) -> None:
    """Do one job of the kind sync."""
    connection = Connection.objects.select_related("campaign").get(campaign=job.campaign_id)
    server = services.server_of(connection)
    job.beat(0, 4, "asking for the project")
    _check_config(server.label_config(), connection.campaign)
    _note_people(connection, server.people())
    job.beat(1, 4, "fetching annotations")
    _fetch(connection, server, job)
    job.beat(2, 4, "sending clips")
    _send(connection, server, job)
    job.beat(3, 4, "renewing addresses of sounds")
    _renew(connection, server, job)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(synced=now())
        finish(job=job)


def _check_config(config: str, campaign: Campaign) -> None:
    if not all(part in config for part in (f'name="{FROM_NAME}"', f'toName="{campaign.stem}"', f'value="${campaign.stem}"')):
        raise OtherConfig


def _note_people(connection: Connection, people: Mapping[int, str]) -> None:
    events.colleagues(connection, people)
    for one in Colleague.objects.filter(connection=connection, number__in=people):
        if one.name != people[one.number]:
            Colleague.objects.filter(pk=one.pk).update(name=people[one.number])


def _fetch(connection: Connection, server: Server, job: Job) -> None:
    """Write down every annotation, and which of our clips the project has; what was annotated and is there no more was deleted."""
    n, began = 0, now()  # an event may tell of what is newer than a page that was read before it
    for page in server.tasks():
        for task, clip in zip(page, named(connection.campaign, page), strict=True):
            number = events.number_of(task.get("id"))
            if number is None or clip is None or clip.task is None:
                continue
            SentTask.objects.update_or_create(
                connection=connection, task=clip.task, defaults={"number": number}, create_defaults={"number": number, "until": now()}
            )
            annotations = [one for one in task.get("annotations") or [] if isinstance(one, dict)]
            events.keep(connection, task, annotations)
            there = {events.number_of(one.get("id")) for one in annotations} - {None}
            events.delete(connection, Q(task=clip.task, came__lt=began) & ~Q(number__in=there))
        n += len(page)
        job.beat(doing=f"fetched the annotations of {n} tasks")
    with transaction.atomic():
        services.take_again(Annotation.objects.filter(connection=connection, state=Annotation.State.WAITING, came__lt=began))


def _send(connection: Connection, server: Server, job: Job) -> None:
    """Put clips into the project that it does not have."""
    tasks = list(services.to_send(connection))
    for first in range(0, len(tasks), AT_ONCE):
        batch = tasks[first : first + AT_ONCE]
        job.beat(doing=f"sending clips: {first} of {len(tasks)}")
        numbers = server.send_tasks([_data(task, connection) for task in batch])
        if len(numbers) != len(batch):
            continue  # the next sync finds them by the addresses of their sounds
        until = now() + for_a_while.LASTS
        for task, number in zip(batch, numbers, strict=True):
            SentTask.objects.update_or_create(connection=connection, task=task, defaults={"number": number, "until": until})


def _renew(connection: Connection, server: Server, job: Job) -> None:
    """Give open clips new addresses of their sounds before those that they have end."""
    due = SentTask.objects.filter(connection=connection, number__isnull=False, until__lt=now() + SOON, task__state=Task.State.OPEN)
    for one in due.select_related("task__campaign").order_by("pk"):
        job.beat()
        server.change_task(one.number or 0, _data(one.task, connection))
        SentTask.objects.filter(pk=one.pk).update(until=now() + for_a_while.LASTS)


def _data(task: Task, connection: Connection) -> dict[str, Any]:
    """What people there see of a clip: its sounds, and no song's name, as here while the round is open."""
    sounds = {name: connection.site + for_a_while.address(task, name) for name in (task.stem, MIX_NAME)}
    return {**sounds, "round": task.round_number}
