"""What the machine does for a campaign: its jobs, one job with its log and its loss, and the buttons that cancel and try again."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.pages.access import manager_or_403
from hub.pages import words
from hub.pages.charts.chart import Chart, Series
from hub.pages.fragments import Context, fragment, unless_seen
from learner import selectors, services
from learner.models import Job

SHOWN = 50  # jobs on a page
POINTS = 200  # of a loss curve


@login_required
@never_cache
@require_safe
def jobs(request: HttpRequest, slug: str) -> HttpResponse:
    """Every job of the campaign, newest first; those in one state."""
    member = manager_or_403(request, slug)
    state = request.GET.get("state", "") if request.GET.get("state") in Job.State.values else ""
    found = selectors.jobs(member.campaign)
    page = Paginator(found.filter(state=state) if state else found, SHOWN).get_page(request.GET.get("page", "")[:9])
    context = {
        "campaign": member.campaign,
        "member": member,
        "page": page,
        "rows": [{"job": job, "words": words.job(job), "took": words.took(job)} for job in page],
        "state": state,
        "states": Job.State.values,
        "query": urlencode({name: value for name, value in (("state", state), ("page", page.number)) if value}),
        "spent": [{"words": words.JOBS[Job.Kind(one.kind)], "one": one} for one in selectors.spent(member.campaign)],
    }
    return render(request, "hub/jobs.html", context)


@login_required
@never_cache
@require_safe
def job(request: HttpRequest, slug: str, job_id: int) -> HttpResponse:
    """One job: what it is for, how far it is, why it waits, its log; htmx gets the changing part alone."""
    member = manager_or_403(request, slug)
    found = get_object_or_404(selectors.jobs(member.campaign).select_related("in_hand"), pk=job_id)
    context = {"campaign": member.campaign, "member": member, "words": words.job(found), **_about(found)}
    body, digest = fragment(request, "hub/parts/one_job.html", context)
    if request.headers.get("HX-Request"):
        return unless_seen(request, body, digest)
    return render(request, "hub/job.html", context | {"body": body})


def _about(job: Job) -> Context:
    made = selectors.worked_for(job)
    usual = selectors.usual_minutes(job.campaign, job.kind)
    left = selectors.to_come(job)
    losses = _thinned(made.adaptation.report.get("losses", [])) if made.adaptation and made.adaptation.job_id == job.pk else []
    return {
        "job": job,
        "took": words.took(job),
        "made": made,
        "waits": words.waits(job, selectors.ahead_of(job)) if job.state == Job.State.QUEUED else "",
        "left": words.lasting(max(1, round(left.total_seconds()))) if left is not None else "",
        "usual": words.lasting(max(1, round(60 * usual))) if usual is not None else "",
        "may_retry": job.state in (Job.State.FAILED, Job.State.CANCELLED),
        "chart": Chart(
            "chart-loss",
            "Loss over steps, means of equal stretches",
            [step for step, _ in losses],
            "step",
            "",
            [Series("loss", [loss for _, loss in losses])],
        )
        if losses
        else None,
        "last_losses": losses[-1:],
    }


def _thinned(losses: list[float]) -> list[tuple[int, float]]:
    """Means over equal stretches of steps, as many as are drawn, each with its last step."""
    size = max(1, -(-len(losses) // POINTS))
    parts = [losses[first : first + size] for first in range(0, len(losses), size)]
    return [(min(len(losses), (n + 1) * size), round(sum(part) / len(part), 5)) for n, part in enumerate(parts)]


@login_required
@require_POST
def cancel(request: HttpRequest, slug: str, job_id: int) -> HttpResponse:
    """End a job that waits or is at work."""
    member = manager_or_403(request, slug)
    found = get_object_or_404(selectors.jobs(member.campaign), pk=job_id)
    try:
        services.cancel_job(job=found, who=member)
        messages.success(request, f"{words.job(found)} is cancelled: its worker stops within seconds and keeps nothing half-made.")
    except services.JobIsOver as refusal:
        messages.warning(request, str(refusal))
    return redirect("job", slug, job_id)


@login_required
@require_POST
def retry(request: HttpRequest, slug: str, job_id: int) -> HttpResponse:
    """Queue a job again that failed or was cancelled."""
    member = manager_or_403(request, slug)
    found = get_object_or_404(selectors.jobs(member.campaign), pk=job_id)
    try:
        services.retry_job(job=found, who=member)
        messages.success(request, f"{words.job(found)} is queued again.")
    except services.NotAgain as refusal:
        messages.error(request, str(refusal))
    return redirect("job", slug, job_id)
