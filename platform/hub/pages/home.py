"""The front page, and the home of who steers campaigns: how each stands, and what waits for a person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.words import count
from annotation.pages import queue
from hub import disk
from hub.pages import words
from learner.models import Round
from learner.selectors.standing import Standing, managed, standings

SHOWN = 20  # campaigns on one page


@login_required
def front(request: HttpRequest) -> HttpResponse:
    """Who steers one campaign sees that, who steers several their home, and everybody else the queue."""
    first = list(managed(request.user).values_list("slug", flat=True)[:2])
    if not first:
        return queue.queue(request)
    return redirect("campaign", first[0]) if len(first) == 1 else redirect("home")


@login_required
@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Each campaign that this person steers: its round, its people, its problems, and what waits."""
    page = Paginator(managed(request.user), SHOWN).get_page(request.GET.get("page"))
    rows = [shown(one) for one in standings(page)]
    waiting = sum(bool(row["waits"] or row["problems"] or row["lacks"]) for row in rows)
    context = {"rows": rows, "page": page, "n_waiting": waiting, "disk": disk.wrong() if rows else None}
    return render(request, "hub/home.html", context)


def shown(standing: Standing) -> dict[str, Any]:
    """What a line about a campaign says: how it stands, and what waits."""
    campaign, turn = standing.campaign, standing.turn
    listening = turn is not None and turn.round.state == Round.State.ANNOTATING
    return {
        "campaign": campaign,
        "sentence": words.state(campaign, turn, standing.progress, campaign.has_model, campaign.in_pool),
        "turn": turn,
        "progress": standing.progress if listening else None,
        "waits": [
            {"words": f"{words_of} {'waits' if n == 1 else 'wait'} {to_do}", "url": reverse(name, args=[campaign.slug])}
            for n, words_of, to_do, name in _waits(campaign)
            if n
        ],
        "problems": list(_problems(standing)),
        "lacks": list(_lacks(standing)),
    }


def _waits(campaign: Any) -> list[tuple[int, str, str, str]]:
    """How many, of what, what for, and the page where it is done."""
    return [
        (campaign.in_review, count(campaign.in_review, "clip"), "for a reviewer", "reviews"),
        (campaign.open_notes, count(campaign.open_notes, "note"), "for a reply", "notes"),
        (campaign.appeals, count(campaign.appeals, "appeal"), "against a pause to be decided", "people"),
        (campaign.set_aside, count(campaign.set_aside, "song"), "to be looked at: set aside", "tracks"),
    ]


def _problems(standing: Standing) -> list[dict[str, str]]:
    """What went wrong last, and where it is told."""
    campaign, turn, found = standing.campaign, standing.turn, []
    if campaign.failed:
        found.append({"words": "The base could not be brought.", "url": reverse("campaign", args=[campaign.slug]) + "#base"})
    if turn is None:
        return found
    there = reverse("round", args=[campaign.slug, turn.round.number])
    if turn.round.state == Round.State.FAILED:
        failed = [job for job in turn.jobs if job.reason]
        found.append({"words": f"Round {turn.round.number} failed{f': {failed[0].reason}' if failed else '.'}", "url": there})
    if turn.round.state == Round.State.REFUSED:
        reasons = turn.adaptation.reasons if turn.adaptation else []
        found.append({"words": f"The gate refused round {turn.round.number}{f': {reasons[0]}' if reasons else '.'}", "url": there})
    if any(job.waits_for_room for job in turn.jobs):
        found.append({"words": "A job waits for room on the disk.", "url": reverse("campaign", args=[campaign.slug])})
    return found


def _lacks(standing: Standing) -> list[dict[str, str]]:
    """What the campaign needs before its first round, and is not there yet."""
    campaign = standing.campaign
    if standing.turn is not None:
        return []
    wanted = [
        (campaign.in_pool, "Songs that people listen to", reverse("add-songs", args=[campaign.slug])),
        (campaign.has_model or campaign.brings_base, "A base", reverse("campaign", args=[campaign.slug]) + "#base"),
        (campaign.n_people > 1, "People", reverse("links", args=[campaign.slug])),
    ]
    return [{"words": what, "url": url} for there, what, url in wanted if not there]
