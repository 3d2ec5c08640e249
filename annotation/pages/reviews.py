"""Pages and endpoints of reviewers: the queue of contested tasks, one task with everybody's answers side by side, and the decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import services
from annotation.core.label_studio import MAX_REGIONS
from annotation.models import Membership, Task
from annotation.pages.access import check_changeable, reviewer_or_403
from annotation.pages.answer_lanes import picture
from annotation.pages.fields import Choice, Items, Text, Whole
from annotation.pages.rules import rules
from annotation.selectors import anonymous_answers, chosen, reviews
from annotation.selectors.consensus import what_the_sound_decided
from annotation.selectors.reviews import tasks_to_review, waiting_reviews
from annotation.services.reviews import MOST_MORE

LINKS = 3  # campaigns with their number in the header; the others are reached from "My queue"


def to_review(request: HttpRequest) -> dict[str, Any]:
    """For the header of every page: campaigns that this person reviews, with how many tasks wait; asked for only where it is shown."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {"to_review": SimpleLazyObject(lambda: waiting_reviews(user)[:LINKS] if signed_in else [])}


@login_required
@never_cache
@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """The header's links alone, which follow what happens."""
    return render(request, "annotation/parts/review_links.html")


@login_required
@never_cache
@require_safe
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a reviewer, those first that consensus is least certain of; and what was decided lately."""
    member = reviewer_or_403(request, slug)
    waiting = reviews.waiting(member.campaign)
    context = {
        "campaign": member.campaign,
        "member": member,
        "rows": [
            {"waiting": one, "picture": picture(one.task, one.answers, one.consensus, None, names=False, others="Person")}
            for one in waiting
        ],
        "n_waiting": tasks_to_review(member.campaign).count(),
        "decided": reviews.decided_lately(member.campaign),
        "n_open": Task.objects.filter(campaign=member.campaign, kind=Task.Kind.POOL, state=Task.State.OPEN).count() if not waiting else 0,
    }
    return render(request, "annotation/reviews.html", context)


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """The page of one task; it asks the API for the answers itself."""
    member = reviewer_or_403(request, slug)
    task = get_object_or_404(reviews.reviewable(member.campaign), pk=task_id)
    context = {"campaign": member.campaign, "membership": member, "task": task, "most_more": MOST_MORE, "rules": rules(member.campaign)}
    context["chosen"] = chosen.in_words(task)
    crowds = None if task.state == Task.State.OPEN else task.consensuses.filter(by=None).order_by("-version").first()
    context["sound"] = what_the_sound_decided(task, crowds)
    return render(request, "annotation/review.html", context)


# ---------------------------------------------------------------- the API

SPAN = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=3)
SPANS = serializers.ListField(child=SPAN, help_text="[start, end] in seconds of the track")
REVIEW = inline_serializer(
    "Review",
    {
        "task": serializers.DictField(
            help_text="id, track, start and end (seconds of it), state; of how it was chosen arm, strategy, chance, reason, parts, words"
        ),
        "seen": serializers.CharField(help_text="names this state; sent back with a decision"),
        "waiting": serializers.IntegerField(help_text="tasks in the review queue"),
        "next": serializers.CharField(allow_null=True, help_text="the page of the next task"),
        "lanes": serializers.ListField(
            child=serializers.DictField(), help_text="name, marks, tags (one for each), missing, unheard, late: a person's answer each"
        ),
        "crowd": serializers.DictField(
            allow_null=True, help_text="regions [start, end, probability], tags (one for each), missing, certainty, posterior, frame"
        ),
        "decision": serializers.DictField(allow_null=True, help_text="the same of a reviewer's decision"),
        "agreement": serializers.DictField(help_text="frame_f1, alpha, n_people, words, and level: bad, warn or good"),
        "history": serializers.ListField(child=serializers.DictField(), help_text="when, who, words, note, before, after; newest first"),
        "may_undo": serializers.BooleanField(),
    },
)


def _task_and_reviewer(request: Request, task_id: int) -> tuple[Task, Membership]:
    """The task, and the reviewer's membership in its campaign; to strangers it does not exist, annotators are refused."""
    memberships = Membership.objects.select_related("campaign").filter(user=request.user.pk, active=True, campaign__deleted=None)
    member = memberships.filter(campaign__tasks=task_id).first()
    if member is None:
        raise NotFound
    if not member.reviews:
        raise services.NotAReviewer
    check_changeable(member.campaign, request.method)
    task = reviews.reviewable(member.campaign).filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task, member


def _shown(task: Task, member: Membership) -> dict[str, Any]:
    found = reviews.review(task, member)
    following = reviews.next_after(task)
    return {
        "task": {
            "id": task.pk,
            "track": task.track.name,
            **{name: getattr(task, name) for name in ("start", "end", "state", "arm", "strategy", "chance", "reason", "parts")},
            "words": chosen.in_words(task),
        },
        "seen": found.seen,
        "waiting": tasks_to_review(task.campaign).count(),
        "next": _url(following) if following else None,
        "lanes": [asdict(lane) for lane in found.lanes],
        "crowd": asdict(found.crowd) if found.crowd else None,
        "decision": asdict(found.decision) if found.decision else None,
        "agreement": asdict(found.agreement) | {"words": found.agreement.words, "level": found.agreement.level},
        "history": [asdict(past) for past in found.history],
        "may_undo": found.may_undo,
    }


def _url(task: Task) -> str:
    return reverse("review", args=[task.campaign.slug, task.pk])


class TaskReview(APIView):
    """A contested task with everybody's answers, and what a reviewer decides of it."""

    class Decision(serializers.Serializer):
        decision = Choice(choices=["accept", "edit", "take", "send back"])
        seen = Text(max_length=64, help_text="of the state that was looked at; another one meanwhile: 409")
        result = Items(
            child=serializers.DictField(), max_length=MAX_REGIONS, required=False, help_text="for edit: regions as Label Studio's result"
        )
        person = Whole(min_value=1, required=False, help_text="for take: whose answer, by their number")
        more = Whole(min_value=1, max_value=MOST_MORE, default=1, help_text="for send back: how many more people")
        note = Text(max_length=500, allow_blank=True, default="", help_text="why; send back wants one")

        def validate(self, given: dict[str, Any]) -> dict[str, Any]:
            wanted = {"edit": "result", "take": "person"}.get(given["decision"])
            if wanted and wanted not in given:
                raise serializers.ValidationError({wanted: f"The decision {given['decision']!r} needs {wanted}."})
            if given["decision"] == "send back" and not given["note"].strip():
                raise serializers.ValidationError({"note": "Say why it goes back: whoever decides next reads it."})
            return given

    DECIDED = inline_serializer("Decided", {"next": serializers.CharField(help_text="where to go on: the next task, or the queue")})

    @extend_schema(responses={200: REVIEW})
    def get(self, request: Request, task_id: int) -> Response:
        return Response(_shown(*_task_and_reviewer(request, task_id)))

    @extend_schema(request=Decision, responses={201: DECIDED, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_reviewer(request, task_id)
        body = self.Decision(data=request.data)
        body.is_valid(raise_exception=True)
        following = reviews.next_after(task)
        said = _decide(task, member, body.validated_data)
        messages.success(request._request, format_html('{}: {}. <a href="{}">Look at it again</a>', said, task, _url(task)))
        return Response(
            {"next": _url(following) if following else reverse("reviews", args=[member.campaign.slug])}, status=status.HTTP_201_CREATED
        )


def _decide(task: Task, by: Membership, given: dict[str, Any]) -> str:
    """Carry the decision out; returns it in a word or two."""
    about = {"task": task, "by": by, "note": given["note"], "seen": given["seen"]}
    match given["decision"]:
        case "accept":
            services.accept_review(**about)
            return "Accepted"
        case "edit":
            services.edit_review(result=given["result"], **about)
            return "Decided by your own regions"
        case "take":
            answers = anonymous_answers.answers_to(task)
            if given["person"] > len(answers):
                raise serializers.ValidationError({"person": f"There are {len(answers)} answers."})
            services.accept_one_answer(answer=answers[given["person"] - 1], **about)
            return f"Decided by Person {given['person']}'s answer"
    services.send_back(more=given["more"], **about)
    return "Sent back"


class UndoReview(APIView):
    """Take the last decision on a task back, as long as no round was frozen with it."""

    class Undo(serializers.Serializer):
        seen = Text(max_length=64)

    @extend_schema(request=Undo, responses={200: REVIEW, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_reviewer(request, task_id)
        body = self.Undo(data=request.data)
        body.is_valid(raise_exception=True)
        services.undo_review(task=task, by=member, seen=body.validated_data["seen"])
        return Response(_shown(*_task_and_reviewer(request, task_id)))
