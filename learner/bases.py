"""What a campaign may begin with: the shipped base, for generated songs, or one that others trained on real songs, which is fetched.

The web process may load it: torch comes only where a base is brought.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from annotation.core.stems import USUAL
from annotation.models import Campaign
from learner.core.bases import BASES, FOR_REAL_SONGS, SPLEETERS, fetch, of_stem
from learner.core.teaching.recipe import GENERATED_RATE

SHIPPED = "shipped"
NAMES = (SHIPPED, *BASES)


def base_for(campaign: Campaign) -> str:
    """The name of the base that suits the songs of a campaign: on real ones the shipped one is worse than silence.

    Spleeter's is the only one that extracts anything but vocals.
    """
    if campaign.stem in stems_of(FOR_REAL_SONGS) and campaign.stem not in stems_of(SHIPPED):
        return FOR_REAL_SONGS
    return FOR_REAL_SONGS if has_real_songs(campaign) else SHIPPED


def has_real_songs(campaign: Campaign) -> bool:
    return campaign.tracks.filter(set_aside=None, sample_rate__gt=GENERATED_RATE).exists()


def stems_of(name: str) -> tuple[str, ...]:
    """What a base can extract."""
    return (USUAL, "accompaniment") if name in SPLEETERS else (USUAL,)


def base_file(name: str, stem: str = USUAL, progress: Callable[[int, int, str], None] = lambda done, total, what: None) -> Path:
    """The file of one of `NAMES`, fetched into UNBLEED_HOME where it is not there. Raises NotFetched, saying what to do."""
    if name == SHIPPED:
        from learner.core.teaching.train import BASE

        return BASE
    file = fetch(name, settings.HOME / "bases", progress=progress)
    return file if stem == USUAL else of_stem(file, stem)
