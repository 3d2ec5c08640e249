"""A project's tasks and answers as files, at once; the SDK asks this way since `edition` is not "Enterprise"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core.formats.label_studio import csv_min, json_min
from annotation.models import Campaign, Membership, Task
from annotation.selectors.label_studio import controls_of, label_studio_json
from hub.api.label_studio.annotations import first_of_changed
from hub.api.label_studio.door import Door
from hub.api.tokens.authentication import member_of
from learner.models import Export as Rows
from learner.services import exports


class Format(NamedTuple):
    """One format as the SDK names it."""

    title: str
    about: str
    kind: str
    format: Rows.Format


FORMATS = {
    "JSON": Format("JSON", "Tasks with their annotations, as they are.", "application/json", Rows.Format.LABEL_STUDIO),
    "JSON_MIN": Format("JSON-MIN", "One record an annotation, regions by control.", "application/json", Rows.Format.LABEL_STUDIO_MIN),
    "CSV": Format("CSV", "The same as a table.", "text/csv; charset=utf-8", Rows.Format.LABEL_STUDIO_CSV),
}


class Formats(Door):
    def get(self, request: Request, project_id: int) -> Response:
        who_takes_data(request, project_id)
        return Response([{"name": name, "title": one.title, "description": one.about, "link": None} for name, one in FORMATS.items()])


class Export(Door):
    """Both spellings of its parameters: the SDK's, and its legacy client's in Python's capitals."""

    def get(self, request: Request, project_id: int) -> HttpResponseBase:
        member, asked = who_takes_data(request, project_id), request.query_params
        kind = asked.get("export_type") or asked.get("exportType") or "JSON"
        if kind not in FORMATS:
            raise ValidationError({"export_type": [f"It is one of {', '.join(FORMATS)}."]})
        numbers = asked.getlist("ids") + asked.getlist("ids[]")
        if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in numbers):
            raise ValidationError({"ids": ["They are numbers of tasks."]})
        everything = asked.get("download_all_tasks", "").lower() == "true"
        exports.written_at_once(who=member, format=FORMATS[kind].format)
        tasks = _tasks(member, request, [int(one) for one in numbers], everything)
        return file_of(StreamingHttpResponse(lines(kind, tasks, member)), kind, project_id)


def file_of(response: StreamingHttpResponse, kind: str, project_id: int) -> StreamingHttpResponse:
    """The same with its type and the name to save it by."""
    name = f"project-{project_id}.{'csv' if kind == 'CSV' else 'json'}"
    response["Content-Type"] = FORMATS[kind].kind
    response["Content-Disposition"], response["filename"] = f'attachment; filename="{name}"', name
    return response


def who_takes_data(request: Request, project_id: int) -> Membership:
    member = member_of(request, pk=project_id)
    if not member.takes_data:
        raise PermissionDenied("Only owners, managers and researchers of the project may do this.")
    return member


def _tasks(member: Membership, request: Request, numbers: list[int], everything: bool) -> Callable[[], Iterator[dict[str, Any]]]:
    """Tasks of the pool: those of known truth are in no list. Without `everything`, those with an answer."""
    found = Task.objects.filter(campaign=member.campaign, kind=Task.Kind.POOL)
    if numbers:
        found = found.filter(pk__in=numbers)
    site = request.build_absolute_uri("/").rstrip("/")
    with_numbers = as_doors_number(member.campaign)

    def tasks() -> Iterator[dict[str, Any]]:
        for task in label_studio_json(member.campaign, tasks=found, site=site):
            if everything or task["annotations"]:
                yield with_numbers(task)

    return tasks


def as_doors_number(campaign: Campaign) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What gives a task of an export the numbers of people and answers that these doors know them by."""
    users = dict(campaign.memberships.values_list("pk", "user"))
    first = first_of_changed(campaign)

    def with_numbers(task: dict[str, Any]) -> dict[str, Any]:
        for one in task["annotations"]:
            one["completed_by"], one["id"] = users.get(one["completed_by"]), first.get(one["id"], one["id"])
        return task

    return with_numbers


def lines(kind: str, tasks: Callable[[], Iterator[dict[str, Any]]], member: Membership) -> Iterable[str]:
    controls = controls_of(member.campaign)
    if kind == "CSV":
        return csv_min(tasks, controls)
    return _json(tasks() if kind == "JSON" else json_min(tasks(), controls))


def _json(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One list, item by item."""
    before = "["
    for item in items:
        yield before + json.dumps(item, ensure_ascii=False)
        before = ",\n"
    yield "[]" if before == "[" else "]"
