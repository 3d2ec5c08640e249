"""A project's tasks and answers as files, at once; the SDK asks this way since `edition` is not "Enterprise"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core.formats.label_studio import csv_min, json_min
from annotation.models import Membership, Task
from annotation.selectors.label_studio import controls_of, label_studio_json
from hub.api.label_studio.annotations import first_of_changed
from hub.api.label_studio.door import Door
from hub.api.tokens.authentication import member_of

FORMATS = {
    "JSON": ("JSON", "Tasks with their annotations, as they are.", "application/json"),
    "JSON_MIN": ("JSON-MIN", "One record for each annotation, with regions by the control's name.", "application/json"),
    "CSV": ("CSV", "The same as a table.", "text/csv; charset=utf-8"),
}


class Formats(Door):
    def get(self, request: Request, project_id: int) -> Response:
        _who_takes_data(request, project_id)
        return Response([{"name": name, "title": title, "description": about, "link": None} for name, (title, about, _) in FORMATS.items()])


class Export(Door):
    """Both spellings of its parameters: the SDK's, and its legacy client's in Python's capitals."""

    def get(self, request: Request, project_id: int) -> HttpResponseBase:
        member, asked = _who_takes_data(request, project_id), request.query_params
        kind = asked.get("export_type") or asked.get("exportType") or "JSON"
        if kind not in FORMATS:
            raise ValidationError({"export_type": [f"It is one of {', '.join(FORMATS)}."]})
        numbers = asked.getlist("ids") + asked.getlist("ids[]")
        if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in numbers):
            raise ValidationError({"ids": ["They are numbers of tasks."]})
        everything = asked.get("download_all_tasks", "").lower() == "true"
        tasks = _tasks(member, request, [int(one) for one in numbers], everything)
        name = f"project-{project_id}.{'csv' if kind == 'CSV' else 'json'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "filename": name}
        return StreamingHttpResponse(_lines(kind, tasks, member), content_type=FORMATS[kind][2], headers=headers)


def _who_takes_data(request: Request, project_id: int) -> Membership:
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
    users = dict(member.campaign.memberships.values_list("pk", "user"))
    first = first_of_changed(member.campaign)

    def tasks() -> Iterator[dict[str, Any]]:
        for task in label_studio_json(member.campaign, tasks=found, site=site):
            if everything or task["annotations"]:
                for one in task["annotations"]:
                    # As these doors number people and answers.
                    one["completed_by"], one["id"] = users.get(one["completed_by"]), first.get(one["id"], one["id"])
                yield task

    return tasks


def _lines(kind: str, tasks: Callable[[], Iterator[dict[str, Any]]], member: Membership) -> Iterable[str]:
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
