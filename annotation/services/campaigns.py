"""Campaigns and their people."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from annotation.events import record
from annotation.models import Campaign, Membership


@transaction.atomic
def create_campaign(*, name: str, slug: str, owner: Any = None, **rules: object) -> Campaign:
    """Make a campaign and, if a user is given, their membership as its owner."""
    campaign = Campaign(name=name, slug=slug, **rules)
    campaign.full_clean()
    campaign.save()
    who = (
        add_member(campaign=campaign, user=owner, role=Membership.Role.OWNER, pseudonym=owner.get_username()) if owner is not None else None
    )
    record(campaign, "campaign.created", who=who, after={"name": name})
    return campaign


@transaction.atomic
def add_member(
    *,
    campaign: Campaign,
    user: Any = None,
    role: str = Membership.Role.ANNOTATOR,
    kind: str = Membership.Kind.HUMAN,
    pseudonym: str = "",
    habits: dict[str, Any] | None = None,
) -> Membership:
    """Let a person (or a simulated annotator) into a campaign."""
    member = Membership.objects.create(
        campaign=campaign, user=user, role=role, kind=kind, habits=habits or {}, pseudonym=pseudonym or f"listener-{uuid.uuid4().hex[:6]}"
    )
    record(campaign, "member.joined", who=member, after={"role": role, "kind": kind})
    return member


@transaction.atomic
def pause_rounds(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Start no new round from now on; what is under way goes on. False: it was paused already."""
    changed = Campaign.objects.filter(pk=campaign.pk, paused=False).update(paused=True)
    if changed:
        record(campaign, "campaign.paused", who=who)
    return bool(changed)


@transaction.atomic
def resume_rounds(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Let rounds start again. False: it was not paused."""
    changed = Campaign.objects.filter(pk=campaign.pk, paused=True).update(paused=False)
    if changed:
        record(campaign, "campaign.resumed", who=who)
    return bool(changed)
