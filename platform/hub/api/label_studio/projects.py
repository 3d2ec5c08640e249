"""Campaigns as Label Studio's projects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import services as annotating
from annotation.models import Assignment, Campaign, Membership, Proposal, Submission, Task
from annotation.pages.fields import Text, Whole
from annotation.selectors.queue import own_progress
from annotation.services import queue
from annotation.services.campaigns import free_slug
from hub.accounts.models import User
from hub.api.label_studio.configs import config_of, parsed, rules_of
from hub.api.label_studio.door import Door, checked, manager_of, members_of, number, sees_all, tasks_seen_by, time
from hub.api.label_studio.users import SITE, brief
from hub.api.tokens.authentication import member_of, token_of
from learner import services

PAGE = 30  # projects, unless a request asks for another number
MOST_ANSWERS = 50

Counts = dict[str, int]


class Project(serializers.Serializer):
    """What of a project is a rule of a campaign; other keys of Label Studio's are left as they are."""

    title = Text(min_length=3, max_length=120)
    label_config = Text(required=False)
    expert_instruction = Text(required=False, allow_blank=True, max_length=100_000)
    maximum_annotations = Whole(required=False, min_value=1, max_value=MOST_ANSWERS)

    def rules(self) -> dict[str, Any]:
        said = checked(self)
        found: dict[str, Any] = {"name": said["title"]} if "title" in said else {}
        if "expert_instruction" in said:
            found["instructions"] = said["expert_instruction"]
        if "maximum_annotations" in said:
            found["min_overlap"] = found["max_overlap"] = said["maximum_annotations"]
        if "label_config" in said and said["label_config"].strip() not in ("", "<View></View>", "<View/>"):
            found |= rules_of(said["label_config"])
        return found


class Projects(Door):
    def get(self, request: Request) -> Response:
        members = [member for member in members_of(request) if member.campaign.archived is None]
        if ids := request.query_params.get("ids"):
            members = [member for member in members if str(member.campaign_id) in ids.split(",")]
        page, size = (number(request.query_params.get(name), name, usual) for name, usual in (("page", 1), ("page_size", PAGE)))
        shown = members[(page - 1) * size : page * size]
        if not shown and page > 1:
            raise NotFound("Invalid page.")
        return Response({"count": len(members), "next": None, "previous": None, "results": shown_projects(shown, request.user)})

    def post(self, request: Request) -> Response:
        """Make a campaign, whose owner is who makes it; paused, since its songs come after it."""
        token = token_of(request)
        if not request.user.has_perm("annotation.add_campaign") or (token and (token.campaign_id or token.role)):
            raise PermissionDenied("Only site admins make projects, by tokens that are for all campaigns and no lower role.")
        rules = Project(data=request.data).rules()
        campaign = annotating.create_campaign(owner=request.user, slug=free_slug(rules["name"]), paused=True, counts_unheard=True, **rules)
        member = Membership.objects.select_related("campaign").get(campaign=campaign, user=request.user.pk)
        return Response(shown_projects([member], request.user)[0], status=status.HTTP_201_CREATED)


class OneProject(Door):
    def get(self, request: Request, project_id: int) -> Response:
        return Response(shown_projects([_member(request, project_id)], request.user)[0])

    def patch(self, request: Request, project_id: int) -> Response:
        member = manager_of(request, project_id)
        rules = Project(data=request.data, partial=True).rules()
        if rules.get("max_overlap") == member.campaign.max_overlap:  # as it was read: the answers asked for at first stay fewer
            del rules["min_overlap"], rules["max_overlap"]
        annotating.change_campaign(campaign=member.campaign, changes=rules, who=member)
        member.campaign.refresh_from_db()
        return Response(shown_projects([member], request.user)[0])

    def delete(self, request: Request, project_id: int) -> Response:
        """As its page does: its owners can undo it for a day."""
        member = _member(request, project_id)
        if not member.closes:
            raise PermissionDenied("Only owners of the project may delete it.")
        services.delete_campaign(campaign=member.campaign, typed=member.campaign.name, who=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProjectTasks(Door):
    """All tasks of a project; to read them is for `/api/tasks/`."""

    def delete(self, request: Request, project_id: int) -> Response:
        """Withdraw all tasks, if nobody has begun any: answers are never deleted."""
        member = manager_of(request, project_id)
        withdraw(Task.objects.filter(campaign=member.campaign, kind=Task.Kind.POOL).exclude(state=Task.State.WITHDRAWN), member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Counted(Door):
    def get(self, request: Request) -> Response:
        wanted = [one for one in request.query_params.get("ids", "").split(",") if one]
        members = [one for one in members_of(request) if not wanted or str(one.campaign_id) in wanted]
        results = [{"id": one.campaign_id, **counts_of(one)} for one in members]
        return Response({"count": len(results), "next": None, "previous": None, "results": results})


class ValidateConfig(Door):
    def post(self, request: Request, project_id: int) -> Response:
        """Whether a config says what the campaign can be asked."""
        member = _member(request, project_id)
        config = request.data.get("label_config") if isinstance(request.data, dict) else None
        if not isinstance(config, str):
            raise ValidationError({"label_config": ["This field is required."]})
        rules = rules_of(config)
        return Response({"config_essential_data_has_changed": rules["stem"] != member.campaign.stem})


@transaction.atomic
def withdraw(tasks: Any, member: Membership) -> None:
    """Withdraw these tasks, or raise where somebody has begun one of them."""
    locked = Task.objects.select_for_update().filter(pk__in=tasks.values("pk")).order_by("pk")
    begun = [task.pk for task in locked if task.taken or task.state != Task.State.OPEN]
    begun += list(Submission.objects.filter(task__in=tasks).values_list("task", flat=True)[:1])
    if begun:
        raise ValidationError(f"People have begun task {begun[0]}: what they gave is never deleted. End the project instead.")
    queue.withdraw(Task.objects.filter(pk__in=[task.pk for task in locked]), member.campaign, before={"by": "a program"})


def _member(request: Request, project_id: int) -> Membership:
    return member_of(request, pk=project_id)


def shown_projects(members: Iterable[Membership], user: Any) -> list[dict[str, Any]]:
    return [_shown(member, member.campaign, user) for member in members]


def counts_of(member: Membership) -> Counts:
    """For those who see all, of everybody; to others, of what they were given and did."""
    tasks, mine = tasks_seen_by(member), {} if sees_all(member) else {"by": member}
    stands = Q(status__in=[Submission.Status.ACCEPTED, Submission.Status.SURPLUS])
    answers = Submission.objects.filter(stands, task__in=tasks, **mine).aggregate(n=Count("pk"), tasks=Count("task", distinct=True))
    skips = Assignment.objects.filter(task__in=tasks, state__in=Assignment.GIVEN_UP, **mine)
    done = tasks.filter(state__in=[Task.State.CLOSED, Task.State.IN_REVIEW]).count() if not mine else answers["tasks"]
    return {
        "task_number": tasks.exclude(state=Task.State.WITHDRAWN).count() if not mine else tasks.count(),
        "finished_task_number": done,
        "total_predictions_number": Proposal.objects.filter(task__in=tasks, shown=True).count(),
        "total_annotations_number": answers["n"],
        "num_tasks_with_annotations": answers["tasks"],
        "useful_annotation_number": answers["n"],
        "ground_truth_number": 0,
        "skipped_annotations_number": skips.count(),
    }


def _owner(campaign: Campaign) -> User | None:
    owner = campaign.memberships.filter(role=Membership.Role.OWNER).select_related("user").order_by("pk").first()
    return owner.user if owner else None


def _shown(member: Membership, campaign: Campaign, user: Any) -> dict[str, Any]:
    counts, progress = counts_of(member), own_progress(member)
    controls = parsed(campaign)
    return {
        "id": campaign.pk,
        "title": campaign.name,
        "description": "",
        "label_config": config_of(campaign),
        "parsed_label_config": controls,
        "control_weights": {
            name: {"overall": 1.0, "type": one["type"], "labels": dict.fromkeys(one["labels"], 1.0)} for name, one in controls.items()
        },
        "expert_instruction": campaign.instructions,
        "show_instruction": bool(campaign.instructions),
        "show_skip_button": True,
        "enable_empty_annotation": True,
        "show_annotation_history": False,
        "organization": SITE,
        "color": "#FFFFFF",
        "maximum_annotations": campaign.max_overlap,
        "is_published": campaign.ended is None,
        "is_draft": False,
        "model_version": "",
        "created_by": brief(_owner(campaign)) if member.sees_people else None,
        "created_at": time(campaign.created),
        "min_annotations_to_start_training": 0,
        "start_training_on_annotation_update": False,
        "show_collab_predictions": campaign.proposes,
        "evaluate_predictions_automatically": False,
        "reveal_preannotations_interactively": False,
        "sampling": "Sequential sampling",
        "skip_queue": SKIPS[Campaign.SkipPolicy(campaign.skip_policy)],
        "show_ground_truth_first": False,
        "show_overlap_first": True,
        "overlap_cohort_percentage": 100,
        "annotator_evaluation_enabled": False,
        "task_data_login": None,
        "task_data_password": None,
        "config_has_control_tags": True,
        "config_suitable_for_bulk_annotation": False,
        "pinned_at": None,
        "state": None,
        "queue_total": progress.done + progress.open,
        "queue_done": progress.done,
        **counts,
    }


SKIPS = {
    Campaign.SkipPolicy.ME: "REQUEUE_FOR_ME",
    Campaign.SkipPolicy.OTHERS: "REQUEUE_FOR_OTHERS",
    Campaign.SkipPolicy.IGNORED: "IGNORE_SKIPPED",
}
