"""The page of one track: what it is, how it sounds, what people and models made of it, and what happened to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.words import changes, who
from annotation.files import whole_tracks
from annotation.models import Membership, Stem, Track
from annotation.pages.access import manager_or_403
from annotation.pages.rules import rules
from annotation.selectors.tracks import ClipOfTrack, clips_of, history_of
from hub.pages import linked, words
from hub.pages.fragments import Context
from learner import selectors
from learner.selectors.family import learned_from
from learner.selectors.tracks import Made, OnTrack, on_track
from learner.services.separations import separate_track

KEYS = "1234567890"  # one for each sound that can be listened to, in their order


@login_required
@never_cache
@require_safe
def track(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """One track of the campaign, for its managers."""
    member = manager_or_403(request, slug)
    names = ArraySubquery(Stem.objects.filter(track=OuterRef("pk")).order_by("pk").values("name"))
    tracks = member.campaign.tracks.select_related("set_aside_by", "campaign__shared_model__current").annotate(stem_names=names)
    one = get_object_or_404(tracks, pk=track_id)
    made = on_track(one, selectors.history(member.campaign))
    pair = _pair(request, made)
    clips, sounds = clips_of(one, member), _sounds(one, one.stem_names, made, pair)  # type: ignore[attr-defined]  # mypy loses it on the way
    taught = learned_from(clip.task.pk for clip in clips)
    context = {
        "campaign": member.campaign,
        "member": member,
        "track": one,
        "uses": Track.Use.values,
        "domains": Track.Domain.values,
        "sounds": sounds,
        "desk": _desk(one, sounds, clips, pair),
        "pair": pair,
        "rules": rules(member.campaign),
        "clips": [(clip, taught.get(clip.task.pk, [])) for clip in clips],
        "made": made,
        "rows": _rows(made, words.metrics(member.campaign.wording)),
        "columns": _columns(made, words.metrics(member.campaign.wording)),
        "jobs": [(words.job(row.job), row.job) for row in made.made if row.job and (row.job.is_open or row.job.reason)],
        "has_stem": any(sound["name"] == member.campaign.stem for sound in sounds),
        "history": _history(one, member),
    }
    return render(request, "hub/tracks/one.html", context)


def _pair(request: HttpRequest, made: OnTrack) -> tuple[Made, Made] | None:
    """What is heard before and after: the two that the address names, else the parent and the current one; None: not both are there."""
    heard = {one.checkpoint.hash: one for one in made.made if one.heard}
    asked = tuple(heard.get(request.GET.get(name, "")) for name in ("before", "after"))
    usual = tuple(next((one for one in heard.values() if getattr(one, which)), None) for which in ("is_parent", "is_current"))
    first, second = asked if all(asked) else usual
    return (first, second) if first and second else None


def _sounds(track: Track, names: list[str], made: OnTrack, pair: tuple[Made, Made] | None) -> list[Context]:
    """What can be heard of it: the mix, what checkpoints extracted, its stems. The first three are there at once, others when chosen."""
    stem = track.campaign.stem
    mix = [{"name": "mixture", "title": "Mix"}] if "mixture" in names else []
    heard = sorted((one for one in made.made if one.heard), key=lambda one: one not in (pair or ()))
    estimates = [{"name": one.checkpoint.hash, "title": f"{stem.capitalize()} by {_called(one)}"} for one in heard]
    stems = [
        {"name": name, "title": f"{name.capitalize()}, the true one" if name == stem else name.capitalize()}
        for name in names
        if name != "mixture"
    ]
    # A campaign has few checkpoints that one wants to hear at once: the true stem comes before the older ones.
    found = mix + estimates[:2] + stems + estimates[2:]
    return [
        one | {"key": KEYS[n] if n < len(KEYS) else "", "url": reverse("track-sound", args=[track.campaign.slug, track.pk, one["name"]])}
        for n, one in enumerate(found)
    ]


def _called(made: Made) -> str:
    what = "the current checkpoint" if made.is_current else "its parent" if made.is_parent else f"the {made.what}"
    return f"{what} ({made.checkpoint.short})"


def _desk(track: Track, sounds: list[Context], clips: list[ClipOfTrack], pair: tuple[Made, Made] | None) -> dict[str, Any]:
    """For the page's script; times in seconds of the track."""
    before, after = (one.checkpoint.hash for one in pair) if pair else (None, None)
    return {
        "duration": track.duration,
        "part": whole_tracks.PART,
        "overlap": whole_tracks.OVERLAP,
        "n_parts": whole_tracks.n_parts(track.duration),
        "sounds": sounds,
        "clips": [
            {
                "start": clip.task.start,
                "end": clip.task.end,
                "state": clip.task.state,
                "answers": [{"name": answer.name, "marks": answer.marks} for answer in clip.answers],
                "regions": clip.regions,
                "decided": clip.decided,
            }
            for clip in clips
        ],
        "before": before,
        "after": after,
        "differences": reverse("track-differences", args=[track.campaign.slug, track.pk, before, after]) if pair else None,
        "by_stem": any(sound["name"] == track.campaign.stem for sound in sounds),
    }


def _columns(made: OnTrack, headings: dict[str, tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [headings[metric] for metric in _metrics(made, headings)]


def _metrics(made: OnTrack, headings: dict[str, tuple[str, str, str]]) -> list[str]:
    known = {metric for one in made.made for metric in one.figures}
    return [metric for metric in headings if metric in known]


def _rows(made: OnTrack, headings: dict[str, tuple[str, str, str]]) -> list[Context]:
    """A line for each checkpoint, whether it was measured on this track or not, then the trivial ways beside them."""
    metrics = _metrics(made, headings)
    rows: list[Context] = [{"made": one, "what": one.what, "cells": [one.figures.get(metric) for metric in metrics]} for one in made.made]
    trivial = [("silence", made.silence), ("the mixture as it is", made.mixture)]
    trivial += [(f"{one.checkpoint.short} with the one gain that is best for this song", one.gain) for one in made.made[:1]]
    return rows + [{"made": None, "what": what, "cells": [found.get(metric) for metric in metrics]} for what, found in trivial if metrics]


def _history(track: Track, member: Membership) -> list[Context]:
    """What happened to it, newest first, in words; of what was changed, from what to what."""
    return [
        {
            "when": event.when,
            "who": who(event.who.pseudonym if event.who else None, reads_it=event.who == member),
            "words": changes([(one.field, one.before, one.after) for one in changed])
            if changed
            else linked.event(event, track.campaign.slug, manages=True),
        }
        for event, changed in history_of(track)
    ]


@login_required
@require_POST
def separate(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """Have a worker make what a checkpoint extracts from the whole track, and measure it."""
    member = manager_or_403(request, slug)
    one = get_object_or_404(member.campaign.tracks.select_related("campaign"), pk=track_id)
    checkpoint = get_object_or_404(selectors.checkpoints(member.campaign), hash=request.POST.get("checkpoint", ""))
    try:
        separate_track(track=one, checkpoint=checkpoint, who=member)
        messages.success(request, f"A worker makes it: this page has {checkpoint.short}'s sound when it is done.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("track", slug, one.pk)
