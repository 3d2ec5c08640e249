"""The end of a campaign in the browser: ended, archived, deleted, and each undone; for its owners alone."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation import services as annotating
from annotation.models import Membership
from annotation.pages.access import owner_or_404
from annotation.selectors import rounds
from learner import services

Said = str | None
"""What to tell after a button; None: somebody was quicker, so nothing changed."""


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def closing(request: HttpRequest, slug: str) -> HttpResponse:
    """What it is to end, archive and delete the campaign, with what each takes along, and the buttons; of a deleted one, the way back."""
    owner = owner_or_404(request, slug)
    if request.method == "POST":
        return _pressed(request, owner)
    return _page(request, owner)


def _page(request: HttpRequest, owner: Membership, wrong: str = "") -> HttpResponse:
    campaign = owner.campaign
    under_way = None if campaign.ended else services.open_round_of(campaign)
    context = {
        "campaign": campaign,
        "member": owner,
        "removed_at": services.removed_at(campaign),
        "goes": services.what_goes(campaign),
        "under_way": under_way,
        "progress": rounds.progress(campaign, under_way.number) if under_way else None,
        "wrong": wrong,
        "typed": request.POST.get("name", ""),
    }
    return render(request, "hub/closing.html", context, status=400 if wrong else 200)


def _pressed(request: HttpRequest, owner: Membership) -> HttpResponse:
    verb, slug = request.POST.get("verb", ""), owner.campaign.slug
    if owner.campaign.deleted:
        if verb == "restore":
            try:
                services.restore_campaign(campaign=owner.campaign, who=owner)
            except services.TooLate as late:
                messages.error(request, str(late))
                return redirect("queue")
            messages.success(request, f"{owner.campaign.name} is back as it was.")
            return redirect("campaign", slug)
        return _page(request, owner)
    if verb == "delete":
        try:
            services.delete_campaign(campaign=owner.campaign, typed=request.POST.get("name", ""), who=owner)
        except services.NotItsName as other:
            return _page(request, owner, str(other))
        return redirect("closing", slug)
    if verb in VERBS and (said := VERBS[verb](owner)):
        messages.success(request, said)
    return redirect("closing" if verb in ("archive", "take_out") else "campaign", slug)


def _end(owner: Membership) -> Said:
    ended = annotating.end_campaign(campaign=owner.campaign, who=owner)
    return "Ended: nobody is given clips, and no round begins. You can open it again." if ended else None


def _open(owner: Membership) -> Said:
    opened = annotating.open_again(campaign=owner.campaign, who=owner)
    return "Open again: it goes on where it was." if opened else None


def _archive(owner: Membership) -> Said:
    return "In the archive: it can be read, and nothing in it changes." if annotating.archive(campaign=owner.campaign, who=owner) else None


def _take_out(owner: Membership) -> Said:
    taken = annotating.take_out_of_archive(campaign=owner.campaign, who=owner)
    return "Out of the archive: it is in the lists again, ended as it was." if taken else None


VERBS: dict[str, Callable[[Membership], Said]] = {"end": _end, "open": _open, "archive": _archive, "take_out": _take_out}
