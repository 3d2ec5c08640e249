"""Pages of annotators: my queue, the editor, and the sound of a clip."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from annotation import selectors
from annotation.models import Estimate, Stem
from annotation.previews import preview


@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """The campaigns of the person signed in, and what waits for them in each."""
    campaigns = [(one, selectors.membership_of(request.user, one.slug)) for one in selectors.campaigns_of(request.user)]
    rows = [{"campaign": one, "member": member, "progress": selectors.own_progress(member)} for one, member in campaigns if member]
    return render(request, "annotation/queue.html", {"rows": rows})


@login_required
@ensure_csrf_cookie
def annotate(request: HttpRequest, slug: str) -> HttpResponse:
    """The editor's page; it asks the API for tasks itself."""
    member = selectors.membership_of(request.user, slug)
    if member is None:
        raise Http404
    response = render(request, "annotation/annotate.html", {"campaign": member.campaign, "membership": member})
    response.inline_styles = True  # type: ignore[attr-defined]  (the editor writes <style> elements; see hub.security)
    return response


@login_required
@require_safe
def clip(request: HttpRequest, task_id: int, which: str) -> HttpResponse:
    """The sound of a task's clip as Ogg, with HTTP Range."""
    task = get_object_or_404(selectors.tasks_for(request.user), pk=task_id)
    try:
        path = preview(task, which)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    size = path.stat().st_size
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
    if not asked or not any(asked.groups()):
        response: HttpResponse | FileResponse = FileResponse(path.open("rb"), content_type="audio/ogg")
    else:
        response = _part(path, size, *asked.groups())
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=86400"
    return response


def _part(path, size: int, first: str, last: str) -> HttpResponse:
    """One byte range: `first-last`, `first-` or `-length`."""
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or end < start:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with path.open("rb") as file:
        file.seek(start)
        body = file.read(end - start + 1)
    return HttpResponse(body, status=206, content_type="audio/ogg", headers={"Content-Range": f"bytes {start}-{end}/{size}"})
