"""Questions about the tracks of a campaign."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from annotation.models import Campaign, Track


@dataclass(frozen=True)
class TrackCounts:
    """How many tracks of a campaign wait: in the pool, for rounds; to be looked at, for a manager (`tracks_to_look_at`)."""

    in_pool: int
    to_look_at: int


def track_counts(campaign: Campaign) -> TrackCounts:
    counted = campaign.tracks.aggregate(
        in_pool=Count("pk", filter=Q(use=Track.Use.POOL, set_aside=None)),
        to_look_at=Count("pk", filter=Q(set_aside__isnull=False, set_aside_by=None)),
    )
    return TrackCounts(**counted)


def tracks_to_look_at(campaign: Campaign) -> QuerySet[Track]:
    """What the platform set aside and no manager has looked at since, the latest first."""
    return campaign.tracks.filter(set_aside__isnull=False, set_aside_by=None).order_by("-set_aside", "pk")
