"""Unfinished work as Label Studio's drafts: one's own, one of each task."""

from __future__ import annotations

from typing import Any

from django.utils.timesince import timesince
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import services as annotating
from annotation.core import label_studio
from annotation.models import Draft, Membership
from annotation.pages.fields import Items
from hub.api.label_studio.door import Door, checked, missing, task_and_member, time


class Unfinished(serializers.Serializer):
    result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS)


class Drafts(Door):
    def get(self, request: Request, task_id: int) -> Response:
        task, member = task_and_member(request, task_id)
        return Response(drafts_of([task.pk], member).get(task.pk, []))

    def post(self, request: Request, task_id: int) -> Response:
        """A second one takes the place of the first."""
        task, member = task_and_member(request, task_id)
        said = checked(Unfinished(data=request.data))
        draft = annotating.save_draft(task=task, by=member, result=said["result"])
        return Response(shown_draft(draft, member), status=status.HTTP_201_CREATED)


class OneDraft(Door):
    def get(self, request: Request, draft_id: int) -> Response:
        return Response(shown_draft(*_own(request, draft_id)))

    def patch(self, request: Request, draft_id: int) -> Response:
        draft, member = _own(request, draft_id)
        said = checked(Unfinished(data=request.data, partial=True))
        if "result" in said:
            draft = annotating.save_draft(task=draft.task, by=member, result=said["result"])
        return Response(shown_draft(draft, member))

    def delete(self, request: Request, draft_id: int) -> Response:
        draft, _ = _own(request, draft_id)
        draft.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _own(request: Request, draft_id: int) -> tuple[Draft, Membership]:
    draft = Draft.objects.filter(pk=draft_id, by__user=request.user.pk).first()
    if draft is None:
        raise NotFound(missing("AnnotationDraft"))
    draft.task, member = task_and_member(request, draft.task_id)
    return draft, member


def drafts_of(tasks: list[int], member: Membership) -> dict[int, list[dict[str, Any]]]:
    """This member's drafts by task."""
    found = Draft.objects.filter(task__in=tasks, by=member)
    return {draft.task_id: [shown_draft(draft, member)] for draft in found}


def shown_draft(draft: Draft, member: Membership) -> dict[str, Any]:
    return {
        "id": draft.pk,
        "user": str(member.user_id),
        "created_username": member.pseudonym,
        "created_ago": timesince(draft.saved),
        "result": draft.result,
        "lead_time": None,
        "was_postponed": False,
        "import_id": None,
        "created_at": time(draft.saved),
        "updated_at": time(draft.saved),
        "task": draft.task_id,
        "annotation": None,
    }
