"""Kinds of campaigns, for a new one to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import Campaign
from learner.services import own_songs


@dataclass(frozen=True)
class Kind:
    """A kind of campaign, and the rules that it begins with."""

    name: str
    about: str
    rules: dict[str, Any]


KINDS = {
    "volunteers": Kind(
        "Volunteers",
        "people who help for nothing, each as long as they like: a first visit, some gold clips, a leaderboard",
        {"onboarding": True, "gold_share": 0.1, "pause_below": 0.4, "leaderboard": True, "min_overlap": 3, "max_overlap": 5},
    ),
    "paid-crowd": Kind(
        "Paid crowd",
        "people of a panel, paid by the clip: they qualify on gold clips first, and more of them hear each clip",
        {
            "onboarding": True,
            "gold_share": 0.15,
            "qualification": 5,
            "pause_below": 0.5,
            "min_overlap": 3,
            "max_overlap": 7,
            "skip_policy": Campaign.SkipPolicy.IGNORED,
        },
    ),
    "in-the-lab": Kind(
        "In the lab",
        "a few people whom you know and have shown what to mark: two answers a clip, nothing to pass first",
        {"onboarding": False, "gold_share": 0.0, "pause_below": None, "min_overlap": 2, "max_overlap": 3},
    ),
    own_songs.TEMPLATE: Kind(
        "One song of mine",
        "whoever is in it brings songs of their own, marks in them what is wrong, and gets them mended: one person a song, no crowd; "
        "it needs a base and members, and no songs",
        {"name": "One song of mine", "slug": own_songs.TEMPLATE, **own_songs.RULES},
    ),
}
USUAL = "volunteers"
