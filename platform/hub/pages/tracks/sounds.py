"""The sounds of one track, for managers: parts of them to be heard in step, their pictures, and the files as they are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.files import storage, whole_tracks
from annotation.models import Track
from annotation.pages.access import manager_or_403
from annotation.pages.clips import file_with_range, with_range
from annotation.selectors.tracks import file_of

KINDS = {".flac": "audio/flac", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg"}
DAY = {"Cache-Control": "private, max-age=86400"}  # what a key names never changes


@login_required
@require_safe
def part(request: HttpRequest, slug: str, track_id: int, sound: str, number: int) -> HttpResponse:
    """Part `number` of a sound as Ogg, with HTTP Range."""
    _, key = _asked(request, slug, track_id, sound, number)
    return with_range(_made(whole_tracks.part, key, number), request.headers.get("Range", ""))


@login_required
@require_safe
def picture(request: HttpRequest, slug: str, track_id: int, sound: str, number: int) -> HttpResponse:
    """The spectrogram of the same part."""
    _, key = _asked(request, slug, track_id, sound, number)
    return HttpResponse(_made(whole_tracks.picture, key, number), content_type="image/png", headers=DAY)


@login_required
@require_safe
def shape(request: HttpRequest, slug: str, track_id: int, sound: str) -> HttpResponse:
    """How far a sound swings over the whole track, as JSON."""
    track, key = _asked(request, slug, track_id, sound)
    return HttpResponse(_made(whole_tracks.shape, key, track.duration), content_type="application/json", headers=DAY)


@login_required
@require_safe
def differences(request: HttpRequest, slug: str, track_id: int, before: str, after: str) -> HttpResponse:
    """Where two estimates differ most, as JSON: see `whole_tracks.differences`."""
    track, first = _asked(request, slug, track_id, before)
    second = _found(track, after)
    return HttpResponse(
        _made(whole_tracks.differences, first, second, file_of(track, track.campaign.stem), track.duration),
        content_type="application/json",
        headers=DAY,
    )


@login_required
@require_safe
def file(request: HttpRequest, slug: str, track_id: int, sound: str) -> HttpResponseBase:
    """A sound as it is kept, streamed, with HTTP Range."""
    track, key = _asked(request, slug, track_id, sound)
    path = storage.local(key)
    try:
        response = file_with_range(path, request.headers.get("Range", ""), KINDS.get(path.suffix, "application/octet-stream"))
    except FileNotFoundError as gone:
        raise Http404(f"The file {key} is gone from the storage.") from gone
    response["Content-Disposition"] = f'inline; filename="track-{track.pk}-{sound[:20]}{path.suffix}"'
    return response


def _asked(request: HttpRequest, slug: str, track_id: int, sound: str, number: int = 0) -> tuple[Track, str]:
    """The track, and the key of one of its sounds; 404 where it has none of that name, or not so many parts."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks.select_related("campaign"), pk=track_id)
    if number >= whole_tracks.n_parts(track.duration):
        raise Http404
    return track, _found(track, sound)


def _found(track: Track, sound: str) -> str:
    key = file_of(track, sound)
    if key is None:
        raise Http404(f"{track.name} has no {sound[:20]}.")
    return key


def _made(make: Callable[..., bytes], key: str, *more: Any) -> bytes:
    try:
        return make(key, *more)
    except (FileNotFoundError, ValueError) as wrong:  # gone, or nothing that can be read
        raise Http404(f"{Path(key).name[:12]} … cannot be read: {wrong}") from wrong
