"""Bases are tried on the campaign's own songs: at once for those that are here and quick, at a click for the others."""

from __future__ import annotations

from http import HTTPStatus

from django.db import transaction

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from learner import bases, selectors
from learner.core.bases import NAMES, QUICK, is_here
from learner.models import Job, Round, SharedModel, Trial, TriedSong
from learner.selectors import songs_to_try
from learner.services.bases import UnknownBase
from learner.services.jobs import OPEN, queue_job
from learner.services.leftovers import release


class NothingToTry(DomainError):
    """There are no songs to try a base on yet: add some first."""

    status = HTTPStatus.CONFLICT


@transaction.atomic
def take_over_trial(*, campaign: Campaign, tracks: list[int]) -> bool:
    """Let what a base did, or is about to do, on these songs under its own name count for the campaign that uses it now.

    Returns whether there was such a trial.
    """
    base = selectors.base_in_use(campaign)
    counts = (Job.State.DONE, *OPEN)
    named = Trial.objects.filter(campaign=campaign, base=bases.name_of(base) if base else "", tracks=tracks, job__state__in=counts)
    before = Trial.objects.filter(campaign=campaign, base=Trial.OWN)
    if not named or before.filter(job__state__in=OPEN):
        return False
    release(TriedSong.objects.filter(trial__in=before).values_list("file", flat=True))
    before.delete()
    named.update(base=Trial.OWN)
    return True


@transaction.atomic
def try_base(*, campaign: Campaign, name: str, who: Membership | None = None) -> Job:
    """Have a worker try a base, by its name or `Trial.OWN`, on some of the campaign's songs; one on its way is not begun anew.

    Raises `UnknownBase` and `NothingToTry`.
    """
    if name not in NAMES and not (name == Trial.OWN and SharedModel.objects.filter(campaign=campaign).exists()):
        raise UnknownBase(f"{name!r} is no base; allowed are {', '.join(NAMES)}.")
    Campaign.objects.select_for_update().get(pk=campaign.pk)  # of two clicks the second sees the first one's row
    known = Trial.objects.select_related("job").filter(campaign=campaign, base=name).first()
    if known is not None and known.job.is_open:
        return known.job
    tracks = songs_to_try(campaign)
    if not tracks:
        raise NothingToTry
    job = queue_job(campaign=campaign, kind=Job.Kind.TRIAL)
    # What it found before stays until the new figures are here.
    Trial.objects.update_or_create(campaign=campaign, base=name, defaults={"tracks": tracks, "job": job})
    if who is not None:
        record(campaign, "base.tried", who=who, after={"base": name, "songs": len(tracks)})
    return job


def try_what_is_due(*, campaign: Campaign) -> list[Job]:
    """Before the first round of a campaign that waits for its manager: try what is here and quick on the songs that are here now."""
    if not campaign.paused or Round.objects.filter(campaign=campaign).exists():
        return []
    if campaign.jobs.filter(kind=Job.Kind.INGEST, state__in=OPEN).exists() or not (tracks := songs_to_try(campaign)):
        return []
    if SharedModel.objects.filter(campaign=campaign).exists():
        names = [] if take_over_trial(campaign=campaign, tracks=tracks) else [Trial.OWN]
    else:
        names = [name for name in QUICK if campaign.stem in bases.stems_of(name) and is_here(name, bases.folder())]
    tried = {one.base for one in Trial.objects.filter(campaign=campaign, base__in=names) if one.tracks == tracks}
    return [try_base(campaign=campaign, name=name) for name in names if name not in tried]
