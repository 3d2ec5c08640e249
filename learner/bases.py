"""Which base a campaign may begin with, and which suits its songs.

The web process may load it: torch comes only where a base is brought.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from django.conf import settings

from annotation.core.stems import USUAL
from annotation.models import Campaign
from learner.core import bases
from learner.core.bases import FOR_REAL_SONGS, SHIPPED, SHIPPED_FILE, SPLEETERS, Tell
from learner.core.teaching.recipe import GENERATED_RATE
from learner.models import Checkpoint


def base_for(campaign: Campaign) -> str:
    """The name of the base that suits the songs of a campaign. Spleeter's is the only one that extracts anything but vocals."""
    if campaign.stem in stems_of(FOR_REAL_SONGS) and campaign.stem not in stems_of(SHIPPED):
        return FOR_REAL_SONGS
    return FOR_REAL_SONGS if has_real_songs(campaign) else SHIPPED


def has_real_songs(campaign: Campaign) -> bool:
    """Whether the shipped base would be worse than silence on songs of this campaign."""
    return campaign.tracks.filter(set_aside=None, sample_rate__gt=GENERATED_RATE).exists()


def stems_of(name: str) -> tuple[str, ...]:
    """What a base can extract."""
    return (USUAL, "accompaniment") if name in SPLEETERS else (USUAL,)


def base_file(base: str, stem: str = USUAL, progress: Tell = lambda done, total, what: None) -> Path:
    """The file of a base by name, fetched into UNBLEED_HOME where it is not there, or by its path. Raises NotFetched, saying what to do."""
    file = bases.base_file(base, folder(), progress)
    return file if stem == USUAL or base not in SPLEETERS else bases.of_stem(file, stem)


def folder() -> Path:
    """Where fetched bases lie, and files that people bring by hand."""
    return Path(settings.HOME) / "bases"


def name_of_file(file: Path) -> str:
    """The name of the base whose file this is, among those that were fetched; empty: it is none of them."""
    known = {f"{name}{stem}": name for name in bases.BASES for stem in ("", *(f"-{stem}" for stem in stems_of(name)))}
    return known.get(file.stem, "") if file.parent == folder() else ""


def name_of(base: Checkpoint) -> str:
    """What people call the checkpoint that a campaign began with."""
    if is_shipped(base):
        return SHIPPED
    return str(base.name or base.recipe.get("name") or base.short)


def is_shipped(checkpoint: Checkpoint) -> bool:
    return checkpoint.hash == _shipped_hash()


@functools.cache
def _shipped_hash() -> str:
    with SHIPPED_FILE.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
