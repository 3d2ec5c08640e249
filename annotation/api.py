"""DRF doors of the annotate page: read the input, call one service, shape the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import label_studio, selectors, services
from annotation.door import check_ready
from annotation.models import Assignment, Draft, Membership, Submission, Task

PLAYED = ("vocals", "mix", "removed")

TASK = inline_serializer(
    "TaskInHand",
    {
        "task": serializers.DictField(help_text="as Label Studio's editor reads it"),
        "config": serializers.CharField(help_text="Label Studio's labelling config"),
        "duration": serializers.FloatField(help_text="seconds"),
        "lease_until": serializers.DateTimeField(help_text="by the server's clock"),
        "lease_seconds": serializers.IntegerField(help_text="from now; what a page with another clock goes by"),
        "draft": serializers.ListField(child=serializers.DictField(), allow_null=True, help_text="the result saved last"),
        "instructions": serializers.CharField(),
        "progress": inline_serializer("OwnProgress", {"done": serializers.IntegerField(), "open": serializers.IntegerField()}),
    },
)


def _interval() -> serializers.ListField:
    """[start, end] in seconds."""
    return serializers.ListField(child=serializers.FloatField(min_value=0), min_length=2, max_length=2)


def _task_and_member(request: Request, task_id: int) -> tuple[Task, Membership]:
    if (found := selectors.task_and_member(request.user, task_id)) is None:
        raise NotFound
    return found


def _as_the_editor_reads_them(leases: Sequence[Assignment], member: Membership, gets_tasks: bool | None = None) -> list[dict[str, Any]]:
    """What the editor's page needs to show each of these tasks of one member."""
    drafts = dict(Draft.objects.filter(task__in=[lease.task_id for lease in leases], by=member).values_list("task", "result"))
    own = asdict(selectors.own_progress(member, gets_tasks=gets_tasks))
    return [
        {
            "task": label_studio.task_payload(
                lease.task_id, *(reverse("clip", args=[lease.task_id, which]) for which in ("vocals", "mix"))
            ),
            "config": label_studio.labelling_config(),
            "duration": lease.task.end - lease.task.start,
            "lease_until": lease.lease_until,
            "lease_seconds": member.campaign.lease_seconds,
            "draft": drafts.get(lease.task_id),
            "instructions": member.campaign.instructions,
            "progress": own,
        }
        for lease in leases
    ]


def _sounds(task_id: int) -> list[str]:
    return [reverse("clip", args=[task_id, which]) for which in ("vocals", "mix")]


class NextTask(APIView):
    """The next task for the person signed in: the one in hand, else the first fetched ahead, else a free one; 204: nothing left."""

    @extend_schema(request=None, responses={200: TASK, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        member = selectors.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        check_ready(member)
        assignment = services.assign_task(by=member)
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(_as_the_editor_reads_them([assignment], member, gets_tasks=True)[0])


class PrefetchTasks(APIView):
    """The tasks that come after the one in hand, at most two, reserved so that the page can load their sound ahead."""

    @extend_schema(request=None, responses={200: serializers.ListSerializer(child=TASK)})
    def post(self, request: Request, slug: str) -> Response:
        member = selectors.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        return Response(_as_the_editor_reads_them(services.prefetch(by=member), member))


class TaskSubmission(APIView):
    """A person's answer to a task."""

    class Answer(serializers.Serializer):
        result = serializers.ListField(child=serializers.DictField(), max_length=1000)
        client_key = serializers.UUIDField()
        lead_time = serializers.FloatField(min_value=0, default=0.0)
        heard = serializers.ListField(
            child=_interval(), max_length=5000, default=list, help_text="stretches of the vocals that were played; 90 % of the clip"
        )
        played = serializers.DictField(
            child=serializers.ListField(child=_interval(), max_length=5000), default=dict, help_text="the same of vocals, mix, removed"
        )

        def validate_played(self, played: dict[str, list]) -> dict[str, list]:
            if other := sorted(set(played) - set(PLAYED)):
                raise serializers.ValidationError(f"{other[0]!r} is none of {', '.join(PLAYED)}.")
            return played

    KEPT = inline_serializer(
        "Kept",
        {
            "status": serializers.ChoiceField(choices=Submission.Status.choices),
            "thanked": serializers.CharField(
                required=False, help_text="for an answer that came too late to count: what to tell its person"
            ),
        },
    )

    @extend_schema(request=Answer, responses={201: KEPT})
    def put(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.Answer(data=request.data)
        body.is_valid(raise_exception=True)
        submission = services.submit(task=task, by=member, **body.validated_data)
        thanked = services.thanks(submission)
        return Response({"status": submission.status} | ({"thanked": thanked} if thanked else {}), status=status.HTTP_201_CREATED)


class TaskDraft(APIView):
    """Unfinished work on a task."""

    class UnfinishedAnswer(serializers.Serializer):
        result = serializers.ListField(child=serializers.DictField(), max_length=1000)

    @extend_schema(request=UnfinishedAnswer, responses=inline_serializer("Saved", {"saved_at": serializers.DateTimeField()}))
    def put(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.UnfinishedAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = services.save_draft(task=task, by=member, **body.validated_data)
        return Response({"saved_at": draft.saved})


class SkipTask(APIView):
    """Give a task back unanswered."""

    class Skip(serializers.Serializer):
        reason = serializers.ChoiceField(choices=Assignment.SkipReason.choices)

    @extend_schema(request=Skip, responses={204: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.Skip(data=request.data)
        body.is_valid(raise_exception=True)
        services.skip(task=task, by=member, **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TaskLease(APIView):
    """The page's heartbeat while a person works."""

    LEASE = inline_serializer("Lease", {"lease_until": serializers.DateTimeField(), "lease_seconds": serializers.IntegerField()})

    @extend_schema(request=None, responses=LEASE)
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        lease = services.renew_lease(task=task, by=member)
        return Response({"lease_until": lease.lease_until, "lease_seconds": member.campaign.lease_seconds})
