"""What the rounds changed, over people's minutes or over money instead of over rounds."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.pages.access import researcher_or_403
from annotation.selectors.effort import effort
from hub.pages.charts.rounds import Axis, of_rounds
from learner import selectors

MINUTES, MONEY = "minutes", "money"


@login_required
@never_cache
@require_safe
def over_effort(request: HttpRequest, slug: str) -> HttpResponse:
    """`?axis=money`: over what answers are worth, where anybody is paid; else over minutes of clips answered."""
    member = researcher_or_403(request, slug)
    spent, turns = effort(member.campaign), selectors.history(member.campaign)
    axes = {MINUTES: Axis("minutes of clips answered", spent.minutes_until)}
    if spent.currency:
        axes[MONEY] = Axis(f"pay ({spent.currency})", spent.money_until)
    asked = request.GET.get("axis", "")
    chosen = asked if asked in axes else MINUTES
    current = selectors.current_checkpoint(member.campaign)
    context = {
        "campaign": member.campaign,
        "charts": of_rounds(member.campaign, turns, selectors.figures(member.campaign), current, axes[chosen]),
        "axes": list(axes),
        "minutes": sum(spent.minutes.values()),
        "money": sum(spent.money.values()),
        "currency": spent.currency,
        "machine": sum(one.minutes for one in selectors.spent(member.campaign)),
        "chosen": chosen,
    }
    return render(request, "hub/over_effort.html", context)
