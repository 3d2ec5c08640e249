"""A campaign for one annotator, made in the product's database: two tones as song, clips of them as tasks."""

from typing import Any

import numpy as np

from annotation.models import Campaign
from tests import worlds

RATE, DURATION = worlds.RATE, 40.0
MUSIC_RATE = 44_100  # Hz


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


def set_up_music(slug: str, n: int, clip: tuple[float, float]) -> None:
    """A campaign of clips in stereo at 44.1 kHz, as many bytes as music has: tones under noise that comes and goes."""
    campaign = worlds.campaign(slug, min_overlap=3, max_overlap=5)
    worlds.member(campaign)
    seconds = np.arange(int(MUSIC_RATE * 30.0)) / MUSIC_RATE
    for number in range(n):
        noise = np.random.default_rng(number).normal(0, 0.05, (len(seconds), 2)) * (1 + np.sin(2 * np.pi * 2 * seconds))[:, None]
        voice = 0.2 * np.sin(2 * np.pi * (200 + 20 * number) * seconds)[:, None] + noise
        track = worlds.song(
            campaign, {"mixture": worlds.flac(voice + noise, MUSIC_RATE)}, worlds.flac(voice, MUSIC_RATE), name=f"song {number}"
        )
        worlds.opened([worlds.clip(track, *clip)])
