"""The very marks that a checkpoint learned from: each clip with what people marked and what was agreed on."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.pages.access import manager_or_403
from learner import selectors
from learner.selectors.family import learned_clips, learned_from

SHOWN = 50  # clips on a page


@login_required
@never_cache
@require_safe
def marks(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Clip by clip, with every model that the same marks changed."""
    member = manager_or_403(request, slug)
    campaign = member.campaign
    found = get_object_or_404(selectors.checkpoints(campaign), hash=digest)
    made = selectors.made_by(campaign, found)
    taught = made.adaptation if not made.replay_only else None
    page = Paginator(learned_clips(taught), SHOWN).get_page(request.GET.get("page", "")[:9]) if taught else None
    clips: list[Any] = list(page) if page else []
    changed = learned_from(clip.consensus.task_id for clip in clips)
    context = {
        "campaign": campaign,
        "member": member,
        "checkpoint": found,
        "made": made,
        "page": page,
        "rows": [{"clip": clip, "changed": changed.get(clip.consensus.task_id, [])} for clip in clips],
    }
    return render(request, "hub/lineage/marks.html", context)
