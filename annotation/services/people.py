"""What owners and managers decide about people: roles, leaving, coming back, and forgetting who somebody was."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http import HTTPStatus

from django.db import transaction
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.questionnaire import with_tags
from annotation.events import record, send
from annotation.models import Assignment, Draft, FirstVisit, Membership, Message, Participation, Preference, Referral, Submission
from annotation.models.messages import LONGEST_MESSAGE
from annotation.models.people import RIGHTS, Right
from annotation.services.answers import withdraw_answers

Role = Membership.Role


class NotYourDecision(DomainError):
    """Who somebody is in a campaign is decided by those who may do more than they."""

    status = HTTPStatus.FORBIDDEN


class BadTag(DomainError):
    """This is no tag of a person."""

    status = HTTPStatus.BAD_REQUEST


class EmptyMessage(DomainError):
    """Write something first."""

    status = HTTPStatus.BAD_REQUEST


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
    if with_answers:
        Preference.objects.filter(by=member).delete()
    Assignment.objects.filter(by=member, state=Assignment.State.LEASED).update(lease_until=now())
    Referral.objects.filter(to=member, done=None).update(done=now())
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
    Membership.objects.filter(pk=member.pk).update(tags=[], pause_reason="")
    FirstVisit.objects.filter(membership=member).update(questions=None)
    member.messages.all().delete()
    Draft.objects.filter(by=member).delete()
    member.label_studio.all().delete()  # who they are on a lab's server; kept above this app (`hub.api.ml_backend`)
    send("remove_sent_songs", member.pk)
    for key in ("member", "who"):
        for event in member.campaign.events.filter(**{f"after__{key}": before}):
            event.after = {**(event.after or {}), key: member.pseudonym}
            event.save(update_fields=["after"])
    if user is None or not by_panel or user.has_usable_password() or Membership.objects.filter(user=user).exists():
        return False
    user.delete()
    return True


@transaction.atomic
def pause(*, member: Membership, who: Membership, reason: str = "") -> bool:
    """Give a member no tasks until they are let go on; what they hold goes to others. False: they are paused. Raises `NotYourDecision`."""
    member = _decided(member, who)
    if member.paused or not member.active:
        return False
    member.paused, member.pause_reason = now(), reason.strip()[:300]
    member.save(update_fields=["paused", "pause_reason"])
    Assignment.objects.filter(by=member, state=Assignment.State.LEASED).update(lease_until=now())
    after = {"member": member.pseudonym, "reason": member.pause_reason}
    record(member.campaign, "member.held_back", who=who, after=after)
    return True


@transaction.atomic
def let_go_on(*, member: Membership, who: Membership) -> bool:
    """Give a member tasks again whom a manager paused. False: nobody did. Raises `NotYourDecision`."""
    member = _decided(member, who)
    if not member.paused:
        return False
    member.paused, member.pause_reason = None, ""
    member.save(update_fields=["paused", "pause_reason"])
    record(member.campaign, "member.goes_on", who=who, after={"member": member.pseudonym})
    return True


@transaction.atomic
def change_tags(*, member: Membership, who: Membership, add: Iterable[str] = (), take: Iterable[str] = ()) -> bool:
    """Give a member tags and take others off. False: nothing changes. Raises `NotYourDecision` and `BadTag`."""
    member = _decided(member, who)
    before = member.tags
    try:
        member.tags = with_tags(before, add=add, take=take)
    except ValueError as error:
        raise BadTag(str(error)) from error
    if member.tags == before:
        return False
    member.save(update_fields=["tags"])
    after = {"member": member.pseudonym, "tags": member.tags}
    record(member.campaign, "member.tagged", who=who, before={"tags": before}, after=after)
    return True


@transaction.atomic
def write_message(*, member: Membership, who: Membership, text: str) -> Message:
    """Write to a member: on their own page, and by e-mail where an address is known. Raises `NotYourDecision` and `EmptyMessage`."""
    if not who.manages or who.campaign_id != member.campaign_id:
        raise NotYourDecision(f"A {who.role} writes to nobody.")
    if not 1 <= len(text := text.strip()) <= LONGEST_MESSAGE:
        raise EmptyMessage(f"A message has 1 to {LONGEST_MESSAGE} characters; this has {len(text)}.")
    message = Message.objects.create(to=member, by=who, text=text)
    record(member.campaign, "message.written", who=who, after={"member": member.pseudonym})
    if member.user is not None and member.user.email:
        send("mail_message", message.pk)
    return message


def read_messages(*, by: Membership, most: int = 20) -> list[Message]:
    """The latest messages to a member, as they were before this look: those that it shows first are `read` from now on."""
    found = list(by.messages.order_by("-pk")[:most])
    Message.objects.filter(pk__in=[one.pk for one in found], read=None).update(read=now())
    return found


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
