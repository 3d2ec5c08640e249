"""Addresses of a clip's sounds that need no sign-in and end by themselves: Label Studio's pages play them, from a site of their own."""

from __future__ import annotations

import re
from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotation.files.previews import preview
from annotation.models import Estimate, Stem, Task
from annotation.pages.clips import with_range

LASTS = timedelta(days=30)
SIGNER = TimestampSigner(salt="hub.api.ml_backend.for_a_while")
ADDRESS = re.compile(r"/media/for-a-while/([0-9]{1,18})[.]([a-z]{1,20})[.][^/]*\.ogg(?:$|[?#])")


def address(task: Task, which: str) -> str:
    """The path of a clip's sound, good for `LASTS` from now on; `which` is the clip's stem or "mix"."""
    return reverse("clip-for-a-while", args=[SIGNER.sign(f"{task.pk}.{which}").replace(":", ".")])


def task_of(text: str) -> int | None:
    """The task that an address of this kind is about, whether it is still good or not."""
    found = ADDRESS.search(text)
    return int(found[1]) if found else None


@require_safe
def clip(request: HttpRequest, signed: str) -> HttpResponse:
    """The sound of a task's clip, for whoever has its address: pages of other sites may read it, and it needs no cookie."""
    try:
        what, stamp, signature = signed.rsplit(".", 2)
        number, _, which = SIGNER.unsign(f"{what}:{stamp}:{signature}", max_age=LASTS).partition(".")
    except (BadSignature, ValueError):
        raise Http404 from None
    task = get_object_or_404(Task.objects.select_related("campaign", "track"), pk=number, campaign__deleted=None)
    try:
        sound = preview(task, which)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    answer = with_range(sound, request.headers.get("Range", ""))
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
