"""Withdrawing consent for good: answers are taken back, models that learned from them are flagged, and nobody knows any more who it was."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from annotation.events import record, send
from annotation.models import Membership, Referral, Reply
from annotation.services.first_visit import withdraw_consent
from annotation.services.people import check_owner_left, forget

TAKEN_BACK = "(taken back)"


@dataclass(frozen=True)
class Left:
    """What a withdrawal took along."""

    answers: int
    account: bool  # one that came by a panel's link is gone, with whoever is signed in by it


@transaction.atomic
def withdraw(*, by: Membership) -> Left:
    """Take back consent, answers, drafts and notes, and cut the person's name off what stays on record. It cannot be undone.

    No later feedback set has their marks; a worker flags the checkpoints that learned from them. Raises `LastOwner`.
    """
    member = Membership.objects.select_for_update(of=("self",)).select_related("campaign", "user").get(pk=by.pk)
    check_owner_left(member)
    n = withdraw_consent(by=member, with_answers=True)
    member.notes.update(text=TAKEN_BACK)
    Reply.objects.filter(by=member).update(text=TAKEN_BACK)
    Referral.objects.filter(to=member, done=None).update(done=Now())
    Membership.objects.filter(pk=member.pk).update(active=False)
    gone = forget(member)
    record(member.campaign, "member.anonymised", who=member, after={"member": member.pseudonym})
    send("flag_checkpoints", member.pk)
    return Left(answers=n, account=gone)
