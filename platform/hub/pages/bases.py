"""The base that a campaign begins with, or goes on from: what its owner and managers see of it, and the button that brings one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.models import Campaign, Membership, Track
from annotation.pages.access import manager_or_403
from hub.pages import words
from hub.pages.fragments import Context, tables_of
from learner import bases, selectors, services
from learner.core.bases import ABOUT_SHIPPED, BASES, SHIPPED, is_here, lacks
from learner.models import Checkpoint, UnfitCheckpoint
from learner.selectors import Change, Turn


def section(member: Membership, turns: list[Turn]) -> Context:
    """The base that the campaign comes from, and those that there are besides; while it has none, also the one that is on its way."""
    campaign = member.campaign
    current, chosen = selectors.current_checkpoint(campaign), selectors.chosen_base(campaign)
    is_coming = chosen is not None and chosen.job.is_open
    shown: Context = {"suits": bases.base_for(campaign), "chosen": chosen, "words": words.job(chosen.job) if chosen else ""}
    if current is not None:
        return shown | _in_use(campaign, current, turns, shown["suits"], is_coming=is_coming)
    has_songs = campaign.tracks.exists()
    checked = chosen.name if chosen else shown["suits"] if has_songs else ""  # without songs nobody knows which one suits
    return shown | {
        "real": bases.has_real_songs(campaign),
        "has_songs": has_songs,
        "choices": [] if is_coming else _choices(campaign.stem, checked),
    }


def _in_use(campaign: Campaign, current: Checkpoint, turns: list[Turn], suits: str, *, is_coming: bool) -> Context:
    """What is shown of a campaign that has a checkpoint: the base that it comes from, and those that it could go on from."""
    changes = selectors.base_changes(campaign)
    base = selectors.base_of(campaign, current) if changes or not turns else turns[0].round.parent
    is_shipped = bases.is_shipped(base)
    unfit = is_shipped and bases.has_real_songs(campaign)
    return {
        "began_with": base,
        "has_songs": True,
        "name": bases.name_of(base),
        "is_another": bool(changes) and changes[-1].base == base.hash,
        "unfit": unfit,
        "change": _last_change(campaign, base, changes, turns),
        "choices": [] if is_coming else _choices(campaign.stem, suits if unfit else "", in_use=SHIPPED if is_shipped else ""),
        "under_way": turns[-1] if turns and turns[-1].round.finished is None else None,
    }


def change_of(campaign: Campaign, turn: Turn, turns: list[Turn]) -> Context | None:
    """What another base changed, where this is the first round that works with it."""
    for change in reversed(selectors.base_changes(campaign)):
        if next((one for one in turns if one.parent.hash == change.base), None) is turn:
            return _compared(campaign, change)
    return None


def _last_change(campaign: Campaign, base: Checkpoint, changes: list[Change], turns: list[Turn]) -> Context | None:
    """The same of the base in use, until its first round is over."""
    if not changes or changes[-1].base != base.hash:
        return None
    with_it = [one for one in turns if one.parent == base]
    return None if len(with_it) > 1 or any(one.round.finished for one in with_it) else _compared(campaign, changes[-1])


def _compared(campaign: Campaign, change: Change) -> Context:
    known = {one.hash: one for one in Checkpoint.objects.filter(hash__in=(change.before, change.base))}
    before, base = known[change.before], known[change.base]
    table = selectors.base_table(before, base, selectors.figures(campaign, Track.Use.GATE))
    return {
        "before": before,
        "base": base,
        "name": bases.name_of(base),
        "sentences": words.compared(table, campaign.wording),
        "tables": tables_of(table, campaign.wording),
    }


def _choices(stem: str, checked: str, in_use: str = "") -> list[Context]:
    def row(name: str) -> Context:
        one = BASES.get(name)
        return {
            "name": name,
            "about": one.about if one else ABOUT_SHIPPED,
            "licence": one.licence if one else "",
            "size": one.size if one else 0,
            "lacks": lacks(name),
            "here": is_here(name, bases.folder()),
            "checked": name == checked,
        }

    return [row(name) for name in (*BASES, SHIPPED) if stem in bases.stems_of(name) and name != in_use]


@login_required
@require_POST
def choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring a base and let the campaign begin with it; one that runs goes on from it, where its people ask for another."""
    member = manager_or_403(request, slug)
    name, another = request.POST.get("base", ""), request.POST.get("another") == "yes"
    try:
        services.choose_base(campaign=member.campaign, name=name, who=member, another=another)
    except (services.UnknownBase, services.AnotherBaseComes, services.AlreadyShared, UnfitCheckpoint) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"{name} is on its way: the campaign {'goes on from' if another else 'begins with'} it as soon as it is here."
        )
    return redirect("campaign", slug)
