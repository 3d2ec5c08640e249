"""Tracks: added, described, taken out of use and put back. The platform sets aside what it cannot use, managers what they do not want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import storage
from annotation.models import Campaign, Estimate, Membership, Stem, Task, Track, TrackChange
from annotation.services.queue import withdraw

BY_HAND = "taken out by hand"


class AlreadyThere(DomainError):
    """This song is already in the campaign."""


@dataclass(frozen=True)
class NewStem:
    """A stem to be added: its name, its file, and whether it was computed from two others."""

    name: str
    file: Path
    derived: bool = False


@transaction.atomic
def add_track(
    *,
    campaign: Campaign,
    name: str,
    use: str,
    domain: str,
    stems: Sequence[NewStem],
    fingerprint: str,
    duration: float,
    sample_rate: int,
    channels: int,
    **about: str,
) -> Track:
    """Add a song with its original files; raises `AlreadyThere` when the campaign has it."""
    if Track.objects.filter(campaign=campaign, fingerprint=fingerprint).exists():
        raise AlreadyThere(f"{name}: {AlreadyThere.__doc__}")
    track = Track.objects.create(
        campaign=campaign,
        name=name,
        use=use,
        domain=domain,
        fingerprint=fingerprint,
        duration=duration,
        sample_rate=sample_rate,
        channels=channels,
        **about,
    )
    Stem.objects.bulk_create(
        Stem(track=track, name=stem.name, file=storage.keep(stem.file, stem.file.suffix.lower()), derived=stem.derived) for stem in stems
    )
    record(campaign, "track.added", after={"track": track.pk, "name": name, "use": use, "domain": domain})
    return track


DESCRIBED = ("use", "domain", "artist", "album", "licence")
"""What may be changed of a track; whether its use and domain may, the learner knows."""

BATCH = 2000  # rows


@transaction.atomic
def describe(*, campaign: Campaign, who: Membership, wanted: Mapping[int, Mapping[str, str]]) -> int:
    """Give tracks of a campaign, by their ids, new values of fields in `DESCRIBED`; what each was before, and by whom it changed, is kept.

    Returns how many tracks changed. The values must be valid, and the tracks the campaign's.
    """
    changes: list[TrackChange] = []
    ids = sorted(wanted)
    for first in range(0, len(ids), BATCH):
        rows = Track.objects.select_for_update(no_key=True).filter(campaign=campaign, pk__in=ids[first : first + BATCH]).order_by("pk")
        for track in rows:
            for field, after in wanted[track.pk].items():
                if (before := getattr(track, field)) != after:
                    changes.append(TrackChange(track=track, field=field, before=before, after=after))
    if not changes:
        return 0
    changed = {change.track.pk: change.track for change in changes}
    about: dict[str, object] = {"n": len(changed), "fields": [field for field in DESCRIBED if any(one.field == field for one in changes)]}
    if len(changed) == 1:
        (track,) = changed.values()
        about |= {"track": track.pk, "name": track.name, "to": {one.field: one.after for one in changes}}
    elif len(values := {(one.field, one.after) for one in changes}) == len({one.field for one in changes}):
        about |= {"to": dict(sorted(values))}
    event = record(campaign, "track.changed", who=who, after=about)
    same: dict[tuple[str, str], list[int]] = {}
    for change in changes:
        change.event = event
        same.setdefault((change.field, change.after), []).append(change.track.pk)
    TrackChange.objects.bulk_create(changes, batch_size=BATCH)
    for (field, value), tracks in same.items():
        # Only the gate sees marks of a song of the pool that is kept apart; of any other use it would mean nothing.
        also = {"kept_apart": False} if field == "use" else {}
        for first in range(0, len(tracks), BATCH):
            Track.objects.filter(pk__in=tracks[first : first + BATCH]).update(**{field: value}, **also)
    return len(changed)


def keep_estimate(*, track: Track, stem: str, checkpoint: str, file: Path) -> Estimate:
    """Keep what a checkpoint extracted; a second one of the same checkpoint changes nothing."""
    key = storage.keep(file, file.suffix.lower())
    estimate, _ = Estimate.objects.get_or_create(track=track, stem=stem, checkpoint=checkpoint, defaults={"file": key})
    return estimate


@transaction.atomic
def set_aside(*, track: Track, reason: str = "", who: Membership | None = None) -> bool:
    """Let no job take this track up any more, and withdraw its tasks that nobody has touched; all that was made of it stays.

    `who` is a manager, whose word also stands for what the platform set aside before; without one it is the platform's. False:
    it was set aside already.
    """
    reason, when = reason.strip() or BY_HAND, now()
    if Track.objects.filter(pk=track.pk, set_aside=None).update(set_aside=when, set_aside_reason=reason, set_aside_by=who):
        record(track.campaign, "track.set_aside", who=who, after=_about(track, reason=reason))
        _withdraw(track, when)
        return True
    if who is None or not Track.objects.filter(pk=track.pk, set_aside_by=None).exclude(set_aside=None).update(set_aside_by=who):
        return False
    record(track.campaign, "track.left_out", who=who, after=_about(track))
    return True


@transaction.atomic
def withdraw_returned(*, campaign: Campaign) -> int:
    """Withdraw tasks of tracks set aside that were in somebody's hand then and came back without an answer; returns how many."""
    returned = Task.objects.filter(track=OuterRef("pk"), state=Task.State.OPEN, taken=0)
    return sum(_withdraw(track, track.set_aside) for track in campaign.tracks.filter(Exists(returned), set_aside__isnull=False))


def _withdraw(track: Track, when: datetime | None) -> int:
    return withdraw(Task.objects.filter(track=track), track.campaign, before={"track": track.pk, "name": track.name}, when=when)


@transaction.atomic
def put_back(*, track: Track, who: Membership, checkpoint: str = "") -> bool:
    """Let jobs take this track up again; tasks withdrawn with it are opened again, of gold and of this `checkpoint` (the current one).

    False: it was not set aside.
    """
    before = Track.objects.select_for_update(no_key=True).get(pk=track.pk)
    if before.set_aside is None:
        return False
    Track.objects.filter(pk=track.pk).update(set_aside=None, set_aside_reason="", set_aside_by=None, put_back=now())
    withdrawn = Task.objects.filter(track=track, state=Task.State.WITHDRAWN, closed=before.set_aside)
    n = withdrawn.filter(Q(checkpoint=checkpoint) | Q(kind=Task.Kind.GOLD)).update(state=Task.State.OPEN, closed=None)
    record(track.campaign, "track.put_back", who=who, before={"reason": before.set_aside_reason}, after=_about(track, tasks=n))
    return True


def _about(track: Track, **more: object) -> dict[str, object]:
    return {"track": track.pk, "name": track.name, "use": track.use, **more}
