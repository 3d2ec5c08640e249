"""Campaigns, their people, and the songs they work on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import storage
from annotation.models import (
    Campaign,
    Estimate,
    Membership,
    Stem,
    Track,
)


class AlreadyThere(DomainError):
    """This song is already in the campaign."""


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


@dataclass(frozen=True)
class NewStem:
    """A stem to be added: its name, its file, and whether it was computed from two others."""

    name: str
    file: Path
    derived: bool = False


@transaction.atomic
def add_track(
    *,
    campaign: Campaign,
    name: str,
    use: str,
    domain: str,
    stems: Sequence[NewStem],
    fingerprint: str,
    duration: float,
    sample_rate: int,
    channels: int,
    **about: str,
) -> Track:
    """Add a song with its original files; raises `AlreadyThere` when the campaign has it."""
    if Track.objects.filter(campaign=campaign, fingerprint=fingerprint).exists():
        raise AlreadyThere(f"{name}: {AlreadyThere.__doc__}")
    track = Track.objects.create(
        campaign=campaign,
        name=name,
        use=use,
        domain=domain,
        fingerprint=fingerprint,
        duration=duration,
        sample_rate=sample_rate,
        channels=channels,
        **about,
    )
    Stem.objects.bulk_create(
        Stem(track=track, name=stem.name, file=storage.keep(stem.file, stem.file.suffix.lower()), derived=stem.derived) for stem in stems
    )
    record(campaign, "track.added", after={"track": track.pk, "name": name, "use": use, "domain": domain})
    return track


def keep_estimate(*, track: Track, stem: str, checkpoint: str, file: Path) -> Estimate:
    """Keep what a checkpoint extracted; a second one of the same checkpoint changes nothing."""
    key = storage.keep(file, file.suffix.lower())
    estimate, _ = Estimate.objects.get_or_create(track=track, stem=stem, checkpoint=checkpoint, defaults={"file": key})
    return estimate
