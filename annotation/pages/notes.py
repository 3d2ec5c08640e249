"""Notes to the lab on a clip, as reviewers read and answer them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.models import Campaign, Membership, Note
from annotation.models.notes import LONGEST_NOTE
from annotation.pages.access import reviewer_or_403
from annotation.selectors import notes
from annotation.services import notes as service

SHOWN = 30  # notes of each kind on one page


class Reply(forms.Form):
    text = forms.CharField(max_length=LONGEST_NOTE)


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
    """Answer a note."""
    member = _reader(request, slug)
    note = get_object_or_404(Note.objects.select_related("task", "by"), pk=note_id, task__campaign=member.campaign)
    form = Reply(request.POST)
    if not form.is_valid():
        messages.error(request, f"Write a sentence or two, at most {LONGEST_NOTE} characters.")
        return redirect("notes", slug)
    try:
        service.answer_note(note=note, by=member, text=form.cleaned_data["text"])
        messages.success(request, f"{note.by.pseudonym} finds your reply on their own page.")
    except service.AlreadyReplied as error:  # somebody else was quicker
        messages.warning(request, str(error))
    return redirect("notes", slug)
