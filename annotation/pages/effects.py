"""What one's own marks change: asked for on the annotate page and on an answer's own, and heard there in step with what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Effect, Submission
from annotation.pages.outcome import AROUND
from annotation.selectors import queue
from annotation.selectors.effects import effect_of
from annotation.selectors.my_page import quieter_by
from annotation.services.effects import answer_with_effect, wish_effect


@dataclass(frozen=True)
class Sound:
    """One of the sounds of a clip that are heard in step."""

    name: str
    said: str
    url: str


@dataclass(frozen=True)
class Heard:
    """A mark to be heard before and after: (start, end) in seconds of the clip, where it is played from and to, and what changed."""

    start: float
    end: float
    first: float
    last: float
    changes: list[str]


def in_step(answer: Submission, later: str | None, effect: Effect | None) -> dict[str, Any]:
    """For `annotation/parts/in_step.html`: `later` is the promoted model that has heard the song since, if any has."""
    clip = answer.task.clip
    marks = sorted((mark.start - clip.start, mark.end - clip.start) for mark in answer.marks.all())
    made = effect if effect and effect.state == Effect.State.MADE else None
    said: list[list[str]] = [[] for _mark in marks]
    kinds = [("before", _("As you heard it"))]
    if later:
        kinds.append(("after", _("With the model that learned since")))
        for sentences, decibels in zip(said, quieter_by(answer, later)[1], strict=True):
            sentences += _changed(
                decibels, _("%(decibels)s dB quieter with the model that learned since"), _("no quieter with that model yet")
            )
    if made:
        kinds.append(("effect", _("As your marks alone change it")))
        for sentences, decibels in zip(said, made.quieter, strict=True):
            sentences += _changed(decibels, _("%(decibels)s dB quieter by your marks alone"), _("no quieter by your marks alone"))
    kinds.append(("mix", _("The mix")))
    return {
        "sounds": [Sound(name, words, reverse("changed-sound", args=[answer.pk, name])) for name, words in kinds],
        "heard": _heard(marks, said, clip.duration),
        "length": round(clip.duration, 2),
        "compares": bool(later or made),
        "effect": made,
    }


def _changed(decibels: float | None, quieter: str, not_quieter: str) -> list[str]:
    if decibels is None:
        return []
    return [quieter % {"decibels": round(decibels)} if round(decibels) > 0 else not_quieter]


def _heard(marks: Sequence[tuple[float, float]], said: list[list[str]], length: float) -> list[Heard]:
    return [
        Heard(round(start, 2), round(end, 2), round(max(0.0, start - AROUND), 2), round(min(length, end + AROUND), 2), sentences)
        for (start, end), sentences in zip(marks, said, strict=True)
    ]


class TaskEffect(APIView):
    """What the marks of one's answer change in their clip: made when asked for, where no other work waits, and kept for a day.

    404 where it is not offered, for whatever reason.
    """

    STATE = inline_serializer(
        "EffectState",
        {
            "state": serializers.ChoiceField(
                choices=["none", *Effect.State.values], help_text="busy: other work came first; none: not asked"
            ),
            "html": serializers.CharField(required=False, help_text="once it is made: what the page shows to hear it"),
        },
    )

    @extend_schema(responses={200: STATE, 404: None})
    def get(self, request: Request, task_id: int) -> Response:
        answer = answer_with_effect(**_task_and_member(request, task_id))
        effect = effect_of(answer)
        said: dict[str, Any] = {"state": effect.state if effect else "none"}
        if effect and effect.state == Effect.State.MADE:
            said["html"] = render_to_string("annotation/parts/in_step.html", in_step(answer, None, effect), request._request)
        return Response(said)

    @extend_schema(request=None, responses={200: STATE, 404: None})
    def post(self, request: Request, task_id: int) -> Response:
        effect = wish_effect(**_task_and_member(request, task_id))
        return Response({"state": effect.state})


def _task_and_member(request: Request, task_id: int) -> dict[str, Any]:
    if (found := queue.task_and_member(request.user, task_id)) is None:
        raise NotFound
    return {"task": found[0], "by": found[1]}
