"""The study designer: how many people, answers, minutes and how much money a wanted consensus takes, from simulated crowds."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core import study as designing
from annotation.core.study import Cost, Wanted
from annotation.models import Campaign
from annotation.pages.access import manager_or_403
from annotation.selectors.study import Known, known
from hub.pages.charts.chart import Chart, Series
from hub.pages.fragments import Context

USUAL = Wanted()
MORE = 2  # answers to a clip that people may be asked for besides, where they disagree


def _number(least: float, most: float, initial: float, label: str, help_text: str) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    return forms.FloatField(min_value=least, max_value=most, initial=initial, label=label, help_text=help_text, widget=widget)


class StudyForm(forms.Form):
    """What a study is to reach, and with whom: the fields of `Wanted`."""

    f1 = _number(0.3, 0.99, USUAL.f1, "Wanted F1 of the consensus", "0-1: how well what people agree on meets the truth, moment by moment")
    minutes = _number(0.1, 600, USUAL.minutes, "Minutes of bleed agreed on", "25 seconds move a model half of the way that it can go")
    leak = _number(0.1, 60, USUAL.leak, "Seconds of bleed in a minute of clips", "of what people hear; chosen clips hold more than others")
    sensitivity = _number(0.3, 1, USUAL.sensitivity, "Share of the bleed that people mark", "0-1, of those who listen")
    spammers = _number(0, 0.6, USUAL.spammers, "Share of people who do not listen", "0-1; gold clips and a practice keep it low")
    clip_seconds = _number(10, 30, USUAL.clip_seconds, "Seconds of a clip", "10 to 30")
    pace = _number(
        1, 10, USUAL.pace, "Seconds of work for a second of a clip", "1: hearing it once; practised people who mark need up to 2"
    )
    minutes_each = _number(1, 6000, USUAL.minutes_each, "Minutes that a person gives", "all told")
    pay = _number(0, 1000, USUAL.pay, "Pay for an hour", "in your currency; 0: nothing")


assert set(StudyForm.base_fields) == {field.name for field in fields(Wanted)}


@login_required
@never_cache
@require_safe
def study(request: HttpRequest) -> HttpResponse:
    """Plan a campaign that is not made yet."""
    if not request.user.has_perm("annotation.add_campaign"):
        raise PermissionDenied("Only site admins make campaigns; ask the people who run this site.")
    return _page(request, None, Known(), clips_per_round=Campaign().clips_per_round)


@login_required
@never_cache
@require_safe
def study_of(request: HttpRequest, slug: str) -> HttpResponse:
    """Plan the rest of a campaign by what it knows of its own people and clips."""
    member = manager_or_403(request, slug)
    return _page(request, member.campaign, known(member.campaign), clips_per_round=member.campaign.clips_per_round)


def _page(request: HttpRequest, campaign: Campaign | None, own: Known, *, clips_per_round: int) -> HttpResponse:
    begins_with = asdict(USUAL) | ({"clip_seconds": campaign.clip_seconds} if campaign else {}) | _own(own)
    asked = begins_with | {name: request.GET[name] for name in StudyForm.base_fields if name in request.GET}
    form = StudyForm(asked)
    context: Context = {"campaign": campaign, "form": form, "own": own, "own_names": _own(own), "crowds": designing.crowds()}
    if form.is_valid():
        wanted = Wanted(**form.cleaned_data)
        rows = designing.costs(wanted)
        best = designing.chosen(rows)
        context |= {
            "wanted": wanted,
            "rows": [{"row": row, "chosen": row is best, "use": _use(campaign, wanted, row, clips_per_round)} for row in rows],
            "best": best,
            "most": max(rows, key=lambda row: row.expected.f1),
            "chart": _chart(wanted, rows),
            "use": _use(campaign, wanted, best, clips_per_round) if best else "",
        }
    return render(request, "hub/starting/study.html", context, status=200 if form.is_valid() else 400)


def _own(own: Known) -> dict[str, Any]:
    """What the campaign itself knows, within what the form takes."""
    found = {"sensitivity": own.sensitivity, "spammers": own.spammers, "leak": own.leak, "pace": own.pace}
    limits = {name: StudyForm.base_fields[name] for name in found}
    return {
        name: round(min(max(value, limits[name].min_value or 0), limits[name].max_value or value), 2)  # type: ignore[attr-defined]
        for name, value in found.items()
        if value is not None
    }


def _use(campaign: Campaign | None, wanted: Wanted, row: Cost, clips_per_round: int) -> str:
    """Where the campaign's form is filled in with a row."""
    n = row.expected.answers
    rules = {
        "clip_seconds": f"{wanted.clip_seconds:g}",
        "min_overlap": n,
        "max_overlap": n + MORE,
        "max_rounds": math.ceil(row.clips / clips_per_round),
    }
    page = reverse("campaign-settings", args=[campaign.slug]) if campaign else reverse("new-campaign")
    return f"{page}?{urlencode(rules)}"


def _chart(wanted: Wanted, rows: list[Cost]) -> Chart:
    """What more answers to a clip bring."""
    expected = [row.expected for row in rows]
    f1, low, high = ([round(getattr(one, name), 3) for one in expected] for name in ("f1", "low", "high"))
    return Chart(
        "chart-study",
        "F1 of the consensus by answers to a clip",
        [one.answers for one in expected],
        "answers to a clip",
        "frame F1",
        [Series("expected", f1, low, high), Series("wanted", [wanted.f1] * len(rows), kind="baseline", colour=1)],
        about="More is better.",
        whiskers="what 8 of 10 crowds reach",
    )
