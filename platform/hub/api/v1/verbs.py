"""What can be done: make a campaign, take a clip and answer it, start and freeze rounds, stop and go on, cancel a job or try it again."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as Wrong
from django.shortcuts import get_object_or_404
from rest_framework import serializers as s
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import services as annotating
from annotation.core import label_studio
from annotation.core.errors import DomainError
from annotation.core.stems import STEMS, USUAL
from annotation.core.tags import LONGEST
from annotation.models import Assignment, Membership, Task
from annotation.models.people import Right
from annotation.pages.access import check_ready
from annotation.pages.api import LONGEST_LEAD
from annotation.pages.fields import Choice, Items, Key, Number, Text
from hub.api.tokens.authentication import token_of
from hub.api.v1 import lists, shapes, sounds
from hub.api.v1.doors import Body, Door
from hub.api.v1.idempotent import once
from learner import selectors, services
from learner.models import Round


class NoRound(DomainError):
    """No round can begin now: one is under way, the campaign is paused or has no model, or its pool has nothing that was not heard."""


class NothingToFreeze(DomainError):
    """Nothing to learn from in this round: nothing was agreed on, or it was frozen before, or its clips are still being chosen."""


class DrawOnly(DomainError):
    """This task asks quick questions, which the site's own page asks alone."""


class Campaigns(lists.Campaigns):
    class NewCampaign(Body):
        name = Text(max_length=120)
        slug = s.RegexField(r"^[-a-zA-Z0-9_]+$", max_length=60, help_text="by which addresses name it")
        stem = Choice(choices=sorted(STEMS), default=USUAL, help_text="what is extracted and listened to")
        clip_seconds = Number(min_value=10, max_value=30, default=15.0)

    body: ClassVar[Any] = NewCampaign

    @once
    def post(self, request: Request) -> Response:
        """Make a campaign, paused, with its usual rules; its owner is who makes it. For site admins, by a token of all their campaigns."""
        token = token_of(request)
        if not request.user.has_perm("annotation.add_campaign") or (token and (token.campaign_id or token.role)):
            raise PermissionDenied("Only site admins make campaigns, with a token for all of theirs and without a lower role.")
        body = self.NewCampaign(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            made = annotating.create_campaign(owner=request.user, paused=True, **body.validated_data)
        except Wrong as wrong:
            raise ValidationError(wrong.message_dict) from None
        return Response(lists.campaign_row(made.memberships.get(), None), status=status.HTTP_201_CREATED)


class NextTask(Door):
    """The next clip for oneself."""

    answers: ClassVar[Any] = {200: shapes.shape("InHand", shapes.IN_HAND), 204: None}

    @once
    def post(self, request: Request, slug: str) -> Response:
        """Take the next clip, or the one that is in hand already; 204: nothing is left."""
        member = self.member(slug)
        check_ready(member)
        lease = annotating.assign_task(by=member)
        if lease is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        task, until = lease.task, lease.lease_until
        duration = round(task.end - task.start, 3)  # the last bits would tell gold apart
        said = {"task": task.pk, "stem": task.stem, "question": task.question, "duration": duration, "lease_until": until}
        return Response(said | {"sounds": sounds.addresses(request, member, task)})


class StretchOfClip(Body):
    start, end = Number(min_value=0), Number(min_value=0)


class MarkOfClip(StretchOfClip):
    tag = Text(max_length=LONGEST, allow_blank=True, default="", help_text="what leaks there, of the campaign's tags")


class Submissions(Door):
    """One's own answers to a task."""

    class NewSubmission(Body):
        marks = Items(
            child=MarkOfClip(), max_length=label_studio.MAX_REGIONS, help_text="seconds of the clip; none: nothing wrong was heard"
        )
        missing = Items(child=StretchOfClip(), max_length=label_studio.MAX_REGIONS, default=list, help_text="where something is missing")
        heard = Items(
            child=Items(child=Number(min_value=0), min_length=2, max_length=2), max_length=5000, required=False,
            help_text="what was played, [[start, end], …]; left out where it cannot be known, and the campaign says whether that counts",
        )  # fmt: skip
        lead_time = Number(min_value=0, max_value=LONGEST_LEAD, default=0.0, help_text="seconds at it")
        client_key = Key(required=False, help_text="made for this answer: sent again with it, it is kept once")

    body: ClassVar[Any] = NewSubmission
    answers: ClassVar[Any] = {201: shapes.shape("KeptSubmission", shapes.KEPT)}

    @once
    def post(self, request: Request, slug: str, task_id: int) -> Response:
        """Answer a task that one has taken; reviewers may answer any. Times are seconds of the clip. An answer before is superseded."""
        task, member = self._task(slug, task_id)
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        if task.question != Task.Question.DRAW:
            raise DrawOnly
        kept = annotating.submit(
            task=task, by=member, result=_result(task, said), client_key=said.get("client_key") or uuid.uuid4(),
            lead_time=said["lead_time"], heard=said.get("heard"), by_the_clock=True,
        )  # fmt: skip
        about = {"id": kept.pk, "task": task.pk, "revision": kept.revision, "status": kept.status, "created": kept.created}
        return Response(about, status=status.HTTP_201_CREATED)

    def _task(self, slug: str, task_id: int) -> tuple[Task, Membership]:
        member = self.member(slug)
        task = Task.objects.filter(campaign=member.campaign, pk=task_id).first()
        if task is None or not (member.reviews or Assignment.objects.filter(task=task, by=member).exists()):
            raise NotFound
        task.campaign = member.campaign
        return task, member


def _result(task: Task, said: dict[str, Any]) -> list[dict[str, Any]]:
    """The same as the editor writes it, unchecked."""
    found: list[dict[str, Any]] = []
    for name, label in (("marks", label_studio.label_of(task.stem)), ("missing", label_studio.missing_label_of(task.stem))):
        for n, one in enumerate(said[name]):
            value: dict[str, Any] = {"start": one["start"], "end": one["end"], "channel": 0, "labels": [label]}
            item: dict[str, Any] = {
                "id": f"{name}[{n}]",
                "from_name": label_studio.FROM_NAME,
                "to_name": task.stem,
                "type": "labels",
                "origin": "manual",
            }
            item |= {"original_length": task.clip.duration, "value": value}
            found += [item, label_studio.tag_item(item, one["tag"])] if one.get("tag") else [item]
    return found


class Rounds(lists.Rounds):
    body: ClassVar[Any] = None

    @once
    def post(self, request: Request, slug: str) -> Response:
        """Start the next round: its clips are chosen by a job. For owners and managers; 409 says why none can begin."""
        member = self.member(slug, Right.MANAGE)
        opened = services.start_round(campaign=member.campaign, who=member)
        if opened is None:
            member.campaign.refresh_from_db(fields=["held_up"])
            raise NoRound(member.campaign.held_up)
        return Response(next(iter(self.shaped([opened]))), status=status.HTTP_201_CREATED)


def freeze(member: Membership, round_: Round | None) -> None:
    """Freeze what was agreed on in this round so far. Raises `NoRound`, where the model could not learn now, and `NothingToFreeze`."""
    if services.is_held_up(campaign=member.campaign):
        member.campaign.refresh_from_db(fields=["held_up"])
        raise NoRound(member.campaign.held_up)
    if round_ is None or not services.freeze_feedback(round_=round_, who=member):
        raise NothingToFreeze


class Freeze(Door):
    """A round that waits for answers."""

    answers: ClassVar[Any] = {200: lists.Rounds}

    @once
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Freeze what was agreed on so far, and learn from it, instead of waiting for the rest. For owners and managers."""
        member = self.member(slug, Right.MANAGE)
        found = get_object_or_404(Round.objects.select_related("campaign"), campaign=member.campaign, number=number)
        freeze(member, found)
        return Response(next(iter(lists.Rounds().shaped([lists.Rounds().found(member).get(pk=found.pk)]))))


class Pause(Door):
    answers: ClassVar[Any] = {200: lists.Campaigns}

    @once
    def post(self, request: Request, slug: str) -> Response:
        """Start no new round from now on; what is under way goes on. For owners and managers."""
        return self._changed(slug, annotating.pause_rounds)

    def _changed(self, slug: str, how: Any) -> Response:
        member = self.member(slug, Right.MANAGE)
        how(campaign=member.campaign, who=member)
        member.campaign.refresh_from_db()
        return Response(lists.campaign_row(member, lists.current_of(member.campaign)))


class Resume(Pause):
    @once
    def post(self, request: Request, slug: str) -> Response:
        """Let rounds begin again, by themselves. For owners and managers."""
        return self._changed(slug, annotating.resume_rounds)


class Cancel(Door):
    answers: ClassVar[Any] = {200: lists.Jobs}

    @once
    def post(self, request: Request, slug: str, job_id: int) -> Response:
        """Cancel a job that waits or is at work; its round ends, too. For owners and managers."""
        return self._done(slug, job_id, services.cancel_job)

    def _done(self, slug: str, job_id: int, what: Any) -> Response:
        member = self.member(slug, Right.MANAGE)
        job = get_object_or_404(selectors.jobs(member.campaign), pk=job_id)
        what(job=job, who=member)
        return Response(selectors.jobs(member.campaign).values(*shapes.JOB).get(pk=job_id))


class Retry(Cancel):
    @once
    def post(self, request: Request, slug: str, job_id: int) -> Response:
        """Queue a job again that failed or was cancelled. For owners and managers."""
        return self._done(slug, job_id, services.retry_job)
