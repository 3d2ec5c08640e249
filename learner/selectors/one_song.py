"""Campaigns of one song, which have nothing but it to learn from and to be judged by."""

from __future__ import annotations

from annotation.models import Campaign, Membership, Track

TEMPLATE = "one-song"  # slug of the campaign whose members bring songs of their own


def fits_one_song(campaign: Campaign) -> bool:
    """Whether the pool is one song and no other is there to be replayed: then what nobody marked of it is."""
    in_use = campaign.tracks.filter(set_aside=None)
    return in_use.filter(use=Track.Use.POOL).count() == 1 and not in_use.filter(use=Track.Use.REPLAY).exists()


def is_judged_by_ear(campaign: Campaign) -> bool:
    """Whether one person alone, with one song and no songs for the gate, judges what was learned by hearing it."""
    alone = campaign.memberships.filter(active=True).count() == 1 and campaign.memberships.filter(kind=Membership.Kind.HUMAN).count() == 1
    return alone and fits_one_song(campaign) and not campaign.tracks.filter(set_aside=None, use=Track.Use.GATE).exists()
