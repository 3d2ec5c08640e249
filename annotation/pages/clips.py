"""The sound and the picture of a clip."""

from __future__ import annotations

import re
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.files.previews import picture, preview
from annotation.models import Estimate, Stem
from annotation.selectors.queue import tasks_for

MOST_DIGITS = 18  # of a place in a file
MOST_BYTES = 4_000_000  # of a large file at once
HEADERS = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=86400"}


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
    found = byte_range(asked, len(sound))
    if found is None:
        return HttpResponse(sound, content_type=content_type, headers=HEADERS)
    if isinstance(found, HttpResponse):
        return found
    start, end = found
    headers = HEADERS | {"Content-Range": f"bytes {start}-{end}/{len(sound)}"}
    return HttpResponse(sound[start : end + 1], status=206, content_type=content_type, headers=headers)


def file_with_range(path: Path, asked: str, content_type: str) -> HttpResponseBase:
    """The same of a file of any size: of a range that was asked for, at most `MOST_BYTES`, so that players ask again for what follows."""
    size = path.stat().st_size
    found = byte_range(asked, size)
    if found is None:
        return FileResponse(path.open("rb"), content_type=content_type, headers=HEADERS)
    if isinstance(found, HttpResponse):
        return found
    start, end = found[0], min(found[1], found[0] + MOST_BYTES - 1)
    with path.open("rb") as file:
        file.seek(start)
        headers = HEADERS | {"Content-Range": f"bytes {start}-{end}/{size}"}
        return HttpResponse(file.read(end - start + 1), status=206, content_type=content_type, headers=headers)


def byte_range(asked: str, size: int) -> tuple[int, int] | HttpResponse | None:
    """The first and the last byte asked for; None: all; a response: there is no such range."""
    found = re.fullmatch(r"bytes=([0-9]*)-([0-9]*)", asked)
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if max(len(first), len(last)) > MOST_DIGITS:
        return HttpResponseBadRequest("Range counts in bytes; it has too many digits.", content_type="text/plain; charset=utf-8")
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or end < start:
        return HttpResponse(status=416, headers=HEADERS | {"Content-Range": f"bytes */{size}"})
    return start, end
