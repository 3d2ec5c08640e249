"""What the model proposed, for managers' programs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.pages.access import researcher_or_403
from annotation.selectors import proposals

PROPOSED = inline_serializer(
    "ProposedTask",
    {
        "id": serializers.IntegerField(),
        "data": serializers.DictField(help_text="track, start and end (seconds of it), shown, chance"),
        "annotations": serializers.ListField(child=serializers.DictField(), help_text="none: answers are not in it"),
        "predictions": serializers.ListField(child=serializers.DictField(), help_text="result, score, model_version"),
    },
)


class Proposals(APIView):
    """What was proposed for each clip, as Label Studio's predictions, blind ones too; for owners and managers."""

    @extend_schema(responses={200: serializers.ListSerializer(child=PROPOSED)})
    def get(self, request: Request, slug: str) -> Response:
        return Response(list(proposals.exported(researcher_or_403(request._request, slug).campaign)))
