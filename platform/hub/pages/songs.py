"""Songs of a round that got better or worse: in a list, and each to be heard before and after where the two differ most."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.files import sounds
from annotation.files.previews import encode, kept
from annotation.files.storage import local
from annotation.models import Campaign, Membership
from annotation.pages.access import manager_or_403
from annotation.pages.clips import with_range
from annotation.pages.rules import rules
from hub.pages import words
from hub.pages.fragments import Context
from learner import selectors
from learner.core.judging.measured import ACCEPTED, LEAK
from learner.core.judging.names import AT_PARENT_LEVEL, FALSE_POSITIVES, SDR_MEAN, SDR_MEDIAN, SI_SDR, SONG_SDR, VOICE
from learner.models import Adaptation, JudgedSong
from learner.selectors import Judged

BEFORE, AFTER, MIX, TRUE = "before", "after", "mix", "true"
SHOWN = 10  # songs at once: the worst
BADGES = {"worse": "bad", "better": "good", "about the same": ""}
SUBJECTS = {
    "parent": "parent",
    "child": "child",
    "replay only": "replay without feedback",
    "base": "base",
    "mixture": "the mixture as it is",
}
TOGETHER = (FALSE_POSITIVES, VOICE, SDR_MEAN, SDR_MEDIAN, SONG_SDR, SI_SDR)
METRICS = (FALSE_POSITIVES, AT_PARENT_LEVEL, VOICE, SONG_SDR, SI_SDR)


def may_see(member: Membership) -> bool:
    """Who reads what is held out, and what is said of people's marks."""
    return member.manages or member.takes_data


def section(member: Membership, adaptation: Adaptation | None) -> Context:
    """The songs and clips of a round, the worst first, and the gate's reasons with those that decided; in one query."""
    judged = selectors.judged_songs(adaptation, member.campaign) if may_see(member) else []
    headings = words.metrics(member.campaign.wording)
    whole, clips = ([_row(member, one) for one in judged if one.song.is_clip is is_clip] for is_clip in (False, True))
    return {
        "songs": whole[:SHOWN],
        "more_songs": whole[SHOWN:],
        "clips": clips[:SHOWN],
        "more_clips": clips[SHOWN:],
        "reasons": [_reason(member, reason, adaptation, judged) for reason in adaptation.reasons] if adaptation else [],
        "columns": [headings[metric] for metric in TOGETHER],
        "together": [_mean_row(one) for one in selectors.together(judged, TOGETHER)],
        "advice": adaptation.advice if adaptation and may_see(member) else [],
        "has_replay": any(JudgedSong.REPLAY in one.song.figures for one in judged),
    }


def _row(member: Membership, one: Judged) -> Context:
    song = one.song
    figures, change = song.figures, song.change
    leak, (first, second) = ("false_positive_seconds_per_minute", (figures.get(which, {}) for which in (song.PARENT, song.CHILD)))
    return {
        "name": song.track.name,
        "what": _what(song),
        "url": _url(member, song),
        "word": one.word,
        "badge": BADGES[one.word],
        "leak": (first.get(leak), second.get(leak)),
        "leak_change": change(leak),
        "replay": change(leak, song.REPLAY),
        "voice": change("voice_kept_db"),
        "sdr": change("song_sdr"),
        "seconds": sum(end - start for start, end in song.marks),
        "on_marks": change(LEAK),
        "replay_on_marks": change(LEAK, song.REPLAY),
        "let_pass": change(ACCEPTED),
        "at": song.start,
    }


def _mean_row(one: selectors.Together) -> Context:
    songs = f"{one.kind}, {one.domain} ({one.n} song{'' if one.n == 1 else 's'})"
    return {
        "what": "the child" if one.subject == JudgedSong.CHILD else "replay without feedback",
        "songs": songs,
        "is_child": one.subject == JudgedSong.CHILD,
        "cells": [one.changes.get(metric) for metric in TOGETHER],
    }


def _what(song: JudgedSong) -> str:
    if song.is_clip:
        return f"{song.start:.0f} to {song.end:.0f} s, {'drawn at random' if song.kind == song.Kind.RANDOM else 'chosen by score'}"
    return f"{song.kind}, {song.track.domain}"


def _url(member: Membership, song: JudgedSong) -> str:
    """Where it is heard, by those who may."""
    return reverse("judged-song", args=[member.campaign.slug, song.pk]) if member.manages else ""


def _reason(member: Membership, reason: str, adaptation: Adaptation | None, judged: list[Judged]) -> Context:
    """A reason of the gate, with the songs that moved its figure most."""
    rests_on = adaptation.rests_on.get(reason) if adaptation else None
    found = selectors.decided(rests_on, judged) if rests_on else []
    unit = "s/min" if rests_on and "false_positive" in rests_on[1] else "dB"
    return {
        "text": reason,
        "songs": [
            {"name": song.track.name, "url": _url(member, song), "change": change, "unit": unit, "at": song.start if song.is_clip else None}
            for song, change in found
        ],
    }


# ---------------------------------------------------------------- one of them, to be heard


@login_required
@never_cache
@require_safe
def song(request: HttpRequest, slug: str, song_id: int) -> HttpResponse:
    """One song of a round before and after, in step, where the two differ most; with its figures."""
    member = manager_or_403(request, slug)
    one = _found(member.campaign, song_id)
    judged = selectors.judged_songs(one.adaptation, member.campaign)
    order = [each.song.pk for each in judged]
    at = order.index(one.pk)
    neighbours = [judged[n].song if 0 <= n < len(judged) else None for n in (at - 1, at + 1)]
    context = {
        "campaign": member.campaign,
        "may_roll_back": one.adaptation.child == selectors.current_checkpoint(member.campaign) and not member.campaign.archived,
        "song": one,
        "word": judged[at].word,
        "badge": BADGES[judged[at].word],
        "what": _what(one),
        "round": one.adaptation.feedback_set.round,
        "place": f"number {at + 1} of {len(judged)}, the worst first",
        "before_it": neighbours[0],
        "after_it": neighbours[1],
        "rules": rules(member.campaign),
        "desk": _desk(slug, one),
        "columns": _columns(one, member.campaign),
        "rows": _rows(one, member.campaign),
    }
    return render(request, "hub/song.html", context)


def _found(campaign: Campaign, song_id: int) -> JudgedSong:
    rows = JudgedSong.objects.select_related(
        "track__campaign", "adaptation__parent", "adaptation__child", "adaptation__feedback_set__round"
    )
    return get_object_or_404(rows, pk=song_id, adaptation__campaign=campaign)


def _desk(slug: str, one: JudgedSong) -> Context:
    """For the sounds in step: see `annotation/parts/in_step.html`. Seconds of the excerpt."""
    said = {
        BEFORE: f"Parent ({one.adaptation.parent.short})",
        AFTER: f"Child ({one.adaptation.child.short})" if one.adaptation.child else "Child",
        MIX: "The mix",
    }
    if not one.is_clip:
        said[TRUE] = f"The true {one.track.campaign.stem}"
    return {
        "length": one.end - one.start,
        "sounds": [{"name": name, "said": text, "url": reverse("judged-sound", args=[slug, one.pk, name])} for name, text in said.items()],
        "marks": [{"start": start, "end": end, "first": start - one.start, "last": end - one.start} for start, end in one.marks],
    }


def _metrics(one: JudgedSong, campaign: Campaign) -> dict[str, tuple[str, str, str]]:
    if one.is_clip:
        return {
            LEAK: ("On the marks", "dBFS", "level on what people marked, no lower than -60, which nobody hears; less is better"),
            ACCEPTED: ("Let pass", "dBFS", "level where people heard the parent and marked nothing; it should stay"),
        }
    headings = words.metrics(campaign.wording)
    return {metric: headings[metric] for metric in METRICS}


def _columns(one: JudgedSong, campaign: Campaign) -> list[tuple[str, str, str]]:
    return list(_metrics(one, campaign).values())


def _rows(one: JudgedSong, campaign: Campaign) -> list[Context]:
    """Each subject that was measured, and what changed from parent to child."""
    metrics = list(_metrics(one, campaign))
    found = [
        {"what": what, "cells": [one.figures[subject].get(metric) for metric in metrics], "change": False}
        for subject, what in SUBJECTS.items()
        if subject in one.figures
    ]
    found.insert(2, {"what": "change by the child", "cells": [one.change(metric) for metric in metrics], "change": True})
    return found


@login_required
@require_safe
def sound(request: HttpRequest, slug: str, song_id: int, which: str) -> HttpResponse:
    """The excerpt as Ogg, with HTTP Range: as the parent makes it, as the child does, the mix, or the true stem."""
    member = manager_or_403(request, slug)
    one = _found(member.campaign, song_id)
    stem = {MIX: "mixture", TRUE: member.campaign.stem}.get(which, "")
    if which not in (BEFORE, AFTER, MIX, TRUE) or (stem and not one.track.stems.filter(name=stem).exists()):
        raise Http404
    name = f"{one.track_id}-judged-{one.file.rsplit('/')[-1][:40]}-{which}.ogg"
    return with_range(kept(name, lambda target: encode(target, *_read(one, which, stem))), request.headers.get("Range", ""))


def _read(one: JudgedSong, which: str, stem: str) -> tuple[Any, int]:
    if stem:
        return sounds.read(local(one.track.stems.get(name=stem).file), one.start, one.end)
    both, rate = sounds.read(local(one.file))
    half = both.shape[1] // 2
    return (both[:, :half] if which == BEFORE else both[:, half:]), rate
