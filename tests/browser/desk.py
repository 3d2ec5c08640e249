"""A campaign for one annotator, made in the product's database: two tones as song, clips of them as tasks."""

from typing import Any

import numpy as np

from annotation.models import Campaign
from tests import worlds

RATE, DURATION = worlds.RATE, 40.0


def set_up(slug: str, n: int, clip: tuple[float, float], **rules: Any) -> None:
    """Make the campaign, "ann" in it, and `n` tracks with one open clip each."""
    worlds.member(worlds.campaign(slug, min_overlap=3, max_overlap=5, **{"instructions": "Breath is voice.", **rules}))
    for _ in range(n):
        open_more(slug, clip)


def open_more(slug: str, clip: tuple[float, float]) -> None:
    """Add a track with an estimate, and open one clip of it."""
    campaign = Campaign.objects.get(slug=slug)
    number = campaign.tracks.count()
    seconds = np.arange(int(RATE * DURATION)) / RATE
    voice = 0.3 * np.sin(2 * np.pi * (200 + 20 * number) * seconds) * (seconds % 4 < 2)
    bleed = 0.1 * np.sin(2 * np.pi * 660 * seconds)
    track = worlds.song(campaign, {"mixture": worlds.flac(voice + 4 * bleed)}, worlds.flac(voice + bleed), name=f"song {number}")
    worlds.opened([worlds.clip(track, *clip)])
