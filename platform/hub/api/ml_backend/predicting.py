"""What a Label Studio is told of our clips: the version of the model, and where it probably leaks.

A clip that people here have agreed on is told as they agreed; else what was proposed when it was opened; else what a worker finds in what
was measured of the song. Nothing is told of what must stay unknown: gold clips, clips kept apart for the gate, and blind ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from annotation.core import label_studio
from annotation.core.regions import Region
from annotation.events import send
from annotation.models import Campaign, Consensus, Proposal, Task
from hub.api.ml_backend.models import Foretold
from hub.api.ml_backend.naming import Named, named
from learner.models import Checkpoint
from learner.selectors import checkpoints, current_checkpoint

Prediction = dict[str, Any]
Regions = Sequence[Sequence[float]]

NO_MODEL = "no model yet"
MOST_VERSIONS = 100
ASK_AGAIN = timedelta(minutes=2)  # then a worker is told once more


def version(campaign: Campaign) -> str:
    """What Label Studio keeps predictions under: it asks anew where this changed, so it is the current checkpoint and nothing else."""
    current = current_checkpoint(campaign)
    return current.short if current else NO_MODEL


def versions(campaign: Campaign) -> list[str]:
    """The current one, then those before it."""
    current = version(campaign)
    others = [one.short for one in checkpoints(campaign)[:MOST_VERSIONS]]
    return list(dict.fromkeys([current, *others]))


def predict(campaign: Campaign, tasks: Sequence[Mapping[str, Any]], *, at_once: bool = False) -> list[Prediction]:
    """One prediction for each task, in their order.

    One that a worker has still to find has no `result`: Label Studio leaves it out and asks again. `at_once` is for whoever does not:
    it is empty then.
    """
    current = current_checkpoint(campaign)
    model_version = current.short if current else NO_MODEL
    clips = named(campaign, tasks)
    told = _told([one for one in clips if one is not None], campaign, current)
    return [_prediction(one, told, campaign, model_version, at_once) for one in clips]


Clip = tuple[int, float, float, str]


def _key(one: Named) -> Clip:
    return one.track.pk, one.start, one.end, one.checkpoint


def _prediction(
    one: Named | None, told: Mapping[Clip, Regions | None], campaign: Campaign, model_version: str, at_once: bool
) -> Prediction:
    regions = [] if one is None else told[_key(one)]
    if one is None or (regions is None and at_once):
        return {"result": [], "score": 0.0, "model_version": model_version}
    if regions is None:
        return {"model_version": model_version}
    of_three = [(start, end, probability) for start, end, probability in regions]
    return label_studio.prediction(of_three, Region(one.start, one.end), model_version, campaign.stem)


def _told(clips: list[Named], campaign: Campaign, current: Checkpoint | None) -> dict[Clip, Regions | None]:
    """What is told of each clip: regions with probabilities in track seconds; None: a worker has still to find it."""
    tasks = {one.task.pk: one.task for one in clips if one.task is not None}
    agreed = _agreed([task for task in tasks.values() if task.state == Task.State.CLOSED])
    told: dict[Clip, Regions | None] = {}
    ask: list[Named] = []
    for one in clips:
        task, proposal = one.task, _proposal(one.task)
        if one.track.kept_apart or (task and (task.kind == Task.Kind.GOLD or task.kept_apart)) or (proposal and not proposal.shown):
            told[_key(one)] = []
        elif task and task.pk in agreed:
            told[_key(one)] = agreed[task.pk]
        elif proposal:
            told[_key(one)] = proposal.regions
        else:
            ask.append(one)
    return told | _foretold(ask, campaign, current)


def _proposal(task: Task | None) -> Proposal | None:
    return getattr(task, "proposal", None)  # a task has none or one


def _agreed(tasks: Iterable[Task]) -> dict[int, Regions]:
    """What people agreed on last, by task."""
    latest = Consensus.objects.filter(task__in=list(tasks)).order_by("task", "-version").distinct("task").prefetch_related("regions")
    return {one.task_id: [(region.start, region.end, region.probability) for region in one.regions.all()] for one in latest}


def _foretold(clips: list[Named], campaign: Campaign, current: Checkpoint | None) -> dict[Clip, Regions | None]:
    """What workers have found of these clips; of the others one is asked to look."""
    if not clips or current is None:
        return {_key(one): [] for one in clips}
    wanted = {(one.checkpoint or current.hash, one.track.pk, one.start, one.end): _key(one) for one in clips}
    rows = [
        Foretold(campaign=campaign, checkpoint=checkpoint, track_id=track, start=start, end=end, sent=now() - ASK_AGAIN)
        for checkpoint, track, start, end in wanted
    ]
    with transaction.atomic():
        Foretold.objects.bulk_create(rows, ignore_conflicts=True)
        any_of = Q(*[Q(checkpoint=c, track=t, start=s, end=e) for c, t, s, e in wanted], _connector=Q.OR)
        known = list(Foretold.objects.filter(any_of, campaign=campaign))
        for one in known:
            due = Foretold.objects.filter(pk=one.pk, regions__isnull=True, sent__lte=now() - ASK_AGAIN)
            if one.regions is None and due.update(sent=now()):
                send("foretell_clip", one.pk, queue="gpu")
    return {wanted[one.checkpoint, one.track_id, one.start, one.end]: one.regions for one in known}
