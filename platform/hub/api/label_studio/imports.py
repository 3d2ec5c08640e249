"""Tasks into a project: clips of songs that it has, or of another of the same person's campaigns, whose songs then come along."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.urls import reverse
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core import strict_json
from annotation.core.errors import DomainError
from annotation.core.stems import STEMS
from annotation.models import Membership, Task
from hub.api.label_studio.door import Door, manager_of, members_of
from hub.requests import JsonParser
from learner.services.copied_songs import copy_songs
from learner.services.imports import ImportedTasks
from learner.services.imports import import_tasks as taken_in

MOST = 5000  # tasks in one request
OF_A_CLIP = re.compile(r"media/tasks/([0-9]{1,9})/[a-z]{1,20}\.ogg")


class Import(Door):
    parser_classes = [JsonParser, MultiPartParser]

    def post(self, request: Request, project_id: int) -> Response:
        """A JSON list of tasks, or one, or files of such; all or nothing. Sent twice, it adds nothing twice."""
        begun = clock.monotonic()
        member = manager_of(request, project_id)
        _check_ways(request)
        items = _of_files(request) if request.FILES else request.data if isinstance(request.data, list) else [request.data]
        if len(items) > MOST:
            raise ValidationError({"non_field_errors": [f"At most {MOST:,} tasks at once."]})
        done = import_tasks(request, member, items)
        wants_ids = request.query_params.get("return_task_ids", "").lower() == "true"
        counts = {
            "task_count": len(done.task_ids),
            "annotation_count": done.report.answers,
            "prediction_count": done.report.predictions,
            "duration": clock.monotonic() - begun,
            "file_upload_ids": [],
            "could_be_tasks_list": False,
            "found_formats": [],
            "data_columns": [],
        }
        return Response(counts | ({"task_ids": done.task_ids} if wants_ids else {}), status=status.HTTP_201_CREATED)


class Files(Door):
    """Files that were sent with tasks: none, since they are read at once and not kept."""

    def get(self, request: Request, project_id: int) -> Response:
        manager_of(request, project_id)
        return Response([])

    def delete(self, request: Request, project_id: int) -> Response:
        manager_of(request, project_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _of_files(request: Request) -> list[Any]:
    items: list[Any] = []
    for file in request.FILES.values():
        with file:
            said = strict_json.read(file.read())
        items += said if isinstance(said, list) else [said]
    return items


def _check_ways(request: Request) -> None:
    """Refuse what would be left out unsaid."""
    if request.query_params.get("commit_to_project", "true").lower() == "false":
        raise ValidationError({"commit_to_project": ["Tasks are taken in at once; nothing is kept for later."]})
    if request.query_params.get("preannotated_from_fields"):
        raise ValidationError({"preannotated_from_fields": ["Send predictions with the tasks."]})


@transaction.atomic
def import_tasks(request: Request, member: Membership, items: Sequence[Any]) -> ImportedTasks:
    """Have these tasks in the project; what is wrong with them is said as a fault of `data`."""
    known = _known_clips(request, items)
    try:
        copy_songs(campaign=member.campaign, tasks=[task for task in known.values() if task.campaign_id != member.campaign_id], who=member)
        return taken_in(campaign=member.campaign, tasks=[named(item, known.get(n)) for n, item in enumerate(items)], by=member)
    except DomainError as refused:
        if refused.status != HTTPStatus.BAD_REQUEST:
            raise
        raise ValidationError({"data": [str(refused)]}) from refused


def _known_clips(request: Request, items: Sequence[Any]) -> dict[int, Task]:
    """Of items whose sound is a clip that this site serves, its task, by their place; it must be of a campaign that the person manages."""
    named = {place: number for place, item in enumerate(items) if (number := _clip_of(request, item)) is not None}
    mine = {member.campaign_id for member in members_of(request) if member.manages}
    found = Task.objects.filter(pk__in=set(named.values()), kind=Task.Kind.POOL, campaign__in=mine).select_related("track")
    tasks = {task.pk: task for task in found}
    if lacking := sorted(set(named.values()) - tasks.keys()):
        raise PermissionDenied(f"Clips are taken from campaigns that you manage; task {lacking[0]} is of none.")
    return {place: tasks[number] for place, number in named.items()}


def _clip_of(request: Request, item: Any) -> int | None:
    """The task whose sound an item is about, if it is one of this site."""
    data = item.get("data", item) if isinstance(item, dict) else None
    if not isinstance(data, dict):
        return None
    for address in (data.get(name) for name in STEMS):
        if not isinstance(address, str):
            continue
        try:
            parts = urlsplit(address)
        except ValueError:
            continue
        inside = parts.path.removeprefix(reverse("front"))
        if parts.netloc in ("", request.get_host()) and (found := OF_A_CLIP.fullmatch(inside.lstrip("/"))):
            return int(found[1])
    return None


def named(item: Any, task: Task | None) -> Any:
    """The item with its song and seconds, as a file of tasks has them."""
    if task is None:
        return item
    about = {"track": task.track.fingerprint, "start": task.start, "end": task.end, "checkpoint": task.checkpoint}
    more = {name: item[name] for name in ("annotations", "predictions") if "data" in item and name in item}
    return {"data": about, **more}
