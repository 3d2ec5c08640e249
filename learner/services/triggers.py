"""What makes the model learn before all clips of a round are answered, as the campaign says: what was agreed on, hours, or the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Sum
from django.utils.timezone import now

from annotation.core.words import count
from annotation.models import Campaign, Consensus, ConsensusRegion, Task
from learner.models import Round


def why_now(round_: Round) -> str:
    """Why the model should learn from what people have agreed on so far, in words; empty: it waits for more."""
    campaign = round_.campaign
    if campaign.learns_by_hand:
        return ""
    if (wanted := campaign.learns_after_clips) is not None and (n := _new_tasks(campaign).count()) >= wanted:
        return f"people have agreed on {count(n, 'clip')}"
    if (wanted := campaign.learns_after_seconds) is not None and (seconds := new_seconds(campaign)) >= wanted:
        return f"people have agreed on {seconds:.0f} s"
    hours = campaign.learns_after_hours
    if hours is not None and now() - round_.opened >= timedelta(hours=hours):
        return f"the round is open for {count(hours, 'hour')}"
    at = last_time(campaign, now())
    if at is not None and at > round_.opened and _new_tasks(campaign).filter(closed__lte=at, consensuses__regions__isnull=False).exists():
        return f"the clock says so, {at.astimezone(ZoneInfo(campaign.time_zone)):%Y-%m-%d %H:%M} {campaign.time_zone}"
    return ""


MONDAY = datetime(2001, 1, 1)  # by the campaign's own clock; each time is so many hours after one of this day


def last_time(campaign: Campaign, moment: datetime) -> datetime | None:
    """The last moment by the campaign's clock at which the model learns, at `moment` at the latest; None: it does not go by the clock.

    Hours are counted on the clock on the wall, so that 03:00 stays 03:00 when it is put forward or back.
    """
    if campaign.learns_every_hours is None:
        return None
    zone, every = ZoneInfo(campaign.time_zone), timedelta(hours=campaign.learns_every_hours)
    begin = datetime.combine(MONDAY, campaign.learns_at)
    last = begin + (moment.astimezone(zone).replace(tzinfo=None) - begin) // every * every
    return last.replace(tzinfo=zone)


def new_seconds(campaign: Campaign) -> float:
    """Seconds that people have agreed on since feedback was frozen last, in clips that the model may learn from."""
    last = Consensus.objects.filter(task__in=_new_tasks(campaign)).order_by("task", "-version").distinct("task")
    regions = ConsensusRegion.objects.filter(consensus__in=list(last.values_list("pk", flat=True)))
    return float(regions.aggregate(seconds=Sum(F("end") - F("start")))["seconds"] or 0.0)


def _new_tasks(campaign: Campaign) -> QuerySet[Task]:
    tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED, kept_apart=False)
    return tasks if campaign.frozen is None else tasks.filter(closed__gt=campaign.frozen)
