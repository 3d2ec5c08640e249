"""Views and actions of the data manager, for programs."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.db.models import Max
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Campaign, Membership, Task
from annotation.services.proposals import take_proposals_back
from hub.api.label_studio.data_manager.choosing import chosen, view_of
from hub.api.label_studio.data_manager.models import View
from hub.api.label_studio.door import Door, manager_of, number, sees_all, tasks_seen_by
from hub.api.label_studio.projects import withdraw
from hub.api.label_studio.tasks import counted
from hub.api.tokens.authentication import member_of

MOST = 100  # views of one project
LONGEST = 50_000  # characters of one
TITLES = {"delete_tasks": "Delete tasks", "delete_tasks_predictions": "Delete predictions"}


class Views(Door):
    def get(self, request: Request) -> Response:
        member = member_of(request, pk=number(request.query_params.get("project"), "project"))
        return Response([shown(one) for one in _views(member.campaign)])

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Keep a view. For those who see all of the project."""
        member = _keeper(request, _project(request))
        Campaign.objects.select_for_update(no_key=True).get(pk=member.campaign_id)  # so that two at once are counted
        known = _views(member.campaign)
        if known.count() >= MOST:
            raise ValidationError({"project": [f"A project keeps {MOST} views."]})
        last = known.aggregate(last=Max("order"))["last"]
        made = View.objects.create(campaign=member.campaign, data=_data(request, member), order=0 if last is None else last + 1)
        return Response(shown(made), status=status.HTTP_201_CREATED)


class OneView(Door):
    def get(self, request: Request, view_id: int) -> Response:
        return Response(shown(view_of(request, view_id)[0]))

    def patch(self, request: Request, view_id: int) -> Response:
        """`data` is replaced as a whole, as Label Studio does it."""
        view, _ = view_of(request, view_id)
        member = _keeper(request, view.campaign_id)
        if "data" in _body(request):
            view.data = _data(request, member)
            view.save(update_fields=["data"])
        return Response(shown(view))

    put = patch

    def delete(self, request: Request, view_id: int) -> Response:
        view, _ = view_of(request, view_id)
        _keeper(request, view.campaign_id)
        view.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResetViews(Door):
    def delete(self, request: Request) -> Response:
        """Forget all views of a project."""
        _views(_keeper(request, _project(request)).campaign).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class OrderViews(Door):
    @transaction.atomic
    def post(self, request: Request) -> Response:
        """In the order of `ids`; what is not named stays where it is."""
        member = _keeper(request, _project(request))
        ids = _body(request).get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
            raise ValidationError({"ids": ["A list of numbers of views is expected."]})
        views = {one.pk: one for one in _views(member.campaign).select_for_update()}
        for place, view in enumerate(views[one] for one in dict.fromkeys(ids) if one in views):
            view.order = place
        View.objects.bulk_update(views.values(), ["order"])
        return Response(status=status.HTTP_200_OK)


class Actions(Door):
    def get(self, request: Request) -> Response:
        member = member_of(request, pk=number(request.query_params.get("project"), "project"))
        listed = TITLES if member.manages else {}
        return Response([{"id": name, "title": title, "order": 100 + n, "dialog": None} for n, (name, title) in enumerate(listed.items())])

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Do it to the tasks that a view, or the body, chooses; a body without `selectedItems` chooses none."""
        asked, body = request.query_params, _body(request)
        member = manager_of(request, number(asked.get("project"), "project"))
        if (action := asked.get("id")) not in TITLES:
            raise ValidationError({"id": [f"There is no such action here; there are {', '.join(TITLES)}."]})
        if asked.get("view"):
            body = view_of(request, number(asked["view"], "view"), member)[0].data | {"selectedItems": body.get("selectedItems")}
        if not isinstance(body.get("selectedItems"), dict):
            raise ValidationError({"selectedItems": ['This field is required; {"all": true, "excluded": []} means all tasks.']})
        pool = tasks_seen_by(member).filter(kind=Task.Kind.POOL).exclude(state=Task.State.WITHDRAWN)
        found = Task.objects.filter(pk__in=list(chosen(counted(pool, member), body).values_list("pk", flat=True)))
        if action == "delete_tasks":
            n = found.count()
            withdraw(found, member)
        else:
            n = take_proposals_back(campaign=member.campaign, tasks=found, who=member)
        return Response({"processed_items": n, "detail": f"{TITLES[action]}: {n}"})


def _body(request: Request) -> dict[str, Any]:
    return request.data if isinstance(request.data, dict) else {}


def _views(campaign: Campaign) -> Any:
    return View.objects.filter(campaign=campaign).order_by("order", "pk")


def _keeper(request: Request, project: int) -> Membership:
    member = member_of(request, pk=project)
    if not sees_all(member):
        raise PermissionDenied("Views are kept by those who see all tasks of the project.")
    return member


def _project(request: Request) -> int:
    """In the body, else in the address."""
    if "project" not in (body := _body(request)) and "project" in request.query_params:
        return number(request.query_params["project"], "project")
    project = body.get("project")
    if isinstance(project, bool) or not isinstance(project, int):
        raise ValidationError({"project": ["This field is required: the number of a project."]})
    return number(str(project), "project")


def _data(request: Request, member: Membership) -> dict[str, Any]:
    """What a view is to keep; it must choose tasks, so that it does not fail later."""
    data = _body(request).get("data")
    data = {} if data is None else data
    chosen(counted(Task.objects.none(), member), data)
    if len(json.dumps(data)) > LONGEST:
        raise ValidationError({"data": [f"It has more than {LONGEST:,} characters."]})
    return dict(data)


def shown(view: View) -> dict[str, Any]:
    return {"id": view.pk, "data": view.data, "order": view.order, "user": None, "project": view.campaign_id}
