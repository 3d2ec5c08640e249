"""Checkpoints of a campaign, to be taken home."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.files import storage
from annotation.pages.access import researcher_or_403
from learner import selectors
from learner.models import FileRemoved


@login_required
@never_cache
@require_safe
def download(request: HttpRequest, slug: str, digest: str) -> HttpResponseBase:
    """The file of a checkpoint: safetensors, with its licence and origin inside; `python -m learner.core separate` reads it."""
    member = researcher_or_403(request, slug)
    found = next((one for one in selectors.checkpoints(member.campaign) if one.hash == digest), None)
    if found is None:
        raise Http404
    try:
        file = storage.local(found.stored).open("rb")
    except FileRemoved as gone:
        return HttpResponse(str(gone), status=gone.status, content_type="text/plain; charset=utf-8")
    except FileNotFoundError:
        return HttpResponse(f"The file of {found.short} is not in the storage.", status=410, content_type="text/plain; charset=utf-8")
    return FileResponse(file, as_attachment=True, filename=f"{slug}-{found.short}.safetensors")
