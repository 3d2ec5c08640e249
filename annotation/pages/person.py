"""One person's page for managers, and what managers do with several people at once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.core.words import count
from annotation.models import Membership
from annotation.models.messages import LONGEST_MESSAGE
from annotation.pages.access import manager_or_403
from annotation.pages.people import wanted_of
from annotation.selectors import person as selectors
from annotation.selectors.gold import on_gold
from annotation.selectors.people import Found
from annotation.services import people as service

SHOWN = 30  # answers on a page
MOST_AT_ONCE = 1000  # people


@login_required
@never_cache
@require_safe
def person(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """What a person did, how well, whether that changes, what they earn, and their answers."""
    who = manager_or_403(request, slug)
    people = selectors.with_last_answer(Membership.objects.select_related("campaign", "reliability", "first_visit"))
    one = get_object_or_404(people, pk=member_id, campaign=who.campaign)
    sums = selectors.sums(one)
    paginator = Paginator(selectors.answers_of(one).values_list("pk", flat=True), SHOWN)
    paginator.count = sums.answers  # known already
    page = paginator.get_page(request.GET.get("page", "")[:9])
    shown = list(page)
    answers = selectors.answers_and_latest(one, shown)
    visit = getattr(one, "first_visit", None)
    context = {
        "campaign": who.campaign,
        "member": who,
        "person": one,
        "about": selectors.about(one, sums, answers),
        "gold": on_gold(one),
        "page": page,
        "answers": selectors.judged([answer for answer in answers if answer.pk in shown]),
        "questions": visit.questions if visit else None,
        "messages_to_them": one.messages.select_related("by").order_by("-pk")[:20],
        "may_decide": one.role in service.roles_given_by(who),
        "longest": LONGEST_MESSAGE,
    }
    return render(request, "annotation/person.html", context)


@login_required
@require_POST
def decide_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Pause, let go on, take out, tag or write to all who were ticked, or whom the filter finds on all its pages.

    Who may not be decided about is left alone, and counted.
    """
    who = manager_or_403(request, slug)
    said = request.POST.get("decision", "")
    everybody = Membership.objects.select_related("campaign", "user").filter(campaign=who.campaign).order_by("pk")
    chosen = [int(one) for one in request.POST.getlist("person")[:MOST_AT_ONCE] if one.isdecimal() and len(one) < 18]
    if request.POST.get("which") == "all":
        found = Found(who.campaign, wanted_of(request.POST)).people
        if found.count() > MOST_AT_ONCE:
            messages.error(request, f"These are {found.count()} people; decide about {MOST_AT_ONCE} at once at most: narrow the list.")
            return redirect("people", slug)
        chosen = list(found.values_list("pk", flat=True))
    members = list(everybody.filter(pk__in=chosen))
    changed, refused = 0, dict[str, int]()
    for member in members:
        try:
            changed += _decide(said, member, who, request)
        except DomainError as refusal:
            refused[str(refusal)] = refused.get(str(refusal), 0) + 1
    done = WORDS.get(said, "changed")
    messages.success(request, f"{count(changed, 'person', 'people')} {done}.") if changed else messages.info(
        request, "Nothing was changed."
    )
    for why, n in refused.items():
        messages.error(request, f"{count(n, 'person', 'people')} left alone: {why}")
    back = request.POST.get("back", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, None) else reverse("people", args=[slug]))


WORDS = {"pause": "paused", "go-on": "get clips again", "remove": "out of the campaign", "message": "written to"}


def _decide(said: str, member: Membership, who: Membership, request: HttpRequest) -> bool:
    text = request.POST.get("text", "")
    if said == "pause":
        return service.pause(member=member, who=who, reason=text)
    if said == "go-on":
        return service.let_go_on(member=member, who=who)
    if said == "remove":
        return service.remove(member=member, who=who) is not None
    if said == "message":
        return bool(service.write_message(member=member, who=who, text=text))
    tags = [tag.strip() for tag in text.split(",")]
    return service.change_tags(member=member, who=who, **{"take" if said == "untag" else "add": tags})
