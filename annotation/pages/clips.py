"""The sound and the picture of a clip."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.files.previews import picture, preview
from annotation.models import Estimate, Stem
from annotation.selectors.queue import tasks_for

MOST_DIGITS = 18  # of a place in a file


@login_required
@require_safe
def clip(request: HttpRequest, task_id: int, which: str) -> HttpResponse:
    """The sound of a task's clip as Ogg, with HTTP Range: its stem as extracted, the mix, or what was removed."""
    task = get_object_or_404(tasks_for(request.user), pk=task_id)
    if which not in (task.stem, "mix", "removed"):
        raise Http404
    try:
        sound = preview(task, which)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    return with_range(sound, request.headers.get("Range", ""))


@login_required
@require_safe
def clip_picture(request: HttpRequest, task_id: int, which: str) -> HttpResponse:
    """The spectrogram of what was extracted from a task's clip."""
    task = get_object_or_404(tasks_for(request.user), pk=task_id)
    if which != task.stem:
        raise Http404
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
