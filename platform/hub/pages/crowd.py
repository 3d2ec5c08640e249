"""What people do in a campaign: pace and forecast, agreement, errors, what waits for reviewers, and where newcomers stop."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.forecast import Forecast
from annotation.core.steadiness import LEAST, Measured
from annotation.core.words import count
from annotation.models import Campaign, Membership
from annotation.pages.access import observer_or_403
from annotation.selectors import crowd, marking, rounds
from annotation.selectors.marking import Marking
from hub.pages.fragments import Context
from learner.models import Round

NAMED = 5  # people of each kind of error
SAID = 10  # judged answers of one person, before anything is said of them


@login_required
@never_cache
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """For those who may see who did what."""
    member = observer_or_403(request, slug)
    campaign = member.campaign
    answers = marking.judged_lately(campaign)
    days = crowd.days(campaign)
    context = {
        "campaign": campaign,
        "member": member,
        "days": days,
        "most": max(day.answers for day in days) or 1,
        "everybody": Marking(tuple(answers)),
        "latest": marking.LATEST,
        "worst": _worst(campaign, marking.by_person(answers)),
        "said": SAID,
        "drift_needs": 2 * LEAST,
        "agreed": crowd.agreed(campaign),
        "backlog": crowd.backlog(campaign),
        "newcomers": crowd.newcomers(campaign),
        **_under_way(campaign),
    }
    return render(request, "hub/crowd.html", context)


def _under_way(campaign: Campaign) -> Context:
    """The round that people listen to, and when it will be answered."""
    round_ = campaign.rounds.filter(state=Round.State.ANNOTATING).first()
    if round_ is None:
        return {"round": None}
    progress = rounds.progress(campaign, round_.number)
    return {
        "round": round_,
        "progress": progress,
        "forecast": in_words(crowd.forecast_of(campaign, progress, round_.number, round_.opened), progress),
    }


def in_words(found: Forecast | None, progress: rounds.Progress) -> str:
    """A forecast as a sentence or two; empty: nothing is missing."""
    missing = progress.wanted - progress.answers
    if missing <= 0:
        return ""
    if found is None:
        came = count(sum(progress.by_hour), "answer")
        return f"{came} came to this round in the last day: too few to say when the {missing} that are missing will have come."
    still = "Nobody has answered for an hour. " if found.nobody_now else ""
    pace = f"the last {lasting(found.hours)} ({found.answers} answers)"
    if found.of_round is not None:
        pace = f"round {found.of_round} ({found.answers} answers within {lasting(found.hours)})"
    return (
        f"{still}At the pace of {pace} the {missing} that are missing come in about "
        f"{lasting(found.value)} ({lasting(found.low)} to {lasting(found.high)})."
    )


def lasting(hours: float) -> str:
    """ "40 min", "3 h", "2 days"."""
    if hours < 1:
        return f"{max(1, round(60 * hours))} min"
    return f"{round(hours)} h" if hours < 48 else f"{round(hours / 24)} days"


def _worst(campaign: Campaign, people: dict[int, Marking]) -> list[Context]:
    """Of each kind of error, those who make most of it, and those whose agreement falls; only who was judged often enough."""
    enough = {pk: one for pk, one in people.items() if one.n >= SAID}
    names = {one.pk: one for one in Membership.objects.filter(pk__in=enough, campaign=campaign)}
    drifts = {pk: one.drift for pk, one in enough.items()}
    kinds: list[tuple[str, str, Callable[[Marking], float]]] = [
        ("Miss most", "s/min", lambda one: one.per_minute.missed),
        ("Mark most too much", "s/min", lambda one: one.per_minute.extra),
        ("Edges most off", "s/min", lambda one: one.per_minute.edges),
    ]
    found: list[Context] = []
    for title, unit, figure in kinds:
        ordered = sorted(enough, key=lambda pk: figure(enough[pk]), reverse=True)[:NAMED]
        rows = [{"person": names[pk], "value": figure(enough[pk]), "n": enough[pk].n} for pk in ordered if figure(enough[pk]) > 0]
        found.append({"title": title, "unit": unit, "rows": rows})
    falls: list[tuple[int, Measured]] = [(pk, one) for pk, one in drifts.items() if one and one.high < 0]
    falling = [{"person": names[pk], "value": one.value, "n": one.n} for pk, one in sorted(falls, key=lambda row: row[1].value)[:NAMED]]
    return [*found, {"title": "Agreement falls", "unit": "", "rows": falling}]
