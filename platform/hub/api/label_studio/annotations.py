"""What one member answered to a task as Label Studio's annotation. Its id stays the same when the answer is changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.timesince import timesince
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import services as annotating
from annotation.core import label_studio
from annotation.models import Assignment, Campaign, FirstVisit, Membership, Submission, Task
from annotation.pages.access import check_let_in
from annotation.pages.api import LONGEST_LEAD
from annotation.pages.fields import Items, Number
from annotation.services.taken_back import take_back
from hub.api.label_studio.door import Door, checked, missing, sees_all, task_and_member, time
from hub.api.label_studio.users import person_of
from hub.api.tokens.authentication import member_of

KEYS = uuid.UUID("8f1f6a3c-6a0e-4c52-9a57-0f3b7c1d2e4a")  # of answers that come by these doors
SENT, CHANGED, SKIPPED = "submitted", "updated", "skipped"


class Given(serializers.Serializer):
    """Of an annotation, what an answer here is made of."""

    result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS, required=False)
    lead_time = Number(min_value=0, max_value=LONGEST_LEAD, required=False, allow_null=True)
    was_cancelled = serializers.BooleanField(required=False)
    ground_truth = serializers.BooleanField(required=False)
    completed_by = serializers.JSONField(required=False, allow_null=True)
    # A key of ours, for programs that know what was heard.
    heard = Items(child=Items(child=Number(min_value=0), min_length=2, max_length=2), max_length=5000, required=False)

    def validate_ground_truth(self, said: bool) -> bool:
        if said:
            raise serializers.ValidationError("Nobody says so here: clips whose truth is known are made by the platform.")
        return said

    def validate_completed_by(self, said: Any) -> Any:
        person = said.get("id") if isinstance(said, dict) else said
        if person not in (None, self.context["user"].pk):
            raise serializers.ValidationError(f"An annotation is by the token's owner, who is {self.context['user'].pk}; leave it out.")
        return said


class Annotations(Door):
    """Of one task: one's own, and for those who see all of the project, everybody's."""

    def get(self, request: Request, task_id: int) -> Response:
        task, member = task_and_member(request, task_id)
        return Response([shown_annotation(one, member) for one in answers_to([task.pk], member)])

    def post(self, request: Request, task_id: int) -> Response:
        task, member = task_and_member(request, task_id)
        said = checked(Given(data=request.data, context={"user": request.user}))
        if said.get("was_cancelled"):
            return Response(_skip(task, member), status=status.HTTP_201_CREATED)
        if "result" not in said:
            raise ValidationError({"result": ["This field is required."]})
        check_let_in(member)
        kept = _answer(task, member, said)
        return Response(shown_annotation(kept, member), status=status.HTTP_201_CREATED)


class OneAnnotation(Door):
    def get(self, request: Request, annotation_id: int) -> Response:
        answer, member = _found(request, annotation_id)
        return Response(shown_annotation(answer, member))

    def patch(self, request: Request, annotation_id: int) -> Response:
        answer, member = _own(request, annotation_id)
        said = checked(Given(data=request.data, context={"user": request.user}))
        if said.get("was_cancelled"):
            raise ValidationError({"was_cancelled": ["An answer is no skip any more; DELETE takes it back."]})
        if "result" in said:
            answer = _answer(answer.task, member, said)
        return Response(shown_annotation(answer, member))

    def delete(self, request: Request, annotation_id: int) -> Response:
        """Take one's answer back: it stays, and counts nowhere."""
        answer, member = _own(request, annotation_id)
        take_back(task=answer.task, by=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(task: Task, by: Membership, said: dict[str, Any]) -> Submission:
    """The same answer sent again is the one there is: whoever repeats a request whose answer was lost gives no second one."""
    last = Submission.objects.filter(task=task, by=by).order_by("-revision").first()
    if last is not None and last.status != Submission.Status.WITHDRAWN and last.result == said["result"]:
        return last
    text = json.dumps([task.pk, by.pk, last.revision if last else 0, said["result"]], sort_keys=True)
    return annotating.submit(
        task=task,
        by=by,
        result=said["result"],
        client_key=uuid.uuid5(KEYS, text),
        lead_time=said.get("lead_time") or 0.0,
        heard=said.get("heard"),
        by_the_clock=True,
    )


def _skip(task: Task, by: Membership) -> dict[str, Any]:
    """A skip is no answer here; its id is negative, so that it is never taken for one."""
    mine = Assignment.objects.filter(task=task, by=by).order_by("-pk")
    given_up = mine.filter(state__in=Assignment.GIVEN_UP)
    if mine.filter(state=Assignment.State.LEASED).exists() or not given_up.exists():  # else it is the same request again
        annotating.skip(task=task, by=by, reason=Assignment.SkipReason.CANNOT_DECIDE)
    skipped = given_up.get(pk=given_up.values("pk")[:1])
    person, when = _person(by), time(skipped.lease_until)
    return _with_keys(
        id=-skipped.pk, result=[], task=task.pk, project=task.campaign_id, completed_by=person, created_username=_name(by),
        created_ago=timesince(skipped.lease_until), was_cancelled=True, created_at=when, updated_at=when, last_action=SKIPPED,
        updated_by=person, last_created_by=person,
    )  # fmt: skip


def _found(request: Request, annotation_id: int) -> tuple[Submission, Membership]:
    """The answer that stands of a person to a task, by the id of the first that they gave, and the membership that sees it."""
    first = Submission.objects.filter(pk=annotation_id).first()
    if first is None:
        raise NotFound(missing("Annotation"))
    task, member = task_and_member(request, first.task_id)
    if not (sees_all(member) or first.by_id == member.pk):
        raise NotFound(missing("Annotation"))
    stands = next(answers_to([task.pk], member, Q(by=first.by_id)), None)
    if stands is None:
        raise NotFound(missing("Annotation"))
    stands.task = task
    return stands, member


def _own(request: Request, annotation_id: int) -> tuple[Submission, Membership]:
    answer, member = _found(request, annotation_id)
    if answer.by_id != member.pk:
        raise PermissionDenied("What others answered is theirs to change.")
    return answer, member_of(request, pk=answer.task.campaign_id)


def answers_to(tasks: Sequence[int], member: Membership, whose: Q | None = None) -> Iterator[Any]:
    """The answers that stand, one of each person to each task, with `first_id`: those of this member, or for those who see all everybody's.

    In order of tasks and people. Those of people who have taken their consent back are left out.
    """
    whose = (whose or Q()) if sees_all(member) else Q(by=member)
    consent = Q(by__first_visit__consent=FirstVisit.Consented.WITHDRAWN)
    found: QuerySet[Submission] = Submission.objects.filter(whose, task__in=tasks).exclude(consent & ~Q(by=member))
    rows: dict[tuple[int, int], list[Submission]] = {}
    for one in found.select_related("by__user", "task").order_by("task", "by", "revision"):
        rows.setdefault((one.task_id, one.by_id), []).append(one)
    for given in rows.values():
        if (stands := given[-1]).status != Submission.Status.WITHDRAWN:
            stands.first_id = given[0].pk  # type: ignore[attr-defined]
            stands.first_given = given[0].created  # type: ignore[attr-defined]
            yield stands


def shown_annotation(answer: Any, member: Membership, *, by_name: bool = False) -> dict[str, Any]:
    """`by_name`: `completed_by` as a task has it, an object."""
    person = _person(answer.by)
    first = getattr(answer, "first_given", answer.created)
    return _with_keys(
        id=getattr(answer, "first_id", None) or _first_id(answer),
        result=answer.result,
        task=answer.task_id,
        project=member.campaign_id,
        completed_by=person_of(person, _name(answer.by)) if by_name else person,
        created_username=_name(answer.by),
        created_ago=timesince(first),
        created_at=time(first),
        updated_at=time(answer.created),
        lead_time=answer.lead_time,
        last_action=SENT if answer.revision == 1 else CHANGED,
        updated_by=person,
        last_created_by=person,
    )


def first_of_changed(campaign: Campaign) -> dict[int, int]:
    """Of every answer that changes an earlier one, the first of its person to its task, whose id both have here."""
    first = Submission.objects.filter(task=OuterRef("task"), by=OuterRef("by")).order_by("revision").values("pk")[:1]
    changed = Submission.objects.filter(task__campaign=campaign, revision__gt=1).annotate(first=Subquery(first))
    return dict(changed.values_list("pk", "first"))


def _first_id(answer: Submission) -> int:
    return Submission.objects.filter(task=answer.task_id, by=answer.by_id).order_by("revision").values_list("pk", flat=True)[0]


def _person(by: Membership) -> int | None:
    """The account of who answered; a simulated member has none, nor has somebody whose account is gone."""
    return by.user_id


def _name(by: Membership) -> str:
    return by.pseudonym


def _with_keys(**known: Any) -> dict[str, Any]:
    usual = {
        "was_cancelled": False,
        "ground_truth": False,
        "draft_created_at": None,
        "lead_time": None,
        "import_id": None,
        "bulk_created": False,
        "parent_prediction": None,
        "parent_annotation": None,
    }
    return usual | known
