"""What owners and managers decide about people: roles, leaving, coming back, and forgetting who somebody was."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from django.db import transaction
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Assignment, Draft, Membership, Participation, Submission
from annotation.models.people import RIGHTS, Right
from annotation.services.answers import withdraw_answers

Role = Membership.Role


class NotYourDecision(DomainError):
    """Who somebody is in a campaign is decided by those who may do more than they."""

    status = HTTPStatus.FORBIDDEN


class LastOwner(DomainError):
    """A campaign keeps an owner: make somebody else one first."""


@transaction.atomic
def change_role(*, member: Membership, role: str, who: Membership) -> bool:
    """Give a member another role. Managers decide about annotators and reviewers, owners about everybody. False: they have it.

    Raises `NotYourDecision` and `LastOwner`.
    """
    member = _decided(member, who)
    if role not in Role.values or (who.role != Role.OWNER and _manages(role)):
        raise NotYourDecision(f"A {who.role} cannot make anybody {_a(role)}.")
    if member.role == role:
        return False
    check_owner_left(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    record(member.campaign, "member.changed", who=who, before={"role": before}, after={"role": role, "member": member.pseudonym})
    return True


@transaction.atomic
def remove(*, member: Membership, who: Membership, with_answers: bool = False) -> int | None:
    """Let a member in no more; what they hold goes to others. `with_answers`: theirs count nowhere from the next freeze on.

    Returns how many answers were taken out; None: they were out already. Raises `NotYourDecision` and `LastOwner`.
    """
    member = _decided(member, who)
    if not member.active:
        return None
    check_owner_left(member)
    n = withdraw_answers(by=member, answers=Submission.objects.filter(by=member)) if with_answers else 0
    Assignment.objects.filter(by=member, state=Assignment.State.LEASED).update(lease_until=now())
    member.active = False
    member.save(update_fields=["active"])
    record(member.campaign, "member.removed", who=who, after={"member": member.pseudonym, "answers": n})
    return n


@transaction.atomic
def let_back(*, member: Membership, who: Membership) -> bool:
    """Let a member in again, with the role that they had. False: they are in, or nobody knows any more who they were."""
    member = _decided(member, who)
    if member.active or member.user is None:
        return False
    member.active = True
    member.save(update_fields=["active"])
    record(member.campaign, "member.let_back", who=who, after={"member": member.pseudonym})
    return True


@transaction.atomic
def anonymise(*, member: Membership, who: Membership) -> None:
    """Forget who a member was; their answers stay, as somebody's. It cannot be undone. Raises `NotYourDecision` and `LastOwner`."""
    remove(member=member, who=who)
    member = Membership.objects.select_related("user", "campaign").get(pk=member.pk)
    forget(member)
    record(member.campaign, "member.anonymised", who=who, after={"member": member.pseudonym})


def forget(member: Membership) -> bool:
    """Take account, name and panel's id off a member who was let out; to be called in a transaction. Returns whether the account is gone.

    That is so for one that came by a panel's link and is in no other campaign.
    """
    before, user = member.pseudonym, member.user
    member.user, member.pseudonym = None, f"anonymous-{secrets.token_hex(5)}"
    member.save(update_fields=["user", "pseudonym"])
    participations = Participation.objects.filter(membership=member)
    by_panel = participations.exclude(external_id="").exists()
    participations.update(external_id="", came_from="", sessions=[])
    Draft.objects.filter(by=member).delete()
    for key in ("member", "who"):
        for event in member.campaign.events.filter(**{f"after__{key}": before}):
            event.after = {**(event.after or {}), key: member.pseudonym}
            event.save(update_fields=["after"])
    if user is None or not by_panel or user.has_usable_password() or Membership.objects.filter(user=user).exists():
        return False
    user.delete()
    return True


def roles_given_by(who: Membership) -> list[str]:
    """The roles that this member may give to others."""
    return [str(role) for role in Role if who.role == Role.OWNER or not _manages(role)]


def _decided(member: Membership, who: Membership) -> Membership:
    """The member as a row that is locked, where `who` may decide about them. Raises `NotYourDecision`."""
    member = Membership.objects.select_for_update(of=("self",)).select_related("campaign", "user").get(pk=member.pk)
    if not who.manages or who.campaign_id != member.campaign_id or (who.role != Role.OWNER and _manages(member.role)):
        raise NotYourDecision(f"A {who.role} does not decide about {_a(member.role)}.")
    return member


def check_owner_left(member: Membership) -> None:
    """Raise `LastOwner` where this member is the only owner that the campaign has."""
    others = Membership.objects.filter(campaign=member.campaign, role=Role.OWNER, active=True, user__isnull=False).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise LastOwner(str(LastOwner.__doc__))


def _manages(role: str) -> bool:
    return Right.MANAGE in RIGHTS[Role(role)]


def _a(role: str) -> str:
    return f"an {role}" if role[:1] in "aeo" else f"a {role}"
