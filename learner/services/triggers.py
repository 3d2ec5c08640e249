"""What makes the model learn before all clips of a round are answered: seconds or clips agreed on, or hours, as the campaign says."""

from __future__ import annotations

from datetime import timedelta

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
    return ""


def new_seconds(campaign: Campaign) -> float:
    """Seconds that people have agreed on since feedback was frozen last, in clips that the model may learn from."""
    last = Consensus.objects.filter(task__in=_new_tasks(campaign)).order_by("task", "-version").distinct("task")
    regions = ConsensusRegion.objects.filter(consensus__in=list(last.values_list("pk", flat=True)))
    return float(regions.aggregate(seconds=Sum(F("end") - F("start")))["seconds"] or 0.0)


def _new_tasks(campaign: Campaign) -> QuerySet[Task]:
    tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED, kept_apart=False)
    return tasks if campaign.frozen is None else tasks.filter(closed__gt=campaign.frozen)
