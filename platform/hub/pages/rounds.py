"""The pages of a round, and of a roll-back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from annotation.models import Consensus, Estimate, Membership, Submission, Task, Track
from annotation.pages.access import manager_or_403, member_or_404
from annotation.pages.answer_lanes import Picture, picture
from annotation.selectors import chosen, rounds
from annotation.selectors.consensus import what_the_sound_decided
from annotation.selectors.tags import seconds_of_tags
from hub.pages import bases, songs, words
from hub.pages.fragments import Context, fragment, tables_of, unless_seen
from learner import selectors, services
from learner.models import Checkpoint, Round
from learner.selectors import Turn

SHOWN = 20  # clips on a page
STATES = {"open": Task.State.OPEN, "contested": Task.State.IN_REVIEW, "closed": Task.State.CLOSED, "withdrawn": Task.State.WITHDRAWN}


@login_required
@never_cache
@require_GET
def round_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Tasks of one round with what was marked, its figures and its verdict; htmx gets the changing part alone.

    `?state=` and `?page=`: which of its tasks; what nobody could have meant is passed over.
    """
    member = member_or_404(request, slug)
    turns = selectors.history(member.campaign)
    turn = next((one for one in turns if one.round.number == number), None)
    if turn is None:
        raise Http404
    progress = rounds.progress(member.campaign, number)
    found = selectors.figures(member.campaign)
    state = request.GET.get("state", "") if request.GET.get("state") in STATES else ""
    page = _page(member, number, state, request.GET.get("page", "")[:9], _n_tasks(progress, state))
    context = {
        "campaign": member.campaign,
        "member": member,
        "sees_people": member.sees_people,
        "turn": turn,
        "is_last": turn is turns[-1],
        "sentence": words.state(member.campaign, turn, progress, has_model=True, in_pool=1) if turn is turns[-1] else words.ended(turn),
        "verdict": words.verdict(turn),
        "songs": songs.section(member, turn.adaptation),
        "change": bases.change_of(member.campaign, turn, turns),
        "progress": progress,
        "tasks": _drawn(member, page),
        "page": page,
        "state": state,
        "states": list(STATES),
        "query": _query(state, page.number),
        "before": _query(state, page.number - 1),
        "after": _query(state, page.number + 1),
        "tables": tables_of(selectors.round_table(turn, found), member.campaign.wording),
        "has_test": bool(found.found) or member.campaign.tracks.filter(use=Track.Use.TEST).exists(),
        "consensus_seconds": _frozen_seconds(turn),
        "leaks": [(tag or "not said", seconds) for tag, seconds in seconds_of_tags(member.campaign, number)]
        if member.campaign.tags
        else [],
        "marked_seconds": rounds.marked_seconds(member.campaign, number),
    }
    body, digest = fragment(request, "hub/parts/round.html", context)
    if request.headers.get("HX-Request"):
        return unless_seen(request, body, digest)
    return render(request, "hub/round.html", context | {"body": body})


def _frozen_seconds(turn: Turn) -> float | None:
    if turn.feedback_set is None:
        return None
    return sum(item.end - item.start for item in turn.feedback_set.items.all())


def _query(state: str, page: int) -> str:
    return urlencode({name: value for name, value in (("state", state), ("page", page)) if value and value != 1})


def _n_tasks(progress: rounds.Progress, state: str) -> int:
    """How many tasks a round has, or of one state, which nobody needs to count again."""
    of_state = {"open": progress.open, "contested": progress.in_review, "closed": progress.closed, "withdrawn": progress.withdrawn}
    return of_state[state] if state else sum(of_state.values())


def _page(member: Membership, number: int, state: str, page: str, n_tasks: int) -> Page[Any]:
    """One page of a round's tasks, with all that is drawn of them."""
    accepted = (
        Submission.objects.filter(status=Submission.Status.ACCEPTED)
        .select_related("by")
        .prefetch_related("marks", "missing")
        .order_by("pk")
    )
    estimates = Estimate.objects.filter(track=OuterRef("track"), stem=OuterRef("stem"), checkpoint=OuterRef("checkpoint"))
    tasks = (
        rounds.tasks_of(member.campaign, number)
        .select_related("track", "campaign")
        .annotate(separated=Exists(estimates))  # what was separated long ago may be tidied away
        .prefetch_related(
            Prefetch("submissions", accepted, to_attr="answers"),
            Prefetch("consensuses", Consensus.objects.order_by("-version").prefetch_related("regions", "missing"), to_attr="agreed"),
        )
        .order_by("pk")
    )
    pages = Paginator(tasks.filter(state=STATES[state]) if state else tasks, SHOWN)
    pages.count = n_tasks
    return pages.get_page(page)


def _drawn(member: Membership, tasks: Page[Any]) -> list[Context]:
    """These tasks; who may still be asked sees nothing of other people's answers, lest they colour their own.

    Nobody is named where a reviewer decides, lest the person be judged.
    """
    named = member.sees_people

    def drawn(task: Any) -> Picture:
        names = named and task.state != Task.State.IN_REVIEW
        return picture(task, task.answers, task.agreed[0] if task.agreed else None, member, names=names)

    return [
        {
            "task": task,
            "n_answers": len(task.answers),
            "certainty": task.agreed[0].certainty if task.agreed else None,
            "shown": shown,
            "chosen": chosen.in_words(task) if member.reviews or member.manages else "",
            "sound": what_the_sound_decided(task, task.agreed[0] if task.agreed else None) if shown else "",
            "picture": drawn(task) if shown else None,
            "heard": member.reviews and task.separated,
        }
        for task in tasks
        for shown in [named or task.state != Task.State.OPEN]
    ]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def freeze(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Freeze what was agreed on so far instead of waiting for the rest of the answers; GET asks first."""
    member = manager_or_403(request, slug)
    round_ = get_object_or_404(Round.objects.select_related("campaign"), campaign=member.campaign, number=number)
    if request.method == "GET":
        progress = rounds.progress(member.campaign, number)
        return render(request, "hub/freeze.html", {"campaign": member.campaign, "round": round_, "progress": progress})
    if services.is_held_up(campaign=member.campaign):
        member.campaign.refresh_from_db(fields=["held_up"])
        messages.error(request, f"Not frozen, since the model could not learn now. {member.campaign.held_up}")
    elif services.freeze_feedback(round_=round_, who=member):
        messages.success(request, f"Round {number} is frozen: the model learns from it as soon as a worker is free.")
    else:
        messages.warning(request, f"Nothing to learn from in round {number}: nothing was agreed on, or it was frozen before.")
    return redirect("campaign", slug)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def roll_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the parent of the checkpoint that the page showed current again; GET asks first."""
    member = manager_or_403(request, slug)
    hash_ = request.POST.get("seen") or request.GET.get("seen", "")
    seen = get_object_or_404(Checkpoint.objects.select_related("parent"), hash=hash_)
    if request.method == "GET":
        current = selectors.current_checkpoint(member.campaign)
        context = {
            "campaign": member.campaign,
            "seen": seen,
            "back": selectors.used_before(member.campaign, seen),
            "is_current": seen == current,
            "is_base": seen.parent is None,
        }
        return render(request, "hub/roll_back.html", context)
    try:
        back = services.roll_back(campaign=member.campaign, seen=seen, who=member)
    except (services.StaleModel, services.NothingToJudge) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Rolled back: the campaign uses checkpoint {back.short} again.")
    return redirect("campaign", slug)
