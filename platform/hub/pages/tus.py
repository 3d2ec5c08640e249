"""The tus protocol 1.0.0 (https://tus.io, extensions creation and termination): what its requests say, and its answers.

A place that is asked for again answers with what is here of the file, so that whoever chooses it again goes on.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from annotation.core.errors import DomainError
from learner.services.intakes import NotTaken

VERSION = "1.0.0"
Door = Callable[..., HttpResponse]


class WrongKind(NotTaken):
    """The content type must be application/offset+octet-stream."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def door(view: Door) -> Door:
    """A view of the protocol: its version asked for and named, refusals as text for the person who sends."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("Tus-Resumable") != VERSION and request.method != "OPTIONS":
            response = _refused(f"The header Tus-Resumable must be {VERSION}.", HTTPStatus.PRECONDITION_FAILED)
            response["Tus-Version"] = VERSION
        else:
            try:
                response = view(request, *args, **kwargs)
            except DomainError as refusal:
                response = _refused(str(refusal), refusal.status)
        response["Tus-Resumable"] = VERSION
        return response

    return answer


def _refused(why: str, status: int) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")


# ---- what is asked


def length(request: HttpRequest) -> int:
    """Bytes of a new file. Raises `NotTaken`."""
    return _number(request, "Upload-Length", "how many bytes the file has")


def offset(request: HttpRequest) -> int:
    """Where the bytes of this request begin. Raises `NotTaken`, and `WrongKind`."""
    if request.content_type != "application/offset+octet-stream":
        raise WrongKind
    return _number(request, "Upload-Offset", "where the bytes begin")


def _number(request: HttpRequest, header: str, what: str) -> int:
    said = request.headers.get(header, "")
    if not (said.isdecimal() and len(said) < 15):
        raise NotTaken(f"The header {header} must say {what}.")
    return int(said)


def path(request: HttpRequest) -> str:
    """The path in `Upload-Metadata: path d29ybGQ=`. Raises `NotTaken`."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "path":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                break
    raise NotTaken("The header Upload-Metadata must give the file's path, as UTF-8 in base64.")


# ---- what is answered


def options(largest: int) -> HttpResponse:
    """What this end can do; `largest` is in bytes."""
    extras = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination", "Tus-Max-Size": str(largest)}
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=extras)


def begun(where: str, here: int) -> HttpResponse:
    """A place for a file, and how many bytes of it are here."""
    return HttpResponse(status=HTTPStatus.CREATED, headers={"Location": where, "Upload-Offset": str(here)})


def known(here: int, size: int) -> HttpResponse:
    """How many bytes are here, of how many."""
    return HttpResponse(headers={"Upload-Offset": str(here), "Upload-Length": str(size)})


def taken(here: int) -> HttpResponse:
    """How many bytes are here now."""
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Upload-Offset": str(here)})
