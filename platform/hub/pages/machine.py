"""What the machine does, for those who run the site: workers, jobs that wait, disk, versions and settings, the last backup."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from hub import disk
from hub.machine import disk_use, in_force, queues
from hub.pages import words
from hub.pages.fragments import Context
from learner import selectors, services
from learner.models import Job
from learner.services.jobs import ACTORS

SHOWN = 50  # jobs of each kind
LATE = 60.0  # seconds; a worker that was not heard for so long is taken for dead by the others


def for_admins(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let only those in who run the site."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied("Only site admins see what the machine does.")
        return view(request, *args, **kwargs)

    return login_required(checked)


@for_admins
@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All but the disk, which takes a moment to count and is asked for by the page."""
    ours = queues.in_database()
    jobs = Job.objects.filter(campaign__deleted=None).select_related("campaign")
    running = jobs.filter(state=Job.State.RUNNING).order_by("started", "pk")[:SHOWN]
    waiting = jobs.filter(state=Job.State.QUEUED).order_by("-priority", "pk")[:SHOWN]
    context = {
        "in_database": ours,
        "workers": [_worker(one) for one in queues.workers()] if ours else [],
        "late": LATE,
        "queues": queues.queues() if ours else [],
        "running": [{"job": job, "words": words.job(job), "left": selectors.to_come(job)} for job in running],
        "waiting": _waiting(list(waiting)),
        "trouble": disk.wrong(),
        "versions": in_force.versions(),
        "settings": in_force.in_force(),
        "home": settings.HOME,
        "backup": in_force.last_backup(settings.HOME),
    }
    return render(request, "hub/machine.html", context)


def _worker(one: queues.Worker) -> Context:
    """A worker with the jobs that it holds; other messages by the name of what they ask for."""
    ids = [got for actor, got in one.holds if actor in ACTORS.values() and isinstance(got, int)]
    found = Job.objects.filter(pk__in=ids).select_related("campaign") if ids else []
    other = [actor.replace("_", " ") for actor, _ in one.holds if actor not in ACTORS.values()]
    return {"worker": one, "jobs": [{"job": job, "words": words.job(job)} for job in found], "other": other}


def _waiting(jobs: list[Job]) -> list[Context]:
    """In the order in which they begin; why each waits is counted here, in place of a question for each."""
    in_order = sorted(jobs, key=lambda job: (job.is_patient, -job.priority, job.pk))
    running = Job.objects.filter(state=Job.State.RUNNING).count() if jobs else 0
    return [{"job": job, "words": words.job(job), "why": words.waits(job, running + n)} for n, job in enumerate(in_order)]


@for_admins
@never_cache
@require_safe
def disk_of_all(request: HttpRequest) -> HttpResponse:
    """The part of the page that says how much each kind of file takes."""
    kinds, whole = disk_use.by_kind()
    return render(request, "hub/parts/disk.html", {"kinds": kinds, "whole": whole, "total": sum(one.n_bytes for one in kinds)})


@for_admins
@require_POST
def move(request: HttpRequest, job_id: int) -> HttpResponse:
    """Let a waiting job begin before or after others."""
    job = get_object_or_404(Job.objects.filter(campaign__deleted=None), pk=job_id)
    how = request.POST.get("how")
    if how not in ("up", "down", "first"):
        raise Http404
    try:
        moved = services.move_job(job=job, how=cast(Literal["up", "down", "first"], how), by=request.user.get_username())
        messages.success(request, f"{words.job(moved)} has priority {moved.priority} now.")
    except services.NotWaiting as refusal:
        messages.warning(request, str(refusal))
    return redirect("machine")
