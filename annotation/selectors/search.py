"""Songs, tasks and people of a campaign, found by name or number."""

from __future__ import annotations

import re

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from annotation.models import Campaign, Membership, Task, Track
from annotation.models.tracks import words_of_track


def tracks_like(campaign: Campaign, text: str) -> QuerySet[Track]:
    """Tracks in whose name, artist or album each of these words begins one; by an index over words, so among very many, too."""
    words = re.findall(r"[^\W_]+", text)
    if not words:
        return campaign.tracks.none()
    wanted = SearchQuery(" & ".join(f"{word}:*" for word in words), search_type="raw", config="simple")
    return campaign.tracks.alias(words=words_of_track()).filter(words=wanted).order_by("name", "pk")


def people_like(campaign: Campaign, text: str) -> QuerySet[Membership]:
    """Members whose pseudonym has this text in it, those that are called so first."""
    return campaign.memberships.filter(pseudonym__icontains=text).order_by("pseudonym") if text else campaign.memberships.none()


def tasks_of_number(campaign: Campaign, number: int) -> QuerySet[Task]:
    """The task of that number, gold or not."""
    return campaign.tasks.filter(pk=number).select_related("track")
