"""The API's document (OpenAPI 3.1): made from the doors themselves, with every status and what is said then."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from hub.api.v1 import problems, shapes
from hub.api.v1.idempotent import ALLOWED, HEADER

PROBLEM = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "error", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "the status in words"},
        "status": {"type": "integer", "description": "the status itself"},
        "error": {"type": "string", "description": "the kind of error"},
        "detail": {"type": "string", "description": "what is wrong and what is allowed, in words for people"},
        "field": {"type": "string", "description": "what is complained about: of the body, behind the ?, or a header"},
    },
}
EVERYWHERE = {
    400: "It cannot be read, or something in it is not allowed: `field` says what.",
    401: "No token and no session, or a token that is unknown, revoked or past its time.",
    403: "This person, or this token, may not do it.",
    404: "There is nothing at this address, or nothing that is open to this person and token.",
    406: "None of the kinds of answers that there are is accepted.",
    413: "The body is too long.",
    414: "The address is too long.",
    429: "The token was used too often within a minute: Retry-After says when it may be again.",
    431: "A header is too long.",
    500: "The fault is on this side; it is written down.",
    503: "The database does not answer as it should: the same request may well do after Retry-After.",
    507: "The disk of the site is full: the same request may do after Retry-After, once somebody has made room.",
}
OUT_OF_RANGE = "The sound ends before the range that was asked for begins."
OF_POST = {
    409: "It does not fit what there is by now, or the campaign is in the archive.",
    415: "Bodies are JSON in UTF-8.",
    422: f"The {HEADER} was sent with another request before.",
}


_shapes: dict[str, type[serializers.Serializer]] = {}  # of one name there may be one


def item(rows: Any) -> type[serializers.Serializer]:
    """The serializer of one row of a list."""
    return _shapes.setdefault(rows.name, shapes.shape(rows.name, rows.row))


def page(rows: Any) -> type[serializers.Serializer]:
    fields = {
        "items": item(rows)(many=True),
        "next": serializers.URLField(allow_null=True, help_text="the page after; null: it is the last"),
    }
    return _shapes.setdefault(f"{rows.name}Page", shapes.shape(f"{rows.name}Page", fields))


class DoorSchema(AutoSchema):
    """Reads what a door says of itself: `row`, `asked`, `rows`, and of its POST `body` and `answers`."""

    def get_operation_id(self) -> str:
        name = type(self.view).__name__
        if self.method == "POST":
            return f"post{name}"
        return f"get{name}" if hasattr(self.view, "rows") else f"list{name}" if hasattr(self.view, "asked") else f"get{name}"

    def get_auth(self) -> list[Any]:
        return []  # the generator says it of all

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part and not part.startswith("{")][2:]
        return [parts[1] if len(parts) > 1 else parts[0]]

    def get_override_parameters(self) -> Any:
        if self.method == "POST":
            words = "Sent again with the same, the request is answered as before and does nothing; kept for a day."
            known = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description=words, pattern=f"^{ALLOWED}$")
            return [known]
        return [self.view.asked] if hasattr(self.view, "asked") else []

    def get_request_serializer(self) -> Any:
        return getattr(self.view, "body", None) if self.method == "POST" else None

    def get_response_serializers(self) -> Any:
        view: Any = self.view
        if self.method == "POST":
            said = getattr(view, "answers", None) or {201: type(view)}
            return {status: item(one) if hasattr(one, "row") else one for status, one in said.items()}
        if hasattr(view, "rows"):
            return {200: item(view.rows)}
        return {200: page(type(view)) if hasattr(view, "asked") else item(type(view))}


class Generator(SchemaGenerator):
    """Of `/api/v1/` alone."""

    own_refusals = True  # `hub.schema` adds none of its own, nor names of choices

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"patterns": [path("api/v1/", include("hub.api.v1.urls"))]})

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        made = super().get_schema(request, public)
        made["info"] |= {"title": "Unbleed", "description": INTRODUCTION}
        made["components"]["schemas"]["Problem"] = PROBLEM
        made["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "or `Token` in place of `Bearer`"}
        }
        for operations in made["paths"].values():
            for method, operation in operations.items():
                operation["security"] = [{"token": []}]
                _name_every_answer(method, operation["responses"])
        return made


def _name_every_answer(method: str, answers: dict[str, Any]) -> None:
    for answer in answers.values():
        if "text/csv" in answer.get("content", {}):
            answer["content"]["text/csv"] = {"schema": {"type": "string", "description": "a line of names, then a line for each row"}}
    if "206" in answers:
        answers["206"] |= {"description": "The range alone.", "headers": {"Content-Range": {"schema": {"type": "string"}}}}
        answers["416"] = {
            "description": OUT_OF_RANGE,
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    refused = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status, words in (EVERYWHERE | (OF_POST if method == "post" else {})).items():
        answers[str(status)] = {"description": words, "content": {problems.MEDIA_TYPE: refused}}
    if method == "get":
        answers["304"] = {"description": "It is as the ETag in If-None-Match names it."}
        answers["200"]["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "send it as If-None-Match"}}
    made = dict(sorted(answers.items()))
    answers.clear()
    answers.update(made)


INTRODUCTION = """A token (*Your account*, *Tokens*) goes with every request: `Authorization: Bearer unb_…`.

Lists come by pages: `items`, and `next` with the address of the page after, until it is null. Times within songs are seconds from the start
of the song, where nothing else is said."""


@cache
def document() -> dict[str, Any]:
    """The whole, made once for each process."""
    return dict(Generator().get_schema(public=True))
