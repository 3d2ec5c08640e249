"""The managers' page of invitations: made (the link is shown once, or sent by e-mail), listed, revoked."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.core.words import moment
from annotation.models import Invitation, Membership
from annotation.pages.access import manager_or_403
from annotation.services import invitations as service
from annotation.services import mail
from annotation.services.mail import Letter
from annotation.services.people import roles_given_by

MOST_AT_ONCE = 20  # addresses; each e-mail takes a moment
SHOWN = 100  # the latest invitations
log = logging.getLogger(__name__)


class NewInvitation(forms.Form):
    """Whom to let in, as what, and for how long."""

    role = forms.ChoiceField(label="Role")
    emails = forms.CharField(
        label="E-mail addresses",
        required=False,
        help_text=f"One a line, at most {MOST_AT_ONCE}: each gets an invitation for one person. Empty: a link that you pass on yourself",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    max_uses = forms.IntegerField(
        label="People by the link", min_value=1, max_value=1000, initial=1, required=False, help_text="Of a link that you pass on"
    )
    days = forms.IntegerField(label="Days that it lasts", min_value=1, max_value=service.MOST_DAYS, initial=service.DAYS)

    def __init__(self, who: Membership, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(one, one) for one in roles_given_by(who)]
        role.initial = str(Membership.Role.ANNOTATOR)

    def clean_emails(self) -> list[str]:
        emails = list(dict.fromkeys(self.cleaned_data["emails"].replace(",", "\n").split()))
        if len(emails) > MOST_AT_ONCE:
            raise ValidationError(f"These are {len(emails)} addresses; send {MOST_AT_ONCE} at once at most.")
        for email in emails:
            try:
                validate_email(email)
            except ValidationError:
                raise ValidationError(f"{email[:60]} is no e-mail address.") from None
        return emails


@dataclass(frozen=True)
class Made:
    """An invitation that was just made."""

    invitation: Invitation
    address: str
    sent: bool


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, slug: str) -> HttpResponse:
    """The invitations of a campaign; POST makes some, whose links this one answer shows."""
    member = manager_or_403(request, slug)
    form = NewInvitation(member, request.POST or None)
    made: list[Made] = []
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        rules = {"campaign": member.campaign, "who": member, "role": said["role"], "days": said["days"]}
        if said["emails"]:
            made = [_sent(request, *service.invite(**rules, email=email)) for email in said["emails"]]
        else:
            invitation, token = service.invite(**rules, max_uses=said["max_uses"] or 1)
            made = [Made(invitation, _address(request, token), sent=False)]
        form = NewInvitation(member)
    context = {
        "campaign": member.campaign,
        "member": member,
        "form": form,
        "made": made,
        "invitations": member.campaign.invitations.select_related("made_by").order_by("-pk")[:SHOWN],
    }
    return render(request, "annotation/invitations.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, slug: str, invitation_id: int) -> HttpResponse:
    """Let nobody in by this invitation any more."""
    member = manager_or_403(request, slug)
    if service.revoke(invitation=get_object_or_404(member.campaign.invitations, pk=invitation_id), who=member):
        messages.success(request, "Revoked: it lets nobody in any more. Who is in stays.")
    return redirect("invitations", slug)


def _sent(request: HttpRequest, invitation: Invitation, token: str) -> Made:
    """Sent here and by no worker: a queue would keep the token."""
    address = _address(request, token)
    try:
        mail.send(invitation.email, lambda: _letter(invitation, address), everywhere=invitation.role == Membership.Role.ANNOTATOR)
    except OSError as error:
        log.warning("an invitation could not be sent: %s", error)
        return Made(invitation, address, sent=False)
    return Made(invitation, address, sent=True)


def _letter(invitation: Invitation, address: str) -> Letter:
    names = {"campaign": invitation.campaign.name, "role": gettext(invitation.role), "address": address}
    names["until"] = moment(invitation.expires)
    subject = gettext("Invitation to the campaign %(campaign)s") % names
    text = gettext(
        "You are invited to the campaign %(campaign)s, as %(role)s.\n\n%(address)s\n\n"
        "The link lets one person in, until %(until)s. If you do not know what this is about, do nothing."
    )
    return subject, text % names


def _address(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("invitation", args=[token]))
