"""Proposals: for which tasks they are kept, and which of these are blind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership, Proposal, Task

ITS_CHANCE = 16  # keeps this draw apart from others by the same seed

Proposed = Sequence[tuple[float, float, float]]


class Seen(DomainError):
    """People have the clip already, or are done with it: what was proposed to them stays on record."""


def propose(campaign: Campaign, tasks: Iterable[Task], proposed: Mapping[tuple[int, float], Proposed]) -> None:
    """Keep what is proposed for these tasks of one round, by (track, start), and draw which of them show it.

    Never for gold tasks, quick questions, which show no marks, and clips kept apart, by which the gate judges; nor where nothing is
    proposed. In a transaction.
    """
    if not campaign.proposes:
        return
    known = set(Proposal.objects.filter(task__in=[task.pk for task in tasks]).values_list("task", flat=True))
    may_have = [task for task in tasks if task.kind == Task.Kind.POOL and task.question == Task.Question.DRAW and not task.kept_apart]
    rows = [
        Proposal(task=task, regions=[list(region) for region in regions], shown=_is_shown(campaign, task), chance=1 - campaign.blind_share)
        for task in may_have
        if task.pk not in known
        for regions in [proposed.get((task.track_id, task.start), ())]
        if regions
    ]
    Proposal.objects.bulk_create(rows)


def _is_shown(campaign: Campaign, task: Task) -> bool:
    """By the campaign's seed and the task alone."""
    return bool(np.random.default_rng([campaign.seed, ITS_CHANCE, task.pk]).random() >= campaign.blind_share)


@transaction.atomic
def take_proposals_back(*, campaign: Campaign, tasks: QuerySet[Task], who: Membership) -> int:
    """Propose nothing for these tasks; returns for how many something was. Raises `Seen` where people have one of them already."""
    locked = list(Task.objects.select_for_update(no_key=True).filter(pk__in=tasks.values("pk"), campaign=campaign).order_by("pk"))
    if any(task.state != Task.State.OPEN or task.taken or task.assignments.exists() for task in locked):
        raise Seen
    n, _ = Proposal.objects.filter(task__in=locked).delete()
    if n:
        record(campaign, "proposals.taken_back", who=who, after={"tasks": n})
    return n
