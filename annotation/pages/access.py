"""Who may come in, and what comes before the queue."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from annotation.models import Campaign, Membership
from annotation.models.people import Right, named_holders
from annotation.selectors import access, queue
from annotation.selectors.access import NotReady


def member_or_404(request: HttpRequest, slug: str, *, even_archived: bool = False) -> Membership:
    """The membership of the person signed in; to anybody else the campaign does not exist.

    Raises `Archived` where the request would change something in an archived one, unless that may be changed `even_archived`.
    """
    member = queue.membership_of(request.user, slug)
    if member is None:
        raise Http404
    request.member = member  # type: ignore[attr-defined]  # for the header of the page
    if not even_archived:
        check_changeable(member.campaign, request.method)
    return member


def check_changeable(campaign: Campaign, method: str | None) -> None:
    """Raise `Archived` where a request of this method would change something in an archived campaign."""
    if campaign.archived and method not in ("GET", "HEAD", "OPTIONS"):
        raise access.Archived


def owner_or_404(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who may end, archive and delete the campaign, or undo that; to others there is no door."""
    member = queue.owner_of(request.user, slug)
    if member is None:
        raise Http404
    return member


def manager_or_403(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who manages the campaign."""
    member = member_or_404(request, slug)
    if not member.manages:
        raise PermissionDenied(f"Only {named_holders(Right.MANAGE)} of the campaign may do this.")
    return member


def reviewer_or_403(request: HttpRequest, slug: str, what: str = "may review") -> Membership:
    """The membership of the person signed in, who reviews in the campaign; `what` ends the sentence that others read."""
    member = member_or_404(request, slug)
    if not member.reviews:
        raise PermissionDenied(f"Only {named_holders(Right.REVIEW)} of the campaign {what}.")
    return member


def observer_or_403(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who may see who did what."""
    member = member_or_404(request, slug)
    if not member.sees_people:
        raise PermissionDenied(f"Only {named_holders(Right.SEE_PEOPLE)} of the campaign may see this.")
    return member


def researcher_or_403(request: HttpRequest, slug: str) -> Membership:
    """The membership of the person signed in, who may take the campaign's data home."""
    member = member_or_404(request, slug)
    if not member.takes_data:
        raise PermissionDenied(f"Only {named_holders(Right.TAKE_DATA)} of the campaign may download this.")
    return member


def check_ready(member: Membership) -> None:
    """Raise `NotReady` where something comes before the queue: the first visit, or a pause; or where nothing is asked any more."""
    over = reverse("finished", args=[member.campaign.slug])
    if member.campaign.ended:
        raise NotReady(gettext("This campaign has ended: nobody is asked to listen any more. Thank you."), over)
    if access.has_done_all(member):
        raise NotReady(gettext("Nothing more is asked of you here. Thank you."), over)
    check_let_in(member)
    if access.is_left_out(member):
        message = gettext("This campaign asks only some of its people for now, and you are not among them.")
        raise NotReady(message, reverse("my-page", args=[member.campaign.slug]))


def check_let_in(member: Membership) -> None:
    """Raise `NotReady` where something comes before any clip."""
    slug = member.campaign.slug
    if access.must_finish_first_visit(member):
        raise NotReady(gettext("Before the first clip there are a few steps for you."), reverse("first-visit", args=[slug]))
    if access.is_paused(member):
        raise NotReady(gettext("You are paused for now. Your own page says why, and what you can do."), reverse("my-page", args=[slug]))
