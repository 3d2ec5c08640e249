"""Proposals: for which tasks they are kept, and which of these are blind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from annotation.models import Campaign, Proposal, Task

ITS_CHANCE = 16  # keeps this draw apart from others by the same seed

Proposed = Sequence[tuple[float, float, float]]


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
