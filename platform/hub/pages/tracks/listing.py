"""The managers' list of tracks: searched, filtered, in pages, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Paginator
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.panels import csv_table
from annotation.models import Campaign, Stem, Track
from annotation.pages.access import manager_or_403
from annotation.selectors.tracks import track_counts
from annotation.services.tracks import DESCRIBED

SHOWN = 50  # tracks on one page
STATES = {
    "used": ("in use", Q(set_aside=None)),
    "aside": ("set aside", Q(set_aside__isnull=False)),
    "look": ("set aside by the platform", Q(set_aside__isnull=False, set_aside_by=None)),
}
IN_ORDER = Case(*(When(use=use, then=Value(n)) for n, use in enumerate(Track.Use.values)))
NEEDS_A_LOOK = Case(When(STATES["look"][1], then=Value(0)), default=Value(1))
ORDERS = {
    "": ("use", (NEEDS_A_LOOK, IN_ORDER, F("name"), F("pk"))),
    "name": ("name", (F("name"), F("pk"))),
    "artist": ("artist and album", (F("artist"), F("album"), F("name"), F("pk"))),
    "longest": ("length, longest first", (F("duration").desc(), F("pk"))),
    "newest": ("when it came, newest first", (F("added").desc(), F("pk").desc())),
}
COLUMNS = (
    "id",
    "name",
    "use",
    "domain",
    "artist",
    "album",
    "licence",
    "seconds",
    "sample_rate",
    "channels",
    "stems",
    "added",
    "set_aside",
    "reason",
)
OF_TRACK = ("pk", "name", *DESCRIBED, "duration", "sample_rate", "channels", "added", "set_aside", "set_aside_reason")
BATCH = 2000  # rows of the CSV that are read at a time


@dataclass(frozen=True)
class Wanted:
    """Which tracks of a campaign a page shows; what nobody could have meant is passed over."""

    q: str = ""
    use: str = ""
    domain: str = ""
    state: str = ""
    stems: str = ""
    artist: str = ""
    album: str = ""
    order: str = ""
    page: str = ""

    @classmethod
    def of(cls, asked: QueryDict) -> Wanted:
        allowed = {"use": Track.Use.values, "domain": Track.Domain.values, "state": STATES, "stems": ("yes", "no"), "order": ORDERS}
        said = {field.name: asked.get(field.name, "").replace("\0", "").strip()[:200] for field in fields(cls)}
        return cls(**{name: value if value in allowed.get(name, (value,)) else "" for name, value in said.items()})

    def tracks(self, campaign: Campaign) -> QuerySet[Track]:
        """Those that are wanted, in no order."""
        found = campaign.tracks.order_by()
        for name in ("use", "domain", "artist", "album"):
            if value := getattr(self, name):
                found = found.filter(**{name: value})
        if self.state:
            found = found.filter(STATES[self.state][1])
        if self.stems:
            known = Exists(Stem.objects.filter(track=OuterRef("pk"), name=campaign.stem))
            found = found.filter(known if self.stems == "yes" else ~known)
        for word in self.q.split():
            found = found.filter(Q(name__icontains=word) | Q(artist__icontains=word) | Q(album__icontains=word))
        return found

    def in_order(self, campaign: Campaign) -> QuerySet[Track]:
        """The same, by default the platform's own set aside first: somebody should look at them."""
        return self.tracks(campaign).order_by(*ORDERS[self.order][1])

    def query(self, **other: object) -> str:
        asked = {field.name: getattr(self, field.name) for field in fields(self)} | other
        return urlencode({name: value for name, value in asked.items() if value})


@login_required
@never_cache
@require_safe
def tracks(request: HttpRequest, slug: str) -> HttpResponse:
    """The campaign's tracks; `changed` is the one that was just set aside or put back, `edit` the one whose row can be changed."""
    member = manager_or_403(request, slug)
    wanted = Wanted.of(request.GET)
    # By their ids alone: of 100,000 the database sorts those in memory, and whole rows on the disk.
    page = Paginator(wanted.in_order(member.campaign).values_list("pk", flat=True), SHOWN).get_page(wanted.page)
    rows = Track.objects.select_related("set_aside_by").prefetch_related(Prefetch("stems", Stem.objects.order_by("pk"))).in_bulk(list(page))
    context = {
        "campaign": member.campaign,
        "member": member,
        "by_use": _uses(member.campaign),
        "n_to_look_at": track_counts(member.campaign).to_look_at,
        "uses": Track.Use.values,
        "domains": Track.Domain.values,
        "states": [(name, words) for name, (words, _) in STATES.items()],
        "orders": [(name, words) for name, (words, _) in ORDERS.items()],
        "wanted": wanted,
        "query": wanted.query(),
        "every": wanted.query(artist="", album="", page=""),
        "page": page,
        "rows": [rows[pk] for pk in page if pk in rows],
        "changed": _named(member.campaign, request.GET.get("changed", "")),
        "edited": _named(member.campaign, request.GET.get("edit", "")),
    }
    return render(request, "hub/tracks/list.html", context)


def _named(campaign: Campaign, pk: str) -> Track | None:
    return campaign.tracks.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 15 else None


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
@never_cache
@require_safe
def export(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The tracks that the list would show on all its pages, as CSV; `changing.take_in_csv` reads it back."""
    member = manager_or_403(request, slug)
    wanted = Wanted.of(request.GET)
    response = StreamingHttpResponse(csv_table(COLUMNS, _rows(member.campaign, wanted)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-tracks-{now():%Y-%m-%d}.csv"'
    return response


def _rows(campaign: Campaign, wanted: Wanted) -> Iterator[dict[str, object]]:
    names = ArraySubquery(Stem.objects.filter(track=OuterRef("pk")).order_by("name").values("name"))
    for row in wanted.in_order(campaign).annotate(names=names).values(*OF_TRACK, "names").iterator(BATCH):
        yield row | {
            "id": row["pk"],
            "seconds": round(row["duration"], 3),
            "stems": " ".join(row["names"]),
            "added": f"{row['added']:%Y-%m-%d %H:%M:%S}",
            "set_aside": f"{row['set_aside']:%Y-%m-%d %H:%M:%S}" if row["set_aside"] else "",
            "reason": row["set_aside_reason"],
        }
