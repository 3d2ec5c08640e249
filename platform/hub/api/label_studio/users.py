"""People as Label Studio's users, and which server this is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.pages.fields import Text
from hub.accounts.models import User
from hub.api.label_studio.door import VERSION, Door, checked, members_of, time
from hub.api.tokens.authentication import token_of

SITE = 1  # the one organisation that a site is


class WhoAmI(Door):
    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        return Response(shown_user(request.user) | {"email": request.user.email, "permissions": []})


class NewUser(serializers.Serializer):
    """Of a user of Label Studio's what an account here has; without a password, one is set by who gets a link for it."""

    username = Text(required=False, max_length=150)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254, default="")
    password = Text(required=False, allow_blank=True, allow_null=True, max_length=128, default="", trim_whitespace=False)
    first_name = Text(required=False, allow_blank=True, max_length=70, default="")
    last_name = Text(required=False, allow_blank=True, max_length=70, default="")

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if not (said.get("username") or said["email"]):
            raise serializers.ValidationError({"username": ["This field is required."]})
        return said | {"username": said.get("username") or said["email"][:150]}


class Users(Door):
    """Oneself, and people of the campaigns in which one sees people by name."""

    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        seen = [member.campaign_id for member in members_of(request) if member.sees_people]
        others = User.objects.filter(memberships__campaign__in=seen) | User.objects.filter(pk=request.user.pk)
        own = {"email": request.user.email}
        return Response([shown_user(user) | (own if user == request.user else {}) for user in others.distinct().order_by("pk")])

    @transaction.atomic
    def post(self, request: Request) -> Response:
        """Make an account, of no campaign yet. For site admins, by a token of all their campaigns."""
        token = token_of(request)
        if not request.user.has_perm("accounts.add_user") or (token and (token.campaign_id or token.role)):
            raise PermissionDenied("Only site admins make accounts, by tokens that are for all campaigns and no lower role.")
        said = checked(NewUser(data=request.data))
        if User.objects.filter(username__iexact=said["username"]).exists():
            raise ValidationError({"username": ["A user with that username already exists."]})
        name = " ".join(said[part] for part in ("first_name", "last_name") if said[part])
        user = User(username=said["username"], email=said["email"], name=name)
        if said["password"]:
            validate_password(said["password"], user)
        user.set_password(said["password"] or None)
        user.full_clean(exclude=["password"])
        user.save()
        return Response(shown_user(user) | {"email": user.email}, status=status.HTTP_201_CREATED)


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
