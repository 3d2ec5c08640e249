"""The last page of whoever came by a link that asks for so many tasks: how far they are, then the completion code."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.core.panels import PROLIFIC_DONE
from annotation.models import Link, Participation
from annotation.pages.access import member_or_404
from annotation.selectors import queue
from annotation.selectors.crowd_links import n_done, participation_of
from annotation.services import crowd_links


@login_required
@never_cache
@require_safe
def finished(request: HttpRequest, slug: str) -> HttpResponse:
    """What is still to do; when it is done, the code and the way back to the panel. Of a campaign that has ended, to everybody."""
    member = member_or_404(request, slug)
    participation = participation_of(member)
    if participation is None or (participation.link.tasks_asked is None and member.tasks_asked is None):
        if not member.campaign.ended:
            raise Http404
        context = {"campaign": member.campaign, "has_ended": True, "n_answers": queue.own_progress(member, gets_tasks=True).done}
        return render(request, "annotation/finished.html", context)
    if crowd_links.finish(participation=participation):
        participation.refresh_from_db()
    link = participation.link
    back = PROLIFIC_DONE + quote(link.completion_code) if link.kind == Link.Kind.PROLIFIC else link.return_url
    context = {
        "campaign": member.campaign,
        "participation": participation,
        "link": link,
        "n_done": n_done(participation),
        "n_too_soon": queue.n_too_soon(participation),
        "has_ended": member.campaign.ended is not None,
        "n_answers": queue.own_progress(member, gets_tasks=True).done,
        "is_done": participation.state in (Participation.State.FINISHED, Participation.State.APPROVED),
        "back": back,
    }
    return render(request, "annotation/finished.html", context)
