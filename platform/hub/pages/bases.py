"""The base that a campaign begins with: what its owner and managers see of it, and the button that brings one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.models import Membership
from annotation.pages.access import manager_or_403
from hub.pages import words
from hub.pages.fragments import Context
from learner import bases, selectors, services
from learner.core.bases import ABOUT_SHIPPED, BASES, SHIPPED, is_here
from learner.models import UnfitCheckpoint
from learner.selectors import Turn


def section(member: Membership, turns: list[Turn]) -> Context:
    """The base that the campaign began with; before that, those that there are, and the one that is on its way."""
    campaign = member.campaign
    suits = bases.base_for(campaign)
    current = selectors.current_checkpoint(campaign)
    if current is not None:
        base = turns[0].round.parent if turns else current
        return {
            "began_with": base,
            "name": bases.name_of(base),
            "unfit": bases.is_shipped(base) and bases.has_real_songs(campaign),
            "suits": suits,
        }
    chosen, has_songs = selectors.chosen_base(campaign), campaign.tracks.exists()
    checked = chosen.name if chosen else suits if has_songs else ""  # without songs nobody knows which one suits
    return {
        "suits": suits,
        "real": bases.has_real_songs(campaign),
        "has_songs": has_songs,
        "chosen": chosen,
        "words": words.job(chosen.job) if chosen else "",
        "choices": [] if chosen and chosen.job.is_open else _choices(campaign.stem, checked),
    }


def _choices(stem: str, checked: str) -> list[Context]:
    def row(name: str) -> Context:
        one = BASES.get(name)
        return {
            "name": name,
            "about": one.about if one else ABOUT_SHIPPED,
            "licence": one.licence if one else "",
            "size": one.size if one else 0,
            "lacks": one.lacks if one else "",
            "here": is_here(name, bases.folder()),
            "checked": name == checked,
        }

    return [row(name) for name in (*BASES, SHIPPED) if stem in bases.stems_of(name)]


@login_required
@require_POST
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring a base and let the campaign begin with it."""
    member = manager_or_403(request, slug)
    name = request.POST.get("base", "")
    try:
        services.choose_base(campaign=member.campaign, name=name, who=member)
    except (services.UnknownBase, services.AnotherBaseComes, services.AlreadyShared, UnfitCheckpoint) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{name} is on its way: the campaign begins with it as soon as it is here.")
    return redirect("campaign", slug)
