"""Notices in the page: the bell of every page, the list, and which of them somebody wants."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import now
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.models import Campaign, Membership
from annotation.selectors.queue import campaigns_of
from hub.notices.gathering import RIGHTS
from hub.notices.mailing import TO_PEOPLE
from hub.notices.models import Kind, Muted, Notice
from hub.notices.words import leads_to, said

SHOWN = 30  # notices on one page
COUNT_TO = 99  # unread ones

Choices = set[tuple[str, str]]
"""Kinds of notices, each with a way in which it comes."""


def unread(request: HttpRequest) -> dict[str, Any]:
    """How many notices this person has not read, to 99; asked for only where it is shown. The bell of a page asks for it by itself."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {"n_unread": SimpleLazyObject(lambda: _unread(user)[:COUNT_TO].count() if signed_in else 0)}


def _unread(user: Any) -> Any:
    return Notice.objects.filter(user=user, in_page=True, read=None)


@login_required
@never_cache
@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """The header's bell alone, which follows what happens."""
    return render(request, "notices/bell.html", {"loaded": True})


@login_required
@never_cache
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """What this person was told, the latest first."""
    mine = Notice.objects.filter(user=request.user.pk, in_page=True).select_related("campaign").order_by("-pk")
    page = Paginator(mine, SHOWN).get_page(request.GET.get("page"))
    return render(request, "notices/notices.html", {"page": page, "rows": [{"notice": one, "said": said(one)} for one in page]})


@login_required
@never_cache
@require_safe
def follow(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Where a notice leads; it is read then."""
    notice = get_object_or_404(Notice.objects.select_related("campaign"), pk=notice_id, user=request.user)
    Notice.objects.filter(pk=notice.pk, read=None).update(read=now())
    return redirect(leads_to(notice))


@login_required
@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """Mark one as read, or as not read again; without `notice` all are read."""
    mine = Notice.objects.filter(user=request.user.pk)
    which = request.POST.get("notice", "")
    if which:
        mine = mine.filter(pk=which) if which.isdigit() and len(which) < 18 else mine.none()
    mine.update(read=None) if request.POST.get("unread") else mine.filter(read=None).update(read=now())
    return redirect("notices")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """Which notices this person wants, in the page and by e-mail: of all campaigns, or of one."""
    campaigns = list(campaigns_of(request.user))
    which = request.GET.get("campaign", "")
    campaign = next((one for one in campaigns if one.slug == which), None)
    if which and campaign is None:
        raise Http404
    kinds = _kinds(request.user)
    off = set(Muted.objects.filter(user=request.user.pk, campaign=campaign).values_list("kind", "way"))
    everywhere = set(Muted.objects.filter(user=request.user.pk, campaign=None).values_list("kind", "way")) if campaign else set()
    if request.method == "POST":
        wanted: Choices = {(kind, way) for kind in kinds for way in Muted.Way if request.POST.get(f"{kind} {way}")}
        _choose(request.user, campaign, kinds, wanted, off)
        messages.success(request, gettext("Your choice is kept."))
        return redirect(reverse("notice-choices") + (f"?campaign={campaign.slug}" if campaign else ""))
    rows = [
        {
            "kind": kind,
            "label": Kind(kind).label,
            "ways": [
                {"way": way, "label": way.label, "on": (kind, way) not in off, "never": (kind, way) in everywhere} for way in Muted.Way
            ],
        }
        for kind in kinds
    ]
    return render(request, "notices/choices.html", {"rows": rows, "campaigns": campaigns, "campaign": campaign})


def _kinds(user: Any) -> list[Kind]:
    """What this person may be told, wherever they are."""
    members = list(Membership.objects.filter(user=user, active=True))
    manages, reviews = any(one.manages for one in members), any(one.reviews for one in members)
    may = {kind: manages if right == "manage" else reviews for kind, right in RIGHTS.items()}
    may |= {Kind.PASSED: reviews, Kind.DISK: user.is_superuser} | dict.fromkeys(TO_PEOPLE, bool(members))
    return [kind for kind in Kind if may[kind]]


def _choose(user: Any, campaign: Campaign | None, kinds: list[Kind], wanted: Choices, off: Choices) -> None:
    every: Choices = {(kind, way) for kind in kinds for way in Muted.Way}
    for kind, way in off & every & wanted:
        Muted.objects.filter(user=user, campaign=campaign, kind=kind, way=way).delete()
    new = [Muted(user=user, campaign=campaign, kind=kind, way=way) for kind, way in every - wanted - off]
    Muted.objects.bulk_create(new, ignore_conflicts=True)
