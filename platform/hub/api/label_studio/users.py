"""People as Label Studio's users, and which server this is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.accounts.models import User
from hub.api.label_studio.door import VERSION, Door, members_of, time

SITE = 1  # the one organisation that a site is


class WhoAmI(Door):
    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        return Response(shown_user(request.user) | {"email": request.user.email, "permissions": []})


class Users(Door):
    """Oneself, and people of the campaigns in which one sees people by name."""

    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        seen = [member.campaign_id for member in members_of(request) if member.sees_people]
        others = User.objects.filter(memberships__campaign__in=seen) | User.objects.filter(pk=request.user.pk)
        own = {"email": request.user.email}
        return Response([shown_user(user) | (own if user == request.user else {}) for user in others.distinct().order_by("pk")])


class Version(APIView):
    """Not "Enterprise": so the SDK exports by one request."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def get(self, request: Request) -> Response:
        return Response(
            {
                "release": VERSION,
                "edition": "Community",
                "label-studio-os-package": {"version": VERSION},
                "backend": {"message": "Unbleed speaks Label Studio's API", "commit": ""},
            }
        )


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """What its legacy client asks first. Whether the database answers, `/health/` says."""
    return JsonResponse({"status": "UP"})


def shown_user(user: User) -> dict[str, Any]:
    """Addresses of others are nobody's to see."""
    name = user.get_full_name()
    return {
        "id": user.pk,
        "first_name": name,
        "last_name": "",
        "username": user.username,
        "email": "",
        "last_activity": time(user.last_login or user.date_joined),
        "avatar": None,
        "initials": initials(name),
        "phone": "",
        "active_organization": SITE,
        "active_organization_meta": {"title": "Unbleed", "email": ""},
        "allow_newsletters": False,
        "date_joined": time(user.date_joined),
        "custom_hotkeys": {},
    }


def brief(user: User | None) -> dict[str, Any] | None:
    """As a project or an export names its person."""
    return None if user is None else person_of(user.pk, user.get_full_name())


def person_of(number: int | None, name: str) -> dict[str, Any]:
    """Somebody by number and name."""
    return {"id": number, "first_name": name, "last_name": "", "email": "", "avatar": None, "initials": initials(name)}


def initials(name: str) -> str:
    return "".join(word[:1] for word in name.split()[:2]).upper()
