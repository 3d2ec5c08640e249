"""What people do in a campaign: pace and forecast, agreement, errors, what waits for reviewers, and where newcomers stop."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.forecast import Forecast
from annotation.core.kinds_of_errors import Errors
from annotation.core.steadiness import LEAST, Measured
from annotation.core.words import count
from annotation.models import Campaign, Membership
from annotation.pages.access import observer_or_403
from annotation.selectors import crowd, marking, rounds
from annotation.selectors.marking import Marking
from hub.pages.fragments import Context
from learner.models import Round

NAMED = 5  # people of each kind of error
LONG = 30 * 24.0  # hours; a forecast of more is none
SAID = 10  # judged answers of one person, before anything is said of them
SHOWN = 50  # clips on a page


@dataclass(frozen=True)
class KindOfError:
    """One of the seconds in `Errors`, in words."""

    name: str
    words: str
    most: str  # of those who make most of it
    meaning: str

    def of(self, errors: Errors) -> float:
        return float(getattr(errors, self.name))


KINDS = (
    KindOfError("missed", "Missed whole", "Miss most", "Missed: regions that no mark touches."),
    KindOfError("extra", "Too much", "Mark most too much", "Too much: marks that touch no region."),
    KindOfError("edges", "Edges", "Edges most off", "Edges: all else that differs from what is true."),
)


@login_required
@never_cache
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """For those who may see who did what."""
    member = observer_or_403(request, slug)
    campaign = member.campaign
    answers = marking.judged_lately(campaign)
    everybody = Marking(tuple(answers))
    days = crowd.days(campaign)
    context = {
        "campaign": campaign,
        "member": member,
        "days": days,
        "most": max(day.answers for day in days) or 1,
        "everybody": everybody,
        "kinds": [{"name": kind.name, "words": kind.words, "rate": kind.of(everybody.per_minute)} for kind in KINDS],
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
    value, low, high = map(lasting, (found.value, found.low, found.high))
    between = "" if low == high else f" ({low} to {high})" if found.high < LONG else f" (at least {low})"
    come = "the last one comes" if missing == 1 else f"the {missing} that are missing come"
    return f"{still}At the pace of {pace} {come} in about {value}{between}."


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
    found: list[Context] = []
    for kind in KINDS:
        values = {pk: kind.of(one.per_minute) for pk, one in enough.items()}
        ordered = sorted(values, key=values.__getitem__, reverse=True)[:NAMED]
        rows = [{"person": names[pk], "value": values[pk], "n": enough[pk].n} for pk in ordered if values[pk] > 0]
        found.append({"title": kind.most, "name": kind.name, "rows": rows})
    falls: list[tuple[int, Measured]] = [(pk, one) for pk, one in drifts.items() if one and one.high < 0]
    falling = [{"person": names[pk], "value": one.value, "n": one.n} for pk, one in sorted(falls, key=lambda row: row[1].value)[:NAMED]]
    return [*found, {"title": "Agreement falls", "name": "", "rows": falling}]


@login_required
@never_cache
@require_safe
def clips(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The clips behind a kind of errors, of everybody or of one `?person=`, those with most of it first."""
    member = observer_or_403(request, slug)
    campaign = member.campaign
    asked = next((one for one in KINDS if one.name == kind), None)
    if asked is None:
        raise Http404
    wanted = request.GET.get("person", "")[:18]
    person = get_object_or_404(campaign.memberships, pk=int(wanted) if wanted.isdecimal() else 0) if wanted else None
    judged = marking.judged_lately(campaign, None if person is None else [person.pk])
    wrong = sorted((one for one in judged if asked.of(one.errors) > 0), key=lambda one: -asked.of(one.errors))
    page = Paginator(wrong, SHOWN).get_page(request.GET.get("page", "")[:9])
    tasks = campaign.tasks.select_related("track").in_bulk([one.task for one in page])
    people = campaign.memberships.in_bulk([one.by for one in page])
    rows = [{"task": tasks[one.task], "person": people[one.by], "seconds": asked.of(one.errors), "true": one.errors.true} for one in page]
    context = {"campaign": campaign, "member": member, "kind": asked, "person": person, "page": page, "rows": rows}
    return render(request, "hub/crowd_clips.html", context | {"latest": marking.LATEST})
