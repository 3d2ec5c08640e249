"""The audit trail: of a campaign for its managers, of the whole site for who runs it; searched, page by page, and as CSV."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import Campaign
from annotation.pages.access import manager_or_403
from annotation.selectors import audit
from annotation.selectors.audit import Wanted
from hub.pages import linked, words

SHOWN = 50  # events on a page
THINGS = sorted({name.split(".")[0] for name in words.SENTENCES})
ABOUT: list[Any] = [
    ("", "anything"),
    ("Together", [(one, one) for one in audit.GROUPS]),
    ("One thing", [(one, f"{one} alone") for one in THINGS if one not in audit.GROUPS]),
]


class Search(forms.Form):
    """What somebody looks for, from the address."""

    words = forms.CharField(label="Words", required=False, max_length=200)
    thing = forms.ChoiceField(label="About", required=False, choices=ABOUT)
    who = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    routine = forms.BooleanField(label="also answers, clips and jobs", required=False)

    @property
    def wanted(self) -> Wanted:
        """What of it is right."""
        self.is_valid()
        said: dict[str, Any] = self.cleaned_data
        days: dict[str, date | None] = {name: said.get(name) for name in ("since", "until")}
        text = said.get("words", "").replace("\0", "")
        return Wanted(text, said.get("thing", ""), said.get("who"), **days, routine=bool(said.get("routine")))


@login_required
@never_cache
@require_safe
def of_campaign(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every decision and setting of a campaign."""
    member = manager_or_403(request, slug)
    return _trail(request, member.campaign, slug)


@login_required
@never_cache
@require_safe
def of_site(request: HttpRequest) -> HttpResponseBase:
    """The same of all campaigns."""
    if not request.user.has_perm("annotation.view_event"):
        raise PermissionDenied("Only site admins see what happened in all campaigns.")
    return _trail(request, None, "site")


def _trail(request: HttpRequest, campaign: Campaign | None, name: str) -> HttpResponseBase:
    search = Search(request.GET)
    events = audit.trail(campaign, search.wanted)
    if request.GET.get("as") == "csv":
        response = StreamingHttpResponse(audit.lines(events), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}-history-{now():%Y-%m-%d}.csv"'
        return response
    # By where the last page ended and not by number: so a page costs the same however many come before it, and shows nothing twice.
    older = request.GET.get("older", "")
    found = list((events.filter(pk__lt=int(older)) if older.isdecimal() and len(older) < 18 else events)[: SHOWN + 1])
    asked = {key: value for key, value in request.GET.items() if key not in ("older", "as") and value}
    context = {
        "campaign": campaign,
        "search": search,
        "rows": [
            {"event": one, "words": linked.event(one, one.campaign.slug, manages=True), "changes": audit.changes(one)}
            for one in found[:SHOWN]
        ],
        "older": urlencode(asked | {"older": str(found[SHOWN - 1].pk)}) if len(found) > SHOWN else "",
        "newest": urlencode(asked) if older else None,
        "csv": urlencode(asked | {"as": "csv"}),
    }
    return render(request, "hub/audit.html", context, status=400 if search.errors else 200)
