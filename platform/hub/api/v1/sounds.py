"""The sound of a clip, for programs: what was extracted, the mix, and what was removed from it."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from annotation.core.errors import DomainError
from annotation.files.previews import preview
from annotation.models import Assignment, Estimate, Membership, Stem, Task
from annotation.pages.clips import with_range
from hub.api.v1.doors import Door
from hub.api.v1.separations import Flac

MIX, REMOVED = "mix", "removed"


class NoSuchRange(DomainError):
    """The sound ends before the range that was asked for begins."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def __init__(self) -> None:
        super().__init__()
        self.field = "Range"


class Ogg(Flac):
    media_type, format = "audio/ogg", "ogg"


class ClipSound(Door):
    """The sound of a task's clip."""

    renderer_classes = [Ogg, JSONRenderer]

    @extend_schema(
        responses={(200, Ogg.media_type): OpenApiTypes.BINARY, (206, Ogg.media_type): OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "sound", location=OpenApiParameter.PATH, description=f"the task's stem, {MIX} or {REMOVED}", pattern="^[a-z]+$"
            ),
            OpenApiParameter("Range", location=OpenApiParameter.HEADER, description="bytes=first-last: that part alone, as 206"),
        ],
    )
    def get(self, request: Request, slug: str, task_id: int, sound: str) -> HttpResponse:
        """Ogg Vorbis, as the pages play it. Who may take data or reviews hears any clip, others those that they were given."""
        task = heard_by(self.member(slug)).filter(pk=task_id).first()
        if task is None or sound not in (task.stem, MIX, REMOVED):
            raise NotFound
        try:
            whole = preview(task, sound)
        except (Estimate.DoesNotExist, Stem.DoesNotExist):
            raise NotFound from None
        answer = with_range(whole, request.headers.get("Range", ""))
        if answer.status_code == 416:
            raise NoSuchRange
        if answer.status_code == 400:
            raise ValidationError({"Range": "It has too many digits."})
        answer["ETag"] = f'"{hashlib.sha256(whole).hexdigest()[:32]}"'
        return answer


def heard_by(member: Membership) -> Any:
    """Tasks whose sound this membership may hear."""
    given = Q(Exists(Assignment.objects.filter(task=OuterRef("pk"), by=member)))
    of_all = member.takes_data or member.reviews
    return Task.objects.filter(Q() if of_all else given, campaign=member.campaign_id).select_related("campaign", "track")


def addresses(request: Request, member: Membership, task: Task) -> dict[str, str]:
    """Of the sounds of a task's clip."""
    return {
        sound: request.build_absolute_uri(reverse("v1-clip-sound", args=[member.campaign.slug, task.pk, sound]))
        for sound in (task.stem, MIX)
    }
