"""What a campaign may begin with: the shipped base, for generated songs, or one that others trained on real songs, which is fetched.

The web process may load it: torch comes only where a base is brought.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from annotation.models import Campaign
from learner.core.bases import BASES, FOR_REAL_SONGS, fetch

SHIPPED = "shipped"
STEM = "vocals"  # that every one of them extracts
NAMES = (SHIPPED, *BASES)
SHIPPED_RATE = 16_000  # Hz; no real music comes at so low a rate


def base_for(campaign: Campaign) -> str:
    """The name of the base that suits the songs of a campaign: on real ones the shipped one is worse than silence."""
    real = campaign.tracks.filter(set_aside=None, sample_rate__gt=SHIPPED_RATE).exists()
    return FOR_REAL_SONGS if real else SHIPPED


def base_file(name: str, progress: Callable[[int, int, str], None] = lambda done, total, what: None) -> Path:
    """The file of one of `NAMES`, fetched into UNBLEED_HOME where it is not there. Raises NotFetched, saying what to do."""
    if name == SHIPPED:
        from learner.core.teaching.train import BASE

        return BASE
    return fetch(name, settings.HOME / "bases", progress=progress)
