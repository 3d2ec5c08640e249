"""Songs that somebody sent to be separated: theirs alone, and what of them goes into what they take home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from annotation.models import Campaign, Membership
from learner.models import Checkpoint, SentSong
from learner.selectors.checkpoints import checkpoints


def songs_of(member: Membership) -> QuerySet[SentSong]:
    """Those of one person in one campaign that are here, the latest first."""
    found = SentSong.objects.filter(who=member, removed=None)
    return found.select_related("job", "checkpoint", "beside", "campaign", "who").order_by("-pk")


def separators(campaign: Campaign) -> list[Checkpoint]:
    """What songs may be separated by: the checkpoints of the campaign whose files are here, newest first."""
    return list(checkpoints(campaign).exclude(file="").filter(file_removed_at=None))


def of_person(member: Membership) -> tuple[list[dict[str, Any]], dict[str, Path]]:
    """Rows for what a person takes home, and the songs themselves, by the names that they get there."""
    songs = list(songs_of(member))
    rows = [
        {
            "song": one.path,
            "bytes": one.size,
            "seconds": one.seconds,
            "sent": one.created,
            "separated_by": one.checkpoint.hash if one.checkpoint else None,
            "beside": one.beside.hash if one.beside else None,
            "refused": one.refused,
        }
        for one in songs
    ]
    files = {
        f"sent_songs/{one.pk}-{name}{file.suffix}": file
        for one in songs
        for name, file in (("sent", one.whole), ("mixture", one.sound("mixture")))
        if file and file.is_file()
    }
    return rows, files
