"""Invitations with a role: made, revoked, taken. The token that lets somebody in is returned once and kept as a hash alone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Invitation, Membership
from annotation.models.people import RIGHTS
from annotation.services.campaigns import add_member
from annotation.services.people import NotYourDecision, roles_given_by

Role = Membership.Role
DAYS = 7  # that an invitation lasts, unless its maker says otherwise
MOST_DAYS = 90


class InvitationClosed(DomainError):
    """This invitation lets nobody in."""

    status = HTTPStatus.GONE


@transaction.atomic
def invite(
    *, campaign: Campaign, who: Membership, role: str, email: str = "", max_uses: int = 1, days: int = DAYS
) -> tuple[Invitation, str]:
    """Make an invitation; returns it with its token, which nobody can find out afterwards.

    Raises `NotYourDecision` where `who` may not give this role, and Django's `ValidationError` naming the field.
    """
    if not who.manages or role not in roles_given_by(who):
        raise NotYourDecision(f"You cannot invite anybody as {role or 'nothing'}.")
    token = secrets.token_urlsafe(32)  # 256 random bits: nobody guesses it, so a plain hash is enough
    expires = now() + timedelta(days=days)
    made = Invitation(campaign=campaign, made_by=who, role=role, email=email, max_uses=max_uses, expires=expires, digest=digest_of(token))
    made.full_clean()
    made.save()
    after = {"invitation": made.pk, "role": role, "by_email": bool(email), "max_uses": max_uses}  # an address is no history's business
    record(campaign, "invitation.made", who=who, after=after)
    return made, token


@transaction.atomic
def revoke(*, invitation: Invitation, who: Membership) -> bool:
    """Let nobody in by it any more; who is in stays. False: it was revoked already."""
    changed = Invitation.objects.filter(pk=invitation.pk, revoked=None).update(revoked=now())
    if changed:
        record(invitation.campaign, "invitation.revoked", who=who, after={"invitation": invitation.pk, "role": invitation.role})
    return bool(changed)


def of_token(token: str) -> Invitation | None:
    """The invitation whose token this is."""
    known = Invitation.objects.select_related("campaign", "made_by__campaign").filter(campaign__deleted=None)
    return known.filter(digest=digest_of(token)).first()


def digest_of(token: str) -> str:
    """What is kept of a secret of much chance: it opens nothing, and needs no slow hash as a password does."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_open(invitation: Invitation) -> None:
    """Raise `InvitationClosed` where it lets nobody in, saying why. Whoever made it must still be allowed to."""
    ask = gettext("Ask whoever invited you for a new one.")
    if invitation.revoked or not invitation.made_by.manages or invitation.role not in roles_given_by(invitation.made_by):
        raise InvitationClosed(gettext("This invitation was withdrawn.") + " " + ask)
    if invitation.is_used_up:
        raise InvitationClosed(gettext("This invitation was used already.") + " " + ask)
    if invitation.campaign.archived:
        raise InvitationClosed(gettext("This campaign has ended: nobody is asked to listen any more. Thank you."))
    if invitation.is_over:
        raise InvitationClosed(gettext("This invitation is past its time.") + " " + ask)


@transaction.atomic
def accept(*, invitation: Invitation, user: Any) -> Membership:
    """Let somebody who is signed in into the campaign with the role; a member gets it where it allows more than theirs.

    A member whom it would give nothing stays what they are, and it is not used up. Raises `InvitationClosed`.
    """
    # Locked: whoever comes by it comes one after the other, so that an invitation of one lets one in.
    row = Invitation.objects.select_for_update(of=("self",)).select_related("campaign", "made_by__campaign").get(pk=invitation.pk)
    member = Membership.objects.select_related("campaign").filter(campaign=row.campaign, user=user).first()
    if member and not member.active:
        raise InvitationClosed(
            gettext("The people who run this campaign have ended your membership. Write to them if you think that is wrong.")
        )
    if member and not allows_more(row.role, than=member.role):
        return member
    check_open(row)
    Invitation.objects.filter(pk=row.pk).update(uses=F("uses") + 1, email="")  # whose address it was is told by nothing from now on
    if member is None:
        member = add_member(campaign=row.campaign, user=user, role=row.role, pseudonym=_pseudonym(row.role))
    else:
        before, member.role = member.role, row.role
        member.save(update_fields=["role"])
        after = {"role": row.role, "member": member.pseudonym}
        record(row.campaign, "member.changed", who=row.made_by, before={"role": before}, after=after)
    record(row.campaign, "invitation.taken", who=member, after={"invitation": row.pk, "role": row.role})
    return member


def allows_more(role: str, *, than: str) -> bool:
    """Whether a role has every right of another one, and more; an owner counts above a manager."""
    mine, theirs = RIGHTS[Role(role)], RIGHTS[Role(than)]
    return mine > theirs or (role == Role.OWNER and than == Role.MANAGER)


def _pseudonym(role: str) -> str:
    return f"{'listener' if role == Role.ANNOTATOR else role}-{secrets.token_hex(5)}"
