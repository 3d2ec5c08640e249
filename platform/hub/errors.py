"""Domain errors and the HTTP answers they become, in one table. What people read is the error's own text, else its docstring."""

import inspect
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from annotation.hearing import Unheard
from annotation.label_studio import BadConfig
from annotation.panels import BadExport, BadVisit
from annotation.regions import BadRegion
from annotation.services import (
    AlreadyAnswered,
    AlreadyThere,
    DecisionUsed,
    DraftChanged,
    NotAReviewer,
    NothingToUndo,
    NotInReview,
    NotYours,
    NoWayBack,
    RoundFrozen,
    StaleReview,
    UsedKey,
)
from annotation.services.gold import NotPaused
from annotation.services.links import LinkClosed
from annotation.services.welcome import NotReady
from hub.accounts.by_link import way_back
from learner.services import NothingToJudge, StaleModel

STATUS: dict[type[Exception], HTTPStatus] = {
    BadRegion: HTTPStatus.BAD_REQUEST,
    Unheard: HTTPStatus.BAD_REQUEST,
    BadConfig: HTTPStatus.BAD_REQUEST,
    BadVisit: HTTPStatus.BAD_REQUEST,
    BadExport: HTTPStatus.BAD_REQUEST,
    LinkClosed: HTTPStatus.GONE,
    NotYours: HTTPStatus.CONFLICT,
    UsedKey: HTTPStatus.CONFLICT,
    AlreadyAnswered: HTTPStatus.CONFLICT,
    DraftChanged: HTTPStatus.CONFLICT,
    RoundFrozen: HTTPStatus.CONFLICT,
    NoWayBack: HTTPStatus.CONFLICT,
    NotInReview: HTTPStatus.CONFLICT,
    StaleReview: HTTPStatus.CONFLICT,
    NothingToUndo: HTTPStatus.CONFLICT,
    DecisionUsed: HTTPStatus.CONFLICT,
    NotAReviewer: HTTPStatus.FORBIDDEN,
    NotReady: HTTPStatus.FORBIDDEN,
    NotPaused: HTTPStatus.CONFLICT,
    AlreadyThere: HTTPStatus.CONFLICT,
    NothingToJudge: HTTPStatus.CONFLICT,
    StaleModel: HTTPStatus.CONFLICT,
}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: `{"error": class, "detail": text}`, and what the error knows about itself (region, field)."""
    if (status := _status(error)) is None:
        response = exception_handler(error, context)
        if response is not None and isinstance(error, NotAuthenticated):
            response.data |= {"error": "SignedOut", "detail": way_back(context["request"])}
        return response
    set_rollback()
    known = {name: value for name, value in vars(error).items() if isinstance(value, str | int | float | dict)}
    return Response({**known, "error": type(error).__name__, "detail": text_of(error)}, status=status)


class DomainErrors:
    """The same table for pages and fragments, as plain text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if (status := _status(error)) is None:
            return None
        return HttpResponse(text_of(error), status=status, content_type="text/plain; charset=utf-8")


def text_of(error: Exception) -> str:
    return str(error) or inspect.cleandoc(type(error).__doc__ or type(error).__name__)


def _status(error: Exception) -> HTTPStatus | None:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
