"""Pages of a campaign. Members see how the loop stands; reviewers see people too; owners and managers steer.

Each page is made of fragments that re-fetch themselves (templates/dashboard/parts/). Who may see what is decided here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import services as annotating
from annotation.models import Consensus, Membership, Submission, Task, Track
from annotation.pages.access import manager_or_403, member_or_404
from annotation.pages.answer_lanes import Picture, picture
from annotation.selectors import people, reviews, rounds
from annotation.selectors import queue as annotation_selectors
from annotation.selectors.tracks import track_counts, tracks_to_look_at
from hub import disk
from hub.dashboard import words
from learner import selectors, services
from learner.models import Checkpoint, Round
from learner.selectors import Curve, Table, Turn

Context = dict[str, Any]
ASIDE_SHOWN = 3  # tracks set aside that the campaign's page names
CHARTS = {
    "leak": ("Leak in silence", "false_positive_seconds_per_minute", "seconds per minute"),
    "voice": ("Voice kept", "voice_kept_db", "dB"),
    "sdr": ("SDR, median of active frames", "sdr_median", "dB"),
}


def _sees_people(member: Membership) -> bool:
    return member.role != Membership.Role.ANNOTATOR


# ---------------------------------------------------------------- the campaign's page


@login_required
@never_cache
@require_GET
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """How the campaign stands: all sections that this member may see."""
    member = member_or_404(request, slug)
    turns = selectors.history(member.campaign)
    sections = [{"section": one, "body": _body(request, one, member, turns)[0]} for one in SECTIONS.values() if one.open_to(member)]
    return render(request, "dashboard/campaign.html", {"campaign": member.campaign, "member": member, "sections": sections})


@login_required
@never_cache
@require_GET
def section(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One section of the campaign's page."""
    member = member_or_404(request, slug)
    if name not in SECTIONS or not SECTIONS[name].open_to(member):
        raise Http404
    return _unless_seen(request, *_body(request, SECTIONS[name], member, selectors.history(member.campaign)))


def _body(request: HttpRequest, section: Section, member: Membership, turns: list[Turn]) -> tuple[SafeString, str]:
    context = {"campaign": member.campaign, "member": member, section.name: section.context(member, turns)}
    return _fragment(request, f"dashboard/parts/{section.name}.html", context)


def _fragment(request: HttpRequest, template: str, context: Context) -> tuple[SafeString, str]:
    """A part of a page, and the digest that it carries, which the page sends when it asks again."""
    html = render_to_string(template, context, request)
    digest = hashlib.sha256(re.sub(r'(name="csrfmiddlewaretoken" value=)"[^"]*"', "", html).encode()).hexdigest()[:16]
    return format_html('<input type="hidden" name="seen" value="{}">{}', digest, html), digest


def _unless_seen(request: HttpRequest, html: SafeString, digest: str) -> HttpResponse:
    """204 when the page shows this already, so that nothing jumps under a reader's hand."""
    return HttpResponse(status=204) if request.GET.get("seen") == digest else HttpResponse(html)


def _state(member: Membership, turns: list[Turn]) -> Context:
    campaign = member.campaign
    last = turns[-1] if turns else None
    progress = rounds.progress(campaign, last.round.number) if last else None
    tracks = track_counts(campaign)
    aside = list(tracks_to_look_at(campaign)[:ASIDE_SHOWN]) if member.manages and tracks.to_look_at else []
    has_model = last is not None or selectors.current_checkpoint(campaign) is not None
    return {
        "sentence": words.state(campaign, last, progress, has_model, tracks.in_pool),
        "turn": last,
        "progress": progress,
        "listening": last is not None and last.round.state == Round.State.ANNOTATING,
        "jobs": [{"job": job, "words": words.job(job), "took": words.took(job)} for job in _jobs_to_show(turns)],
        "own": annotation_selectors.own_progress(member),
        "disk": disk.wrong() if member.manages else None,
        "set_aside": aside,
        "more_aside": tracks.to_look_at - len(aside),
        "to_review": reviews.tasks_to_review(campaign).count() if member.reviews else 0,
    }


def _jobs_to_show(turns: list[Turn]) -> list[Any]:
    """Every job at work or waiting, whatever its round, and the last round's finished or failed ones."""
    return [job for turn in turns for job in turn.jobs if turn is turns[-1] or job.is_open][::-1]


def _figures(member: Membership, turns: list[Turn]) -> Context:
    found = selectors.figures(member.campaign)
    current = selectors.current_checkpoint(member.campaign)
    charts: list[Context] = [
        {"id": f"chart-{name}", "title": title, "curve": curve, "data": _chart(curve, unit), "metric": metric}
        for name, (title, metric, unit) in CHARTS.items()
        for curve in [selectors.curve(turns, found, metric, current)]
    ]
    return {
        "charts": [chart for chart in charts if chart["curve"].measured],
        "tables": _tables(selectors.campaign_table(turns, found, current)),
        "turns": [_verdict(turn, whole=turn is turns[-1]) for turn in reversed(turns)],
    }


def _verdict(turn: Turn, *, whole: bool) -> Context:
    """What the gate said of a round; of older rounds only the reasons that decided, which come first."""
    reasons = turn.adaptation.reasons if turn.adaptation else []
    shown = reasons if whole else reasons[:2]
    return {"turn": turn, "verdict": words.verdict(turn), "reasons": shown, "more": len(reasons) - len(shown)}


def _chart(curve: Curve, unit: str) -> Context:
    """What charts.js draws: the checkpoint in use as a line, refused children as points beside it."""
    series: list[Context] = [{"label": f"{domain} songs", "values": values} for domain, values in curve.kept.items()]
    series += [
        {"label": f"{domain}, refused child", "values": values, "dashed": True, "points_only": True, "colour": n}
        for n, (domain, values) in enumerate(curve.refused.items())
        if any(value is not None for value in values)
    ]
    return {"x": curve.rounds, "x_label": "round", "y_label": unit, "series": series}


def _tables(table: Table) -> list[Context]:
    """A table of figures for each domain that was measured, with a cell for each metric that anybody has."""
    tables = []
    for domain in (Track.Domain.TARGET, Track.Domain.SOURCE):
        rows = [(row, row.figures[domain]) for row in table]
        metrics = [metric for metric in words.METRICS if any(metric in figures for _, figures in rows)]
        if metrics:
            tables.append(
                {
                    "domain": domain,
                    "columns": [words.METRICS[metric] for metric in metrics],
                    "rows": [{"row": row, "cells": [figures.get(metric) for metric in metrics]} for row, figures in rows],
                }
            )
    return tables


def _people(member: Membership, turns: list[Turn]) -> Context:
    return {
        "rows": [
            {"person": person, "words": words.reliability(getattr(person, "reliability", None))}
            for person in people.people(member.campaign)
        ]
    }


def _checkpoints(member: Membership, turns: list[Turn]) -> Context:
    current = selectors.current_checkpoint(member.campaign)
    origin: dict[int, tuple[str, str]] = {}
    for turn in turns:
        origin.setdefault(turn.round.parent.pk, ("base", ""))
        if turn.adaptation and turn.adaptation.replay_only:
            origin.setdefault(turn.adaptation.replay_only.pk, (f"replay without feedback, round {turn.round.number}", "comparison"))
        if turn.child and turn.child != turn.parent:
            origin[turn.child.pk] = (f"child of round {turn.round.number}", words.verdict(turn))
    return {
        "rows": [
            {"checkpoint": one, "origin": origin.get(one.pk, ("base", "")), "is_current": one == current}
            for one in selectors.checkpoints(member.campaign)
        ],
        "current": current,
    }


def _history(member: Membership, turns: list[Turn]) -> Context:
    named = _sees_people(member)

    def who(event: Any) -> str:
        if event.who is None:
            return "the platform"
        return "you" if event.who_id == member.pk else event.who.pseudonym if named else "somebody"

    return {
        "rows": [
            {"event": event, "who": who(event), "words": words.event(event, whole=named or event.who_id in (None, member.pk))}
            for event in rounds.latest_events(member.campaign, 20)
        ]
    }


@dataclass(frozen=True)
class Section:
    """A part of the campaign's page that re-fetches itself when one of the things named in `live` changes, and every 10 s."""

    name: str
    title: str
    live: str
    context: Callable[[Membership, list[Turn]], Context]
    open_to: Callable[[Membership], bool] = lambda member: True


SECTIONS = {
    one.name: one
    for one in (
        Section("state", "Now", "task tasks submission review round feedback job model campaign track", _state),
        Section("figures", "What the rounds changed", "round feedback job model", _figures),
        Section("people", "People", "submission member feedback", _people, _sees_people),
        Section("checkpoints", "Checkpoints", "round job model", _checkpoints),
        Section("history", "What happened", "task tasks submission review round feedback job model campaign member track", _history),
    )
}


# ---------------------------------------------------------------- a round's page


@login_required
@never_cache
@require_GET
def round_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The tasks of one round with what was marked, its figures and its verdict; htmx gets the changing part alone."""
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
        "sees_people": _sees_people(member),
        "turn": turn,
        "is_last": turn is turns[-1],
        "sentence": words.state(member.campaign, turn, progress, has_model=True, in_pool=1) if turn is turns[-1] else words.ended(turn),
        "verdict": words.verdict(turn),
        "progress": progress,
        "tasks": _tasks(member, number),
        "tables": _tables(selectors.round_table(turn, found)),
        "consensus_seconds": _frozen_seconds(turn),
        "marked_seconds": rounds.marked_seconds(member.campaign, number),
    }
    body, digest = _fragment(request, "dashboard/parts/round.html", context)
    if request.headers.get("HX-Request"):
        return _unless_seen(request, body, digest)
    return render(request, "dashboard/round.html", context | {"body": body})


def _frozen_seconds(turn: Turn) -> float | None:
    if turn.feedback_set is None:
        return None
    return sum(item.end - item.start for item in turn.feedback_set.items.all())


def _tasks(member: Membership, number: int) -> list[Context]:
    """The tasks of a round; who may still be asked sees nothing of other people's answers, lest they colour their own.

    Nobody is named where a reviewer decides, lest the person be judged.
    """
    accepted = Submission.objects.filter(status=Submission.Status.ACCEPTED).select_related("by").prefetch_related("marks").order_by("pk")
    tasks = (
        Task.objects.filter(campaign=member.campaign, round_number=number)
        .select_related("track")
        .prefetch_related(
            Prefetch("submissions", accepted, to_attr="answers"),
            Prefetch("consensuses", Consensus.objects.order_by("-version").prefetch_related("regions"), to_attr="agreed"),
        )
        .order_by("pk")
    )
    sees_people = _sees_people(member)

    def drawn(task: Any) -> Picture:
        names = sees_people and task.state != Task.State.IN_REVIEW
        return picture(task, task.answers, task.agreed[0] if task.agreed else None, member, names=names)

    return [
        {
            "task": task,
            "n_answers": len(task.answers),
            "certainty": task.agreed[0].certainty if task.agreed else None,
            "shown": shown,
            "picture": drawn(task) if shown else None,
        }
        for task in tasks
        for shown in [sees_people or task.state != Task.State.OPEN]
    ]


# ---------------------------------------------------------------- buttons


@login_required
@require_POST
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Start no new rounds."""
    member = manager_or_403(request, slug)
    if annotating.pause(campaign=member.campaign, who=member):
        messages.success(request, "Paused: what is under way goes on, and no new round begins.")
    return redirect("campaign", slug)


@login_required
@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Let rounds start again."""
    member = manager_or_403(request, slug)
    if annotating.resume(campaign=member.campaign, who=member):
        messages.success(request, "Rounds go on: the next one begins in a moment, unless one is under way.")
    return redirect("campaign", slug)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def freeze(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Freeze what was agreed on so far instead of waiting for the rest of the answers; GET asks first."""
    member = manager_or_403(request, slug)
    round_ = get_object_or_404(Round.objects.select_related("campaign"), campaign=member.campaign, number=number)
    if request.method == "GET":
        progress = rounds.progress(member.campaign, number)
        return render(request, "dashboard/freeze.html", {"campaign": member.campaign, "round": round_, "progress": progress})
    if services.freeze_feedback(round_=round_, who=member):
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
        return render(request, "dashboard/roll_back.html", {"campaign": member.campaign, "seen": seen, "is_current": seen == current})
    try:
        back = services.roll_back(campaign=member.campaign, seen=seen, who=member)
    except (services.StaleModel, services.NothingToJudge) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Rolled back: the campaign uses checkpoint {back.short} again.")
    return redirect("campaign", slug)
