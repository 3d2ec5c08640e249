"""Who has to have a second factor comes nowhere else before they have set one up."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop

from annotation.models import Membership

ALWAYS = {"sign-in", "sign-out", "language", "favicon.ico", "join", "invitation"}  # names of routes, beside all below /account/
REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
NEEDED = gettext_noop("Set up a second factor on your account page first.")


def must_set_up(user: Any) -> bool:
    """Whether this person has to have a second factor, and has none."""
    if settings.SECOND_FACTOR_FOR == "nobody" or not user.is_authenticated:
        return False
    leads = user.is_staff or user.is_superuser
    if not leads and settings.SECOND_FACTOR_FOR == "managers":
        roles = (Membership.Role.OWNER, Membership.Role.MANAGER)
        leads = Membership.objects.filter(user_id=user.pk, active=True, role__in=roles).exists()
    return bool(leads) and not Authenticator.objects.filter(user_id=user.pk, type__in=REAL).exists()


class RequireSecondFactor:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        assert match
        if match.route.startswith("account/") or match.url_name in ALWAYS or not must_set_up(request.user):
            return None
        if request.path_info.startswith("/api/"):
            said = {"error": "SecondFactorNeeded", "detail": gettext(NEEDED)}
            return JsonResponse(said, status=HTTPStatus.FORBIDDEN)
        return redirect("account")
