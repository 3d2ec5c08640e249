"""Tasks of a campaign as Label Studio's: listed, shown, taken from the queue; what they are about, and what programs may change of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import services as annotating
from annotation.core.label_studio import MIX_NAME
from annotation.models import Assignment, Membership, Submission, Task
from annotation.pages.access import check_ready
from hub.api.label_studio.annotations import answers_to, shown_annotation
from hub.api.label_studio.data_manager.choosing import chosen, view_of
from hub.api.label_studio.door import Door, manager_of, must_write, number, sees_all, task_and_member, tasks_seen_by, time
from hub.api.label_studio.drafts import drafts_of
from hub.api.label_studio.imports import import_tasks
from hub.api.label_studio.predictions import predictions_of
from hub.api.label_studio.projects import withdraw
from hub.api.tokens.authentication import member_of

PAGE, LARGEST_PAGE = 100, 1000  # tasks
OF_ANSWERS = Q(status__in=[Submission.Status.ACCEPTED, Submission.Status.SURPLUS])


class Tasks(Door):
    def get(self, request: Request) -> Response:
        """A page; past the last one 404, by which clients know that there are no more."""
        asked = request.query_params
        member = member_of(request, pk=number(asked.get("project"), "project"))
        page, size = number(asked.get("page"), "page", 1), number(asked.get("page_size"), "page_size", PAGE, LARGEST_PAGE)
        found = _chosen(counted(tasks_seen_by(member), member), asked, member, request)
        tasks = list(found[(page - 1) * size : page * size])
        if not tasks and page > 1:
            raise NotFound("Invalid page.")
        kept = {*asked["include"].split(","), "id"} if asked.get("include") else None
        shown = [{name: one[name] for name in one if kept is None or name in kept} for one in long_form(tasks, member, request)]
        answers = Submission.objects.filter(OF_ANSWERS, task__in=found, **({} if sees_all(member) else {"by": member}))
        n_predictions = found.filter(proposal__shown=True).count() if member.campaign.proposes else 0
        totals = {"total": found.count(), "total_annotations": answers.count(), "total_predictions": n_predictions}
        return Response({"tasks": shown, **totals})

    def post(self, request: Request) -> Response:
        """One clip of a song that is here."""
        body = request.data if isinstance(request.data, dict) else {}
        project = body.get("project")
        if isinstance(project, bool) or not isinstance(project, int):
            raise ValidationError({"project": ["This field is required: the number of a project."]})
        member = manager_of(request, project)
        (task_id,) = import_tasks(request, member, [{"data": body.get("data")}]).task_ids
        task = counted(Task.objects.filter(pk=task_id), member).get()
        return Response(short_form(task, member, request), status=status.HTTP_201_CREATED)


class OneTask(Door):
    def get(self, request: Request, task_id: int) -> Response:
        return Response(_whole(request, task_id))

    def patch(self, request: Request, task_id: int) -> Response:
        """What a task is about never changes: people were asked about just that."""
        shown = _whole(request, task_id)
        manager_of(request, shown["project"])
        data = request.data.get("data") if isinstance(request.data, dict) else None
        if data is not None and data != shown["data"]:
            raise ValidationError({"data": ["A task's clip never changes; import another task."]})
        return Response(shown)

    def delete(self, request: Request, task_id: int) -> Response:
        task, member = task_and_member(request, task_id)
        if not member.manages:
            raise PermissionDenied("Only owners and managers of the project may do this.")
        withdraw(Task.objects.filter(pk=task.pk).exclude(state=Task.State.WITHDRAWN), member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class NextTask(Door):
    """The task in hand, else the next one of the queue; it is kept for its person for a time."""

    def get(self, request: Request, project_id: int) -> Response:
        must_write(request)
        member = member_of(request, pk=project_id)
        check_ready(member)
        lease = annotating.assign_task(by=member)
        if lease is None:
            raise NotFound(f"There are no tasks for {request.user.get_username()}")
        task = counted(Task.objects.filter(pk=lease.task.pk), member).get()
        return Response(
            short_form(task, member, request)
            | {
                "predictions": predictions_of([task], member).get(task.pk, []),
                "annotations": [shown_annotation(one, member) for one in answers_to([task.pk], member, Q(by=member))],
                "drafts": drafts_of([task.pk], member).get(task.pk, []),
                "unique_lock_id": str(lease.pk),
                "queue": "Sequential queue",
            }
        )


def _chosen(tasks: QuerySet[Any], asked: Any, member: Membership, request: Request) -> QuerySet[Any]:
    """As a view that is kept says, or as `query` does."""
    if asked.get("view"):
        return chosen(tasks, view_of(request, number(asked["view"], "view"), member)[0].data)
    try:
        said = json.loads(asked.get("query") or "{}")
    except (ValueError, RecursionError) as wrong:
        raise ValidationError({"query": ["It is JSON with filters, ordering and selectedItems, as the data manager writes it."]}) from wrong
    return chosen(tasks, said)


def _whole(request: Request, task_id: int) -> dict[str, Any]:
    found, member = task_and_member(request, task_id)
    task = counted(Task.objects.filter(pk=found.pk), member).get()
    return long_form([task], member, request)[0]


def counted(tasks: QuerySet[Task], member: Membership) -> QuerySet[Any]:
    """With how many answers and skips there are: for those who see all, of everybody; else one's own."""
    whose = {} if sees_all(member) else {"by": member}
    answers = (
        Submission.objects.filter(OF_ANSWERS, task=OuterRef("pk"), **whose).order_by().values("task").annotate(n=Count("by", distinct=True))
    )
    skips = Assignment.objects.filter(task=OuterRef("pk"), state__in=Assignment.GIVEN_UP, **whose).order_by().values("task")
    return tasks.select_related("track", "proposal").annotate(
        n_answers=Coalesce(Subquery(answers.values("n")), 0), n_skips=Coalesce(Subquery(skips.annotate(n=Count("pk")).values("n")), 0)
    )


def data_of(task: Task, member: Membership, request: Request) -> dict[str, Any]:
    """Where the sounds are; for those who see all, also which song and which seconds of it."""
    sounds = {name: request.build_absolute_uri(reverse("clip", args=[task.pk, name])) for name in (task.stem, MIX_NAME)}
    if not sees_all(member):
        return sounds
    return sounds | {"track": task.track.name, "clip_start": task.start, "clip_end": task.end, "checkpoint": task.checkpoint}


def short_form(task: Any, member: Membership, request: Request) -> dict[str, Any]:
    """`task` is one of `counted`. Of what others did, or whether its truth is known, it tells only those who see all."""
    all_of_it = sees_all(member)
    done = task.state in (Task.State.CLOSED, Task.State.IN_REVIEW) if all_of_it else task.n_answers > 0
    n_predictions = int(member.campaign.proposes and getattr(task, "proposal", None) is not None and task.proposal.shown)
    return {
        "id": task.pk,
        "data": data_of(task, member, request),
        "meta": {},
        "project": task.campaign_id,
        # Clips of known truth are made after the others of their round, by parts of a second.
        "created_at": time(task.opened if all_of_it else member.campaign.created),
        "updated_at": time((task.closed or task.opened) if all_of_it else member.campaign.created),
        "is_labeled": done,
        "overlap": task.overlap if all_of_it else member.campaign.min_overlap,
        "inner_id": task.pk,
        "total_annotations": task.n_answers,
        "cancelled_annotations": task.n_skips,
        "total_predictions": n_predictions,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "updated_by": None,
        "file_upload": None,
        "comment_authors": [],
    }


def long_form(tasks: Sequence[Any], member: Membership, request: Request) -> list[dict[str, Any]]:
    """With annotations, predictions and own drafts, in the order of `tasks`."""
    numbers = [task.pk for task in tasks]
    predictions, drafts = predictions_of(tasks, member), drafts_of(numbers, member)
    answers: dict[int, list[Any]] = {}
    for one in answers_to(numbers, member):
        answers.setdefault(one.task_id, []).append(one)
    return [_long(task, member, request, answers.get(task.pk, []), predictions.get(task.pk, []), drafts.get(task.pk, [])) for task in tasks]


def _long(task: Any, member: Membership, request: Request, answers: list[Any], predictions: list[Any], drafts: list[Any]) -> dict[str, Any]:
    annotations = [shown_annotation(one, member, by_name=True) for one in answers]
    people = [one.by.user_id for one in answers if one.by.user_id is not None]
    spent = [one.lead_time for one in answers if one.lead_time]
    last = max((one.created for one in answers), default=None)
    return short_form(task, member, request) | {
        "updated_by": [{"user_id": person} for person in people[-1:]],
        "predictions": predictions,
        "annotations": annotations,
        "drafts": drafts,
        "annotators": people,
        "completed_at": time(last),
        "annotations_results": "",
        "predictions_results": "",
        "predictions_score": predictions[0]["score"] if predictions else None,
        "annotations_ids": ",".join(str(one["id"]) for one in annotations),
        "predictions_model_versions": ",".join(str(one["model_version"]) for one in predictions),
        "avg_lead_time": sum(spent) / len(spent) if spent else None,
        "draft_exists": bool(drafts),
        "storage_filename": None,
    }
