"""The page where songs are sent, and the page of each: how far it is, and what came of it."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.stems import rest_of
from annotation.core.words import count
from annotation.files import whole_tracks
from annotation.models import Membership
from annotation.pages.access import member_or_404
from annotation.pages.rules import rules
from hub.pages import tus, words
from hub.pages.fragments import Context
from learner import selectors
from learner.core import audio
from learner.models import Checkpoint, SentSong
from learner.selectors.lineage import base_of
from learner.selectors.sent_songs import separators, songs_of
from learner.services import sent_songs

KEYS = "1234"  # one for each sound, in their order


def allowed(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who may have songs separated. Raises `NotOpenToYou`."""
    member = member_or_404(request, slug)
    sent_songs.check_allowed(member)
    return member


def own(request: HttpRequest, slug: str, key: UUID) -> tuple[Membership, SentSong]:
    """A song that the person signed in sent; to anybody else it does not exist."""
    member = allowed(request, slug)
    return member, get_object_or_404(songs_of(member), key=key)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def songs(request: HttpRequest, slug: str) -> HttpResponse:
    """A place to drop songs, and those that are here; a form that is sent has those that are here whole separated."""
    member = allowed(request, slug)
    if request.method == "POST":
        return _separate_all(request, member)
    found = list(songs_of(member))
    known = separators(member.campaign)
    current = selectors.current_checkpoint(member.campaign)
    base = base_of(member.campaign, current) if current else None
    context = {
        "campaign": member.campaign,
        "member": member,
        "waiting": [one for one in found if one.is_open],
        "sent": [one for one in found if not one.is_open],
        "checkpoints": _choices(known, current, base),
        "current": current,
        "by": next((one for one in known if one.hash == request.GET.get("by")), current),
        "base": base if base in known and base != current else None,
        "endings": ",".join(audio.SUFFIXES),
        "minutes_left": int(sent_songs.minutes_left(member)),
        "minutes": settings.SEPARATED_MINUTES,
        "megabytes": sent_songs.LARGEST // 1_000_000,
        "most": sent_songs.MOST_EACH,
        "days": settings.SEPARATED_DAYS,
    }
    return render(request, "hub/separate/songs.html", context)


def _choices(known: list[Checkpoint], current: Checkpoint | None, base: Checkpoint | None) -> list[tuple[str, str]]:
    """Each checkpoint that may be chosen, with what it is called."""
    return [(one.hash, called(one, current, base)) for one in known]


def called(one: Checkpoint, current: Checkpoint | None, base: Checkpoint | None) -> str:
    """What a checkpoint is to the campaign, and its short hash."""
    what = "the current one" if one == current else "the base" if one == base else f"of {one.created:%-d %B %Y}"
    return f"{one.short}, {what}"


def _chosen(request: HttpRequest, member: Membership) -> tuple[Checkpoint, Checkpoint | None]:
    """What the form asks for: the checkpoint (empty: the current one), and the one beside it. Raises `NoModel`."""
    known = {one.hash: one for one in separators(member.campaign)}
    asked, beside = request.POST.get("checkpoint", ""), request.POST.get("beside", "")
    if any(one and one not in known for one in (asked, beside)):
        raise Http404
    chosen = known[asked] if asked else selectors.current_checkpoint(member.campaign)
    if chosen is None:
        raise sent_songs.NoModel
    return chosen, known.get(beside)


def _separate_all(request: HttpRequest, member: Membership) -> HttpResponse:
    """Have the songs separated that are here whole; of a single one its page comes next."""
    begun: list[SentSong] = []
    try:
        checkpoint, beside = _chosen(request, member)
        for song in [one for one in songs_of(member) if one.is_open and one.whole.is_file()]:
            sent_songs.separate_song(song=song, checkpoint=checkpoint, beside=beside)
            begun.append(song)
        if not begun:
            messages.warning(request, "Nothing is here whole yet: choose a song first.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    if len(begun) == 1:
        return redirect("sent-song", member.campaign.slug, begun[0].key)
    if begun:
        messages.success(request, f"{count(len(begun), 'song')} asked for: each is ready when a worker has separated it.")
    return redirect("separate", member.campaign.slug)


@login_required
@never_cache
@require_safe
def song(request: HttpRequest, slug: str, key: UUID) -> HttpResponse:
    """How far a song is; when it is separated, its sounds in step, and the files."""
    member, one = own(request, slug, key)
    if request.headers.get("HX-Request") and not one.is_under_way:
        return HttpResponse(headers={"HX-Refresh": "true"})  # it ended: the whole page, with the script that plays it
    current = selectors.current_checkpoint(member.campaign)
    base = base_of(member.campaign, current) if current else None
    known = separators(member.campaign)
    sounds = _sounds(one, current, base) if one.is_done else []
    context = {
        "campaign": member.campaign,
        "member": member,
        "song": one,
        "job_words": words.job(one.job) if one.job else "",
        "by": called(one.checkpoint, current, base) if one.checkpoint else "",
        "beside": called(one.beside, current, base) if one.beside else "",
        "sounds": sounds,
        "desk": _desk(one, sounds),
        "rules": rules(member.campaign),
        "between": "what both checkpoints extract",
        "files": [_files(one, sound) for sound in sounds],
        "checkpoints": _choices(known, current, base),
        "minutes_left": int(sent_songs.minutes_left(member)),
    }
    return render(request, "hub/separate/song.html", context)


def _sounds(song: SentSong, current: Checkpoint | None, base: Checkpoint | None) -> list[Context]:
    """What can be heard of it, the mix first."""
    stem = song.campaign.stem
    titles = {
        "mixture": "Mix",
        "stem": f"{stem.capitalize()} by {called(song.checkpoint, current, base)}" if song.checkpoint else "",
        "rest": f"{rest_of(stem).capitalize()}: what is left of the mix",
        "before": f"{stem.capitalize()} by {called(song.beside, current, base)}" if song.beside else "",
    }
    here = [name for name in SentSong.SOUNDS if titles[name] and song.sound(name)]
    return [
        {"name": name, "title": titles[name], "key": key, "url": reverse("sent-sound", args=[song.campaign.slug, song.key, name])}
        for name, key in zip(here, KEYS, strict=False)
    ]


def _desk(song: SentSong, sounds: list[Context]) -> Context:
    """For the script of the player; times in seconds."""
    duration = song.seconds or 0.0
    compared = any(sound["name"] == "before" for sound in sounds)
    return {
        "duration": duration,
        "part": whole_tracks.PART,
        "overlap": whole_tracks.OVERLAP,
        "n_parts": whole_tracks.n_parts(duration),
        "sounds": sounds,
        "clips": [],
        "before": "before" if compared else None,
        "after": "stem" if compared else None,
        "differences": reverse("sent-differences", args=[song.campaign.slug, song.key]) if compared else None,
        "by_stem": False,
    }


def _files(song: SentSong, sound: Context) -> Context:
    """A sound as files: one that is over full scale is kept as float WAV alone, since FLAC would cut its peaks off."""
    file = song.sound(sound["name"])
    kinds = ["wav"] if file and file.suffix == ".wav" else ["flac", "wav"]
    addresses = [(kind.upper(), reverse("sent-download", args=[song.campaign.slug, str(song.key), sound["name"], kind])) for kind in kinds]
    return {"title": sound["title"], "kinds": addresses}


@login_required
@require_POST
def again(request: HttpRequest, slug: str, key: UUID) -> HttpResponse:
    """Have a song separated once more: by another checkpoint, or beside another."""
    member, one = own(request, slug, key)
    try:
        checkpoint, beside = _chosen(request, member)
        sent_songs.separate_song(song=one, checkpoint=checkpoint, beside=beside)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("sent-song", slug, key)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, key: UUID) -> HttpResponse:
    """Remove a song with all that was made of it."""
    _, one = own(request, slug, key)
    sent_songs.remove_song(song=one)
    messages.success(request, f"{one.path} is removed, with all that was made of it.")
    return redirect("separate", slug)


# ---------------------------------------------------------------- tus


@login_required
@never_cache
@require_http_methods(["OPTIONS", "POST"])
@tus.door
def files(request: HttpRequest, slug: str) -> HttpResponse:
    """A place for a new song; one that was begun before answers with how many bytes of it are here."""
    member = allowed(request, slug)
    if request.method == "OPTIONS":
        return tus.options(sent_songs.LARGEST)
    one = sent_songs.begin_song(who=member, path=tus.path(request), size=tus.length(request))
    return tus.begun(reverse("sent-file", args=[slug, one.key]), one.offset)


@login_required
@never_cache
@require_http_methods(["HEAD", "PATCH", "DELETE"])
@tus.door
def file(request: HttpRequest, slug: str, key: UUID) -> HttpResponse:
    """One file: how much of it is here, more of it, or its end."""
    _, one = own(request, slug, key)
    if request.method == "HEAD":
        return tus.known(one.offset, one.size)
    if request.method == "DELETE":
        sent_songs.remove_song(song=one)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    here = sent_songs.append(song=one, offset=tus.offset(request), source=request)  # type: ignore[arg-type]  # it reads like a file
    return tus.taken(here)
