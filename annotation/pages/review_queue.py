"""The reviewers' queue: ordered and narrowed, and what is clear in it accepted together."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.words import count
from annotation.models import Membership, Referral, Task
from annotation.pages.access import reviewer_or_403
from annotation.pages.answer_lanes import picture
from annotation.selectors import anonymous_answers, review_queue, reviews
from annotation.selectors.review_queue import ORDERS, WITH, View
from annotation.services.many_reviews import accept_together, undo_together

CLEAR = 0.8  # certain; what a preview begins with
MOST_AT_ONCE = 50  # clips of one preview


@login_required
@never_cache
@require_safe
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a reviewer, in the order that they ask for; and what was decided lately."""
    member = reviewer_or_403(request, slug)
    view = View.of(request.GET.dict())
    tasks = review_queue.in_order(member.campaign, view, member)
    held = review_queue.held_by(member.campaign, member)
    pages = Paginator(tasks, reviews.AT_ONCE)
    if not (view.person or view.track or view.tag):
        pages.count = held[view.held]  # counted already
    page = pages.get_page(request.GET.get("page"))
    rows = _rows(reviews.with_agreement(tasks[page.start_index() - 1 : page.end_index()], member.campaign) if page.paginator.count else [])
    decided = reviews.decided_lately(member.campaign)
    at_once = any(one.by_id == member.pk and "together" in one.parameters for one in decided)
    names = member.sees_people and (view.person is not None or "people" in request.GET)
    context = {
        "campaign": member.campaign,
        "member": member,
        "rows": rows,
        "view": view,
        "page": page,
        "n_waiting": page.paginator.count,
        "held": held,
        "holders": [(name, words, held[name]) for name, words in WITH.items()],
        "orders": ORDERS,
        "songs": review_queue.songs_waiting(member.campaign),
        "people": review_queue.people_waiting(member.campaign) if names else [],
        "may_name": member.sees_people,
        "decided": decided,
        "together": reviews.accepted_together(member) if at_once else [],
        "n_open": Task.objects.filter(campaign=member.campaign, kind=Task.Kind.POOL, state=Task.State.OPEN).count() if not rows else 0,
    }
    return render(request, "annotation/reviews.html", context)


def _rows(waiting: list[reviews.Waiting]) -> list[dict[str, Any]]:
    referrals: dict[int, list[Referral]] = {}
    for one in Referral.objects.filter(task__in=[one.task.pk for one in waiting], done=None).select_related("to"):
        referrals.setdefault(one.task_id, []).append(one)
    return [
        {
            "waiting": one,
            "picture": picture(one.task, one.answers, one.consensus, None, names=False, others="Person"),
            "referrals": referrals.get(one.task.pk, []),
        }
        for one in waiting
    ]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, slug: str) -> HttpResponse:
    """Which clips have a consensus that is certain enough, to look through; and those of them that are accepted together."""
    member = reviewer_or_403(request, slug)
    view = View.of(request.GET.dict())
    if request.method == "POST":
        return _accepted(request, member, view)
    certain = _share(request.GET.get("certain", ""))
    tasks = review_queue.clear(member.campaign, view, member, certain)
    rows = _rows(reviews.with_agreement(tasks[:MOST_AT_ONCE], member.campaign))
    for row in rows:
        row["seen"] = anonymous_answers.seen_of(row["waiting"].task)
    context = {
        "campaign": member.campaign,
        "view": view,
        "kept": view.said,
        "certain": certain,
        "rows": rows,
        "n": tasks.count(),
        "n_all": review_queue.in_order(member.campaign, view, member).count(),
    }
    return render(request, "annotation/accept_reviews.html", context)


def _share(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return CLEAR


def _accepted(request: HttpRequest, member: Membership, view: View) -> HttpResponse:
    seen = dict(one.split(":", 1) for one in request.POST.getlist("clip")[:MOST_AT_ONCE] if ":" in one)
    known = Task.objects.filter(campaign=member.campaign, pk__in=[pk for pk in seen if pk.isdigit() and len(pk) < 18])
    made = accept_together(shown=[(task, seen[str(task.pk)]) for task in known.order_by("pk")], by=member)
    left = f" {count(made.left, 'clip')} had changed meanwhile, and still {'waits' if made.left == 1 else 'wait'}." if made.left else ""
    said = f"Accepted the consensus on {count(made.done, 'clip')}.{left}"
    if made.done:
        messages.success(
            request, format_html('{} <a href="{}#decided">Take it back</a>', said, reverse("reviews", args=[member.campaign.slug]))
        )
    else:
        messages.warning(request, f"Nothing was accepted.{left}" if left else "Choose at least one clip.")
    return redirect(reverse("reviews", args=[member.campaign.slug]) + view.query)


@login_required
@require_POST
def undo(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Take back what was accepted together."""
    member = reviewer_or_403(request, slug)
    undone = undo_together(name=name, by=member)
    left = f" {count(undone.left, 'decision')} stood: decided anew, or used by a round." if undone.left else ""
    if undone.done:
        messages.success(request, f"Took {count(undone.done, 'decision')} back.{left}")
    else:
        messages.warning(request, f"Nothing was taken back.{left}")
    return redirect("reviews", slug)
