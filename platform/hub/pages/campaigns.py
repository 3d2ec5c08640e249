"""Pages of a campaign. Members see how the loop stands; reviewers see people too; owners and managers steer.

Its page comes with how it stands now. Every other section asks for itself as soon as the page is there, and again when what it shows
has changed (templates/hub/parts/): each is a request of its own, so that none waits for another. Who may see what is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotation import services as annotating
from annotation.core.words import count, who
from annotation.models import Campaign, Event, Membership, Track
from annotation.pages.access import manager_or_403, member_or_404
from annotation.selectors import notes, people, rounds
from annotation.selectors import queue as annotation_selectors
from annotation.selectors.audit import GROUPS
from annotation.selectors.crowd import forecast_of
from annotation.selectors.tracks import track_counts, tracks_to_look_at
from hub import disk
from hub.pages import bases, choosing, crowd, improvement, linked, proposals, songs, words
from hub.pages.charts.rounds import of_rounds
from hub.pages.fragments import ROUNDS_SHOWN, Context, fragment, tables_of, unless_seen
from hub.pages.starting import fit
from hub.pages.starting.first_steps import first_steps
from learner import selectors, services
from learner.models import Round
from learner.selectors import Turn

ASIDE_SHOWN = 3  # tracks set aside that the campaign's page names
CHECKPOINTS_SHOWN = 8  # the latest ones; those before them are folded away
LINES, LOOKED_AT = 20, 100  # of the history, and events that they are made of
FOLDED = {"task.skipped": "skip", "submission.kept": "answer"}
MOST_UNFOLDED = 3  # of each kind


# ---------------------------------------------------------------- the campaign's page


@login_required
@never_cache
@require_GET
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """How the campaign stands, and a place for each section that this member may see. Owners are led from a deleted one to the way back."""
    try:
        member = member_or_404(request, slug)
    except Http404:
        if annotation_selectors.owner_of(request.user, slug):
            return redirect("closing", slug)
        raise
    now, *others = SECTIONS.values()
    body, _ = _body(request, now, member, selectors.history(member.campaign))
    sections = [{"section": now, "body": body}, *({"section": one} for one in others if one.open_to(member))]
    return render(request, "hub/campaign.html", {"campaign": member.campaign, "member": member, "sections": sections})


@login_required
@never_cache
@require_GET
def section(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One section of the campaign's page."""
    member = member_or_404(request, slug)
    if name not in SECTIONS or not SECTIONS[name].open_to(member):
        raise Http404
    return unless_seen(request, *_body(request, SECTIONS[name], member, selectors.history(member.campaign)))


def _body(request: HttpRequest, section: Section, member: Membership, turns: list[Turn]) -> tuple[SafeString, str]:
    context = {"campaign": member.campaign, "member": member, section.name: section.context(member, turns)}
    return fragment(request, f"hub/parts/{section.name}.html", context)


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
        "forecast": crowd.in_words(forecast_of(campaign, progress, last.round.number, last.round.opened), progress)
        if last and progress and last.round.state == Round.State.ANNOTATING and not campaign.ended
        else "",
        "listening": last is not None and last.round.state == Round.State.ANNOTATING,
        "jobs": [{"job": job, "words": words.job(job), "took": words.took(job)} for job in _jobs_to_show(campaign, turns)],
        "own": annotation_selectors.own_progress(member),
        "lacks": selectors.lacks(campaign) if member.manages and has_model else [],
        "said_of_pool": selectors.said_of_pool(campaign) if member.manages and last else "",
        "disk": disk.wrong() if member.manages else None,
        "set_aside": aside,
        "more_aside": tracks.to_look_at - len(aside),
        "waits": notes.waiting_for_reviewers(campaign) if member.reviews else notes.Waiting(),
        "may_begin": last is not None or (has_model and tracks.in_pool > 0),
        "first_steps": first_steps(campaign, has_model=has_model) if member.manages and last is None else [],
    }


def _jobs_to_show(campaign: Campaign, turns: list[Turn]) -> list[Any]:
    """Every job at work or waiting, whatever its round or of none, and the last round's finished or failed ones."""
    of_rounds = [job for turn in turns for job in turn.jobs if turn is turns[-1] or job.is_open]
    return [*selectors.scoring_the_rest(campaign), *of_rounds[::-1]]


def _figures(member: Membership, turns: list[Turn]) -> Context:
    found = selectors.figures(member.campaign)
    current = selectors.current_checkpoint(member.campaign)
    latest, earlier = selectors.campaign_table(turns, found, current).folded(ROUNDS_SHOWN)
    return {
        "sentence": improvement.in_words(turns, found, current, member.campaign.wording.sound),
        "charts": of_rounds(member.campaign, turns, found, current),
        "tables": tables_of(latest, member.campaign.wording),
        "earlier_tables": tables_of(earlier, member.campaign.wording),
        "has_test": bool(found.found) or member.campaign.tracks.filter(use=Track.Use.TEST).exists(),
        "turns": [_verdict(member, turn, whole=turn is turns[-1]) for turn in turns[: -ROUNDS_SHOWN - 1 : -1]],
        "earlier_turns": [_verdict(member, turn, whole=False) for turn in turns[-ROUNDS_SHOWN - 1 :: -1]]
        if len(turns) > ROUNDS_SHOWN
        else [],
    }


def _verdict(member: Membership, turn: Turn, *, whole: bool) -> Context:
    """What the gate said of a round; of older rounds only the reasons that decided, which come first."""
    reasons = turn.adaptation.reasons if turn.adaptation else []
    shown = reasons if whole else reasons[:2]
    advice = turn.adaptation.advice if turn.adaptation and whole and songs.may_see(member) else []
    return {
        "turn": turn,
        "verdict": words.verdict(turn),
        "advice": " ".join(advice[:1]),
        "reasons": shown,
        "more": len(reasons) - len(shown),
    }


def _people(member: Membership, turns: list[Turn]) -> Context:
    return {"counts": people.counts(member.campaign)}


def _checkpoints(member: Membership, turns: list[Turn]) -> Context:
    current = selectors.current_checkpoint(member.campaign)
    origin: dict[int, tuple[str, str]] = {}
    for turn in turns:
        origin.setdefault(turn.round.parent.pk, ("base", ""))
        if turn.adaptation and turn.adaptation.replay_only:
            origin.setdefault(turn.adaptation.replay_only.pk, (f"replay without feedback, round {turn.round.number}", "comparison"))
        if turn.child and turn.child != turn.parent:
            origin[turn.child.pk] = (f"child of round {turn.round.number}", words.verdict(turn))
    rows = [
        {"checkpoint": one, "origin": origin.get(one.pk, ("base", "")), "is_current": one == current}
        for one in selectors.checkpoints(member.campaign)
    ]
    return {
        "rows": rows[:CHECKPOINTS_SHOWN],
        "earlier": rows[CHECKPOINTS_SHOWN:],
        "current": current,
        "back": selectors.used_before(member.campaign, current) if current and member.manages else None,
    }


def _history(member: Membership, turns: list[Turn]) -> Context:
    lines = []
    for kind, events in folded(rounds.latest_events(member.campaign, LOOKED_AT))[:LINES]:
        people = len({event.who_id for event in events})
        rows = [_happened(event, member) for event in events]
        lines.append({"rows": rows, "summary": f"{count(len(rows), kind)} of {count(people, 'person', 'people')}" if kind else ""})
    return {"lines": lines, "groups": GROUPS}


def _happened(event: Event, member: Membership) -> Context:
    named, slug = member.sees_people, member.campaign.slug
    whole = named or event.who_id in (None, member.pk)
    return {
        "event": event,
        "who": who(event.who.pseudonym if event.who else None, reads_it=event.who_id == member.pk, named=named),
        "words": linked.event(event, slug, manages=member.manages, whole=whole),
    }


def folded(events: Iterable[Event]) -> list[tuple[str, list[Event]]]:
    """A line for each event, but one for all skips and one for all answers where these are many: (of what, or empty; its events)."""
    events = list(events)
    lines: dict[object, tuple[str, list[Event]]] = {}
    for event in events:
        kind = FOLDED.get(event.what, "")
        many = kind and sum(FOLDED.get(one.what) == kind for one in events) > MOST_UNFOLDED
        lines.setdefault(kind if many else event.pk, (kind if many else "", []))[1].append(event)
    return list(lines.values())


@dataclass(frozen=True)
class Section:
    """A part of the campaign's page that asks for itself anew when one of the things named in `live` changed (live.js)."""

    name: str
    title: str
    live: str
    context: Callable[[Membership, list[Turn]], Context]
    open_to: Callable[[Membership], bool] = lambda member: True


SECTIONS = {
    one.name: one
    for one in (
        Section("state", "Now", "task tasks submission review note round feedback job model campaign track", _state),
        Section("base", "Base", "job model track campaign", bases.section, lambda member: member.manages),
        Section("fit", "Does the base suit", "job model track campaign", fit.section, lambda member: member.manages),
        Section("figures", "What the rounds changed", "round feedback job model", _figures),
        Section(
            "choosing",
            "What choosing gained",
            "task tasks review round feedback campaign",
            choosing.section,
            lambda member: member.sees_people,
        ),
        Section(
            "proposals",
            "What proposals do",
            "submission review round campaign",
            proposals.section,
            lambda member: member.takes_data and (member.campaign.proposes or proposals.any_made(member.campaign)),
        ),
        Section("people", "People", "submission member feedback", _people, lambda member: member.sees_people),
        Section("checkpoints", "Checkpoints", "round job model", _checkpoints),
        Section("history", "What happened", "task tasks submission review note round feedback job model campaign member track", _history),
    )
}


# ---------------------------------------------------------------- a round's page


# ---------------------------------------------------------------- buttons


@login_required
@require_POST
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Start no new rounds."""
    member = manager_or_403(request, slug)
    if annotating.pause_rounds(campaign=member.campaign, who=member):
        messages.success(request, "Paused: what is under way goes on, and no new round begins.")
    return redirect("campaign", slug)


@login_required
@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Let rounds start again."""
    member = manager_or_403(request, slug)
    if annotating.resume_rounds(campaign=member.campaign, who=member):
        messages.success(request, "Rounds go on: the next one begins in a moment, unless one is under way.")
    elif services.look_again(campaign=member.campaign, who=member):
        messages.success(request, "It looks for clips again: the next round begins in a moment.")
    return redirect("campaign", slug)
