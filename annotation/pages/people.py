"""People of a campaign as its managers see them: gold, signs of not listening, first visits, pauses and appeals."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.questionnaire import LONGEST_TAG
from annotation.models import FirstVisit, Membership, Pause
from annotation.pages.access import manager_or_403
from annotation.selectors.crowd import STEPS
from annotation.selectors.people import STATES, Found, Wanted, tags
from annotation.services import gold
from annotation.services import people as service
from annotation.services.first_visit import give_more_tries

SHOWN = 50  # people on a page
SAID = 10  # judged answers of one person, before anything is said of how they mark


@login_required
@never_cache
@require_safe
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Who listens how, and appeals that wait for a decision; for owners and managers."""
    member = manager_or_403(request, slug)
    wanted = wanted_of(request.GET)
    found = Found(member.campaign, wanted)
    page = Paginator(found.people, SHOWN).get_page(request.GET.get("page", "")[:9])
    context = {
        "campaign": member.campaign,
        "member": member,
        "page": page,
        "rows": found.rows(page.object_list),
        "wanted": wanted,
        "states": STATES,
        "tags": tags(member.campaign),
        "steps": [(name, words) for name, (words, _) in STEPS.items()],
        "said": SAID,
        "roles": service.roles_given_by(member),
    }
    return render(request, "annotation/people.html", context)


def wanted_of(asked: QueryDict) -> Wanted:
    """What the list is narrowed to, from an address or a form."""
    stopped = asked.get("stopped", "")
    said = Wanted(asked.get("q", "").strip()[:60], asked.get("tag", "")[:LONGEST_TAG], asked.get("state", ""))
    return replace(said, stopped=stopped if stopped in STEPS else "")


@login_required
@require_POST
def change(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Give a person another role, take them out, let them back in, or forget who they were."""
    who = manager_or_403(request, slug)
    member = get_object_or_404(Membership.objects.select_related("campaign"), pk=member_id, campaign=who.campaign)
    said, name = request.POST.get("decision", ""), member.pseudonym
    try:
        if said == "remove":
            with_answers = request.POST.get("answers") == "yes"
            n = service.remove(member=member, who=who, with_answers=with_answers)
            changed = n is not None
            told = f"{name} is out of the campaign." + (f" {n} of their answers count nowhere from the next freeze on." if n else "")
        elif said == "let-back":
            changed, told = service.let_back(member=member, who=who), f"{name} is in the campaign again."
        elif said == "anonymise" and request.POST.get("sure") != "yes":
            messages.error(request, f"Who {name} is cannot be found out again afterwards: tick “for good” to have it forgotten.")
            return redirect("people", slug)
        elif said == "anonymise":
            service.anonymise(member=member, who=who)
            changed, told = True, "Nobody can tell any more who that was. Their answers stay."
        else:
            role = request.POST.get("role", "")
            changed, told = service.change_role(member=member, role=role, who=who), f"{name} is {role} now."
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, told) if changed else messages.info(request, "Nothing was changed.")
    return redirect("people", slug)


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, pause_id: int) -> HttpResponse:
    """Lift a pause, or let it stand."""
    member = manager_or_403(request, slug)
    pause = get_object_or_404(Pause.objects.select_related("membership__campaign"), pk=pause_id, membership__campaign=member.campaign)
    lift = request.POST.get("decision") == "lift"
    name = pause.membership.pseudonym
    try:
        gold.decide(pause=pause, who=member, lift=lift, reply=request.POST.get("reply", "")[:2000])
        messages.success(request, f"{name} gets tasks again." if lift else f"{name} stays paused, and can read your reply.")
    except gold.NotPaused as error:  # another manager was quicker
        messages.warning(request, str(error))
    return redirect("people", slug)


@login_required
@require_POST
def practise_again(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Let somebody who has used up their tries go through the practice once more."""
    manager = manager_or_403(request, slug)
    visit = get_object_or_404(
        FirstVisit.objects.select_related("membership__campaign"),
        membership=member_id,
        membership__campaign=manager.campaign,
        finished=None,
    )
    give_more_tries(to=visit, who=manager)
    messages.success(request, f"{visit.membership.pseudonym} can practise once more.")
    return redirect("people", slug)
