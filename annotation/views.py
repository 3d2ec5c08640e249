"""Pages of annotators: my queue, the editor, and the sound of a clip."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from annotation.door import check_let_in, check_ready, member_or_404
from annotation.files.previews import picture, preview
from annotation.models import Estimate, Stem
from annotation.selectors import members
from annotation.selectors.queue import campaigns_of, membership_of, own_progress, tasks_for
from annotation.services.first_visit import NotReady

MOST_DIGITS = 18  # of a place in a file


@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """The campaigns of the person signed in, and what waits for them in each."""
    campaigns = [(one, membership_of(request.user, one.slug)) for one in campaigns_of(request.user)]
    rows = [
        {
            "campaign": one,
            "member": member,
            "progress": own_progress(member),
            "welcome": members.waits_at_the_door(member),
            "paused": members.is_paused(member),
            "finished": members.has_done_all(member),
        }
        for one, member in campaigns
        if member
    ]
    return render(request, "annotation/queue.html", {"rows": rows})


@login_required
@ensure_csrf_cookie
def annotate(request: HttpRequest, slug: str) -> HttpResponse:
    """The editor's page; it asks the API for tasks itself. `?task=` names one given before, which is also open to who is done."""
    member = member_or_404(request, slug)
    try:
        (check_let_in if "task" in request.GET else check_ready)(member)
    except NotReady as first:
        messages.info(request, str(first))
        return redirect(first.go)
    response = render(request, "annotation/annotate.html", {"campaign": member.campaign, "membership": member})
    response.inline_styles = True  # type: ignore[attr-defined]  # the editor writes <style> elements; see hub.security
    return response


@login_required
@require_safe
def clip(request: HttpRequest, task_id: int, which: str) -> HttpResponse:
    """The sound of a task's clip as Ogg, with HTTP Range."""
    task = get_object_or_404(tasks_for(request.user), pk=task_id)
    try:
        sound = preview(task, which)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    return with_range(sound, request.headers.get("Range", ""))


@login_required
@require_safe
def clip_picture(request: HttpRequest, task_id: int) -> HttpResponse:
    """The spectrogram of a task's extracted vocals."""
    task = get_object_or_404(tasks_for(request.user), pk=task_id)
    try:
        drawn = picture(task)
    except Estimate.DoesNotExist as missing:
        raise Http404(str(missing)) from missing
    return HttpResponse(drawn, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


def with_range(sound: bytes, asked: str, content_type: str = "audio/ogg") -> HttpResponse:
    """All of it, or the one byte range asked for: `first-last`, `first-` or `-length`. A clip is small, so it is read whole."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=86400"}
    found = re.fullmatch(r"bytes=([0-9]*)-([0-9]*)", asked)
    if not found or not any(found.groups()):
        return HttpResponse(sound, content_type=content_type, headers=headers)
    first, last = found.groups()
    if max(len(first), len(last)) > MOST_DIGITS:
        return HttpResponseBadRequest("Range counts in bytes; it has too many digits.", content_type="text/plain; charset=utf-8")
    start = int(first) if first else max(0, len(sound) - int(last))
    end = min(int(last), len(sound) - 1) if first and last else len(sound) - 1
    if start >= len(sound) or end < start:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{len(sound)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(sound)}"
    return HttpResponse(sound[start : end + 1], status=206, content_type=content_type, headers=headers)
