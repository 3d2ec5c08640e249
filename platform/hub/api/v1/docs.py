"""The API's document for programs, and the same as a page for people, written by the server: no script and no style of others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.v1.doors import Door
from hub.api.v1.schema import document


class Document(Door):
    """The document (OpenAPI 3.1), as JSON."""

    def get(self, request: Request) -> Response:
        return Response(document())


@dataclass(frozen=True)
class Field:
    """A name in a body, an answer or an address."""

    name: str
    kind: str
    needed: bool
    words: str


@dataclass(frozen=True)
class Operation:
    """One method of one address, as the page shows it."""

    anchor: str
    method: str
    path: str
    words: str
    asked: list[Field]  # in the address, behind the ?, and as headers
    body: list[Field]
    answers: list[tuple[str, str]]  # those of success
    fields: list[Field]  # of the answer, of a list those of a row
    curl: str


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every operation with its fields and an example."""
    made = document()
    root = request.build_absolute_uri(reverse("v1-me")).removesuffix("/api/v1/me/")  # with the path below which the site lies
    groups: dict[str, list[Operation]] = {}
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            shown = _operation(made, root, path, method, operation)
            groups.setdefault(operation["tags"][0], []).append(shown)
    refused = {status: answer["description"] for _, operations in sorted(made["paths"].items()) for one in operations.values()
               for status, answer in one["responses"].items() if status >= "400"}  # fmt: skip
    context = {"groups": groups, "refused": sorted(refused.items()), "problem": _fields(made, {"$ref": "#/components/schemas/Problem"})}
    return render(request, "hub/api_docs.html", context | {"site": root, "api_root": f"{root}/api/v1/"})


def _operation(made: Any, root: str, path: str, method: str, operation: Any) -> Operation:
    asked = [Field(one["name"], _kind(one["schema"]), one.get("required", False), one.get("description", "")) for one in
             sorted(operation.get("parameters", []), key=lambda one: one["in"] != "path")]  # fmt: skip
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fine = {status: answer for status, answer in operation["responses"].items() if status < "400"}
    contents = [answer.get("content", {}).get("application/json") for answer in fine.values()]
    answered: Any = next((one["schema"] for one in contents if one), {})
    body = _fields(made, sent) if sent else []
    return Operation(
        anchor=operation["operationId"], method=method.upper(), path=path, words=operation.get("description", ""), asked=asked, body=body,
        answers=[(status, answer.get("description", "")) for status, answer in fine.items()],
        fields=_fields(made, _row(made, answered)), curl=_curl(method, f"{root}{path}", body),
    )  # fmt: skip


def _curl(method: str, address: str, body: list[Field]) -> str:
    """How to ask by curl, with what a body must have."""
    said = ["curl", "-H", "'Authorization: Bearer unb_…'"]
    if method == "post":
        said[1:1] = ["-X", "POST"]
    if body:
        example = {one.name: [] if one.kind.startswith("list") else "…" for one in body if one.needed}
        said += ["-H", "'Content-Type: application/json'", "-d", f"'{json.dumps(example, ensure_ascii=False)}'"]
    return " ".join([*said, address])


def _row(made: Any, schema: Any) -> Any:
    """Of a page of a list the row, else the schema itself."""
    items = _met(made, schema).get("properties", {}).get("items")
    return items["items"] if items and items.get("type") == "array" else schema


def _fields(made: Any, schema: Any) -> list[Field]:
    met = _met(made, schema)
    needed = set(met.get("required", []))
    return [
        Field(name, _kind(_met(made, one)), name in needed, one.get("description", "")) for name, one in met.get("properties", {}).items()
    ]


def _met(made: Any, schema: Any) -> Any:
    """The schema that a reference leads to."""
    while "$ref" in schema:
        schema = made["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _kind(schema: Any) -> str:
    """A type in words: "one of pool, gold", "list of number", "number or null"."""
    if choices := schema.get("enum"):
        return "one of " + ", ".join(json.dumps(one) if one is None else str(one) for one in choices)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    kinds = schema.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        return f"list of {_kind(schema['items'])}"
    return " or ".join(f"{kind} ({schema['format']})" if kind != "null" and "format" in schema else kind for kind in kinds)
