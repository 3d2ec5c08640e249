"""A member's own page: how far they are, what they gave and may change, what their marks changed; appeals, consent, who listened most."""

from __future__ import annotations

import json
import tempfile
import zipfile
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.utils.timezone import now
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.files.previews import preview
from annotation.models import Estimate, Membership, Stem, Submission
from annotation.pages.access import member_or_404
from annotation.pages.clips import with_range
from annotation.selectors import my_page as of_member
from annotation.selectors import notes, queue
from annotation.selectors.access import is_passed_over, must_finish_first_visit, must_qualify, next_step, pause_of, pauses
from annotation.selectors.answers import history
from annotation.selectors.effects import sound_of
from annotation.selectors.my_page import heard_later, minutes, promotions
from annotation.selectors.own_data import own_data
from annotation.services import first_visit as steps
from annotation.services import gold, leaving
from annotation.services.people import LastOwner, read_messages

MOST_NOTES = 50  # own ones on the page, the latest
ABOUT_DATA = gettext_noop(
    """What this site keeps of you in one campaign, as JSON.

Times within a clip are seconds from its beginning; the song is named once the round of a clip is closed. Clips whose truth is known
look like any others here too. What others gave is not in it.
"""
)


@login_required
@never_cache
@require_safe
def my_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Progress, gold, what one's marks changed, a pause and the way out of it, consent."""
    member = member_or_404(request, slug)
    campaign, own, pause = member.campaign, of_member.own(member), pause_of(member)
    let_in = not ((pause and pauses(campaign)) or must_finish_first_visit(member, own.visit))
    passed_over = is_passed_over(member)
    context: dict[str, Any] = {
        "campaign": campaign,
        "member": member,
        "own": own,
        "progress": queue.own_progress(member, gets_tasks=let_in and not passed_over),
        "has_done_all": member.tasks_asked is not None and own.n_accepted >= member.tasks_asked,
        "gold_percent": round(100 * own.on_gold.score) if own.on_gold.score is not None else None,
        "qualifies": must_qualify(member) and not own.is_qualified,
        "pause": pause,
        "passed_over": passed_over,
        "changes": of_member.changes(member),
        "given": history(member),
        "let_in": let_in,
        "notes": notes.own_notes(member)[:MOST_NOTES],
        "consent": member.consents.order_by("-pk").first(),
        "step": next_step(member, own.visit),
        "told": read_messages(by=member) if own.has_messages else [],
    }
    return render(request, "annotation/my_page.html", context)


@login_required
@require_POST
def appeal(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the managers to look at one's pause."""
    member = member_or_404(request, slug)
    text = request.POST.get("text", "").strip()
    if not 1 <= len(text) <= 2000:
        messages.error(request, gettext("Write a sentence or two, at most 2000 characters: what should the managers know?"))
    else:
        try:
            gold.appeal(by=member, text=text)
            messages.success(request, gettext("The managers of the campaign see your appeal. Their answer appears here."))
        except gold.NotPaused as error:  # another tab was quicker
            messages.warning(request, gettext(str(error)))
    return redirect("my-page", slug)


@login_required
@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop, which can be undone; or, with `for_good`, take consent and answers back and be forgotten."""
    member = member_or_404(request, slug, even_archived=True)
    if request.POST.get("for_good") != "yes":
        steps.withdraw_consent(by=member, with_answers=False)
        messages.success(request, gettext("You get no more clips, until you agree again. What you gave stays."))
        return redirect("my-page", slug)
    if request.POST.get("sure") != "yes":
        messages.error(request, gettext("Tick the box if you are sure: this cannot be undone."))
        return redirect("my-page", slug)
    try:
        left = leaving.withdraw(by=member)
    except LastOwner as refusal:
        messages.error(request, gettext(str(refusal)))
        return redirect("my-page", slug)
    if left.account:
        logout(request)
    return render(request, "annotation/withdrawn.html", {"campaign": member.campaign, "left": left})


@login_required
@never_cache
@require_safe
def my_data(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All that is kept of the person signed in, in this campaign, as JSON and with the songs that they sent, in a ZIP file."""
    member = member_or_404(request, slug)
    packed = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the response)
    songs, files = import_string(settings.OWN_SONGS)(member)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", gettext(ABOUT_DATA))
        for name, rows in {**own_data(member), "sent_songs": songs}.items():
            archive.writestr(f"{name}.json", json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
        for name, file in files.items():
            archive.write(file, name, zipfile.ZIP_STORED)
    packed.seek(0)
    return FileResponse(packed, as_attachment=True, filename=f"{slug}-{now():%Y-%m-%d}.zip", content_type="application/zip")


# ---------------------------------------------------------------- what my marks changed


@login_required
@require_safe
def changed_sound(request: HttpRequest, submission_id: int, which: str) -> HttpResponse:
    """A clip that the person signed in marked: as they heard it, as the promoted model leaves it, as their marks alone do, or the mix."""
    submission = get_object_or_404(
        Submission.objects.select_related("task__track", "by__campaign"),
        pk=submission_id,
        by__user=request.user,
        by__active=True,
        by__campaign__deleted=None,
    )
    if which == "effect":
        if (made := sound_of(submission)) is None:
            raise Http404
        return with_range(made, request.headers.get("Range", ""))
    later = heard_later(submission.task, promotions(submission.by.campaign)) if which == "after" else ""
    if later is None:
        raise Http404
    try:
        sound = preview(submission.task, "mix" if which == "mix" else submission.task.stem, later)
    except (Estimate.DoesNotExist, Stem.DoesNotExist) as missing:
        raise Http404(str(missing)) from missing
    return with_range(sound, request.headers.get("Range", ""))


# ---------------------------------------------------------------- who listened most


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
