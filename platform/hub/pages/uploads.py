"""Songs by the browser: choose what they are for, drop files, see them arrive, have them taken in.

Files come by the tus protocol 1.0.0 (https://tus.io, extensions creation and termination), so that they go on where they were after
a lost network, a closed browser or a restarted server. Beside it, a place that is asked for again answers with what is here of it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.models import Track
from annotation.pages.access import manager_or_403
from hub.pages import words
from learner.models import Intake, Upload
from learner.services import intakes

VERSION = "1.0.0"
USES = {
    Track.Use.POOL: "people listen to clips of these, and the model learns from their marks; mixes are enough",
    Track.Use.REPLAY: "music that the model must not forget while it learns; mixes are enough for Spleeter",
    Track.Use.VALIDATION: "what an adaptation is stopped by; mixes are enough for Spleeter",
    Track.Use.GATE: "what decides whether a new model is better, never trained on; needs stems",
    Track.Use.TEST: "what the figures on the pages are measured on, never trained on; needs stems",
}
DOMAINS = {
    Track.Domain.TARGET: "the music that the model shall get better at",
    Track.Domain.SOURCE: "other music, which it must stay good at",
}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """What new songs are for; then a page for their files."""
    member = manager_or_403(request, slug)
    given = request.POST or request.GET  # the check list says what songs are for
    said = {name: given.get(name, "").replace("\0", "").strip() for name in ("use", "domain", "licence")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            return redirect("intake", slug, intakes.begin_intake(who=member, **said).pk)
        except ValidationError as wrong:
            errors = wrong.message_dict
    context = {
        "campaign": member.campaign,
        "uses": [(use, words_, use == (said["use"] or Track.Use.POOL)) for use, words_ in USES.items()],
        "domains": [(domain, words_, domain == (said["domain"] or Track.Domain.TARGET)) for domain, words_ in DOMAINS.items()],
        "licence": said["licence"],
        "errors": errors,
        "earlier": member.campaign.intakes.filter(discarded=None).select_related("job", "who").order_by("-pk")[:10],
    }
    return render(request, "hub/add_songs.html", context, status=400 if errors else 200)


@login_required
@never_cache
@require_safe
def intake(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """The files of one intake: a place to drop them, how far they are, and what came of them."""
    member, one = _mine(request, slug, intake_id)
    context = {
        "campaign": member.campaign,
        "intake": one,
        "what_for": USES[Track.Use(one.use)],
        "files": [] if not one.is_open else list(one.uploads.order_by("path")),
        "job_words": words.job(one.job) if one.job else "",
        "endings": ",".join(intakes.ENDINGS),
    }
    return render(request, "hub/intake.html", context)


@login_required
@require_POST
def take_in(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """Have the files taken into the campaign."""
    _, one = _mine(request, slug, intake_id)
    try:
        intakes.take_in(intake=one)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("intake", slug, one.pk)


@login_required
@require_POST
def discard(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """Throw the files away."""
    _, one = _mine(request, slug, intake_id)
    if intakes.discard(intake=one):
        messages.success(request, "The files that were sent are thrown away.")
    return redirect("add-songs", slug)


# ---------------------------------------------------------------- tus


Door = Callable[..., HttpResponse]


def _door(view: Door) -> Door:
    """A view of the protocol: its version asked for and named, refusals as text for the person who sends."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("Tus-Resumable") != VERSION and request.method != "OPTIONS":
            response = _refused(f"The header Tus-Resumable must be {VERSION}.", HTTPStatus.PRECONDITION_FAILED)
            response["Tus-Version"] = VERSION
        else:
            try:
                response = view(request, *args, **kwargs)
            except DomainError as refusal:
                response = _refused(str(refusal), refusal.status)
        response["Tus-Resumable"] = VERSION
        return response

    return answer


def _refused(why: str, status: int) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")


@login_required
@never_cache
@require_http_methods(["OPTIONS", "POST"])
@_door
def files(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """A place for a new file; one that was begun before answers with how many bytes of it are here."""
    _, one = _mine(request, slug, intake_id)
    if request.method == "OPTIONS":
        extras = {"Tus-Version": VERSION, "Tus-Extension": "creation,termination", "Tus-Max-Size": str(intakes.LARGEST)}
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=extras)
    length = request.headers.get("Upload-Length", "")
    if not (length.isdecimal() and len(length) < 15):
        raise intakes.NotTaken("The header Upload-Length must say how many bytes the file has.")
    upload = intakes.begin_upload(intake=one, path=_path(request), size=int(length))
    where = reverse("intake-file", args=[slug, intake_id, upload.pk])
    return HttpResponse(status=HTTPStatus.CREATED, headers={"Location": where, "Upload-Offset": str(upload.offset)})


@login_required
@never_cache
@require_http_methods(["HEAD", "PATCH", "DELETE"])
@_door
def file(request: HttpRequest, slug: str, intake_id: int, upload_id: int) -> HttpResponse:
    """One file: how much of it is here, more of it, or its end."""
    _, one = _mine(request, slug, intake_id)
    upload = get_object_or_404(Upload.objects.select_related("intake__job"), pk=upload_id, intake=one)
    if request.method == "HEAD":
        return HttpResponse(headers={"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.size)})
    if request.method == "DELETE":
        intakes.remove_upload(upload=upload)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    if request.content_type != "application/offset+octet-stream":
        return _refused("The content type must be application/offset+octet-stream.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isdecimal() and len(offset) < 15):
        raise intakes.NotTaken("The header Upload-Offset must say where the bytes begin.")
    here = intakes.append(upload=upload, offset=int(offset), source=request)  # type: ignore[arg-type]  # it reads like a file
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Upload-Offset": str(here)})


def _path(request: HttpRequest) -> str:
    """The path in `Upload-Metadata: path d29ybGQ=`. Raises `NotTaken`."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "path":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                break
    raise intakes.NotTaken("The header Upload-Metadata must give the file's path, as UTF-8 in base64.")


def _mine(request: HttpRequest, slug: str, intake_id: int) -> tuple[Any, Intake]:
    """The manager, and an intake of the campaign; other managers of it go on with it too."""
    member = manager_or_403(request, slug)
    return member, get_object_or_404(Intake.objects.select_related("campaign", "job", "who"), pk=intake_id, campaign=member.campaign)
