"""What the model proposes as Label Studio's predictions, where the campaign shows it to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.timesince import timesince
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.core import label_studio
from annotation.core.errors import DomainError
from annotation.models import Membership, Proposal, Task
from annotation.pages.fields import Items, Number, Whole
from annotation.services.proposals import take_proposals_back
from hub.api.label_studio.door import Door, checked, manager_of, missing, number, task_and_member, tasks_seen_by, time
from hub.api.label_studio.imports import named
from hub.api.tokens.authentication import member_of
from learner.services.imports import import_tasks

MOST = 5000  # predictions in one request


class Said(serializers.Serializer):
    task = Whole(min_value=1, max_value=2**31 - 1)
    result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS)
    score = Number(min_value=0, max_value=1, required=False, allow_null=True)


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

    def post(self, request: Request) -> Response:
        """Have a task propose this to people; the campaign's blind share may keep it from them."""
        said = checked(Said(data=request.data))
        task, member = task_and_member(request, said["task"])
        if not member.manages:
            raise PermissionDenied("Only owners and managers of the project may do this.")
        _keep(member, [said])
        return Response(_shown(Proposal.objects.get(task=task), task), status=status.HTTP_201_CREATED)


class ImportPredictions(Door):
    """Several of one project, all or none."""

    def post(self, request: Request, project_id: int) -> Response:
        member = manager_of(request, project_id)
        if not isinstance(request.data, list) or len(request.data) > MOST:
            raise ValidationError({"non_field_errors": [f"A list of at most {MOST:,} predictions is expected."]})
        many = [checked(Said(data=one)) for one in request.data]
        _keep(member, many)
        return Response({"created": len(many)}, status=status.HTTP_201_CREATED)


class OnePrediction(Door):
    def get(self, request: Request, prediction_id: int) -> Response:
        proposal = Proposal.objects.filter(pk=prediction_id).first()
        if proposal is not None:
            task, member = task_and_member(request, proposal.task_id)
            if shown := predictions_of([task], member).get(task.pk):
                return Response(shown[0])
        raise NotFound(missing("Prediction"))

    @transaction.atomic
    def patch(self, request: Request, prediction_id: int) -> Response:
        """Propose something else, while nobody has the clip."""
        task, member = _to_change(request, prediction_id)
        said = checked(Said(data=request.data, partial=True))
        if "result" in said:
            take_proposals_back(campaign=member.campaign, tasks=Task.objects.filter(pk=task.pk), who=member)
            _keep(member, [said | {"task": task.pk}])
        return Response(_shown(Proposal.objects.get(task=task), task))

    def delete(self, request: Request, prediction_id: int) -> Response:
        """Propose nothing, while nobody has the clip."""
        task, member = _to_change(request, prediction_id)
        take_proposals_back(campaign=member.campaign, tasks=Task.objects.filter(pk=task.pk), who=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _to_change(request: Request, prediction_id: int) -> tuple[Task, Membership]:
    proposal = Proposal.objects.filter(pk=prediction_id).first()
    if proposal is None:
        raise NotFound(missing("Prediction"))
    task, member = task_and_member(request, proposal.task_id)
    if not member.manages:
        raise PermissionDenied("Only owners and managers of the project may do this.")
    return task, member


@transaction.atomic
def _keep(member: Membership, many: Sequence[dict[str, Any]]) -> None:
    """One for each task; raises `ValidationError` where one cannot be shown to people."""
    tasks = tasks_seen_by(member).filter(kind=Task.Kind.POOL).select_related("track").in_bulk([said["task"] for said in many])
    if lacking := [said["task"] for said in many if said["task"] not in tasks]:
        raise ValidationError({"task": [f"Task {lacking[0]} is none of this project."]})
    about = [{"data": {}, "predictions": [{name: said[name] for name in ("result", "score") if name in said}]} for said in many]
    try:
        done = import_tasks(
            campaign=member.campaign,
            tasks=[named(item, tasks[said["task"]]) for item, said in zip(about, many, strict=True)],
            by=member,
        )
    except DomainError as refused:
        raise ValidationError({"result": [str(refused)]}) from refused
    if done.report.predictions + done.report.known < len(many):
        why = "; ".join(done.report.reasons) or "Nothing is marked in it, or its clip may show no proposals."
        raise ValidationError({"result": [why]})


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
