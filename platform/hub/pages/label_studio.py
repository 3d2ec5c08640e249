"""The managers' page of a lab's Label Studio: the backend's address, the server, its people, and what came of its annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.core.label_studio import labelling_config
from annotation.models import Membership
from annotation.pages.access import manager_or_403
from hub.api.ml_backend import services
from hub.api.ml_backend.models import Annotation, Colleague, SentTask
from hub.api.ml_backend.predicting import version
from hub.pages import words

MOST_PEOPLE = 200
REFUSED = 20  # the latest annotations that could not be taken
LONGEST_NUMBER = 18  # digits

Said = str
"""What to tell after a button."""


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_studio(request: HttpRequest, slug: str) -> HttpResponse:
    """POST makes or revokes the secret, whose address this one answer shows, names the server, begins a sync, or says who is who."""
    member = manager_or_403(request, slug)
    if request.method != "POST":
        return _page(request, member)
    verb = request.POST.get("verb", "")
    if verb == "secret":
        secret = services.make_secret(campaign=member.campaign, who=member)
        return _page(request, member, address=_address(request, slug, secret))
    if verb in VERBS:
        try:
            messages.success(request, VERBS[verb](request, member))
        except DomainError as refusal:
            return _page(request, member, wrong=str(refusal), status=refusal.status)
    return redirect("label-studio", slug)


def _page(request: HttpRequest, member: Membership, *, address: str = "", wrong: str = "", status: int = 200) -> HttpResponse:
    campaign = member.campaign
    connection = services.connection_of(campaign)
    annotations = Annotation.objects.filter(connection=connection)
    counted = dict(annotations.order_by().values_list("state").annotate(n=Count("*")))
    config = labelling_config(campaign.stem, campaign.tags, missing=campaign.collects_missing)
    people = Colleague.objects.filter(connection=connection).select_related("member").annotate(n=Count("annotations"))
    context = {
        "campaign": campaign,
        "member": member,
        "connection": connection,
        "address": address,
        "wrong": wrong,
        "url": request.POST.get("url") or (connection.url if connection else ""),
        "project": request.POST.get("project") or (connection and connection.project) or "",
        "config": " ".join(config.split()),
        "version": version(campaign),
        "job": words.job(connection.job) if connection and connection.job else "",
        "sent": SentTask.objects.filter(connection=connection, number__isnull=False).count(),
        "states": [(Annotation.State(state).label, counted[state]) for state in Annotation.State if state in counted],
        "unheard": counted.get(Annotation.State.UNHEARD, 0),
        "refused": annotations.filter(state=Annotation.State.REFUSED).select_related("colleague").order_by("-pk")[:REFUSED],
        "people": people.order_by(F("member").asc(nulls_first=True), "-n", "number")[:MOST_PEOPLE],
        "members": campaign.memberships.filter(active=True, kind=Membership.Kind.HUMAN).order_by("pseudonym")[:1000],
        "site": _site(request),
    }
    return render(request, "hub/label_studio.html", context, status=status)


def _address(request: HttpRequest, slug: str, secret: str) -> str:
    """Where that server's administrator says the backend is."""
    return _site(request) + reverse("ml-health", args=[slug, secret]).removesuffix("/health")


def _site(request: HttpRequest) -> str:
    """Scheme and host under which the site is reached."""
    return f"{request.scheme}://{request.get_host()}"


def _revoke(request: HttpRequest, member: Membership) -> Said:
    services.revoke_secret(campaign=member.campaign, who=member)
    return "Revoked: that address opens nothing any more."


def _server(request: HttpRequest, member: Membership) -> Said:
    number = request.POST.get("project", "").strip()
    if not number.isascii() or not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise services.NoServer("The number of the project stands in its address there: /projects/7/.")
    services.name_server(
        campaign=member.campaign,
        who=member,
        url=request.POST.get("url", "")[:200],
        project=int(number),
        token=request.POST.get("token", ""),
        site=_site(request),
    )
    return "Kept. “Sync now” sends the open clips there, and fetches annotations."


def _forget(request: HttpRequest, member: Membership) -> Said:
    services.forget_server(campaign=member.campaign, who=member)
    return "Forgotten: the campaign is kept in step with no server any more."


def _sync(request: HttpRequest, member: Membership) -> Said:
    services.begin_sync(campaign=member.campaign, who=member)
    return "A worker is asked to: this page says how far it is."


def _people(request: HttpRequest, member: Membership) -> Said:
    """Names as they stand in the fields; one with the button beside it becomes a new member instead."""
    fields: dict[str, Any] = {name.removeprefix("person-"): str(value).strip() for name, value in request.POST.items() if "person-" in name}
    said = {int(number): name for number, name in fields.items() if number.isdecimal() and len(number) <= LONGEST_NUMBER}
    if (new := request.POST.get("new", "")).isdecimal() and int(new) in said:
        said[int(new)] = services.NEW
    changed = services.say_who(campaign=member.campaign, who=member, people=said)
    return f"{words.count(changed, 'person', 'people')} changed. What waited for it is taken now."


VERBS: dict[str, Callable[[HttpRequest, Membership], Said]] = {
    "revoke": _revoke,
    "server": _server,
    "forget": _forget,
    "sync": _sync,
    "people": _people,
}
