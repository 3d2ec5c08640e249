"""Two checkpoints side by side: the songs that both can be heard on, the worst first, each a click from hearing them in step."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.models import Campaign, Membership, Track
from annotation.pages.access import manager_or_403
from learner import selectors
from learner.models import Checkpoint
from learner.selectors.side_by_side import side_by_side
from learner.services.separations import separate_track

SHOWN = 30  # songs on a page
MOST_CHOICES = 200  # checkpoints to choose from


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hear(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Songs by this checkpoint and by the one that `beside` names, its parent unless said; a form that is sent has both made for a song."""
    member = manager_or_403(request, slug)
    campaign, known = member.campaign, selectors.checkpoints(member.campaign)
    after = get_object_or_404(known, hash=digest)
    choices = [one for one in known.exclude(pk=after.pk)[:MOST_CHOICES]]
    wanted = request.POST.get("beside") or request.GET.get("beside") or (after.parent.hash if after.parent else "")
    before = next((one for one in choices if one.hash == wanted), choices[0] if choices else None)
    if request.method == "POST" and before:
        track = get_object_or_404(campaign.tracks.select_related("campaign"), pk=_number(request.POST.get("track", "")))
        _make(request, member, track, before, after)
        return redirect(f"{reverse('hear-checkpoints', args=[slug, digest])}?{urlencode({'beside': before.hash})}")
    page = Paginator(side_by_side(campaign, before, after), SHOWN).get_page(request.GET.get("page", "")[:9]) if before else None
    context = {
        "campaign": campaign,
        "member": member,
        "before": before,
        "after": after,
        "choices": choices,
        "page": page,
        "pair": urlencode({"before": before.hash, "after": after.hash}) if before else "",
        "rows": [{"track": one, "change": _change(campaign, one)} for one in page] if page else [],
        "measured": any(getattr(one, "sdr_change", None) is not None for one in page) if page else False,
    }
    return render(request, "hub/side_by_side.html", context)


def _number(said: str) -> int:
    return int(said) if said.isdecimal() and len(said) < 15 else 0


def _change(campaign: Campaign, track: Track) -> tuple[str, str]:
    """A badge and words for what became of a song; empty where it was not measured by both."""
    by: float | None = getattr(track, "sdr_change", None)
    if by is None:
        return "", ""
    return ("bad", "worse") if by < -0.05 else ("good", "better") if by > 0.05 else ("", "the same")


def _make(request: HttpRequest, member: Membership, track: Track, *both: Checkpoint) -> None:
    try:
        for one in both:
            separate_track(track=track, checkpoint=one, who=member)
        messages.success(request, f"A worker makes what both extract from {track.name}: it can be heard here when it is done.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
