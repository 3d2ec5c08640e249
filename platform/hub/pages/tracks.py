"""The managers' page of tracks: what is in use, what was set aside and why, and the buttons that take a track out and put it back."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation import services as annotating
from annotation.core.words import count
from annotation.models import Campaign, Track
from annotation.pages.access import manager_or_403
from annotation.selectors.tracks import track_counts, tracks_to_look_at
from learner import selectors

SHOWN = 50  # tracks on one page
MOST_REASON = 500  # characters of a manager's reason
STATES = {
    "used": ("in use", Q(set_aside=None)),
    "aside": ("set aside", Q(set_aside__isnull=False)),
    "look": ("set aside by the platform", Q(set_aside__isnull=False, set_aside_by=None)),
}
IN_ORDER = Case(*(When(use=use, then=Value(n)) for n, use in enumerate(Track.Use.values)))
NEEDS_A_LOOK = Case(When(STATES["look"][1], then=Value(0)), default=Value(1))


@dataclass(frozen=True)
class Wanted:
    """Which tracks of a campaign a page shows; what nobody could have meant is passed over."""

    words: str = ""
    use: str = ""
    state: str = ""
    page: str = ""

    @classmethod
    def of(cls, asked: QueryDict) -> Wanted:
        use, state = asked.get("use", ""), asked.get("state", "")
        return cls(
            words=asked.get("q", "").replace("\0", "").strip()[:200],
            use=use if use in Track.Use.values else "",
            state=state if state in STATES else "",
            page=asked.get("page", "")[:9],
        )

    def tracks(self, campaign: Campaign) -> QuerySet[Track]:
        """The platform's own first: somebody should look at them."""
        found = campaign.tracks.select_related("set_aside_by").order_by(NEEDS_A_LOOK, IN_ORDER, "name", "pk")
        if self.use:
            found = found.filter(use=self.use)
        if self.state:
            found = found.filter(STATES[self.state][1])
        for word in self.words.split():
            found = found.filter(Q(name__icontains=word) | Q(artist__icontains=word) | Q(album__icontains=word))
        return found

    def query(self, **other: object) -> str:
        asked = {"q": self.words, "use": self.use, "state": self.state, "page": self.page, **other}
        return urlencode({name: value for name, value in asked.items() if value})


@login_required
@never_cache
@require_safe
def tracks(request: HttpRequest, slug: str) -> HttpResponse:
    """The campaign's tracks, by use; `changed` is the one that was just changed, which can be undone."""
    member = manager_or_403(request, slug)
    wanted, changed = Wanted.of(request.GET), request.GET.get("changed", "")
    page = Paginator(wanted.tracks(member.campaign), SHOWN).get_page(wanted.page)
    context = {
        "campaign": member.campaign,
        "member": member,
        "uses": _uses(member.campaign),
        "n_to_look_at": track_counts(member.campaign).to_look_at,
        "states": [(name, words) for name, (words, _) in STATES.items()],
        "wanted": wanted,
        "query": wanted.query(),
        "earlier": wanted.query(page=page.number - 1),
        "later": wanted.query(page=page.number + 1),
        "page": page,
        "changed": member.campaign.tracks.filter(pk=int(changed)).first() if changed.isdecimal() and len(changed) < 15 else None,
    }
    return render(request, "hub/tracks.html", context)


def _uses(campaign: Campaign) -> list[dict[str, object]]:
    """For each use that there are tracks for: how many are in use and set aside, and how long those in use last."""
    counted = campaign.tracks.order_by().values("use").annotate(
        used=Count("pk", filter=STATES["used"][1]),
        aside=Count("pk", filter=STATES["aside"][1]),
        seconds=Sum("duration", filter=STATES["used"][1], default=0.0),
    )  # fmt: skip
    found = {one["use"]: one for one in counted}
    return [dict(found[use]) for use in Track.Use.values if use in found]


@login_required
@require_POST
def set_aside(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """Take a track out, or let stand that the platform did."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks, pk=track_id)
    reason = request.POST.get("reason", "").replace("\0", "")[:MOST_REASON]
    if not annotating.set_aside(track=track, reason=reason, who=member):
        messages.warning(request, f"Nothing changed: {track.name} is out already.")
    return _back(request, slug, changed=track.pk)


@login_required
@require_POST
def put_back(request: HttpRequest, slug: str, track_id: int) -> HttpResponse:
    """Let the next job take a track up again."""
    member = manager_or_403(request, slug)
    track = get_object_or_404(member.campaign.tracks, pk=track_id)
    if not annotating.put_back(track=track, who=member, checkpoint=_current(member.campaign)):
        messages.warning(request, f"Nothing changed: {track.name} is in use already.")
    return _back(request, slug, changed=track.pk)


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


def _current(campaign: Campaign) -> str:
    checkpoint = selectors.current_checkpoint(campaign)
    return checkpoint.hash if checkpoint else ""


def _back(request: HttpRequest, slug: str, **changed: int) -> HttpResponse:
    """To the page that the button was on."""
    return redirect(f"{reverse('tracks', args=[slug])}?{Wanted.of(QueryDict(request.POST.get('back', ''))).query(**changed)}")
