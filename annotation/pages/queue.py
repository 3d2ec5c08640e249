"""Pages of annotators: my queue, and the editor."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie

from annotation.models import Task
from annotation.pages.access import check_let_in, check_ready, member_or_404
from annotation.pages.first_visit import shown
from annotation.pages.rules import rules
from annotation.selectors import access
from annotation.selectors.access import NotReady
from annotation.selectors.listening import waiting_for
from annotation.selectors.queue import campaigns_of, membership_of, own_progress, put_away_by
from annotation.selectors.review_queue import asked_again


@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """The campaigns of the person signed in, and what waits for them in each."""
    campaigns = [(one, membership_of(request.user, one.slug)) for one in campaigns_of(request.user)]
    listening = waiting_for(request.user)
    again = asked_again(member for _, member in campaigns if member)
    rows = [
        {
            "campaign": one,
            "member": member,
            "progress": own_progress(member),
            "n_quick": own_progress(member, question=Task.Question.QUICK).open if one.asks_quickly else 0,
            "first_visit": access.must_finish_first_visit(member),
            "paused": access.is_paused(member),
            "left_out": access.is_left_out(member),
            "n_messages": member.messages.filter(read=None).count(),
            "listening": listening.get(one.pk, []),
            "again": again.get(member.pk, []),
            "finished": access.has_done_all(member),
        }
        for one, member in campaigns
        if member
    ]
    return render(request, "annotation/queue.html", {"rows": rows, "put_away": put_away_by(request.user)})


@login_required
@ensure_csrf_cookie
def annotate(request: HttpRequest, slug: str) -> HttpResponse:
    """The editor's page; it asks the API for tasks itself. `?task=` names one given before, which is also open to who is done."""
    member = member_or_404(request, slug)
    try:
        (check_let_in if "task" in request.GET else check_ready)(member)
    except NotReady as first:
        messages.info(request, str(first))
        return redirect(first.go)
    context = {"campaign": member.campaign, "membership": member, "rules": rules(member.campaign), "shown": shown(member)}
    asked = asked_again([member]).get(member.pk, []) if "task" in request.GET else []
    context["again"] = next((one for one in asked if str(one.task_id) == request.GET["task"]), None)
    response = render(request, "annotation/annotate.html", context)
    response.inline_styles = True  # type: ignore[attr-defined]  # the editor writes <style> elements; see hub.security
    return response
