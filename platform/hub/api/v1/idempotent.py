"""Doing what a request asks once, however often it is sent: the header Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http.request import RawPostDataException
from django.utils.timezone import now
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core.errors import DomainError
from hub.api.v1.models import KeptAnswer

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
ALLOWED = r"[\x21-\x7e]{1,255}"
REPLAYED = {"Idempotent-Replayed": "true"}


class KeyUsedBefore(DomainError):
    """This Idempotency-Key was sent with another request before: make a new one for each."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__()
        self.field = HEADER


Method = Callable[..., Response]


def once(method: Method) -> Method:
    """Let a request with the header do its work once: what it changes and its answer are kept together, or neither is.

    Raises `KeyUsedBefore`.
    """

    @wraps(method)
    def guarded(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response | None = None

        def do() -> tuple[int, Any]:
            nonlocal response
            response = method(self, request, *args, **kwargs)
            return response.status_code, json.loads(JSONRenderer().render(response.data) or b"null")

        status, body = done_once(request, lambda: _body(request), do)
        return response or Response(body, status=status, headers=REPLAYED)

    return guarded


def _body(request: Request) -> bytes:
    """As it came; of a form, which no door reads that is kept by this, nothing."""
    try:
        return request._request.body
    except RawPostDataException:
        return b""


def done_once(request: Request, sent: Callable[[], bytes], do: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """The status and the body that `do` gave: now, or to the same request before. Without the header it is done every time.

    `sent` gives what the request's body says. One that comes while the first is at work waits for it. A refused one may be sent again under
    the same key. Raises `KeyUsedBefore`.
    """
    if (key := request.headers.get(HEADER)) is None:
        return do()
    if not re.fullmatch(ALLOWED, key):
        raise ValidationError({HEADER: "It may have 1 to 255 characters, of ASCII and without spaces."})
    fingerprint = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + sent()).hexdigest()
    with transaction.atomic():
        row, is_new = KeptAnswer.objects.get_or_create(owner_id=request.user.pk, key=key, defaults={"fingerprint": fingerprint})
        if not is_new and row.made > now() - KEPT:
            if row.fingerprint != fingerprint:
                raise KeyUsedBefore
            return row.status, row.body
        status, body = do()
        KeptAnswer.objects.filter(pk=row.pk).update(fingerprint=fingerprint, status=status, body=body, made=now())
    _forget()
    return status, body


@transaction.atomic
def _forget() -> None:
    over = KeptAnswer.objects.filter(made__lte=now() - KEPT).select_for_update(skip_locked=True)
    KeptAnswer.objects.filter(pk__in=over.values("pk")[:1000]).delete()
