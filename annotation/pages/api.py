"""DRF endpoints of the annotate page: read the input, call one service, shape the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import services
from annotation.core import label_studio, questions
from annotation.core.stems import STEMS
from annotation.models import Assignment, Campaign, Draft, Membership, Submission, Task
from annotation.models.notes import LONGEST_NOTE
from annotation.pages.access import check_changeable, check_ready
from annotation.pages.fields import ByName, Choice, Items, Key, Number, Text, Whole
from annotation.selectors import proposals, queue
from annotation.selectors.answers import history
from annotation.selectors.effects import offers_effect
from annotation.services import notes
from annotation.services.first_visit import check_consent

BESIDE = ("mix", "removed")  # what can be listened to beside the extracted stem
LONGEST_LEAD = 366 * 24 * 3600  # seconds; a page may lie open in a sleeping computer for weeks, and its answer still counts

QUESTION = OpenApiParameter("question", str, enum=["draw", "quick"], default="draw", description="which kind of task is asked for")
TASK = inline_serializer(
    "TaskInHand",
    {
        "task": serializers.DictField(help_text="as Label Studio's editor reads it"),
        "config": serializers.CharField(help_text="Label Studio's labelling config"),
        "question": serializers.ChoiceField(choices=["draw", "quick"], help_text="quick: yes, no or cannot tell, of each segment"),
        "segments": serializers.ListField(
            child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
            allow_null=True,
            help_text="what quick questions are about: [[start, end], …] in seconds of the clip",
        ),
        "duration": serializers.FloatField(help_text="seconds"),
        "lease_until": serializers.DateTimeField(required=False, help_text="by the server's clock; absent where it is not reserved"),
        "lease_seconds": serializers.IntegerField(help_text="from now; what a page with another clock goes by"),
        "draft": serializers.ListField(child=serializers.DictField(), allow_null=True, help_text="the result saved last"),
        "draft_saved_at": serializers.DateTimeField(
            allow_null=True, help_text="names that draft: `based_on` of the one that goes on from it"
        ),
        "draft_age": serializers.FloatField(allow_null=True, help_text="seconds since then, by the server's clock"),
        "instructions": serializers.CharField(),
        "progress": inline_serializer("OwnProgress", {"done": serializers.IntegerField(), "open": serializers.IntegerField()}),
        "answer": inline_serializer(
            "AnswerSoFar",
            {
                "revision": serializers.IntegerField(help_text="what the answer that changes it names as `revises`"),
                "result": serializers.ListField(child=serializers.DictField()),
                "age": serializers.FloatField(help_text="seconds since it was given, by the server's clock"),
                "played": serializers.DictField(help_text="what was heard of each sound: {name: [[start, end], …]}, seconds"),
            },
            required=False,
            help_text="the person's own answer, where it is opened to be changed",
        ),
    },
)

Fields = dict[str, serializers.Field]
REFUSED: Fields = {"detail": serializers.CharField(help_text="a sentence for the person"), "error": serializers.CharField(required=False)}
ANSWERED: Fields = {
    "revision": serializers.IntegerField(required=False, help_text="of the answer that stands"),
    "marks": serializers.IntegerField(required=False, help_text="how many it has"),
    "age": serializers.FloatField(required=False, help_text="seconds since it was given"),
}
OTHER_ANSWER = inline_serializer("AnsweredElsewhere", REFUSED | ANSWERED)
OTHER_DRAFT = inline_serializer(
    "ChangedElsewhere",
    REFUSED
    | ANSWERED
    | {
        "draft": inline_serializer(
            "OtherDraft",
            {
                "result": serializers.ListField(child=serializers.DictField()),
                "saved_at": serializers.DateTimeField(),
                "age": serializers.FloatField(help_text="seconds"),
            },
            required=False,
            help_text="what the server has; absent where the clip was answered",
        )
    },
)


def _stretches(**rules: Any) -> Items:
    """[[start, end], …] in seconds."""
    return Items(child=Items(child=Number(min_value=0), min_length=2, max_length=2), max_length=5000, **rules)


def _task_and_member(request: Request, task_id: int) -> tuple[Task, Membership]:
    if (found := queue.task_and_member(request.user, task_id)) is None:
        raise NotFound
    check_changeable(found[1].campaign, request.method)
    return found


def _config(campaign: Campaign) -> str:
    """The editor's, with what people read in their language."""
    return label_studio.labelling_config(campaign.stem, campaign.tags, missing=campaign.collects_missing, say=gettext)


def _as_the_editor_reads_them(tasks: Sequence[Task], member: Membership, gets_tasks: bool | None = None) -> list[dict[str, Any]]:
    """What the editor's page needs to show each of these tasks of one member, leased until `lease_until`."""
    drafts = {draft.task_id: services.shown_draft(draft) for draft in Draft.objects.filter(task__in=[task.pk for task in tasks], by=member)}
    shown = proposals.shown_on(tasks, member.campaign)
    question = tasks[0].question if tasks else Task.Question.DRAW
    own = asdict(queue.own_progress(member, gets_tasks=gets_tasks, question=question))
    return [
        {
            "task": label_studio.task_payload(task.pk, *_sounds(task), stem=task.stem) | {"predictions": shown.get(task.pk, [])},
            "config": questions.labelling_config(task.stem) if _is_quick(task) else _config(member.campaign),
            "question": task.question,
            "segments": services.segments_of(task) if _is_quick(task) else None,
            "duration": round(task.end - task.start, 3),  # of two clips of one length the last bits may differ, which would tell gold apart
            "lease_seconds": member.campaign.lease_seconds,
            "draft": drafts[task.pk]["result"] if task.pk in drafts else None,
            "draft_saved_at": drafts[task.pk]["saved_at"] if task.pk in drafts else None,
            "draft_age": drafts[task.pk]["age"] if task.pk in drafts else None,
            "instructions": member.campaign.instructions,
            "progress": own,
        }
        for task in tasks
    ]


def _is_quick(task: Task) -> bool:
    return task.question == Task.Question.QUICK


def _question(request: Request) -> str:
    """Which kind of task a page asks for: `?question=quick`, else those in which marks are drawn. Raises `ValidationError`."""
    asked = request.query_params.get("question", Task.Question.DRAW)
    if asked not in Task.Question.values:
        raise ValidationError({"question": f"It is one of {', '.join(Task.Question.values)}."})
    return asked


def _sounds(task: Task) -> tuple[str, str]:
    """Where the page finds what was extracted, and the mix."""
    return reverse("clip", args=[task.pk, task.stem]), reverse("clip", args=[task.pk, "mix"])


def _leased(leases: Sequence[Assignment], member: Membership, gets_tasks: bool | None = None) -> list[dict[str, Any]]:
    given = _as_the_editor_reads_them([lease.task for lease in leases], member, gets_tasks)
    return [one | {"lease_until": lease.lease_until} for one, lease in zip(given, leases, strict=True)]


class NextTask(APIView):
    """The next task for the person signed in: the one in hand, else the first fetched ahead, else a free one; 204: nothing left."""

    @extend_schema(request=None, parameters=[QUESTION], responses={200: TASK, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        member = queue.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        check_ready(member)
        assignment = services.assign_task(by=member, question=_question(request))
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(_leased([assignment], member, gets_tasks=True)[0])


class PrefetchTasks(APIView):
    """The tasks that come after the one in hand, at most two, reserved so that the page can load their sound ahead."""

    @extend_schema(request=None, parameters=[QUESTION], responses={200: serializers.ListSerializer(child=TASK)})
    def post(self, request: Request, slug: str) -> Response:
        member = queue.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        return Response(_leased(services.prefetch(by=member, question=_question(request)), member))


class History(APIView):
    """What the person signed in has answered and skipped, the latest first; each can be opened again."""

    GIVEN = inline_serializer(
        "Given",
        {
            "task": serializers.IntegerField(),
            "what": serializers.ChoiceField(choices=["accepted", "surplus", "too soon", "skipped"]),
            "age": serializers.FloatField(help_text="seconds since then, by the server's clock"),
            "marks": serializers.IntegerField(),
            "may_change": serializers.BooleanField(help_text="false once feedback was frozen with it"),
        },
    )

    @extend_schema(responses={200: serializers.ListSerializer(child=GIVEN)})
    def get(self, request: Request, slug: str) -> Response:
        member = queue.membership_of(request.user, slug)
        if member is None:
            raise NotFound
        return Response(
            [
                {"task": one.task_id, "what": one.what, "age": one.age.total_seconds(), "marks": one.marks, "may_change": one.may_change}
                for one in history(member)
            ]
        )


class TaskSubmission(APIView):
    """A person's answer to a task."""

    class Answer(serializers.Serializer):
        result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS)
        client_key = Key()
        lead_time = Number(min_value=0, max_value=LONGEST_LEAD, default=0.0, help_text="seconds from opening the clip to the answer")
        heard = _stretches(default=list, help_text="stretches of what was extracted that were played; 90 % of the clip")
        played = ByName(
            names=(*STEMS, *BESIDE),
            child=_stretches(),
            default=dict,
            help_text="the same of the task's stem (vocals, drums …), mix, removed",
        )
        revises = Whole(
            min_value=0,
            max_value=2**31 - 1,
            required=False,
            help_text="revision of the own answer that this one is to replace, 0: none; absent: whichever there is",
        )

        def validate_played(self, played: dict[str, Any]) -> dict[str, Any]:
            if other := sorted(set(played) - {self.context["stem"], *BESIDE}):
                raise serializers.ValidationError(f"{other[0]} is not what this task is of: {self.context['stem']}, mix, removed.")
            return played

    KEPT = inline_serializer(
        "Kept",
        {
            "status": serializers.ChoiceField(choices=Submission.Status.choices),
            "thanked": serializers.CharField(
                required=False, help_text="for an answer that came too late to count, or too soon: what to tell its person"
            ),
            "effect": serializers.BooleanField(required=False, help_text="true: its person may ask to hear what its marks change"),
        },
    )

    @extend_schema(responses={200: TASK, 409: None})
    def get(self, request: Request, task_id: int) -> Response:
        """The task with the answer that the person gave, to be changed."""
        task, member = _task_and_member(request, task_id)
        check_consent(member)
        if (answer := services.to_change(task=task, by=member)) is None:
            raise NotFound
        (given,) = _as_the_editor_reads_them([task], member)
        played = answer.played or {task.stem: answer.heard}
        heard = {name: label_studio.heard_of_clip(stretches, task.clip) for name, stretches in played.items()}
        age = (now() - answer.created).total_seconds()
        return Response(given | {"answer": {"revision": answer.revision, "result": answer.result, "age": age, "played": heard}})

    @extend_schema(request=Answer, responses={201: KEPT, 409: OTHER_ANSWER})
    def put(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.Answer(data=request.data, context={"stem": task.stem})
        body.is_valid(raise_exception=True)
        submission = services.submit(task=task, by=member, by_the_clock=True, **body.validated_data)
        thanked = services.thanks(submission)
        more = ({"thanked": thanked} if thanked else {}) | ({"effect": True} if offers_effect(submission, member) else {})
        return Response({"status": submission.status} | more, status=status.HTTP_201_CREATED)


class TaskDraft(APIView):
    """Unfinished work on a task."""

    class UnfinishedAnswer(serializers.Serializer):
        result = Items(child=serializers.DictField(), max_length=label_studio.MAX_REGIONS)
        based_on = serializers.DateTimeField(
            required=False,
            allow_null=True,
            help_text="`saved_at` of the draft that this one goes on from, null: none; absent: this one has the last word",
        )
        revises = Whole(
            min_value=0,
            max_value=2**31 - 1,
            default=0,
            help_text="with `based_on`: revision of the own answer that it would change, 0: none",
        )

    SAVED = inline_serializer("Saved", {"saved_at": serializers.DateTimeField()})

    @extend_schema(request=UnfinishedAnswer, responses={200: SAVED, 409: OTHER_DRAFT})
    def put(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.UnfinishedAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        if "based_on" in said:
            draft = services.go_on_with_draft(task=task, by=member, **said)
        else:
            draft = services.save_draft(task=task, by=member, result=said["result"])
        return Response({"saved_at": draft.saved.isoformat()})


class SkipTask(APIView):
    """Give a task back unanswered, or take that back."""

    class Skip(serializers.Serializer):
        reason = Choice(choices=Assignment.SkipReason.choices)

    @extend_schema(request=Skip, responses={204: None, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.Skip(data=request.data)
        body.is_valid(raise_exception=True)
        services.skip(task=task, by=member, **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None, 409: None})
    def delete(self, request: Request, task_id: int) -> Response:
        """The task is in hand again, while nobody else has it."""
        task, member = _task_and_member(request, task_id)
        services.undo_skip(task=task, by=member)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TaskLease(APIView):
    """The page's heartbeat while a person works."""

    LEASE = inline_serializer("Lease", {"lease_until": serializers.DateTimeField(), "lease_seconds": serializers.IntegerField()})

    @extend_schema(request=None, responses={200: LEASE, 409: OTHER_ANSWER})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        lease = services.renew_lease(task=task, by=member)
        return Response({"lease_until": lease.lease_until, "lease_seconds": member.campaign.lease_seconds})


class TaskNotes(APIView):
    """A note to the lab on a clip, of a person who was given it."""

    class NewNote(serializers.Serializer):
        text = Text(max_length=LONGEST_NOTE)
        client_key = Key()

    WRITTEN = inline_serializer("NoteWritten", {"note": serializers.IntegerField()})

    @extend_schema(request=NewNote, responses={201: WRITTEN, 403: None, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = _task_and_member(request, task_id)
        body = self.NewNote(data=request.data)
        body.is_valid(raise_exception=True)
        note = notes.write_note(task=task, by=member, **body.validated_data)
        return Response({"note": note.pk}, status=status.HTTP_201_CREATED)
