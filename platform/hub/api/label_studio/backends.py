"""The ML backend of a project: one, the campaign's own model, whose number is the project's. No other is joined."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.db.models.functions import Left
from django.urls import reverse
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Membership, Task
from annotation.pages.fields import Whole
from hub.api.label_studio.door import Door, checked, manager_of, missing, number, task_and_member, time
from hub.api.label_studio.tasks import data_of
from hub.api.ml_backend import predicting
from hub.api.tokens.authentication import member_of
from hub.api.v1.verbs import freeze
from learner import selectors
from learner.models import Round

FIXED = "Projects here join no other backend: the campaign's own model proposes marks. Send predictions."


class Asked(serializers.Serializer):
    task = Whole(min_value=1, max_value=2**31 - 1)


class Backends(Door):
    def get(self, request: Request) -> Response:
        """For those who manage the project."""
        member = member_of(request, pk=number(request.query_params.get("project"), "project"))
        return Response([shown(member, request)] if member.manages else [])

    def post(self, request: Request) -> Response:
        raise ValidationError({"url": [FIXED]})


class OneBackend(Door):
    def get(self, request: Request, project_id: int) -> Response:
        return Response(shown(_manager(request, project_id), request))

    def patch(self, request: Request, project_id: int) -> Response:
        _manager(request, project_id)
        raise ValidationError({"url": [FIXED]})

    put = delete = patch


class Versions(Door):
    def get(self, request: Request, project_id: int) -> Response:
        return Response({"versions": predicting.versions(_manager(request, project_id).campaign)})


class Models(Door):
    """Which versions proposed something in a project, as the legacy client asks it: how many tasks each."""

    def get(self, request: Request, project_id: int) -> Response:
        member = manager_of(request, project_id)
        shown = Task.objects.filter(campaign=member.campaign, proposal__shown=True).order_by()
        counted = shown.annotate(version=Left("checkpoint", 8)).values_list("version").annotate(n=Count("pk"))
        return Response(dict(counted) if member.campaign.proposes else {})


class Train(Door):
    def post(self, request: Request, project_id: int) -> Response:
        """Learn from what was agreed on so far, instead of waiting for the rest of the round."""
        member = _manager(request, project_id)
        freeze(member, Round.objects.filter(campaign=member.campaign, state=Round.State.ANNOTATING).select_related("campaign").first())
        return Response()


class Interactive(Door):
    def post(self, request: Request, project_id: int) -> Response:
        """What the model proposes for one task, as a Label Studio that has it as its backend is told."""
        member = _manager(request, project_id)
        said: dict[str, Any] = checked(Asked(data=request.data))
        task, _ = task_and_member(request, said["task"])
        if task.campaign_id != member.campaign_id:
            raise NotFound(missing("Task"))
        (found,) = predicting.predict(member.campaign, [{"data": data_of(task, member, request)}], at_once=True)
        return Response({"data": found})


def _manager(request: Request, project_id: int) -> Membership:
    try:
        return manager_of(request, project_id)
    except NotFound:
        raise NotFound(missing("MLBackend")) from None


def shown(member: Membership, request: Request) -> dict[str, Any]:
    campaign, current = member.campaign, selectors.current_checkpoint(member.campaign)
    return {
        "id": campaign.pk,
        "state": "CO" if current else "DI",
        "readable_state": "Connected" if current else "Disconnected",
        "is_interactive": True,
        "url": request.build_absolute_uri(reverse("campaign", args=[campaign.slug])),
        "error_message": None if current else predicting.NO_MODEL,
        "title": "The campaign's model",
        "auth_method": "NONE",
        "basic_auth_user": "",
        "basic_auth_pass_is_set": False,
        "description": "",
        "extra_params": None,
        "model_version": predicting.version(campaign),
        "timeout": 100.0,
        "created_at": time(campaign.created),
        "updated_at": time(current.created if current else campaign.created),
        "auto_update": True,
        "project": campaign.pk,
    }
