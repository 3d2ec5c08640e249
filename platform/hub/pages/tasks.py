"""The page of one task: its sound, what people and reviewers said of it, what was agreed on, and what came of that."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.words import who
from annotation.models import Membership, Task
from annotation.pages.access import manager_or_403
from annotation.pages.answer_lanes import Block, Lane, Picture, picture
from annotation.selectors import chosen
from annotation.selectors.consensus import what_the_sound_decided
from annotation.selectors.one_task import OneTask, one_task
from hub.pages import linked
from hub.pages.fragments import Context
from learner.selectors.fed import fed_by


@login_required
@never_cache
@require_safe
def task(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """One task of the campaign, for its managers."""
    member = manager_or_403(request, slug)
    found = get_object_or_404(member.campaign.tasks.select_related("track", "campaign", "gold"), pk=task_id)
    about = one_task(found)
    named = member.sees_people and found.state != Task.State.IN_REVIEW
    closed = found.state != Task.State.OPEN
    context = {
        "campaign": member.campaign,
        "member": member,
        "task": found,
        "gold": getattr(found, "gold", None),
        "about": about,
        "named": named,
        "sounds": _sounds(found, member) if about.heard else [],
        "picture": _picture(about, member, named=named),
        "picture_url": reverse("clip-picture", args=[found.pk, found.stem]),
        "chosen": chosen.in_words(found),
        "sound": what_the_sound_decided(found, about.consensus) if closed else "",
        "fed": fed_by(found),
        "history": _history(about, member, named=named),
    }
    return render(request, "hub/task.html", context)


def _sounds(task: Task, member: Membership) -> list[Context]:
    """What can be heard of it, in step."""
    titles = {task.stem: f"{member.campaign.wording.title}, as extracted", "mix": "Mix", "removed": "What was removed"}
    return [{"title": title, "url": reverse("clip", args=[task.pk, which])} for which, title in titles.items()]


def _picture(about: OneTask, member: Membership, *, named: bool) -> Picture:
    """Everybody's marks, what was agreed on, and, of a gold task, what is known to be wrong."""
    task = about.task
    drawn = picture(task, about.counted, about.consensus, member, names=named)
    if task.kind != Task.Kind.GOLD or not hasattr(task, "gold"):
        return drawn
    blocks = [Block(round(start - task.start, 3), round(end - start, 3), start, end) for start, end in task.gold.regions]
    return Picture(drawn.length, [*drawn.lanes, Lane("known truth", "consensus", blocks, "nothing leaks")], drawn.lines)


def _history(about: OneTask, member: Membership, *, named: bool) -> list[Context]:
    """What happened to it, newest first; nobody but reviewers is named while one decides."""
    return [
        {
            "when": event.when,
            "who": who(event.who.pseudonym if event.who else None, reads_it=event.who_id == member.pk, named=named),
            "words": linked.event(event, member.campaign.slug, manages=True),
            "note": (event.after or {}).get("note", ""),
        }
        for event in about.events
    ]
