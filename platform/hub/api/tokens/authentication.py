"""Who a token speaks for, and what it may do: DRF's authentication and permission for doors that programs use.

A door lists them as `authentication_classes = API` and `permission_classes = [TokenMay]`, and asks `member_of` for the membership that
it works with. Pages and the annotators' own doors know no tokens: they have Django's sessions alone.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import now
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied, Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from annotation.models import Membership
from annotation.pages.access import check_changeable
from annotation.selectors.access import is_paused
from annotation.services.invitations import digest_of
from hub.accounts.models import User
from hub.accounts.own.second_factor import NEEDED, must_set_up
from hub.accounts.throttle import MINUTE, more_than
from hub.api.tokens.models import Token
from hub.api.tokens.services import note_use

MOST_A_MINUTE = 600  # requests of one token
UNKNOWN = "This token is unknown, revoked or past its time; your account page has your tokens."
SAFE = ("GET", "HEAD", "OPTIONS")
WRITTEN = re.compile(r"(?:token|bearer) +(unb_([0-9a-f]{8})_[0-9a-f]{48})", re.IGNORECASE)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …` or `Bearer …`: `request.user` becomes its owner, `request.auth` its row.

    A request without that header is left to the session; one with a header that is no token of ours is refused with 401.
    """

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        if (header := request.META.get("HTTP_AUTHORIZATION")) is None:
            return None
        token, at = found(header), now()
        if token is None or not token.works(at) or not token.owner.is_active:
            raise AuthenticationFailed(UNKNOWN)
        if must_set_up(token.owner):
            raise PermissionDenied(NEEDED)
        if more_than(MOST_A_MINUTE, f"token {token.pk}"):
            raise Throttled(wait=MINUTE.total_seconds(), detail=f"A token may ask {MOST_A_MINUTE} times a minute.")
        note_use(token, at)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def found(header: str) -> Token | None:
    """The row of the token that a header Authorization shows, whether it still works or not; None: there is no such."""
    if (written := WRITTEN.fullmatch(header.strip())) is None:
        return None
    token = Token.objects.select_related("owner").filter(prefix=written[2]).first()
    return token if token and secrets.compare_digest(token.digest, digest_of(written[1].lower())) else None


API: list[type[BaseAuthentication]] = [TokenAuthentication, SessionAuthentication]
"""Programs by their token; a browser by its session, which has to show its CSRF token as everywhere."""


class TokenMay(IsAuthenticated):
    """What changes something needs a token that may write."""

    message = "This token may only read; make one that may write."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        token = token_of(request)
        return token is None or request.method in SAFE or Token.Scope.WRITE in token.scopes


def memberships_of(request: Request | HttpRequest) -> Any:
    """Memberships that this request may use: its person's active ones, of a token of one campaign that one."""
    found = Membership.objects.select_related("campaign").filter(user=request.user.pk, active=True, campaign__deleted=None)
    token = token_of(request)
    return found if token is None or token.campaign_id is None else found.filter(campaign=token.campaign_id)


def member_of(request: Request, *, slug: str | None = None, pk: int | None = None) -> Membership:
    """The membership that this request works with, in the campaign of that slug or id, with no more rights than its token has.

    Raises `NotFound` for campaigns that the person is not in or the token not for, `PermissionDenied` for a token of somebody who is
    paused there, `Archived` where the request would change something in an archived campaign.
    """
    named = {"campaign__slug": slug} if slug is not None else {"campaign": pk}
    if (member := memberships_of(request).filter(**named).first()) is None:
        raise NotFound
    if token := token_of(request):
        if is_paused(member):
            raise PermissionDenied("You are paused in this campaign, and so are your tokens.")
        limit(member, token)
    check_changeable(member.campaign, request.method)
    return member


def limit(member: Membership, token: Token) -> Membership:
    """The same membership, with no more rights than the token's role has."""
    member.limited_to = token.role or None
    return member


def token_of(request: Request | HttpRequest) -> Token | None:
    auth = getattr(request, "auth", None)
    return auth if isinstance(auth, Token) else None
