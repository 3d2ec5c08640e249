"""A member's own page: how far they are, what they gave and may change, what their marks changed; appeals, consent, who listened most."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.consensus import Person, Prior
from annotation.core.regions import total
from annotation.files.previews import preview
from annotation.models import Campaign, Estimate, Event, Membership, Stem, Submission, Task
from annotation.pages.access import member_or_404
from annotation.pages.clips import with_range
from annotation.selectors import queue
from annotation.selectors.members import has_done_all, is_paused, next_step, on_gold, pause_of, qualifies, waits_at_the_door
from annotation.selectors.my_answers import history
from annotation.services import first_visit as steps
from annotation.services import gold

MOST_SHOWN = 3  # clips before and after
STRANGER = Person.unknown(Prior()).reliability


@login_required
@never_cache
@require_safe
def own_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Progress, gold, what one's marks changed, a pause and the way out of it, consent."""
    member = member_or_404(request, slug)
    known = on_gold(member)
    context: dict[str, Any] = {
        "campaign": member.campaign,
        "member": member,
        "progress": queue.own_progress(member),
        "n_too_soon": member.submissions.filter(status=Submission.Status.TOO_SOON).count(),
        "has_done_all": has_done_all(member),
        "minutes": minutes(member.campaign).get(member.pk, Minutes(member, 0.0, 0.0)),
        "on_gold": known,
        "gold_percent": round(100 * known.score) if known.score is not None else None,
        "practice": steps.tried(member),
        "qualifies": qualifies(member),
        "pause": pause_of(member),
        "changes": changes(member),
        "given": history(member),
        "let_in": not (is_paused(member) or waits_at_the_door(member)),
        "consent": member.consents.order_by("-pk").first(),
        "step": next_step(member),
    }
    return render(request, "annotation/own.html", context)


@login_required
@require_POST
def appeal(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the managers to look at one's pause."""
    member = member_or_404(request, slug)
    text = request.POST.get("text", "").strip()
    if not 1 <= len(text) <= 2000:
        messages.error(request, "Write a sentence or two, at most 2000 characters: what should the managers know?")
    else:
        try:
            gold.appeal(by=member, text=text)
            messages.success(request, "The managers of the campaign see your appeal. Their answer appears here.")
        except gold.NotPaused as error:  # another tab was quicker
            messages.warning(request, str(error))
    return redirect("own-page", slug)


@login_required
@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one's consent back, with or without the answers given so far."""
    member = member_or_404(request, slug)
    n = steps.withdraw_consent(by=member, with_answers=request.POST.get("answers") == "yes")
    taken = f" {n} answers were taken back with it." if n else ""
    messages.success(request, f"Your consent is withdrawn, and you get no more clips.{taken} You can give it again at any time.")
    return redirect("own-page", slug)


# ---------------------------------------------------------------- what my marks changed


@dataclass(frozen=True)
class Change:
    """A clip that the member marked, and how a later model's estimate of it sounds."""

    submission: Submission
    seconds: float  # marked
    checkpoint: str  # of the later model
    quieter_db: float | None  # in the marked stretches; None: there was nothing to hear before


def changes(member: Membership) -> list[Change]:
    """The member's marked clips that a promoted model has separated again, the latest first.

    A model counts if it was promoted after the one that was heard, and is the last in that line that has heard the song.
    """
    promoted = _promotions(member.campaign)
    marked = (
        Submission.objects.filter(by=member, status=Submission.Status.ACCEPTED, task__kind=Task.Kind.POOL, marks__isnull=False)
        .distinct()
        .select_related("task__track", "by")
        .prefetch_related("marks")
        .order_by("-pk")
    )
    found: list[Change] = []
    for submission in marked[:50]:
        if len(found) == MOST_SHOWN:
            break
        if later := _heard_later(submission.task, promoted):
            seconds = total(mark.region for mark in submission.marks.all())
            found.append(Change(submission, seconds, later, _quieter(submission, later)))
    return found


def _promotions(campaign: Campaign) -> dict[str, str]:
    """Parent -> the child that was promoted over it and not rolled back since."""
    line: dict[str, str] = {}
    events = Event.objects.filter(campaign=campaign, what__in=["model.promoted", "model.rolled_back"]).order_by("pk")
    for event in events:
        before, after = ((side or {}).get("checkpoint", "") for side in (event.before, event.after))
        if event.what == "model.promoted":
            line[before] = after
        else:
            line.pop(after, None)
    return line


def _heard_later(task: Task, promoted: dict[str, str]) -> str | None:
    there = set(Estimate.objects.filter(track=task.track_id, stem=task.stem).values_list("checkpoint", flat=True))
    last, at, seen = None, task.checkpoint, {task.checkpoint}
    while (at := promoted.get(at, "")) and at not in seen:
        seen.add(at)
        last = at if at in there else last
    return last


def _quieter(submission: Submission, later: str) -> float | None:
    """How many dB less sounds in the marked stretches, by the later model."""
    before, after = (_power(preview(submission.task, "vocals", checkpoint), submission) for checkpoint in ("", later))
    return round(float(10 * np.log10(before / max(after, 1e-12)))) if before > 1e-9 else None


def _power(sound: bytes, submission: Submission) -> float:
    samples, rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
    first = submission.task.start
    parts = [samples[round((mark.start - first) * rate) : round((mark.end - first) * rate)] for mark in submission.marks.all()]
    return float(np.mean(np.concatenate(parts).astype(np.float64) ** 2)) if any(len(part) for part in parts) else 0.0


@login_required
@require_safe
def changed_sound(request: HttpRequest, submission_id: int, which: str) -> HttpResponse:
    """A clip that the person signed in marked: as they heard it, as the promoted model leaves it, or the mix."""
    submission = get_object_or_404(
        Submission.objects.select_related("task__track", "by__campaign"), pk=submission_id, by__user=request.user, by__active=True
    )
    later = _heard_later(submission.task, _promotions(submission.by.campaign)) if which == "after" else ""
    if later is None:
        raise Http404
    try:
        sound = preview(submission.task, "mix" if which == "mix" else "vocals", later)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    return with_range(sound, request.headers.get("Range", ""))


# ---------------------------------------------------------------- who listened most


@dataclass(frozen=True)
class Minutes:
    """How long a member has listened, plainly and weighted by how reliable they are."""

    member: Membership
    plain: float
    weighted: float


def minutes(campaign: Campaign) -> dict[int, Minutes]:
    """Member -> minutes of clips answered. The weight is sensitivity + specificity - 1 (0: like guessing); strangers have the prior's."""
    answered = Q(submissions__status=Submission.Status.ACCEPTED)
    seconds = Sum(F("submissions__task__end") - F("submissions__task__start"), filter=answered, default=0.0)
    members = campaign.memberships.filter(active=True).select_related("reliability").annotate(seconds=seconds)
    return {one.pk: Minutes(one, one.seconds / 60, one.seconds / 60 * _weight(one)) for one in members if one.seconds}


def _weight(member: Membership) -> float:
    fit = getattr(member, "reliability", None)
    return max(0.0, fit.sensitivity + fit.specificity - 1) if fit else STRANGER


@login_required
@never_cache
@require_safe
def leaderboard(request: HttpRequest, slug: str) -> HttpResponse:
    """Members by reliability-weighted minutes, under their pseudonyms; only where the campaign wants it."""
    member = member_or_404(request, slug)
    if not member.campaign.leaderboard:
        raise Http404
    people = [one for one in minutes(member.campaign).values() if one.member.kind == Membership.Kind.HUMAN]
    rows = sorted(people, key=lambda one: (-one.weighted, one.member.pseudonym))
    return render(request, "annotation/leaderboard.html", {"campaign": member.campaign, "member": member, "rows": rows[:100]})
