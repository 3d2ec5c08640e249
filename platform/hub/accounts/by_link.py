"""Whoever came by a study's link has no password: once their session is over, they are told to open that link again."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop

COOKIE = "came_by_link"  # says no more than that; a session that has ended says nothing of whose it was
DAYS = 180
SIGN_IN = gettext_noop("You are signed out. Sign in again.")
OPEN_LINK = gettext_noop(
    "You are signed out. You came by a study's link and have no password: open that link again, and go on where you were."
)


def remember(response: HttpResponse) -> HttpResponse:
    """Note in the browser that its person came by a link."""
    path, secure = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_SECURE
    response.set_cookie(COOKIE, "yes", max_age=DAYS * 24 * 3600, path=path, secure=secure, httponly=True, samesite="Lax")
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Whoever is here now has a password."""
    response.delete_cookie(COOKIE, path=settings.SESSION_COOKIE_PATH)
    return response


def came_by_link(request: HttpRequest) -> bool:
    return request.COOKIES.get(COOKIE) == "yes"


def way_back(request: HttpRequest) -> str:
    """What to tell somebody whose session is over."""
    return gettext(OPEN_LINK if came_by_link(request) else SIGN_IN)
