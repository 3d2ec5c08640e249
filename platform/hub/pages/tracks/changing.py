"""What managers do with tracks: take them out and put them back, and say what they are, one by one, many at once, or by a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotation import services as annotating
from annotation.core.words import count
from annotation.models import Campaign, Membership, Track
from annotation.pages.access import manager_or_403
from annotation.selectors.tracks import tracks_to_look_at
from annotation.services.tracks import DESCRIBED
from hub.pages.tracks.listing import Wanted
from learner import selectors
from learner.services.tracks import change_tracks

MOST_REASON = 500  # characters of a manager's reason
MOST_LINES = 10_000  # of a CSV
NAMED = 3  # tracks that were left as they are, named one by one
ASIDE, BACK = "set aside", "put back"
MOST_AT_ONCE = 500  # tracks that one press of a button takes out or puts back


@login_required
@require_POST
def set_aside(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """Take a track out, or let stand that the platform did."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks, pk=track_id)
    if not annotating.set_aside(track=track, reason=_reason(request), who=member):
        messages.warning(request, f"Nothing changed: {track.name} is out already.")
    return _back(request, slug, track)


@login_required
@require_POST
def put_back(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """Let the next job take a track up again."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks, pk=track_id)
    if not annotating.put_back(track=track, who=member, checkpoint=_current(member.campaign)):
        messages.warning(request, f"Nothing changed: {track.name} is in use already.")
    return _back(request, slug, track)


@login_required
@require_POST
def put_all_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Put back all that the platform set aside, as when the storage was away and is there again."""
    member = manager_or_403(request, slug)
    current, n = _current(member.campaign), 0
    for track in tracks_to_look_at(member.campaign):
        n += annotating.put_back(track=track, who=member, checkpoint=current)
    messages.success(request, f"Put back: {count(n, 'track')}. Whatever still cannot be used is set aside again by the next job.")
    return _back(request, slug)


@login_required
@require_POST
def edit(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """What is said of one track."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks, pk=track_id)
    _change(request, member, {track.pk: {name: request.POST[name] for name in DESCRIBED if name in request.POST}})
    return _back(request, slug, track, changed=False)


@login_required
@require_POST
def edit_many(request: HttpRequest, slug: str) -> HttpResponse:
    """One change of all tracks that were chosen, or of all that the list has on its pages: `do` is "use pool", "artist", "set aside" …"""
    member = manager_or_403(request, slug)
    tracks = _wanted(request).tracks(member.campaign) if request.POST.get("which") == "all" else _chosen(request, member.campaign)
    field, _, value = request.POST.get("do", "").partition(" ")
    if request.POST.get("do") in (ASIDE, BACK):
        _in_or_out(request, member, list(tracks.order_by("pk")[: MOST_AT_ONCE + 1]))
    elif field not in DESCRIBED:
        messages.warning(request, "Nothing changed: say first what to change.")
    else:
        given = {field: value or request.POST.get("value", "")}
        _change(request, member, {pk: given for pk in tracks.values_list("pk", flat=True)})
    return _back(request, slug)


def _chosen(request: HttpRequest, campaign: Campaign):  # type: ignore[no-untyped-def]
    ids = [int(pk) for pk in request.POST.getlist("track") if pk.isdecimal() and len(pk) < 15]
    return campaign.tracks.filter(pk__in=ids)


def _in_or_out(request: HttpRequest, member: Membership, tracks: list[Track]) -> None:
    """Set these aside with a reason, or put them back."""
    if len(tracks) > MOST_AT_ONCE:
        messages.error(request, f"Nothing changed: at most {MOST_AT_ONCE} tracks go out or come back at once. Choose fewer.")
        return
    if request.POST["do"] == ASIDE:
        reason = request.POST.get("value", "").replace("\0", "")[:MOST_REASON]
        n = sum(annotating.set_aside(track=track, reason=reason, who=member) for track in tracks)
        messages.success(request, f"Set aside: {count(n, 'track')}.")
    else:
        current = _current(member.campaign)
        n = sum(annotating.put_back(track=track, who=member, checkpoint=current) for track in tracks)
        messages.success(request, f"Put back: {count(n, 'track')}.")


@login_required
@require_POST
def take_in_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Take over what a CSV says of tracks: its column id, or else name, says which; the columns of `DESCRIBED` that it has, what."""
    member = manager_or_403(request, slug)
    try:
        wanted, unknown = _read(member.campaign, request.FILES.get("file"))
    except ValueError as wrong:
        messages.error(request, f"Nothing changed: {wrong}")
        return _back(request, slug)
    if unknown:
        messages.warning(request, f"{count(len(unknown), 'line')} of the file named no track of the campaign, first {unknown[0]!r}.")
    _change(request, member, wanted)
    return _back(request, slug)


def _read(campaign: Campaign, sent: UploadedFile | None) -> tuple[dict[int, dict[str, str]], list[str]]:
    """What a file says of which tracks, and what it names that is none. Raises ValueError."""
    if sent is None:
        raise ValueError("choose a file first.")
    try:
        lines = csv.DictReader(io.StringIO(sent.read().decode("utf-8-sig"), newline=""), strict=True)
        rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise ValueError(f"this is no CSV in UTF-8 ({wrong}).") from wrong
    columns = lines.fieldnames or []
    key = next((name for name in ("id", "name") if name in columns), "")
    if not key or not set(DESCRIBED) & set(columns):
        raise ValueError(f"its first line must name the column id or name, and some of {', '.join(DESCRIBED)}.")
    if len(rows) > MOST_LINES:
        raise ValueError(f"it has {len(rows)} lines, and at most {MOST_LINES} are taken at once.")
    asked = [(_plain(row[key]), row) for row in rows]
    # Names may be there more than once: such a line means all of them.
    of_key: dict[str, list[int]] = {}
    names = {name for name, _ in asked}
    found = (
        campaign.tracks.filter(pk__in=[int(n) for n in names if n.isdecimal() and len(n) < 15])
        if key == "id"
        else campaign.tracks.filter(name__in=names)
    )
    for pk, name in found.values_list("pk", "name"):
        of_key.setdefault(str(pk) if key == "id" else name, []).append(pk)
    wanted = {
        pk: {name: _plain(row[name]) for name in DESCRIBED if row.get(name) is not None}
        for said, row in asked
        for pk in of_key.get(said, ())
    }
    return wanted, [said for said, _ in asked if said not in of_key]


def _plain(cell: str | None) -> str:
    """A cell without the apostrophe that `csv_line` puts before what looks like a formula."""
    text = (cell or "").strip()
    return text[1:] if text.startswith("'") and text[1:].lstrip().startswith(("=", "+", "-", "@", "|")) else text


def _change(request: HttpRequest, member: Membership, wanted: Mapping[int, Mapping[str, str]]) -> None:
    """Change tracks, and say what came of it."""
    try:
        done = change_tracks(campaign=member.campaign, who=member, wanted=wanted)
    except ValidationError as wrong:
        messages.error(
            request, "Nothing changed. " + " ".join(f"{name.capitalize()}: {' '.join(said)}" for name, said in wrong.message_dict.items())
        )
        return
    if done.n or not done.refused:
        messages.success(request, f"Changed: {count(done.n, 'track')}." if done.n else "Nothing changed: all is as you say already.")
    if done.refused:
        named = [f"{name}: {reason}" for name, reason in list(done.refused.items())[:NAMED]]
        more = f" And {len(done.refused) - NAMED} more." if len(done.refused) > NAMED else ""
        messages.error(request, f"Left as {'it is' if len(done.refused) == 1 else 'they are'}: {' '.join(named)}{more}")


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\0", "")[:MOST_REASON]


def _current(campaign: Campaign) -> str:
    checkpoint = selectors.current_checkpoint(campaign)
    return checkpoint.hash if checkpoint else ""


def _wanted(request: HttpRequest) -> Wanted:
    return Wanted.of(QueryDict(request.POST.get("back", "")))


def _back(request: HttpRequest, slug: str, track: Track | None = None, *, changed: bool = True) -> HttpResponse:
    """To the page that the button was on: the list, or the track's own."""
    if track and request.POST.get("back") == "track":
        return redirect("track", slug, track.pk)
    return redirect(f"{reverse('tracks', args=[slug])}?{_wanted(request).query(**({'changed': track.pk} if track and changed else {}))}")
