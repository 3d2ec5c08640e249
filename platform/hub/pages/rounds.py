"""The page of a round, with its clips as a part of its own; and that of a roll-back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from annotation.models import Consensus, Estimate, Membership, Submission, Task, Track
from annotation.pages.access import manager_or_403, member_or_404
from annotation.pages.answer_lanes import Picture, picture
from annotation.selectors import chosen, rounds
from annotation.selectors.consensus import what_the_sound_decided
from annotation.selectors.tags import of_tags
from hub.pages import bases, songs, words
from hub.pages.fragments import Context, fragment, tables_of, unless_seen
from learner import selectors, services
from learner.models import Checkpoint, Round

SHOWN = 20  # clips on a page
STATES = {
    "open": Q(state=Task.State.OPEN),
    "in review": Q(state=Task.State.IN_REVIEW),
    "contested": Q(contested=True) & ~Q(state=Task.State.WITHDRAWN),  # whether a reviewer has decided since or not
    "closed": Q(state=Task.State.CLOSED),
    "withdrawn": Q(state=Task.State.WITHDRAWN),
}


@login_required
@never_cache
@require_GET
def round_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What came of one round, its figures and its verdict; its clips ask for themselves. htmx gets the changing part alone."""
    member = member_or_404(request, slug)
    turns = selectors.history(member.campaign)
    turn = next((one for one in turns if one.round.number == number), None)
    if turn is None:
        raise Http404
    progress = rounds.progress(member.campaign, number)
    found = selectors.figures(member.campaign)
    context = {
        "campaign": member.campaign,
        "member": member,
        "turn": turn,
        "is_last": turn is turns[-1],
        "sentence": words.state(member.campaign, turn, progress, has_model=True, in_pool=1) if turn is turns[-1] else words.ended(turn),
        "verdict": words.verdict(turn),
        "songs": songs.section(member, turn.adaptation),
        "change": bases.change_of(member.campaign, turn, turns),
        "progress": progress,
        "query": _query(*_asked(request)),
        "tables": tables_of(selectors.round_table(turn, found), member.campaign.wording),
        "has_test": bool(found.found) or member.campaign.tracks.filter(use=Track.Use.TEST).exists(),
        "consensus_seconds": turn.feedback_set.seconds() if turn.feedback_set else None,
        "leaks": of_tags(member.campaign, number) if member.campaign.tags else [],
        "marked_seconds": rounds.marked_seconds_in(member.campaign, number),
    }
    body, digest = fragment(request, "hub/parts/round.html", context)
    if request.headers.get("HX-Request"):
        return unless_seen(request, body, digest)
    return render(request, "hub/round.html", context | {"body": body})


@login_required
@never_cache
@require_GET
def clips(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The clips of one round with what was marked, a part of its page.

    `?state=` and `?page=`: which of them; what nobody could have meant is passed over.
    """
    member = member_or_404(request, slug)
    round_ = get_object_or_404(Round, campaign=member.campaign, number=number)
    state, asked = _asked(request)
    page = _page(member, number, state, asked)
    context = {
        "campaign": member.campaign,
        "member": member,
        "round": round_,
        "tasks": _drawn(member, page),
        "page": page,
        "state": state,
        "states": list(STATES),
    }
    return unless_seen(request, *fragment(request, "hub/parts/round_clips.html", context))


def _asked(request: HttpRequest) -> tuple[str, int]:
    """State and page that are asked for; "" is every state."""
    state, page = request.GET.get("state", ""), request.GET.get("page", "")[:9]
    return state if state in STATES else "", int(page) if page.isdecimal() else 1


def _query(state: str, page: int) -> str:
    return urlencode({name: value for name, value in (("state", state), ("page", page)) if value and value != 1})


def _page(member: Membership, number: int, state: str, page: int) -> Page[Any]:
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
    return Paginator(tasks.filter(STATES[state]) if state else tasks, SHOWN).get_page(page)


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
