"""One listening test, for managers: how far it is, its end, and then what came of it. Before the end nobody sees any of that."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.panels import csv_table
from annotation.models import Campaign, ListeningTest, Preference
from annotation.pages.access import manager_or_403, researcher_or_403
from annotation.selectors.listening import all_tests, result, said_in
from annotation.services.listening import end_test
from learner.models import Checkpoint
from learner.selectors.listening import jobs_of
from learner.services.listening import ask_again

SHOWN = 50  # listeners on a page
QUESTIONS = (
    ("Which is better", "preferred {} to {}", "better"),
    ("Where less leaks", "heard less leak in {} than in {}", "leaks_less"),
)
COLUMNS = (
    *("test", "clip", "track", "start", "end", "listener", "checkpoint", "other", "heard_as_a", "better", "leaks_less"),
    *("seconds_a", "seconds_b", "seconds_mix", "gain_db", "other_gain_db", "when"),
)


def _found(campaign: Campaign, test_id: int) -> ListeningTest:
    return get_object_or_404(all_tests(campaign).select_related("campaign"), pk=test_id)


@login_required
@never_cache
@require_safe
def listening_test(request: HttpRequest, slug: str, test_id: int) -> HttpResponse:
    """Its clips and how many answers there are; once it has ended, its result."""
    member = manager_or_403(request, slug)
    test = _found(member.campaign, test_id)
    clips = list(test.clips.select_related("track").order_by("pk"))
    jobs = jobs_of(test)
    rows = [(clip, [] if clip.start is not None else jobs.get(clip.track_id, [])[:2]) for clip in clips]
    context: dict[str, Any] = {
        "campaign": member.campaign,
        "member": member,
        "test": test,
        "both": {one.hash: one for one in Checkpoint.objects.filter(hash__in=[test.checkpoint, test.other])},
        "rows": rows,
        "stuck": any(some and not any(job.is_open for job in some) for _, some in rows) and not test.ended,
    }
    if test.ended:
        said = said_in(test)[test.pk]
        page = Paginator(sorted({one.by for one in said}), SHOWN).get_page(request.GET.get("page", "")[:9])
        names = [format_html("<code>{}</code>", one) for one in (test.short, test.other_short)]
        tracks, people = {clip.track_id: clip.track for clip in clips}, member.campaign.memberships.in_bulk(list(page))
        context["page"] = page
        context["results"] = [
            {
                "title": title,
                "words": format_html(words, *names),
                "found": found,
                "songs": [(tracks[pk], one) for pk, one in found.each("track", tracks).items()],
                "listeners": [(people[pk], one) for pk, one in found.each("by", page).items()],
            }
            for title, words, question in QUESTIONS
            if (found := result(test, said, question))
        ]
    return render(request, "hub/listening/one.html", context)


@login_required
@require_POST
def again(request: HttpRequest, slug: str, test_id: int) -> HttpResponse:
    """Have the songs separated again that could not be."""
    member = manager_or_403(request, slug)
    try:
        ask_again(test=_found(member.campaign, test_id), who=member)
        messages.success(request, "A worker tries again.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("listening-test", slug, test_id)


@login_required
@require_POST
def end(request: HttpRequest, slug: str, test_id: int) -> HttpResponse:
    """End it, for good."""
    member = manager_or_403(request, slug)
    end_test(test=_found(member.campaign, test_id), who=member)
    return redirect("listening-test", slug, test_id)


@login_required
@never_cache
@require_safe
def export(request: HttpRequest, slug: str, test_id: int) -> StreamingHttpResponse:
    """Every answer, a row each, once the test has ended."""
    member = researcher_or_403(request, slug)
    test = _found(member.campaign, test_id)
    if not test.ended:
        raise Http404("The answers are there when the test has ended.")
    said = Preference.objects.filter(clip__test=test).select_related("by", "clip__track", "clip__test").order_by("by", "clip")
    lines = chain(("\ufeff",), csv_table(COLUMNS, map(_row, said.iterator())))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-listening-{test.pk}.csv"'
    return response


def _row(one: Preference) -> dict[str, Any]:
    clip, test = one.clip, one.clip.test
    return {
        "test": test.pk,
        "clip": clip.pk,
        "track": clip.track.name,
        "start": clip.start,
        "end": clip.end,
        "listener": one.by.pseudonym,
        "checkpoint": test.checkpoint,
        "other": test.other,
        "heard_as_a": "checkpoint" if one.was_first else "other",
        "better": one.better,
        "leaks_less": one.leaks_less,
        **{f"seconds_{side}": one.heard.get(side) for side in ("a", "b", "mix")},
        "gain_db": round(clip.gain, 2),
        "other_gain_db": round(clip.other_gain, 2),
        "when": one.created.isoformat(timespec="seconds"),
    }
