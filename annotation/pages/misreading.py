"""Who reads the guideline otherwise, for reviewers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import Campaign, Task
from annotation.pages.access import reviewer_or_403
from annotation.selectors import misreading
from annotation.selectors.notes import with_review_pages


@login_required
@never_cache
@require_safe
def misread(request: HttpRequest, slug: str) -> HttpResponse:
    """People who agree with each other but not with the consensus, and clips in which the best people were overruled."""
    member = reviewer_or_403(request, slug, "see who reads the guideline otherwise")
    found = misreading.misread(member.campaign)
    wanted = {pk for camp in found.camps for pk in camp.clips} | {one.task for one in found.overruled}
    links = _links(member.campaign, [found.tasks[pk] for pk in wanted])
    context = {
        "campaign": member.campaign,
        "found": found,
        "may_see_people": member.sees_people,
        "camps": [
            {
                "camp": camp,
                "people": [{"pk": pk, "name": found.names[pk], "gold": found.gold.get(pk)} for pk in camp.people],
                "clips": [{"task": found.tasks[pk], "url": links[pk]} for pk in camp.clips],
            }
            for camp in found.camps
        ],
        "overruled": [
            {"one": one, "task": found.tasks[one.task], "url": links[one.task], "people": [found.names[pk] for pk in one.people]}
            for one in found.overruled
        ],
    }
    return render(request, "annotation/misread.html", context)


def _links(campaign: Campaign, tasks: list[Task]) -> dict[int, str]:
    """Where each can be looked at: its review, else the page of its round."""
    reviewed, slug = with_review_pages(campaign, tasks), campaign.slug
    return {
        task.pk: reverse("review", args=[slug, task.pk]) if task.pk in reviewed else reverse("round", args=[slug, task.round_number])
        for task in tasks
    }
