"""DRF doors of the annotate page: read the input, call one service, shape the answer."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import label_studio, selectors, services
from annotation.models import Assignment, Draft, Membership, Task

TASK = inline_serializer(
    "TaskInHand",
    {
        "task": serializers.DictField(help_text="as Label Studio's editor reads it"),
        "config": serializers.CharField(help_text="Label Studio's labelling config"),
        "duration": serializers.FloatField(help_text="seconds"),
        "lease_until": serializers.DateTimeField(),
        "draft": serializers.ListField(child=serializers.DictField(), allow_null=True, help_text="the result saved last"),
        "instructions": serializers.CharField(),
        "progress": inline_serializer("OwnProgress", {"done": serializers.IntegerField(), "open": serializers.IntegerField()}),
    },
)


def _interval() -> serializers.ListField:
    """[start, end] in seconds."""
    return serializers.ListField(child=serializers.FloatField(min_value=0), min_length=2, max_length=2)


def _task_and_member(request: Request, task_id: int) -> tuple[Task, Membership]:
    task = get_object_or_404(selectors.tasks_for(request.user), pk=task_id)
    member = selectors.membership_of(request.user, task.campaign.slug)
    if member is None:
        raise NotFound
    return task, member


class NextTask(APIView):
    """The next task for the person signed in; 204 when nothing is left for them."""

    @extend_schema(request=None, responses={200: TASK, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        member = selectors.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        assignment = services.assign_task(by=member)
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        task = assignment.task
        draft = Draft.objects.filter(task=task, by=member).first()
        own = selectors.own_progress(member)
        urls = (reverse("clip", args=[task.pk, which]) for which in ("vocals", "mix"))
        return Response(
            {
                "task": label_studio.task_payload(task.pk, *urls),
                "config": label_studio.labelling_config(),
                "duration": task.end - task.start,
                "lease_until": assignment.lease_until,
                "draft": draft.result if draft else None,
                "instructions": member.campaign.instructions,
                "progress": {"done": own.done, "open": own.open},
            }
        )


class TaskSubmission(APIView):
    """A person's answer to a task."""

    class Answer(serializers.Serializer):
        result = serializers.ListField(child=serializers.DictField(), max_length=1000)
        client_key = serializers.UUIDField()
        lead_time = serializers.FloatField(min_value=0, default=0.0)
        heard = serializers.ListField(child=_interval(), max_length=5000, default=list)

    @extend_schema(request=Answer, responses={201: inline_serializer("Kept", {"status": serializers.CharField()})})
    def put(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.Answer(data=request.data)
        body.is_valid(raise_exception=True)
        submission = services.submit(task=task, by=member, **body.validated_data)
        return Response({"status": submission.status}, status=status.HTTP_201_CREATED)


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

    @extend_schema(request=None, responses=inline_serializer("Lease", {"lease_until": serializers.DateTimeField()}))
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        return Response({"lease_until": services.renew_lease(task=task, by=member).lease_until})
