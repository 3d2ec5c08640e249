"""What a browser shows where something is refused, missing or broken: a page that says so in words, and leads back.

Everything else of the site answers errors in plain text, which programs and scripts read; here that text gets its page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop

from annotation.selectors.queue import membership_of

TITLES = {
    HTTPStatus.BAD_REQUEST: gettext_noop("This request cannot be read"),
    HTTPStatus.FORBIDDEN: gettext_noop("This is not open to you"),
    HTTPStatus.NOT_FOUND: gettext_noop("There is nothing here"),
    HTTPStatus.METHOD_NOT_ALLOWED: gettext_noop("This is not a page"),
    HTTPStatus.GONE: gettext_noop("This is gone"),
    HTTPStatus.INTERNAL_SERVER_ERROR: gettext_noop("Something went wrong here"),
    HTTPStatus.SERVICE_UNAVAILABLE: gettext_noop("Not at the moment"),
}
OTHERWISE = gettext_noop("This did not work")
NOT_A_PAGE = gettext_noop("A button of another page uses this address; by itself it shows nothing.")
OF_CAMPAIGN = re.compile(r"/c/([-\w]+)/.")


class ErrorPages:
    """Gives every plain answer that says no its page, where a browser shows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return as_page(request, self.get_response(request))


def as_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer itself, or, to a browser that shows it, its text on a page of the site, with status and headers as they were."""
    if response.status_code < HTTPStatus.BAD_REQUEST or not isinstance(response, HttpResponse) or not _is_shown(request):
        return response
    not_allowed = isinstance(response, HttpResponseNotAllowed)
    if not (not_allowed or response.headers.get("Content-Type", "").startswith("text/plain")):
        return response
    text = gettext(NOT_A_PAGE) if not_allowed else response.text
    response.content = _page(request, response.status_code, text).encode()
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    if "Content-Length" in response.headers:
        response.headers["Content-Length"] = str(len(response.content))
    return response


def _is_shown(request: HttpRequest) -> bool:
    """Whether a person will read the answer as a page: scripts and programs ask for anything, and parts of pages for themselves."""
    named = request.headers.get("Accept", "")
    return "text/html" in named and "HX-Request" not in request.headers and not request.path_info.startswith("/api/")


def _page(request: HttpRequest, status: int, text: str) -> str:
    """The page; where the site itself is at fault, or nobody has looked yet who asks, it is made without asking anything."""
    user = getattr(request, "user", None)
    whole = user is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR
    context = {
        "title": gettext(TITLES.get(HTTPStatus(status), OTHERWISE)),
        "text": text,
        "status": status,
        "links": _ways_back(request) if whole else [(reverse("front"), gettext("Start page"))],
        "language": translation.get_language() or "en",
    }
    return render_to_string("error.html", context, request if whole else None)


def _ways_back(request: HttpRequest) -> list[tuple[str, str]]:
    """Addresses and their words: the campaign that the address is of, where this person is in it; one's start page, or the sign-in."""
    if not request.user.is_authenticated:
        return [(f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}", gettext("Sign in"))]
    found = []
    if (of := OF_CAMPAIGN.match(request.path_info)) and (member := membership_of(request.user, of[1])):
        found.append((reverse("campaign", args=[of[1]]), gettext("Back to %(campaign)s") % {"campaign": member.campaign.name}))
    return [*found, (reverse("front"), gettext("Start page"))]
