"""The API's schema: every status that an endpoint answers, and the one shape of what it says when it refuses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.hooks import postprocess_schema_enums
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

PROBLEM = {
    "type": "object",
    "description": "Why a request was refused.",
    "required": ["error", "detail"],
    "properties": {
        "error": {"type": "string", "description": "the kind of error"},
        "detail": {"type": "string", "description": "what is wrong and what is allowed, in words for people"},
        "field": {"type": ["string", "null"], "description": "the part of the body that is complained about"},
        "region": {"type": ["string", "null"], "description": "the region of a result that is complained about"},
        "share": {"type": "number", "description": "of the clip, 0-1: what was heard of it"},
        "title": {"type": "string", "description": "the status in words, where something other than the request is at fault"},
        "status": {"type": "integer", "description": "the status itself, there too"},
        "go": {"type": "string", "description": "the page to go to first"},
    },
}

ANY_ENDPOINT = {
    400: "It cannot be read, or something in it is not allowed.",
    403: "Nobody is signed in, the CSRF token is missing, or this person may not do it.",
    404: "There is nothing at this address for the person signed in.",
    406: "Answers are JSON.",
    413: "The body is too long.",
    414: "The address is too long.",
    415: "Bodies are JSON in UTF-8.",
    431: "A header is too long.",
    503: "The database does not answer as it should: the same request may well do after Retry-After.",
    507: "The disk of the site is full: the same request may do after Retry-After, once somebody has made room.",
}
SOME_ENDPOINTS = {409: "It does not fit what the rows say by now, or a key was used for something else."}


def name_choices(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give each set of choices a name, but where a document has many under the same name, as that of `/api/v1/`."""
    return (
        result
        if getattr(generator, "own_refusals", False)
        else dict(postprocess_schema_enums(result, generator, request=request, public=public))
    )


def name_every_refusal(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give every operation the refusals of any endpoint, and those that it declares itself the same body; a hook of drf-spectacular."""
    if getattr(generator, "own_refusals", False):
        return result
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    not_ours = {"application/problem+json": body["application/json"]}
    for operations in result["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            refusals = ANY_ENDPOINT | {status: words for status, words in SOME_ENDPOINTS.items() if str(status) in answers}
            said = {
                str(status): {"description": words, "content": not_ours if status >= 500 else body} for status, words in refusals.items()
            }
            for status, one in said.items():  # an endpoint that says more than others when it refuses has declared that
                answers[status] = one | {"content": answers.get(status, {}).get("content", one["content"])}
            operation["responses"] = dict(sorted(answers.items()))
    return result


class Schema(SpectacularAPIView):
    """The schema itself, for whoever is signed in; as JSON, like all that the API says."""

    permission_classes = (IsAuthenticated,)
    renderer_classes = [OpenApiJsonRenderer2]

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        return super().get(request)
