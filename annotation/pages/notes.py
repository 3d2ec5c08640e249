"""Threads on clips: as reviewers read and answer them, as a person writes on in their own, and on the page of a clip in review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.models import Campaign, Membership, Note, Task
from annotation.models.notes import LONGEST_NOTE
from annotation.pages.access import member_or_404, reviewer_or_403
from annotation.pages.fields import Key, Text, Whole
from annotation.pages.reviews import answer_of_number, task_and_reviewer
from annotation.selectors import notes
from annotation.selectors.anonymous_answers import answers_to
from annotation.services import notes as service

SHOWN = 30  # notes of each kind on one page


class Words(forms.Form):
    text = forms.CharField(max_length=LONGEST_NOTE)
    seen = forms.IntegerField(min_value=0, required=False)  # replies that were there to be read


def _reader(request: HttpRequest, slug: str) -> Membership:
    return reviewer_or_403(request, slug, "read the notes")


@login_required
@never_cache
@require_safe
def read(request: HttpRequest, slug: str) -> HttpResponse:
    """Notes that wait for a reply, and below them those that have one."""
    member = _reader(request, slug)
    waiting = notes.open_notes(member.campaign)
    page = Paginator(notes.answered_notes(member.campaign), SHOWN).get_page(request.GET.get("page"))
    context = {
        "campaign": member.campaign,
        "member": member,
        "n_waiting": waiting.count(),
        "waiting": _shown(member.campaign, waiting[:SHOWN]),
        "page": page,
        "answered": _shown(member.campaign, list(page)),
        "longest": LONGEST_NOTE,
    }
    return render(request, "annotation/notes.html", context)


def _shown(campaign: Campaign, some: Iterable[Note]) -> list[dict[str, Any]]:
    some = list(some)
    opened = notes.with_review_pages(campaign, [note.task for note in some])
    return [{"note": note, "in_review": note.task_id in opened} for note in some]


@login_required
@require_POST
def reply(request: HttpRequest, slug: str, note_id: int) -> HttpResponse:
    """Answer a note, or write on in a thread."""
    member = _reader(request, slug)
    note = get_object_or_404(Note.objects.select_related("task", "person"), pk=note_id, task__campaign=member.campaign)
    name = note.person.pseudonym if note.person and note.person != member else ""
    _write(request, note, member, f"{name} finds your reply on their own page." if name else "Sent.")
    return redirect("notes", slug)


@login_required
@require_POST
def write_on(request: HttpRequest, slug: str, note_id: int) -> HttpResponse:
    """Write on in a thread of one's own with the lab."""
    member = member_or_404(request, slug)
    note = get_object_or_404(Note.objects.select_related("task"), pk=note_id, person=member)
    _write(request, note, member, gettext("Your note is sent. The reply will be on your own page."))
    return redirect(reverse("my-page", args=[slug]) + "#notes")


def _write(request: HttpRequest, note: Note, by: Membership, said: str) -> None:
    form = Words(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Write a sentence or two, at most %(longest)s characters.") % {"longest": LONGEST_NOTE})
        return
    try:
        service.answer_note(note=note, by=by, text=form.cleaned_data["text"], seen=form.cleaned_data["seen"])
        messages.success(request, said)
    except service.AlreadyReplied as error:  # somebody else was quicker
        messages.warning(request, gettext(str(error)))


class TaskComments(APIView):
    """What those who review write on a clip in review: to somebody who was given it, to each other, or in a thread that there is."""

    class Comment(serializers.Serializer):
        text = Text(max_length=LONGEST_NOTE)
        client_key = Key()
        person = Whole(min_value=1, required=False, help_text="with whom, by the number of their answer; absent: among those who review")
        thread = Whole(min_value=1, max_value=2**31 - 1, required=False, help_text="the thread that it goes on with")
        seen = Whole(min_value=0, max_value=2**31 - 1, required=False, help_text="of a thread: how many replies were read")

    THREADS: serializers.ListSerializer = serializers.ListSerializer(
        child=inline_serializer(
            "Thread",
            {
                "id": serializers.IntegerField(),
                "person": serializers.CharField(help_text="with whom; empty: among those who review"),
                "waits": serializers.BooleanField(help_text="for a reply of the lab"),
                "messages": serializers.ListField(child=serializers.DictField(), help_text="who, text, when"),
            },
        )
    )

    @extend_schema(responses={200: THREADS})
    def get(self, request: Request, task_id: int) -> Response:
        task, member = task_and_reviewer(request, task_id)
        return Response(self._threads(task, member))

    @extend_schema(request=Comment, responses={201: THREADS, 409: None})
    def post(self, request: Request, task_id: int) -> Response:
        task, member = task_and_reviewer(request, task_id)
        body = self.Comment(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        if "thread" in said:
            note = Note.objects.filter(pk=said["thread"], task=task).first()
            if note is None:
                raise serializers.ValidationError({"thread": "There is no such thread on this clip."})
            service.answer_note(note=note, by=member, text=said["text"], seen=said.get("seen"))
        else:
            person = answer_of_number(task, said["person"]).by if "person" in said else None
            service.comment(task=task, by=member, text=said["text"], person=person, client_key=said["client_key"])
        return Response(self._threads(task, member), status=status.HTTP_201_CREATED)

    def _threads(self, task: Task, member: Membership) -> list[dict[str, Any]]:
        numbers = {one.by_id: n for n, one in enumerate(answers_to(task), start=1)}
        return [asdict(one) for one in notes.threads_on(task, member, numbers)]
