"""Quick questions: which tasks ask them, and about which segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.core.questions import is_quick
from annotation.core.regions import FRAME, Region, frame_count, total
from annotation.core.segments import asked, in_doubt, segments
from annotation.files import levels
from annotation.models import Campaign, Task


def ask_quickly(rows: Sequence[Task], campaign: Campaign) -> None:
    """Make the campaign's share of new tasks, drawn anywhere among them, tasks with quick questions; rows that are not saved yet."""
    n = round(campaign.quick_share * len(rows))
    if n:
        rng = np.random.default_rng([campaign.seed, rows[0].round_number, len(rows)])
        for i in rng.choice(len(rows), n, replace=False):
            rows[i].question = Task.Question.QUICK


def segments_of(task: Task) -> list[list[float]]:
    """What a task's quick questions are about, in clip seconds; cut when it is first given, and the same from then on."""
    if task.segments is None:
        task.segments = [list(one) for one in _that_sound(task) or segments(np.zeros(frame_count(task.end - task.start, FRAME)))]
        Task.objects.filter(pk=task.pk, segments__isnull=True).update(segments=task.segments)
    kept: list[list[float]] = task.segments
    return kept


def ask_about_doubt(task: Task, posterior: NDArray[np.float64]) -> dict[str, Any]:
    """Let one more person answer quick questions about what is in doubt, where the campaign wants that and something is.

    Returns the task's changed fields, which are set already. Nobody has the task in hand; once made quick it stays so, with its segments,
    and so this is done once.
    """
    if not task.campaign.quick_on_doubt or task.question == Task.Question.QUICK:
        return {}
    length = task.end - task.start
    doubt = [Region(round(start, 3), round(min(end, length), 3)) for start, end in in_doubt(posterior)]
    if not doubt:
        return {}
    task.question, task.segments = Task.Question.QUICK, [list(one) for one in doubt]
    return {"question": task.question, "segments": task.segments}


def asks(task: Task, result: object, *, drew: bool) -> bool:
    """Whether a result is held against quick questions; who drew marks before the task became quick may change them."""
    return task.question == Task.Question.QUICK and (is_quick(result) or not drew)


def seconds_asked(task: Task) -> float:
    return total(task.segments or [])


def _that_sound(task: Task) -> list[Region]:
    """The segments in which something is heard; none where the sound is not known."""
    known = levels.of_clip(task)
    length = task.end - task.start
    cut = asked(known[:, 0]) if known is not None else []
    return [Region(round(start, 3), round(min(end, length), 3)) for start, end in cut]
