"""Where a crowd link leads: an invitation to people with an account or a new one; a panel's people to an account of their link's.

Opening a link changes nothing (browsers and chat programs open links ahead of people); pressing its button does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotation.core.panels import BadVisit, Visit, external_visit, prolific_visit
from annotation.models import Link, Membership
from annotation.selectors import access
from annotation.services import crowd_links
from annotation.services.crowd_links import LinkClosed
from hub.accounts.by_link import forget, remember
from hub.accounts.models import User
from hub.accounts.sign_in import let_in
from hub.accounts.throttle import address_of, hashed, too_often

if TYPE_CHECKING:  # generic for the type checker only
    Form = UserCreationForm[User]
else:
    Form = UserCreationForm

MOST_UNKNOWN = 20  # unknown links that one address may try in a minute
MOST_TAKEN = 60  # times that one address may press a link's button in a minute: a class of students behind one router
STATUS = {"full": 409, "crowded": 429, "guarded": 403, "removed": 403, "over": 403, "study": 400}


class NewAccount(Form):
    """An account of one's own, made where an invitation leads."""

    class Meta:
        model = User
        fields = ("username",)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """A link's page, and its button. Why it lets nobody in is said in words, with what to do."""
    link = Link.objects.select_related("campaign").filter(token=token, campaign__deleted=None).first()
    if link is None:
        often = too_often(request, "unknown-link", MOST_UNKNOWN)
        return _closed(
            request, None, gettext("This link is not known here. Look whether the whole address was copied."), 429 if often else 404
        )
    if request.method == "POST" and too_often(request, f"link-{link.pk}", MOST_TAKEN):
        return _closed(
            request, link, gettext("Too many people are coming in from your network at once. Wait a minute, then try again."), 429
        )
    try:
        return _invitation(request, link) if link.kind == Link.Kind.INVITATION else _panel(request, link)
    except BadVisit as bad:
        return _closed(request, link, str(bad), 400)
    except LinkClosed as closed:
        if closed.why == "crowded":
            crowd_links.note_stopped(link=link, came_from=_came_from(link, request))
        return _closed(request, link, str(closed), STATUS.get(closed.why, 410))


def _invitation(request: HttpRequest, link: Link) -> HttpResponse:
    user = request.user
    crowd_links.check_revoked(link)
    if not isinstance(user, AnonymousUser):
        member = Membership.objects.select_related("campaign").filter(campaign=link.campaign, user=user, active=True).first()
        if request.method == "POST" or (member and not access.has_done_all(member)):
            return redirect(_first_page(crowd_links.join_by_invitation(link=link, user=user, came_from=_came_from(link, request))))
    crowd_links.check_open(link)
    form = NewAccount(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():  # no account where the link has just been used up
            made = form.save()
            member = crowd_links.join_by_invitation(link=link, user=made, came_from=_came_from(link, request))
        return forget(let_in(request, made, then=_first_page(member), by_password=True))
    return render(request, "accounts/join.html", _context(link) | {"form": form}, status=400 if form.errors else 200)


def _panel(request: HttpRequest, link: Link) -> HttpResponse:
    visit = visit_of(link, request)
    crowd_links.check_visit(link, visit)
    if request.method != "POST":
        return render(request, "accounts/join.html", _context(link) | {"visit": visit})
    member = crowd_links.enter_from_panel(link=link, visit=visit, came_from=_came_from(link, request)).membership
    assert isinstance(member.user, User)
    return remember(let_in(request, member.user, then=_first_page(member), by_password=False))


def visit_of(link: Link, request: HttpRequest) -> Visit:
    """Who comes, by the address; raises `BadVisit`."""
    return (prolific_visit if link.kind == Link.Kind.PROLIFIC else external_visit)(dict(request.GET.lists()))


def _came_from(link: Link, request: HttpRequest) -> str:
    """The address, as its people are told apart by: a short hash of this link's own."""
    return hashed(f"came by link {link.pk}", address_of(request))[:8]


def _first_page(member: Membership) -> str:
    """The address of the first visit, the last page, or the queue."""
    slug = member.campaign.slug
    if access.has_done_all(member):
        return reverse("finished", args=[slug])
    return reverse("first-visit", args=[slug]) if access.must_finish_first_visit(member) else reverse("queue")


def _context(link: Link) -> dict[str, Any]:
    return {"link": link, "campaign": link.campaign}


def _closed(request: HttpRequest, link: Link | None, why: str, status: int) -> HttpResponse:
    return render(request, "accounts/link_closed.html", {"link": link, "why": why, "again": status == 400}, status=status)
