"""Campaigns side by side, for those who may take their data home; and all campaigns of the site, for those who run it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.panels import csv_line
from annotation.core.words import count
from annotation.models import Campaign
from hub.pages.charts.chart import Chart, Series, csv_address, said
from hub.pages.fragments import Context
from hub.pages.home import shown
from learner.selectors.comparison import Compared, comparable, compare
from learner.selectors.figures import Figure
from learner.selectors.standing import all_campaigns, standings

MOST = 6  # campaigns side by side
OFFERED = 200  # by name; others are reached by their address
SHOWN = 20  # campaigns on a page of the site


@login_required
@never_cache
@require_safe
def comparing(request: HttpRequest) -> HttpResponse:
    """Two to six campaigns, `?campaign=` their slugs: what they cost, and what came of it. Those that one may not see are passed over."""
    mine = comparable(request.user)
    wanted = [slug.replace("\0", "") for slug in request.GET.getlist("campaign")]
    chosen = list(mine.filter(slug__in=wanted[: 2 * MOST])[:MOST])
    rows = compare(chosen) if len(chosen) > 1 else []
    lines = _lines(rows)
    context = {
        "offered": list(mine[:OFFERED]),
        "chosen": chosen,
        "most": MOST,
        "rows": rows,
        "lines": lines,
        "csv": csv_address(_csv(rows, lines)),
        "chart": _chart(rows) if rows else None,
        "asked": bool(wanted),
    }
    return render(request, "hub/comparing.html", context)


def _lines(rows: list[Compared]) -> list[tuple[str, list[str]]]:
    """The table: a line for each thing that is compared, a cell for each campaign."""
    return [
        ("State", [_state(one) for one in rows]),
        ("Songs in the pool", [str(one.songs) for one in rows]),
        ("People who answered", [str(one.people) for one in rows]),
        ("Answers", [str(one.answers) for one in rows]),
        ("Minutes of clips answered", [f"{one.minutes:.0f}" for one in rows]),
        ("Pay", [", ".join(f"{amount:.2f} {currency}" for currency, amount in one.pay.items()) or "none" for one in rows]),
        ("Minutes of workers", [f"{one.worker_minutes:.0f}" for one in rows]),
        ("Leak of the base, s per minute", [_figure(one.leak_at_start) for one in rows]),
        ("Leak now, s per minute", [_figure(one.leak_now) for one in rows]),
        ("Leak now against the base", [_share(one.leak_at_start, one.leak_now) for one in rows]),
        ("Rounds promoted", [str(one.promoted) for one in rows]),
        ("Rounds refused", [str(one.refused) for one in rows]),
        ("Answers a clip", ["" if one.answers_a_clip is None else f"{one.answers_a_clip:.1f}" for one in rows]),
        ("Clips agreed on without a reviewer", ["" if one.agreed is None else f"{100 * one.agreed:.0f} %" for one in rows]),
    ]


def _state(one: Compared) -> str:
    campaign, last = one.campaign, one.turns[-1].round if one.turns else None
    halted = "archived" if campaign.archived else "ended" if campaign.ended else "paused" if campaign.paused else ""
    how = f"round {last.number}: {last.get_state_display().lower()}" if last else "no round yet"
    return f"{halted}, {how}" if halted else how


def _figure(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return ""
    interval = f" ({figure.low:.1f} to {figure.high:.1f})" if figure.low is not None and figure.high is not None else ""
    return f"{said(figure.value)}{interval}"


def _share(before: Figure | None, after: Figure | None) -> str:
    if before is None or after is None or not before.value or after.value is None:
        return ""
    percent = round(100 * (after.value / before.value - 1))
    return f"{abs(percent)} % {'less' if percent < 0 else 'more'}" if percent else "as it was"


def _csv(rows: list[Compared], lines: list[tuple[str, list[str]]]) -> str:
    return "".join(csv_line(line) for line in [["", *(one.campaign.name for one in rows)], *([what, *cells] for what, cells in lines)])


def _chart(rows: list[Compared]) -> Chart:
    """Leak over the minutes that people listened to; each campaign has a line, and a point for each round that was judged."""
    at = sorted({round(one.minutes, 2) for row in rows for one in row.course})
    names: dict[float, list[str]] = {minutes: [] for minutes in at}
    links = dict.fromkeys(at, "")
    series = []
    for n, row in enumerate(rows):
        leaks = {round(one.minutes, 2): one for one in row.course}
        for minutes, one in leaks.items():
            if one.round:
                names[minutes].append(f"{row.campaign.name} round {one.round}")
                links[minutes] = reverse("round", args=[row.campaign.slug, one.round])
        figures = [leaks[minutes].leak if minutes in leaks else None for minutes in at]
        series.append(Series.of(row.campaign.name, figures, colour=n, spans=True))
    return Chart(
        "chart-comparison",
        "Leak in silence on target test songs, over minutes of clips answered",
        at,
        "minutes of clips answered",
        "s per minute",
        series,
        names=[f"{minutes:g} minutes" + (f": {', '.join(names[minutes])}" if names[minutes] else "") for minutes in at],
        links=[links[minutes] for minutes in at],
        least=1.0,
        from_zero=True,
        about="Less is better. Each campaign is measured on test songs of its own.",
    )


@login_required
@never_cache
@require_safe
def site(request: HttpRequest) -> HttpResponse:
    """Every campaign of the site with what waits there, those in which most waits first; for those who run it."""
    if not request.user.has_perm("annotation.view_campaign"):
        raise PermissionDenied("Only site admins see all campaigns.")
    page = Paginator(all_campaigns(), SHOWN).get_page(request.GET.get("page", "")[:9])
    mine = set(Campaign.objects.filter(memberships__user=request.user.pk, memberships__active=True).values_list("pk", flat=True))
    rows = [shown(one) | {"is_mine": one.campaign.pk in mine} for one in standings(page)]
    context: Context = {"rows": rows, "page": page, "n": count(page.paginator.count, "campaign")}
    return render(request, "hub/site.html", context)
