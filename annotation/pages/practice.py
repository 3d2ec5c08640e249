"""The practice of the first visit: the annotate page itself, with clips whose truth is told after each answer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.core import label_studio
from annotation.core.first_visit_sounds import Example
from annotation.core.first_visit_sounds import practice as clips_of
from annotation.models import Membership
from annotation.pages.access import member_or_404
from annotation.pages.fields import Items
from annotation.pages.first_visit import context_of, in_words, shown
from annotation.pages.outcome import outcome
from annotation.pages.rules import rules
from annotation.selectors import access, queue
from annotation.selectors.practice import CLIPS, practice_of, run_of
from annotation.services import first_visit as steps

HIGHEST = 10_000  # of a clip's number; nobody practises for so long


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def practice(request: HttpRequest, slug: str) -> HttpResponse:
    """The annotate page, on practice clips; or what is to be done by whoever has used up their tries."""
    member = member_or_404(request, slug)
    if access.next_step(member) not in (None, "practice"):
        return redirect("first-visit", slug)
    so_far = practice_of(member)
    context = context_of(member, "practice") | {"practice": so_far, "shown": shown(member), "rules": rules(member.campaign)}
    if so_far.is_spent:
        return render(request, "annotation/first_visit/spent.html", context)
    response = render(request, "annotation/annotate.html", context | {"membership": member})
    response.inline_styles = True  # type: ignore[attr-defined]  # as on the annotate page
    return response


def _member(request: Request, slug: str) -> Membership:
    if (member := queue.membership_of(request.user, slug)) is None:
        raise NotFound
    return member


def _example(member: Membership, n: int) -> Example:
    run, number = run_of(n)
    return in_words(clips_of(run)[number - 1], member)


PROGRESS = inline_serializer("PracticeProgress", {"done": serializers.IntegerField(), "open": serializers.IntegerField()})


class NextClip(APIView):
    """The practice clip that comes next for the person signed in, as the editor's page reads a task."""

    GIVEN = inline_serializer(
        "PracticeClip",
        {
            "task": serializers.DictField(help_text="as Label Studio's editor reads it; its id is negative, since it is no task"),
            "config": serializers.CharField(),
            "duration": serializers.FloatField(help_text="seconds"),
            "picture": serializers.CharField(help_text="address of the spectrogram"),
            "progress": PROGRESS,
        },
    )

    @extend_schema(request=None, responses={200: GIVEN})
    def post(self, request: Request, slug: str) -> Response:
        member = _member(request, slug)
        so_far = practice_of(member)
        steps.check_practice(member, so_far.run)
        example, stem = _example(member, so_far.next), member.campaign.stem
        extracted, mix, removed = (
            reverse("first-visit-sound", args=[slug, f"{example.name}-{which}"]) for which in (stem, "mix", "removed")
        )
        task = label_studio.task_payload(-so_far.next, extracted, mix, stem)
        task["data"]["removed"] = removed
        done = (so_far.next - 1) % CLIPS
        return Response(
            {
                "task": task,
                "config": label_studio.labelling_config(stem, say=gettext),
                "duration": example.length,
                "picture": reverse("first-visit-picture", args=[slug, example.name]),
                "draft": None,
                "draft_saved_at": None,
                "draft_age": None,
                "progress": {"done": done, "open": CLIPS - done},
            }
        )


class PracticeAnswer(APIView):
    """A try at the n-th clip of the practice."""

    class PracticeMarks(serializers.Serializer):
        result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS)

    TOLD = inline_serializer(
        "PracticeOutcome",
        {
            "score": serializers.FloatField(help_text="0-1"),
            "html": serializers.CharField(help_text="what was right and wrong, as the page shows it"),
            "run_over": serializers.BooleanField(),
            "passed": serializers.BooleanField(help_text="whether the first visit is over"),
            "progress": PROGRESS,
        },
    )

    @extend_schema(request=PracticeMarks, responses={200: TOLD})
    def put(self, request: Request, slug: str, n: int) -> Response:
        member = _member(request, slug)
        body = self.PracticeMarks(data=request.data)
        body.is_valid(raise_exception=True)
        if not 1 <= n <= HIGHEST:
            raise NotFound
        example = _example(member, n)
        marks = label_studio.regions(body.validated_data["result"], example.clip, member.campaign.stem)
        grade = steps.answer_practice(by=member, n=n, marks=marks)
        told: dict[str, Any] = outcome(example.clip, example.truth, marks, grade)
        so_far = practice_of(member)
        run, number = run_of(n)
        told |= {"campaign": member.campaign, "example": example, "practice": so_far, "run_score": so_far.score(run), "run": run}
        return Response(
            {
                "score": grade.score,
                "html": render_to_string("annotation/parts/practice_outcome.html", told),
                "run_over": so_far.score(run) is not None,
                "passed": so_far.passed,
                "progress": {"done": number, "open": CLIPS - number},
            },
            status=status.HTTP_200_OK,
        )
