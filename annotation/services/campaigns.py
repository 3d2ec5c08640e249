"""Campaigns and their people."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from annotation.events import record
from annotation.models import Campaign, Membership

VERSIONS = {"consent_text": "consent_version", "instructions": "instruction_version"}
"""Text that people read before their first clip -> the number that says which of its versions they read."""


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


def free_slug(name: str) -> str:
    """An address made from a name, with a number where it is taken."""
    base = slugify(name)[:50] or "campaign"
    taken = set(Campaign.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := base if n == 1 else f"{base}-{n}") not in taken)


@transaction.atomic
def change_campaign(*, campaign: Campaign, changes: Mapping[str, object], who: Membership) -> dict[str, object]:
    """Change rules of a campaign, and return those that are other than before, with their new values.

    The history keeps both values. A changed text that people agree to or are taught by is a new version, so that they are asked again.
    Raises `ValidationError` where a rule may not be so; then nothing is changed.
    """
    row = Campaign.objects.select_for_update().get(pk=campaign.pk)
    before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    if not before:
        return {}
    for name in before:
        setattr(row, name, changes[name])
    raised = raise_versions(row, before)
    row.full_clean()
    row.save(update_fields=[*before, *raised])
    after = {name: changes[name] for name in before}
    record(campaign, "campaign.changed", who=who, before=_kept(before), after=_kept(after))
    return after


def raise_versions(campaign: Campaign, changed: Iterable[str]) -> list[str]:
    """Count up the version of each text among the changed fields, unsaved; return the fields of the versions."""
    raised = [VERSIONS[name] for name in changed if name in VERSIONS]
    for version in raised:
        setattr(campaign, version, getattr(campaign, version) + 1)
    return raised


def _kept(values: Mapping[str, object]) -> dict[str, object]:
    """Values as an event keeps them."""
    return {name: value if isinstance(value, str | int | float | dict | list | None) else str(value) for name, value in values.items()}


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
