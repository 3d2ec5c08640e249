"""Label Studio's webhooks, as its SDK makes them: the same rows, told in its actions and its form. Only managers have them."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Membership
from hub.api.label_studio.door import Door, checked, manager_of, members_of, missing, number, time
from hub.api.webhooks import services, signing
from hub.api.webhooks.actions import ACTIONS
from hub.api.webhooks.models import Webhook


class Said(serializers.Serializer):
    """What the SDK sends; it leaves out what its caller did not give."""

    url = serializers.CharField(max_length=500)
    project = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    actions = serializers.ListField(child=serializers.ChoiceField(choices=sorted(ACTIONS)), required=False)
    send_for_all_actions = serializers.BooleanField(required=False)
    send_payload = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)
    headers = serializers.JSONField(required=False)

    def validate_headers(self, said: Any) -> Any:
        if said not in (None, {}):
            raise serializers.ValidationError("No headers of yours are sent here: check webhook-signature instead.")
        return said


class Webhooks(Door):
    """Those of one project, or of all that this token manages."""

    def get(self, request: Request) -> Response:
        wanted = request.query_params.get("project")
        members = [manager_of(request, number(wanted, "project"))] if wanted else [one for one in members_of(request) if one.manages]
        found = Webhook.objects.filter(campaign__in=[one.campaign_id for one in members], removed=None).order_by("pk")
        return Response([shown(one) for one in found])

    def post(self, request: Request) -> Response:
        said = checked(Said(data=request.data))
        if "project" not in said:
            raise ValidationError({"project": ["A webhook is of one project here."]})
        member = manager_of(request, said["project"])
        made = services.make_webhook(
            campaign=member.campaign,
            url=said["url"],
            events=[],
            actions=_actions(said, list(ACTIONS)),
            active=said.get("is_active", True),
            send_payload=said.get("send_payload", True),
            who=member,
        )
        return Response(shown(made) | {"secret": signing.secret_of(made)}, status=status.HTTP_201_CREATED)


class OneWebhook(Door):
    def get(self, request: Request, webhook_id: int) -> Response:
        return Response(shown(_found(request, webhook_id)[0]))

    def patch(self, request: Request, webhook_id: int) -> Response:
        found, member = _found(request, webhook_id)
        said = checked(Said(data=request.data, partial=True))
        services.change_webhook(
            webhook=found,
            url=said.get("url", found.url),
            events=found.events if not found.actions else [],
            actions=_actions(said, found.actions) if found.actions or "actions" in said else [],
            active=said.get("is_active", found.active),
            send_payload=said.get("send_payload", found.send_payload),
            who=member,
        )
        return Response(shown(found))

    def delete(self, request: Request, webhook_id: int) -> Response:
        found, member = _found(request, webhook_id)
        services.remove_webhook(webhook=found, who=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Info(Door):
    """The actions that there are."""

    def get(self, request: Request) -> Response:
        told = {
            name: {"name": title, "description": says, "key": "", "organization-only": False} for name, (_, title, says) in ACTIONS.items()
        }
        return Response(told)


def _found(request: Request, webhook_id: int) -> tuple[Webhook, Membership]:
    found = Webhook.objects.select_related("campaign").filter(pk=webhook_id, removed=None).first()
    if found is None:
        raise NotFound(missing("Webhook"))
    try:
        return found, manager_of(request, found.campaign_id)
    except (Http404, NotFound):
        raise NotFound(missing("Webhook")) from None


def _actions(said: dict[str, Any], before: list[str]) -> list[str]:
    if said.get("send_for_all_actions") or "actions" not in said:
        return list(ACTIONS) if said.get("send_for_all_actions") else before
    return [one for one in ACTIONS if one in said["actions"]]


def shown(one: Webhook) -> dict[str, Any]:
    actions = one.actions or [name for name, (kind, *_) in ACTIONS.items() if kind in one.events]
    return {
        "id": one.pk,
        "organization": None,
        "project": one.campaign_id,
        "url": one.url,
        "send_payload": one.send_payload,
        "send_for_all_actions": len(actions) == len(ACTIONS),
        "headers": {},
        "is_active": one.active,
        "actions": actions,
        "created_at": time(one.made),
        "updated_at": time(one.changed),
    }
