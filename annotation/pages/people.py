"""People of a campaign as its managers see them: gold, signs of not listening, first visits, pauses and appeals."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.models import Pause
from annotation.pages.access import manager_or_403
from annotation.selectors.people import rows
from annotation.services import gold


@login_required
@never_cache
@require_safe
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Who listens how, and appeals that wait for a decision; for owners and managers."""
    member = manager_or_403(request, slug)
    return render(request, "annotation/people.html", {"campaign": member.campaign, "member": member, "rows": rows(member.campaign)})


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, pause_id: int) -> HttpResponse:
    """Lift a pause, or let it stand."""
    member = manager_or_403(request, slug)
    pause = get_object_or_404(Pause.objects.select_related("membership__campaign"), pk=pause_id, membership__campaign=member.campaign)
    lift = request.POST.get("decision") == "lift"
    name = pause.membership.pseudonym
    try:
        gold.decide(pause=pause, who=member, lift=lift, reply=request.POST.get("reply", "")[:2000])
        messages.success(request, f"{name} gets tasks again." if lift else f"{name} stays paused, and can read your reply.")
    except gold.NotPaused as error:  # another manager was quicker
        messages.warning(request, str(error))
    return redirect("people", slug)
