"""What researchers and managers take home: how clips were chosen, as CSV and as JSON; every mark, and every region agreed on, as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.core.panels import csv_table
from annotation.models import Campaign, Task
from annotation.pages.access import researcher_or_403
from annotation.selectors import chosen, marks

AT_ONCE = 500  # clips in one answer
SETTINGS = ("choosing", "random_share", "asks_again", "clip_seconds", "clips_per_round", "clips_per_track")


@login_required
@never_cache
@require_safe
def export(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All clips of the campaign as CSV."""
    return _csv(chosen.lines(chosen.rows(researcher_or_403(request, slug).campaign)), slug, "clips")


@login_required
@never_cache
@require_safe
def export_marks(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All marks of people as CSV."""
    return _csv(csv_table(marks.MARKS, marks.marks(researcher_or_403(request, slug).campaign)), slug, "marks")


@login_required
@never_cache
@require_safe
def export_regions(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All regions that people agreed on as CSV."""
    return _csv(csv_table(marks.REGIONS, marks.regions(researcher_or_403(request, slug).campaign)), slug, "regions")


def _csv(lines: Iterator[str], slug: str, what: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-{what}-{now():%Y-%m-%d}.csv"'
    return response


CLIP = inline_serializer(
    "ChosenClip",
    {
        "task": serializers.IntegerField(),
        "round": serializers.IntegerField(),
        "track": serializers.CharField(),
        "artist": serializers.CharField(allow_blank=True),
        "album": serializers.CharField(allow_blank=True),
        "stem": serializers.CharField(),
        "start": serializers.FloatField(help_text="seconds from the start of the track"),
        "end": serializers.FloatField(help_text="seconds from the start of the track"),
        "checkpoint": serializers.CharField(help_text="hash of the checkpoint that people listen to"),
        "kind": serializers.ChoiceField(choices=[Task.Kind.POOL.value]),
        "kept_apart": serializers.BooleanField(help_text="its marks are shown to the gate only"),
        "state": serializers.ChoiceField(choices=Task.State.values),
        "contested": serializers.BooleanField(),
        "arm": serializers.ChoiceField(choices=Task.Arm.values, help_text="random: the control group"),
        "strategy": serializers.CharField(allow_blank=True, help_text="of the campaign when the clip was chosen; empty: not kept"),
        "chance": serializers.FloatField(help_text="probability with which the clip was chosen"),
        "reason": serializers.CharField(allow_blank=True),
        "parts": serializers.DictField(child=serializers.FloatField(), help_text="what its score is made of"),
        "asked_again": serializers.IntegerField(allow_null=True, help_text="the later round that asked one more person about it"),
        "answers": serializers.IntegerField(help_text="accepted ones"),
        "agreed_seconds": serializers.FloatField(allow_null=True, help_text="of the latest consensus; null: none yet"),
        "tags": serializers.DictField(child=serializers.FloatField(), help_text="of the latest consensus, the agreed seconds of each tag"),
        "missing_seconds": serializers.FloatField(allow_null=True, help_text="in which something is missing, by the same consensus"),
        "opened": serializers.DateTimeField(),
        "closed": serializers.DateTimeField(allow_null=True),
    },
)
CHOSEN = inline_serializer(
    "ChosenClips",
    {
        "choosing": serializers.ChoiceField(choices=Campaign.Choosing.values, help_text="the campaign's strategy now"),
        "random_share": serializers.FloatField(),
        "asks_again": serializers.BooleanField(help_text="whether a heard clip may get one more opinion instead of a new clip"),
        "clip_seconds": serializers.FloatField(),
        "clips_per_round": serializers.IntegerField(),
        "clips_per_track": serializers.IntegerField(),
        "clips": serializers.ListField(child=CLIP),
        "next": serializers.URLField(allow_null=True, help_text="where the clips after these are; null: these are the last"),
    },
)


class Clips(APIView):
    """How clips are chosen now, and the clips that were put before people, with how each was chosen; for owners, managers, researchers."""

    class Asked(serializers.Serializer):
        after = serializers.IntegerField(
            min_value=0, max_value=2**63 - 1, default=0, help_text="only clips whose `task` is greater; `next` says it"
        )

    @extend_schema(parameters=[Asked], responses={200: CHOSEN, 400: None})
    def get(self, request: Request, slug: str) -> Response:
        campaign = researcher_or_403(request._request, slug).campaign
        asked = self.Asked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        after = asked.validated_data["after"]
        found = list(chosen.rows(campaign, after=after, most=AT_ONCE + 1))
        clips, settings = found[:AT_ONCE], {name: getattr(campaign, name) for name in SETTINGS}
        following = request.build_absolute_uri(f"?after={clips[-1]['task']}") if len(found) > len(clips) else None
        return Response(settings | {"clips": clips, "next": following})
