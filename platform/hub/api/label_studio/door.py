"""What all doors of Label Studio's API share: who comes in, what of a campaign they may see, and the body of an error."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Assignment, Membership, Task
from hub import errors
from hub.api.tokens.authentication import TokenAuthentication, TokenMay, limit, member_of, memberships_of, token_of

VERSION = "1.23.2"  # of the server whose answers ours are like
RETRIED = (HTTPStatus.CONFLICT, HTTPStatus.REQUEST_TIMEOUT)  # by its SDK, twice each; what we refuse stays refused


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: an error in Label Studio's form, by a status that its SDK does not take for one to try again."""
    if isinstance(error, Invalid):
        error = ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)
    if (response := errors.answer(error, context)) is None:
        return None
    if response.status_code in RETRIED:
        response.status_code = HTTPStatus.BAD_REQUEST
    said = response.data
    faults: Any = {said["field"]: [said["detail"]]} if "field" in said else None
    if isinstance(error, ValidationError):
        faults = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
    where_to_go = [context["request"].build_absolute_uri(said["go"])] if "go" in said else []
    response.data = {
        "id": str(uuid.uuid4()),
        "status_code": response.status_code,
        "version": VERSION,
        "detail": "Validation error" if isinstance(error, ValidationError) else " ".join([said["detail"], *where_to_go]),
        "exc_info": None,
    } | ({"validation_errors": faults} if faults else {})
    return response


class Door(APIView):
    """One address. It is in no schema of ours: Label Studio documents it."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = [TokenMay]
    schema = None

    def get_exception_handler(self) -> Any:
        return answer


def must_write(request: Request) -> None:
    """For a GET that changes something."""
    token = token_of(request)
    if token and not token.writes:
        raise PermissionDenied(TokenMay.message)


def members_of(request: Request) -> list[Membership]:
    """The person's memberships that this request may use, with no more rights than its token has."""
    token = token_of(request)
    found = list(memberships_of(request).order_by("campaign"))
    return [limit(member, token) for member in found] if token else found


def manager_of(request: Request, project_id: int) -> Membership:
    member = member_of(request, pk=project_id)
    if not member.manages:
        raise PermissionDenied("Only owners and managers of the project may do this.")
    return member


def sees_all(member: Membership) -> bool:
    """Whether they see what others answered, and all tasks; to everybody else a project holds what they were given themselves."""
    return member.takes_data


def tasks_seen_by(member: Membership) -> QuerySet[Task]:
    """Tasks of their campaign: those of the pool for whom all may be shown, else what they were given once.

    Which of these have a known truth nothing tells, so that such tasks are in no list but that of who was given them.
    """
    given = Q(Exists(Assignment.objects.filter(task=OuterRef("pk"), by=member)))
    seen = given | Q(kind=Task.Kind.POOL) if sees_all(member) or member.reviews else given
    return Task.objects.filter(seen, campaign=member.campaign_id)


def task_and_member(request: Request, task_id: int) -> tuple[Task, Membership]:
    """A task that this request may see, and the membership that it sees it with."""
    task = Task.objects.select_related("track").filter(pk=task_id).first()
    if task is None:
        raise NotFound(missing("Task"))
    member = member_of(request, pk=task.campaign_id)
    if not tasks_seen_by(member).filter(pk=task.pk).exists():
        raise NotFound(missing("Task"))
    task.campaign = member.campaign
    return task, member


def missing(kind: str) -> str:
    """What Label Studio says of a row that is not there."""
    return f"No {kind} matches the given query."


def checked(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    said: dict[str, Any] = serializer.validated_data
    return said


def number(text: str | None, name: str, default: int | None = None, most: int = 2**31 - 1) -> int:
    """A whole number from the address, at least 1; without a default it must be there."""
    if not text and default is not None:
        return default
    text = text or ""
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or not 1 <= int(text) <= most:
        raise ValidationError({name: [f"It is a whole number from 1 to {most}."]})
    return int(text)


def time(when: Any) -> str | None:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if when else None
