"""Page and endpoints of one contested task: everybody's answers side by side, the decision, or who else is to look at it."""

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
from annotation.models import Campaign, Membership, Submission, Task
from annotation.pages.access import check_changeable, reviewer_or_403
from annotation.pages.fields import Choice, Items, Text, Whole
from annotation.pages.rules import rules
from annotation.selectors import anonymous_answers, chosen, reviews
from annotation.selectors.consensus import what_the_sound_decided
from annotation.selectors.review_queue import USUAL, View
from annotation.selectors.reviews import waiting_reviews
from annotation.services import referrals
from annotation.services.reviews import MOST_MORE

LINKS = 3  # campaigns with their number in the header; the others are reached from "My queue"


def to_review(request: HttpRequest) -> dict[str, Any]:
    """For the header of every page, asked for only where it is shown: campaigns that this person reviews, with how many tasks wait, and
    whether they steer any.
    """
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    found = SimpleLazyObject(lambda: waiting_reviews(user) if signed_in else [])
    return {
        "to_review": SimpleLazyObject(lambda: found[:LINKS]),
        "steers_some": SimpleLazyObject(lambda: any(campaign.steered for campaign, _ in found)),
    }


@login_required
@never_cache
@require_safe
def links(request: HttpRequest) -> HttpResponse:
    """The header's links alone, which follow what happens."""
    return render(request, "annotation/parts/review_links.html")


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """The page of one task; it asks the API for the answers itself."""
    member = reviewer_or_403(request, slug)
    task = get_object_or_404(reviews.reviewable(member.campaign), pk=task_id)
    context = {
        "campaign": member.campaign,
        "membership": member,
        "task": task,
        "most_more": MOST_MORE,
        "rules": rules(member.campaign),
        "view": View.of(request.GET.dict()),
        "reviewers": reviews.others_who_review(member),
    }
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
        "may_return": serializers.ListField(child=serializers.IntegerField(), help_text="who may be asked to hear it again, by number"),
        "referrals": serializers.ListField(
            child=serializers.DictField(), help_text="who else is to look at it, which it waits for: words, note, when"
        ),
        "history": serializers.ListField(child=serializers.DictField(), help_text="when, who, words, note, before, after; newest first"),
        "may_undo": serializers.BooleanField(),
    },
)


def task_and_reviewer(request: Request, task_id: int) -> tuple[Task, Membership]:
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


def _shown(task: Task, member: Membership, view: View) -> dict[str, Any]:
    found = reviews.review(task, member)
    following = reviews.next_after(task, view, member)
    return {
        "task": {
            "id": task.pk,
            "track": task.track.name,
            **{name: getattr(task, name) for name in ("start", "end", "state", "arm", "strategy", "chance", "reason", "parts")},
            "words": chosen.in_words(task),
        },
        "seen": found.seen,
        "waiting": task.waiting,  # type: ignore[attr-defined]
        "next": _url(task.campaign, following, view) if following else None,
        "lanes": [asdict(lane) for lane in found.lanes],
        "crowd": asdict(found.crowd) if found.crowd else None,
        "decision": asdict(found.decision) if found.decision else None,
        "agreement": asdict(found.agreement) | {"words": found.agreement.words, "level": found.agreement.level},
        "may_return": found.may_return,
        "referrals": [asdict(one) for one in found.referrals],
        "history": [asdict(past) for past in found.history],
        "may_undo": found.may_undo,
    }


def _url(campaign: Campaign, task_id: int, view: View = USUAL) -> str:
    return reverse("review", args=[campaign.slug, task_id]) + view.query


class TaskReview(APIView):
    """A contested task with everybody's answers, and what a reviewer decides of it."""

    class Decision(serializers.Serializer):
        decision = Choice(choices=["accept", "edit", "take", "send back", "return", "pass on"])
        seen = Text(max_length=64, help_text="of the state that was looked at; another one meanwhile: 409")
        result = Items(
            child=serializers.DictField(), max_length=MAX_REGIONS, required=False, help_text="for edit: regions as Label Studio's result"
        )
        person = Whole(min_value=1, required=False, help_text="for take and return: whose answer, by their number")
        to = Whole(min_value=1, max_value=2**31 - 1, required=False, help_text="for pass on: the id of another reviewer's membership")
        more = Whole(min_value=1, max_value=MOST_MORE, default=1, help_text="for send back: how many more people")
        note = Text(max_length=500, allow_blank=True, default="", help_text="why; send back, return and pass on want one")

        def validate(self, given: dict[str, Any]) -> dict[str, Any]:
            wanted = {"edit": "result", "take": "person", "return": "person", "pass on": "to"}.get(given["decision"])
            if wanted and wanted not in given:
                raise serializers.ValidationError({wanted: f"The decision {given['decision']!r} needs {wanted}."})
            if given["decision"] in ("send back", "return", "pass on") and not given["note"].strip():
                raise serializers.ValidationError({"note": "Say why: whoever it goes to reads it."})
            return given

    DECIDED = inline_serializer("Decided", {"next": serializers.CharField(help_text="where to go on: the next task, or the queue")})

    @extend_schema(responses={200: REVIEW})
    def get(self, request: Request, task_id: int) -> Response:
        return Response(_shown(*task_and_reviewer(request, task_id), _view(request)))

    @extend_schema(request=Decision, responses={201: DECIDED, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = task_and_reviewer(request, task_id)
        body = self.Decision(data=request.data)
        body.is_valid(raise_exception=True)
        view = _view(request)
        following = reviews.next_after(task, view, member)
        said = _decide(task, member, body.validated_data)
        messages.success(
            request._request, format_html('{}: {}. <a href="{}">Look at it again</a>', said, task, _url(task.campaign, task.pk))
        )
        there = _url(task.campaign, following, view) if following else reverse("reviews", args=[member.campaign.slug]) + view.query
        return Response({"next": there}, status=status.HTTP_201_CREATED)


def _view(request: Request) -> View:
    return View.of(request.query_params.dict())


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
            services.accept_one_answer(answer=answer_of_number(task, given["person"]), **about)
            return f"Decided by Person {given['person']}'s answer"
        case "return":
            referrals.return_to_person(answer=answer_of_number(task, given["person"]), **about)
            return f"Person {given['person']} is asked to hear it again"
        case "pass on":
            to = Membership.objects.filter(pk=given["to"], campaign=task.campaign_id).first()
            if to is None:
                raise serializers.ValidationError({"to": "Nobody in this campaign has that id."})
            referrals.pass_on(to=to, **about)
            return f"Passed to {to.pseudonym}"
    services.send_back(more=given["more"], **about)
    return "Sent back"


def answer_of_number(task: Task, number: int) -> Submission:
    answers = anonymous_answers.answers_to(task)
    if number > len(answers):
        raise serializers.ValidationError({"person": f"There are {len(answers)} answers."})
    return answers[number - 1]


class UndoReview(APIView):
    """Take the last decision on a task back, as long as no round was frozen with it."""

    class Undo(serializers.Serializer):
        seen = Text(max_length=64)

    @extend_schema(request=Undo, responses={200: REVIEW, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = task_and_reviewer(request, task_id)
        body = self.Undo(data=request.data)
        body.is_valid(raise_exception=True)
        services.undo_review(task=task, by=member, seen=body.validated_data["seen"])
        return Response(_shown(*task_and_reviewer(request, task_id), _view(request)))
