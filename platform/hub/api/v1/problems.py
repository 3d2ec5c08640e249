"""What the API says when it refuses: problem details (RFC 9457), with our usual fields in them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework.response import Response

from hub.errors import answer

MEDIA_TYPE = "application/problem+json"


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler of `/api/v1/`: as that of the pages' endpoints (`hub.errors.answer`), as a problem."""
    if (response := answer(error, context)) is None:
        return None
    status = HTTPStatus(response.status_code)
    response.data = {"type": "about:blank", "title": status.phrase, "status": int(status), **response.data}
    response.content_type = MEDIA_TYPE
    return response
