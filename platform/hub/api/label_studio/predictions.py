"""What the model proposes as Label Studio's predictions, where the campaign shows it to people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.timesince import timesince
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core import label_studio
from annotation.models import Membership, Proposal, Task
from hub.api.label_studio.door import Door, missing, number, task_and_member, tasks_seen_by, time
from hub.api.tokens.authentication import member_of


class Predictions(Door):
    """Of a task or of a project, without pages."""

    def get(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("task"):
            task, member = task_and_member(request, number(asked["task"], "task"))
            return Response(predictions_of([task], member).get(task.pk, []))
        member = member_of(request, pk=number(asked.get("project"), "project"))
        tasks = list(tasks_seen_by(member).filter(proposal__shown=True).order_by("pk"))
        return Response([one for shown in predictions_of(tasks, member).values() for one in shown])


class OnePrediction(Door):
    def get(self, request: Request, prediction_id: int) -> Response:
        proposal = Proposal.objects.filter(pk=prediction_id).first()
        if proposal is not None:
            task, member = task_and_member(request, proposal.task_id)
            if shown := predictions_of([task], member).get(task.pk):
                return Response(shown[0])
        raise NotFound(missing("Prediction"))


def predictions_of(tasks: Iterable[Task], member: Membership) -> dict[int, list[dict[str, Any]]]:
    """What people see of these tasks' proposals, by task; those of blind tasks are nobody's to see."""
    of = {task.pk: task for task in tasks if task.question == Task.Question.DRAW}
    found = Proposal.objects.filter(task__in=list(of), shown=True).order_by("task") if member.campaign.proposes else []
    return {one.task_id: [_shown(one, of[one.task_id])] for one in found}


def _shown(proposal: Proposal, task: Task) -> dict[str, Any]:
    made = label_studio.prediction(proposal.regions, task.clip, task.checkpoint[:8], task.stem)
    return {
        "id": proposal.pk,
        **made,
        "model": None,
        "model_run": None,
        "cluster": None,
        "neighbors": None,
        "mislabeling": 0.0,
        "created_ago": timesince(task.opened),
        "created_at": time(task.opened),
        "updated_at": time(task.opened),
        "task": task.pk,
        "project": task.campaign_id,
    }
