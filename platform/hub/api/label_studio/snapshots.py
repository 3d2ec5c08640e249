"""Exports that a worker makes, as Label Studio's snapshots: asked for, looked after, downloaded in each format of what was then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core.formats.reading.json_list import elements
from annotation.files import storage
from annotation.models import Membership, Task
from hub.api.label_studio.door import Door, missing, time
from hub.api.label_studio.exports import FORMATS, as_doors_number, file_of, lines, who_takes_data
from hub.api.label_studio.users import brief
from learner.models import Export, Job
from learner.services import exports

STATES = {Job.State.QUEUED: "created", Job.State.RUNNING: "in_progress", Job.State.DONE: "completed"}
NARROWED = ("task_filter_options", "annotation_filter_options")
CONVERTED = [name for name in FORMATS if name != "JSON"]


class Snapshots(Door):
    def get(self, request: Request, project_id: int) -> Response:
        member = who_takes_data(request, project_id)
        found = Export.objects.filter(campaign=member.campaign, format=Export.Format.LABEL_STUDIO).exclude(removed__isnull=False)
        return Response([_shown(one) for one in found.select_related("job", "who__user").order_by("-pk")[:100]])

    def post(self, request: Request, project_id: int) -> Response:
        """Of all tasks; which of them are wanted, `export` can be told by their numbers."""
        member, said = who_takes_data(request, project_id), request.data if isinstance(request.data, dict) else {}
        if narrowed := next((name for name in NARROWED if said.get(name)), None):
            raise ValidationError({narrowed: ["A snapshot holds all tasks; leave it out."]})
        site = request.build_absolute_uri("/").rstrip("/")
        wanted = Export(format=Export.Format.LABEL_STUDIO, names=Export.Names.PSEUDONYMS, site=site)
        made = exports.ask_export(who=member, wanted=wanted)
        title = said.get("title")
        shown = _shown(made) | ({"title": title} if isinstance(title, str) else {})
        return Response(shown, status=status.HTTP_201_CREATED)


class OneSnapshot(Door):
    def get(self, request: Request, project_id: int, export_id: int) -> Response:
        return Response(_shown(_found(request, project_id, export_id)[0]))

    def delete(self, request: Request, project_id: int, export_id: int) -> Response:
        made, member = _found(request, project_id, export_id)
        exports.remove_export(export=made, who=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Convert(Door):
    def post(self, request: Request, project_id: int, export_id: int) -> Response:
        """Nothing has to be made: each format is written from the snapshot when it is downloaded."""
        made, _ = _found(request, project_id, export_id)
        kind = request.data.get("export_type") if isinstance(request.data, dict) else None
        if kind not in CONVERTED:
            raise ValidationError({"export_type": [f"It is one of {', '.join(CONVERTED)}."]})
        return Response({"export_type": kind, "converted_format": _number(made, kind)})


class Download(Door):
    def get(self, request: Request, project_id: int, export_id: int) -> HttpResponseBase:
        made, member = _found(request, project_id, export_id)
        kind = request.query_params.get("exportType") or request.query_params.get("export_type") or "JSON"
        if kind not in FORMATS:
            raise ValidationError({"exportType": [f"It is one of {', '.join(FORMATS)}."]})
        if not made.is_there:
            raise NotFound("This snapshot has no file: it is not made yet, or was removed.")
        exports.take_home(export=made, who=member)
        with_numbers = as_doors_number(member.campaign)

        def tasks() -> Iterator[dict[str, Any]]:
            with storage.local(made.file).open("rb") as file:
                for _, task in elements(file):
                    if task["data"].get("kind") != Task.Kind.GOLD:
                        yield with_numbers(task)

        return file_of(StreamingHttpResponse(lines(kind, tasks, member)), kind, project_id)


def _found(request: Request, project_id: int, export_id: int) -> tuple[Export, Membership]:
    member = who_takes_data(request, project_id)
    found = Export.objects.filter(pk=export_id, campaign=member.campaign, format=Export.Format.LABEL_STUDIO, removed=None)
    if (made := found.select_related("job", "who__user").first()) is None:
        raise NotFound(missing("Export"))
    return made, member


def _number(made: Export, kind: str) -> int:
    return made.pk * len(FORMATS) + CONVERTED.index(kind)


def _shown(made: Export) -> dict[str, Any]:
    state = STATES.get(Job.State(made.job.state), "failed")
    done = state == "completed"
    converted = [{"id": _number(made, kind), "export_type": kind, "status": "completed", "traceback": None} for kind in CONVERTED]
    return {
        "id": made.pk,
        "title": f"Export {made.pk}",
        "created_by": brief(made.who.user),
        "created_at": time(made.created),
        "finished_at": time(made.job.finished),
        "status": state,
        "md5": None,
        "counters": {"task_number": made.campaign.tasks.filter(kind=Task.Kind.POOL).count()},
        "converted_formats": converted if done else [],
        "task_filter_options": None,
        "annotation_filter_options": None,
        "serialization_options": None,
    }
