"""Label Studio's addresses for tokens, as its SDK asks them: about the token that a request shows, which is ours and opaque.

A token is worth itself: nothing shorter-lived is made of it. One that is made by another has no more rights and no longer a time, and is
revoked with it.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.timezone import now
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.pages.fields import Text
from hub.api.label_studio.door import Door, checked
from hub.api.tokens.authentication import UNKNOWN, found, token_of
from hub.api.tokens.models import Token
from hub.api.tokens.services import make_token, revoke_token, working

MADE_ON_PAGE = "Tokens are made on your account's page; this address is for programs that show one already."


class Named(serializers.Serializer):
    refresh = Text(max_length=200)


class Tokens(Door):
    def get(self, request: Request) -> Response:
        """Those of the person that work, by their beginnings: the whole is kept nowhere. To one that is for less, itself alone."""
        shown = _shown(request)
        bounded = shown.campaign_id or shown.role or not shown.writes
        return Response([{"token": f"unb_{one.prefix}"} for one in ([shown] if bounded else working(shown.owner).order_by("pk"))])

    def post(self, request: Request) -> Response:
        """Another one with the same rights, for as long as this one."""
        shown = _shown(request)
        return Response({"token": _another(shown, shown)}, status=status.HTTP_201_CREATED)


class Own(Door):
    def get(self, request: Request) -> Response:
        """The one that the request shows."""
        _shown(request)
        return Response({"token": request.headers["Authorization"].split()[-1]})


class Reset(Door):
    def post(self, request: Request) -> Response:
        """A new one in place of the one that the request shows."""
        return Response({"token": _replaced(_shown(request))}, status=status.HTTP_201_CREATED)


class Refresh(Door):
    """A token that is worth itself; whoever has it needs no other to ask."""

    permission_classes = []

    def get_authenticators(self) -> list[Any]:
        return []

    def get_authenticate_header(self, request: Request) -> str:
        return "Token"

    def post(self, request: Request) -> Response:
        return Response({"access": _named(request)[1]})


class Rotate(Door):
    def post(self, request: Request) -> Response:
        return Response({"refresh": _replaced(_own(request))})


class Blacklist(Door):
    def post(self, request: Request) -> Response:
        revoke_token(token=_own(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(request: Request) -> Token:
    if (token := token_of(request)) is None:
        raise PermissionDenied(MADE_ON_PAGE)
    return token


def _named(request: Request) -> tuple[Token, str]:
    """The token in the body, which must work. Raises `AuthenticationFailed`."""
    said: Any = checked(Named(data=request.data))["refresh"]
    token = found(f"Token {said}")
    if token is None or not token.works(now()) or not token.owner.is_active:
        raise AuthenticationFailed(UNKNOWN)
    return token, said


def _own(request: Request) -> Token:
    """The same, of the person who asks."""
    shown, (token, _) = _shown(request), _named(request)
    if token.owner_id != shown.owner_id:
        raise AuthenticationFailed(UNKNOWN)
    return token


def _another(token: Token, made_by: Token | None) -> str:
    _, secret = make_token(
        owner=token.owner,
        name=token.name,
        expires=token.expires,
        campaign=token.campaign,
        role=token.role,
        writes=token.writes,
        made_by=made_by,
    )
    return secret


@transaction.atomic
def _replaced(token: Token) -> str:
    """Another one in its place: whoever revokes what it was made by ends it too."""
    revoke_token(token=token)
    return _another(token, token.made_by)
