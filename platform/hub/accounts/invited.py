"""Where an invitation leads: a role in a campaign, for an account that there is or a new one.

Opening it changes nothing (mail programs open links ahead of people); pressing its button does.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotation.models import Invitation, Membership
from annotation.selectors import access
from annotation.services import invitations
from annotation.services.invitations import InvitationClosed
from hub.accounts.by_link import forget
from hub.accounts.joining import MOST_UNKNOWN, NewAccount
from hub.accounts.sign_in import let_in
from hub.accounts.throttle import too_often

MOST_TAKEN = 10  # times that one address may press the button in a minute


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation's page, and its button. Why it lets nobody in is said in words."""
    invitation = invitations.of_token(token)
    if invitation is None:
        often = too_often(request, "unknown-link", MOST_UNKNOWN)
        said = gettext("This invitation is not known here. Look whether the whole address was copied.")
        return _closed(request, said, 429 if often else 404)
    if request.method == "POST" and too_often(request, f"invitation-{invitation.pk}", MOST_TAKEN):
        said = gettext("Too many people are coming in from your network at once. Wait a minute, then try again.")
        return _closed(request, said, 429)
    try:
        return _answer(request, invitation)
    except InvitationClosed as closed:
        return _closed(request, str(closed), closed.status)


def _answer(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    user = request.user
    if not isinstance(user, AnonymousUser):
        member = Membership.objects.select_related("campaign").filter(campaign=invitation.campaign, user=user, active=True).first()
        if request.method == "POST" or (member and not invitations.allows_more(invitation.role, than=member.role)):
            return redirect(_first_page(invitations.accept(invitation=invitation, user=user)))
    invitations.check_open(invitation)
    form = NewAccount(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():  # no account where the invitation has just been taken
            form.instance.email = invitation.email  # it came by that address
            made = form.save()
            member = invitations.accept(invitation=invitation, user=made)
        return forget(let_in(request, made, then=_first_page(member), by_password=True))
    context = {"invitation": invitation, "campaign": invitation.campaign, "form": form}
    return render(request, "accounts/invited.html", context, status=400 if form.errors else 200)


def _first_page(member: Membership) -> str:
    """The address of the campaign for whoever steers or reviews, for others that of what is before them."""
    slug = member.campaign.slug
    if member.sees_people:
        return reverse("campaign", args=[slug])
    return reverse("first-visit", args=[slug]) if access.must_finish_first_visit(member) else reverse("queue")


def _closed(request: HttpRequest, why: str, status: int) -> HttpResponse:
    return render(request, "accounts/link_closed.html", {"why": why}, status=status)
