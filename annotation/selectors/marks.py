"""Every mark of a campaign's people, and every region that they agreed on, as rows for a table."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, OuterRef, Subquery

from annotation.models import Campaign, Consensus, Submission, Task

MARKS = (
    "track", "artist", "album", "stem", "task", "kind", "round", "arm", "clip_start", "clip_end", "checkpoint",
    "person", "person_kind", "answer", "revision", "status", "lead_time", "answered", "start", "end",
)  # fmt: skip
REGIONS = (
    "track", "artist", "album", "stem", "task", "kind", "round", "arm", "clip_start", "clip_end", "checkpoint",
    "version", "method", "certainty", "made", "start", "end", "probability",
)  # fmt: skip
OF_TASK = {
    "track": "task__track__name", "artist": "task__track__artist", "album": "task__track__album", "stem": "task__stem",
    "kind": "task__kind", "round": "task__round_number", "arm": "task__arm", "clip_start": "task__start", "clip_end": "task__end",
    "checkpoint": "task__checkpoint",
}  # fmt: skip


def marks(campaign: Campaign) -> Iterator[dict[str, object]]:
    """One row for each mark, in track seconds; an answer without marks has one row without `start` and `end`.

    Withdrawn answers are left out: who took them back does not want them passed on.
    """
    found = Submission.objects.filter(task__campaign=campaign).exclude(status=Submission.Status.WITHDRAWN)
    yield from (
        found.annotate(
            **{name: F(path) for name, path in OF_TASK.items()},
            person=F("by__pseudonym"),
            person_kind=F("by__kind"),
            answer=F("pk"),
            answered=F("created"),
            start=F("marks__start"),
            end=F("marks__end"),
        )
        .order_by("task_id", "pk", "marks__start")
        .values(*MARKS)
        .iterator(chunk_size=2000)
    )


def regions(campaign: Campaign) -> Iterator[dict[str, object]]:
    """One row for each region of the latest consensus on a task, in track seconds; a consensus without regions has one row too."""
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version").values("pk")[:1]
    newest = Task.objects.filter(campaign=campaign).annotate(latest=Subquery(latest)).values("latest")
    yield from (
        Consensus.objects.filter(pk__in=newest)
        .annotate(
            **{name: F(path) for name, path in OF_TASK.items()},
            start=F("regions__start"),
            end=F("regions__end"),
            probability=F("regions__probability"),
        )
        .order_by("task_id", "regions__start")
        .values(*REGIONS)
        .iterator(chunk_size=2000)
    )
