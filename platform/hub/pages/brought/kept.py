"""Bases that are kept here: what site admins uploaded, and what other campaigns of the same people use; and the button for each."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.pages.access import manager_or_403
from annotation.selectors.queue import managed_by
from learner import selectors, services
from learner.selectors.kept_bases import kept_bases


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def kept(request: HttpRequest, slug: str) -> HttpResponse:
    """Those that extract what the campaign listens to; a form that is sent lets it begin with one, or go on from it."""
    member = manager_or_403(request, slug)
    campaign = member.campaign
    found = kept_bases(managed_by(request.user), campaign)
    if request.method == "POST":
        chosen = next((one for one in found if one.checkpoint.hash == request.POST.get("checkpoint")), None)
        if chosen is None:
            raise Http404
        try:
            services.choose_kept_base(campaign=campaign, checkpoint=chosen.checkpoint, who=member)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{chosen.name} is on its way: a worker tries it, and then the campaign uses it.")
        return redirect("campaign", slug)
    context = {
        "campaign": campaign,
        "member": member,
        "uploaded": [one for one in found if one.campaign is None],
        "others": [one for one in found if one.campaign is not None],
        "current": selectors.current_checkpoint(campaign),
        "may_upload": bool(getattr(request.user, "is_superuser", False)),
    }
    return render(request, "hub/brought/kept.html", context)
