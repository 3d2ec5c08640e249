"""Bases by the browser, for those who run the site: name a base, send its file, have it looked at. Files come by tus (`hub.pages.tus`)."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.models import Membership
from annotation.pages.access import manager_or_403
from hub.pages import tus, words
from learner.core.bases.limited import LARGEST
from learner.models import UploadedBase
from learner.selectors.kept_bases import uploads as all_uploads
from learner.services import uploaded_bases

SHOWN = 50  # bases on the page


def _site_admin(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who runs the site: a base is kept for every campaign of it."""
    member = manager_or_403(request, slug)
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied("Only those who run this site bring bases for it; ask them.")
    return member


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def uploads(request: HttpRequest, slug: str) -> HttpResponse:
    """Every base that was sent, and the form that begins another."""
    member = _site_admin(request, slug)
    said = {name: request.POST.get(name, "").replace("\0", "") for name in ("name", "licence")}
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            return redirect("uploaded-base", slug, uploaded_bases.begin_base(who=member, **said).pk)
        except ValidationError as wrong:
            errors = wrong.message_dict
        except uploaded_bases.NotThisName as refusal:
            errors = {"name": [str(refusal)]}
    context = {"campaign": member.campaign, "member": member, "said": said, "errors": errors, "bases": all_uploads()[:SHOWN]}
    return render(request, "hub/brought/uploads.html", context, status=400 if errors else 200)


@login_required
@never_cache
@require_safe
def base(request: HttpRequest, slug: str, base_id: int) -> HttpResponse:
    """One base: a place for its file, how far it is, and what is wrong with it, or how it is used."""
    member = _site_admin(request, slug)
    one = get_object_or_404(all_uploads(), pk=base_id)
    if request.headers.get("HX-Request") and not (one.job and one.job.is_open):
        return HttpResponse(headers={"HX-Refresh": "true"})  # it ended: the whole page, with the script that sends another file
    context = {
        "campaign": member.campaign,
        "member": member,
        "base": one,
        "job_words": words.job(one.job) if one.job else "",
        "ending": uploaded_bases.ENDING,
        "largest": f"{LARGEST / 1e9:.1f} GB",
        "percent": round(100 * one.offset / one.size) if one.size else 0,
    }
    return render(request, "hub/brought/uploaded.html", context)


@login_required
@require_POST
def check(request: HttpRequest, slug: str, base_id: int) -> HttpResponse:
    """Have a worker look at the file."""
    member = _site_admin(request, slug)
    try:
        uploaded_bases.check_base(base=get_object_or_404(UploadedBase, pk=base_id), who=member)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("uploaded-base", slug, base_id)


@login_required
@never_cache
@require_http_methods(["OPTIONS", "POST"])
@tus.door
def files(request: HttpRequest, slug: str, base_id: int) -> HttpResponse:
    """A place for its file; another one takes the place of the one that was begun before."""
    _site_admin(request, slug)
    one = get_object_or_404(UploadedBase, pk=base_id)
    if request.method == "OPTIONS":
        return tus.options(LARGEST)
    one = uploaded_bases.begin_file(base=one, path=tus.path(request), size=tus.length(request))
    return tus.begun(reverse("base-file", args=[slug, one.pk]), one.offset)


@login_required
@never_cache
@require_http_methods(["HEAD", "PATCH"])
@tus.door
def file(request: HttpRequest, slug: str, base_id: int) -> HttpResponse:
    """How much of the file is here, or more of it."""
    _site_admin(request, slug)
    one = get_object_or_404(UploadedBase.objects.select_related("job"), pk=base_id)
    if not one.path:
        return HttpResponse(status=HTTPStatus.NOT_FOUND)
    if request.method == "HEAD":
        return tus.known(one.offset, one.size)
    here = uploaded_bases.append(base=one, offset=tus.offset(request), source=request)  # type: ignore[arg-type]  # it reads like a file
    return tus.taken(here)
