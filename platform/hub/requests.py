"""What any request may hold: text of a bounded size. Anything else is refused here, in words, before something reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import IO, Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.utils.translation import gettext, gettext_noop
from rest_framework.parsers import JSONParser

from annotation.core import strict_json
from annotation.core.panels import LARGEST_EXPORT
from hub.error_pages import as_page

LONGEST_ADDRESS = 8_000  # characters; proxies let no more through either
LONGEST_HEADER = 8_000
LARGEST_FORM = LARGEST_EXPORT + 500_000  # bytes; no form brings a larger file
LARGEST_SONG = 110_000_000  # bytes; ten minutes of stereo at 44.1 kHz and 16 bit are 106 MB, 24 bit as FLAC about 90
IMPORTS = "/import/"  # where a manager may send files with answers, as large
SONGS = "/mine/"  # where somebody may send a song
TO_SEPARATE = re.compile(r"/api/v1/campaigns/[^/]+/separate/$")  # where programs send one, as a form or as it is
LARGEST_BODY = 2_000_000  # bytes, of all that brings no files; the largest answer that is allowed has about 1,200,000
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

Refusal = tuple[HTTPStatus, str]


class Readable:
    """Lets through what can be read: the first check that a request comes to, before cookies, sessions and files are looked up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if wrong := _too_long(request) or _not_text(request):
            return as_page(request, refusal(request, *wrong))
        return self.get_response(request)


def _too_long(request: HttpRequest) -> Refusal | None:
    if len(request.path) + len(request.META.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
        return HTTPStatus.REQUEST_URI_TOO_LONG, f"The address has more than {LONGEST_ADDRESS:,} characters."
    for name, value in request.headers.items():
        if len(value) > LONGEST_HEADER:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The header {name[:100]} has more than {LONGEST_HEADER:,} characters."
    is_form = request.content_type == "multipart/form-data"
    most = largest_form(request.path) if is_form or TO_SEPARATE.search(request.path) else LARGEST_BODY
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        return HTTPStatus.BAD_REQUEST, "The header Content-Length is not a number."
    if len(length) > 18 or int(length) > most:
        return (
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"What was sent has more than {most:,} bytes, which is all that is taken at once.",
        )
    return None


def largest_form(path: str) -> int:
    """Bytes that a form sent to this path may have, files included."""
    return LARGEST_SONG + 10_000 if path.endswith((SONGS, IMPORTS)) or TO_SEPARATE.search(path) else LARGEST_FORM


def _not_text(request: HttpRequest) -> Refusal | None:
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.casefold() not in ("utf-8", "utf8"):  # other codecs of Python's unpack archives, or give no text at all
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body is in {charset[:40]!r}; it may be in UTF-8."
    if "\0" in request.path:
        return HTTPStatus.BAD_REQUEST, "The address holds a NUL character."
    fields: dict[str, Mapping[str, Any]] = {"address": request.GET, "cookie": request.COOKIES}
    if request.method == "POST" and request.content_type in FORMS:
        fields["form"] = request.POST
    for kind, given in fields.items():
        pairs = given.lists() if isinstance(given, QueryDict) else given.items()  # of a name that stands there twice, every value
        if any("\0" in "".join([name, *values]) for name, values in pairs):
            return HTTPStatus.BAD_REQUEST, f"The {kind} holds a NUL character."
    return None


class JsonParser(JSONParser):
    """JSON bodies of the API, read strictly; raises `BadJson`."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return strict_json.read(stream.read())


def refusal(request: HttpRequest, status: HTTPStatus, text: str) -> HttpResponse:
    """An answer that says no before a view was reached: for programs as the API's other errors, else as plain text."""
    if request.path_info.startswith("/api/"):
        said: dict[str, Any] = {"error": status.name.title().replace("_", ""), "detail": text}
        if not request.path_info.startswith("/api/v1/"):
            return JsonResponse(said, status=status)
        said = {"type": "about:blank", "title": status.phrase, "status": int(status), **said}
        return JsonResponse(said, status=status, content_type="application/problem+json")
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django could not read: too many fields, a form cut short; and names that are not this site's."""
    if isinstance(exception, DisallowedHost):
        return refusal(request, HTTPStatus.BAD_REQUEST, "The site is not reached by this name: whoever runs it sets ALLOWED_HOSTS.")
    return refusal(request, HTTPStatus.BAD_REQUEST, "The request cannot be read: it is malformed, or has too many parts.")


NOTHING = gettext_noop("There is nothing at this address, or nothing that is open to you.")
NOT_YOURS = gettext_noop("Your role does not allow this.")
FORGED = gettext_noop("This form is out of date, or cookies are blocked. Go back, load the page again, and send it once more.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing is there, or nothing that this person may know of."""
    of_api = request.path_info.startswith("/api/")
    return refusal(request, HTTPStatus.NOT_FOUND, "There is nothing at this address." if of_api else gettext(NOTHING))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What a role does not allow, in the words of who refused."""
    return refusal(request, HTTPStatus.FORBIDDEN, str(exception) or gettext(NOT_YOURS))


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token that pages of this site carry."""
    return refusal(request, HTTPStatus.FORBIDDEN, gettext(FORGED))
