"""The HTTP answers that errors become: the work's own (`DomainError`), those of the disk, and those of the database."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext, gettext_noop
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from annotation.core.errors import DomainError
from annotation.files.disk_space import Lack, lack_of_room
from hub.accounts.by_link import way_back
from hub.requests import refusal

log = logging.getLogger(__name__)


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: `{"error": class, "detail": text}`, and what the error knows about itself (region, field)."""
    if not isinstance(error, DomainError):
        return _refused_by_drf(error, context)
    set_rollback()
    known = {name: value for name, value in vars(error).items() if isinstance(value, str | int | float | dict)}
    headers = None if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Response({**known, "error": type(error).__name__, "detail": error.said(gettext)}, status=error.status, headers=headers)


def _refused_by_drf(error: Exception, context: dict[str, Any]) -> Response | None:
    """What DRF itself refuses, in the same words as the rest: of a body with several faults, the first with its place."""
    if (response := exception_handler(error, context)) is None:
        return None
    field, detail = _first_complaint(error.detail if isinstance(error, APIException) else response.data["detail"])
    if isinstance(error, NotAuthenticated):
        response.data = {"error": "SignedOut", "detail": way_back(context["request"])}
        return response
    response.data = ({"field": field} if field else {}) | {"error": type(error).__name__, "detail": detail}
    return response


def _first_complaint(detail: Any, where: str = "") -> tuple[str, str]:
    """The place and words of the first of DRF's complaints, which lie in lists and dicts like what they are about."""
    if isinstance(detail, dict):
        name, inside = next(iter(detail.items()))
        step = f"[{name}]" if isinstance(name, int) else "" if name == "non_field_errors" else f".{name}"
        return _first_complaint(inside, where + step)
    if isinstance(detail, list):
        return _first_complaint(detail[0], where)
    where = where.removeprefix(".")
    return where, f"{where}: {detail}"[:500] if where else str(detail)[:500]


class DomainErrors:
    """The same for pages and fragments, as plain text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if lack := lack_of_room(error):
            return disk_full(request, lack)
        if isinstance(error, DATABASE_FAULTS):
            return database_away(request, error)
        if not isinstance(error, DomainError):
            return None
        return HttpResponse(error.said(gettext), status=error.status, content_type="text/plain; charset=utf-8")


DATABASE_FAULTS = (OperationalError, InterfaceError)
"""It is away, has no connection left, or a statement took longer than the settings allow: the same request may well do a moment later."""
RETRY_SECONDS = 5
AWAY = gettext_noop("The database does not answer as it should. Please try again in a moment; what was confirmed before is kept.")


def database_away(request: HttpRequest, error: BaseException) -> HttpResponse:
    log.warning("the database failed %s: %s", request.path, str(error).partition("\n")[0])
    return _not_now(request, HTTPStatus.SERVICE_UNAVAILABLE, "DatabaseAway", AWAY, RETRY_SECONDS)


FULL_RETRY_SECONDS = 30
FULL = gettext_noop("The disk of this site is full, and whoever runs it has to make room. What was confirmed before is kept.")


def disk_full(request: HttpRequest, lack: Lack) -> HttpResponse:
    log.warning("requests fail, since the disk is full: %s", lack)  # without their paths, so that those alike are counted only
    return _not_now(request, HTTPStatus.INSUFFICIENT_STORAGE, "DiskFull", FULL, FULL_RETRY_SECONDS)


def _not_now(request: HttpRequest, status: HTTPStatus, error: str, detail: str, seconds: int) -> HttpResponse:
    """Says when to come again: to programs as a problem (RFC 9457) with our usual fields, else as plain text."""
    again, detail = {"Retry-After": str(seconds)}, gettext(detail)
    if request.path_info.startswith("/api/"):
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "error": error, "detail": detail}
        return JsonResponse(problem, status=status, headers=again, content_type="application/problem+json")
    return HttpResponse(detail, status=status, headers=again, content_type="text/plain; charset=utf-8")


BROKEN = gettext_noop("The fault is on our side, and is written down. What was confirmed before is kept; please try again in a moment.")


def failed(request: HttpRequest) -> HttpResponseBase:
    """What no view and no middleware expected; Django calls this while it handles the exception."""
    error = sys.exception()
    if lack := lack_of_room(error):
        return disk_full(request, lack)
    if isinstance(error, DATABASE_FAULTS):
        return database_away(request, error)
    return refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, gettext(BROKEN))
