"""One more opinion on clips that people have agreed on, where that is worth more than a new clip."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from annotation.events import record
from annotation.models import Campaign, Task
from annotation.services.consensus import count_surplus

WORTH, INSTEAD = "one more opinion", "new clip instead"
"""Names among a task's parts: seconds a minute that one more answer is expected to set right, and that the least valuable of the new
clips which gave way would have held."""


@transaction.atomic
def ask_once_more(*, campaign: Campaign, round_number: int, worth: Mapping[int, float], instead: float) -> int:
    """Open closed clips, by their ids, for one more answer each, which this round waits for. Returns how many.

    `worth` and `instead` are kept among the parts of their scores. One that was opened or has its most answers by now is left alone.
    """
    closed = Task.objects.filter(campaign=campaign, pk__in=worth, state=Task.State.CLOSED, overlap__lt=F("max_overlap"))
    tasks = list(closed.select_for_update(no_key=True).order_by("pk"))
    for task in tasks:
        task.state, task.closed, task.overlap, task.asked_again = Task.State.OPEN, None, task.overlap + 1, round_number
        task.parts = task.parts | {WORTH: round(worth[task.pk], 4), INSTEAD: round(instead, 4)}
        task.save(update_fields=["state", "closed", "overlap", "asked_again", "parts"])
        record(campaign, "task.one_more", before={"overlap": task.overlap - 1}, after={"task": task.pk, "round": round_number})
        count_surplus(task)  # the next beat takes it from there
    return len(tasks)
