"""Does the base suit the songs? What was tried on them, in words, with figures and sounds; and the buttons to try and to take another."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from annotation.files import sounds
from annotation.files.previews import encode, kept
from annotation.files.storage import local
from annotation.models import Campaign, Membership
from annotation.pages.access import manager_or_403
from annotation.pages.clips import with_range
from hub.pages import words
from hub.pages.fragments import Context
from learner import bases, selectors, services
from learner.core.bases import BASES, SHIPPED, SPLEETERS, is_here, lacks
from learner.core.judging import fit
from learner.models import Checkpoint, Trial, TriedSong
from learner.selectors import Tried, Turn

MIX, EXTRACTED = "mix", "extracted"
BADGES = {"fits": ("good", "suits"), "partly": ("warn", "suits some"), "unfit": ("bad", "does not suit"), "unknown": ("", "not known")}


def section(member: Membership, turns: list[Turn]) -> Context:
    """Each base that was tried, what it means, and which others could be."""
    campaign = member.campaign
    tried, began_with = selectors.trials(campaign), selectors.base_in_use(campaign, turns)
    shown = [one for one in tried.values() if one.songs or one.job.state != "done"]
    return {
        "rows": [_row(campaign, one, began_with) for one in shown],
        "began_with": bases.name_of(began_with) if began_with else "",
        "others": _others(campaign, tried, began=began_with is not None),
        "has_songs": bool(turns) or campaign.tracks.filter(set_aside=None).exists(),
        "advice": advice(campaign, tried, began_with),
        "own": Trial.OWN,
    }


def advice(campaign: Campaign, tried: dict[str, Tried], began_with: Checkpoint | None) -> str:
    """Which base to take where the one that the campaign has, or would be given, does not suit; empty where nothing is against it."""
    name = Trial.OWN if began_with else bases.base_for(campaign)
    if not (mine := tried.get(name)) or mine.fit not in ("unfit", "partly"):
        return ""
    called = bases.name_of(began_with) if began_with else name
    rank = ("fits", "partly")
    never = (name, called, SHIPPED) if bases.has_real_songs(campaign) else (name, called)
    better = [other for other, one in tried.items() if one.fit in rank[: 1 if mine.fit == "partly" else 2] and other not in never]
    if better:
        return f"{min(better, key=lambda other: rank.index(tried[other].fit or ''))} suits these songs better: take it."
    usual = bases.base_for(campaign)
    tried_weights = {_weights(one) for one in (*tried, called)}
    here = [one for one in (usual, *BASES) if not lacks(one) and campaign.stem in bases.stems_of(one)]
    untried = [one for one in here if _weights(one) not in tried_weights]
    if untried and called in (SHIPPED, *BASES):
        return f"Try {untried[0]} next."
    return "None of the bases that were tried suits: bring a checkpoint of yours that was trained on such music."


def _weights(name: str) -> str:
    """What tells bases apart that do differ: both of Spleeter's have the same weights."""
    return "spleeter" if name in SPLEETERS else name


def _row(campaign: Campaign, one: Tried, began_with: Checkpoint | None) -> Context:
    own = one.trial.base == Trial.OWN
    name = bases.name_of(began_with) if own and began_with else one.trial.base
    found = one.on_songs
    kind = one.fit or "unknown"
    return {
        "name": name,
        "base": one.trial.base,
        "own": own,
        "tried": one,
        "job_words": words.job(one.job),
        "said": fit.in_words(name, found, campaign.stem),
        "badge": BADGES[kind],
        "may_take": not own and kind in ("fits", "partly", "unknown") and bool(found),
        "may_go_on": began_with is not None and not own and kind == "fits" and name != bases.name_of(began_with),
        "songs": [
            {"row": row, "on": on, "badge": BADGES[on.fit], "quiet": _percent(on.figures.get("quiet"))}
            for row, on in zip(one.songs, found, strict=True)
        ],
        "known": any(on.known for on in found),
        "guessed": any(not on.known for on in found),
    }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def _others(campaign: Campaign, tried: dict[str, Tried], *, began: bool) -> list[Context]:
    """What could be tried besides, with what that takes."""
    names = [Trial.OWN] if began else []
    names += [name for name in (*BASES, SHIPPED) if campaign.stem in bases.stems_of(name)]
    return [
        {
            "name": name,
            "label": "the campaign's base" if name == Trial.OWN else name,
            "size": 0 if name == Trial.OWN or is_here(name, bases.folder()) else BASES[name].size,
            "again": name in tried,
        }
        for name in names
        if not (name in tried and tried[name].job.is_open) and not lacks(name)
    ]


@login_required
@require_POST
def try_base(request: HttpRequest, slug: str) -> HttpResponse:
    """Have a base tried on the campaign's songs."""
    member = manager_or_403(request, slug)
    name = request.POST.get("base", "")
    try:
        services.try_base(campaign=member.campaign, name=name, who=member)
    except (services.UnknownBase, services.NothingToTry) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It will be tried as soon as a worker is free: what it does is shown under “Does the base suit”.")
    return redirect("campaign", slug)


@login_required
@require_safe
def sound(request: HttpRequest, slug: str, song_id: int, which: str) -> HttpResponse:
    """An excerpt of a tried song: the mix, or what the base made of it."""
    member = manager_or_403(request, slug)
    row = get_object_or_404(TriedSong.objects.select_related("track"), pk=song_id, trial__campaign=member.campaign)
    asked = request.headers.get("Range", "")
    if which == EXTRACTED:
        return with_range(local(row.file).read_bytes(), asked, "audio/flac")
    mixture = get_object_or_404(row.track.stems, name="mixture")
    end = row.start + fit.EXCERPT
    name = f"{row.track_id}-mix-{row.start:.3f}-{end:.3f}.ogg"
    return with_range(kept(name, lambda target: encode(target, *sounds.read(local(mixture.file), row.start, end))), asked)
