"""Songs by the browser: choose what they are for, drop files, see them arrive, have them taken in.

Files come by the tus protocol 1.0.0 (https://tus.io, extensions creation and termination), so that they go on where they were after
a lost network, a closed browser or a restarted server. Beside it, a place that is asked for again answers with what is here of it.
"""

from __future__ import annotations

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
from hub.pages import tus, words
from learner.models import Intake, Upload
from learner.services import intakes

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


@login_required
@never_cache
@require_http_methods(["OPTIONS", "POST"])
@tus.door
def files(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """A place for a new file; one that was begun before answers with how many bytes of it are here."""
    _, one = _mine(request, slug, intake_id)
    if request.method == "OPTIONS":
        return tus.options(intakes.LARGEST)
    upload = intakes.begin_upload(intake=one, path=tus.path(request), size=tus.length(request))
    return tus.begun(reverse("intake-file", args=[slug, intake_id, upload.pk]), upload.offset)


@login_required
@never_cache
@require_http_methods(["HEAD", "PATCH", "DELETE"])
@tus.door
def file(request: HttpRequest, slug: str, intake_id: int, upload_id: int) -> HttpResponse:
    """One file: how much of it is here, more of it, or its end."""
    _, one = _mine(request, slug, intake_id)
    upload = get_object_or_404(Upload.objects.select_related("intake__job"), pk=upload_id, intake=one)
    if request.method == "HEAD":
        return tus.known(upload.offset, upload.size)
    if request.method == "DELETE":
        intakes.remove_upload(upload=upload)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    here = intakes.append(upload=upload, offset=tus.offset(request), source=request)  # type: ignore[arg-type]  # it reads like a file
    return tus.taken(here)


def _mine(request: HttpRequest, slug: str, intake_id: int) -> tuple[Any, Intake]:
    """The manager, and an intake of the campaign; other managers of it go on with it too."""
    member = manager_or_403(request, slug)
    return member, get_object_or_404(Intake.objects.select_related("campaign", "job", "who"), pk=intake_id, campaign=member.campaign)
