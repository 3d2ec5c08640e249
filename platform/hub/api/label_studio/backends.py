"""ML backends of a project: none. What is proposed comes from the campaign's own model, or as predictions."""

from __future__ import annotations

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from hub.api.label_studio.door import Door, number
from hub.api.tokens.authentication import member_of


class Backends(Door):
    def get(self, request: Request) -> Response:
        member_of(request, pk=number(request.query_params.get("project"), "project"))
        return Response([])

    def post(self, request: Request) -> Response:
        raise ValidationError({"url": ["Projects here join no other backend: the campaign's own model proposes marks. Send predictions."]})
