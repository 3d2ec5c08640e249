"""Every mark of a campaign's people, and every region that they agreed on, as rows for a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import F, FloatField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast

from annotation.models import Campaign, Consensus, Submission, Task

MARKS = (
    "track", "artist", "album", "stem", "task", "kind", "round", "arm", "clip_start", "clip_end", "checkpoint",
    "person", "person_kind", "answer", "revision", "status", "lead_time", "answered", "label", "start", "end", "tag",
)  # fmt: skip
REGIONS = (
    "track", "artist", "album", "stem", "task", "kind", "round", "arm", "clip_start", "clip_end", "checkpoint",
    "version", "method", "certainty", "made", "label", "start", "end", "probability", "tag",
    "tag_share",
)  # fmt: skip
OF_TASK = {
    "track": "task__track__name", "artist": "task__track__artist", "album": "task__track__album", "stem": "task__stem",
    "kind": "task__kind", "round": "task__round_number", "arm": "task__arm", "clip_start": "task__start", "clip_end": "task__end",
    "checkpoint": "task__checkpoint",
}  # fmt: skip


WRONG, MISSING = "wrong", "missing"  # labels: something else sounds in the stem; something of it is missing


def marks(campaign: Campaign) -> Iterator[dict[str, object]]:
    """One row for each mark, in track seconds; an answer without marks has one row without label and times.

    Withdrawn answers are left out: who took them back does not want them passed on.
    """
    found = (
        Submission.objects.filter(task__campaign=campaign)
        .exclude(status=Submission.Status.WITHDRAWN)
        .annotate(**_of_task(), person=F("by__pseudonym"), person_kind=F("by__kind"), answer=F("pk"), answered=F("created"))
    )
    yield from _together(
        MARKS,
        "answer",
        found.filter(marks__isnull=False).annotate(label=Value(WRONG), **_times("marks"), tag=F("marks__tag")),
        found.filter(missing__isnull=False).annotate(label=Value(MISSING), **_times("missing"), tag=Value("")),
        found.filter(marks=None, missing=None).annotate(label=Value(""), **_times("marks"), tag=Value("")),
    )


def regions(campaign: Campaign) -> Iterator[dict[str, object]]:
    """One row for each region of the latest consensus on a task, in track seconds; a consensus without regions has one row too."""
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version").values("pk")[:1]
    newest = Task.objects.filter(campaign=campaign).annotate(latest=Subquery(latest)).values("latest")
    found = Consensus.objects.filter(pk__in=newest).annotate(**_of_task())
    of_regions = {"tag": F("regions__tag"), "tag_share": F("regions__tag_share"), "probability": F("regions__probability")}
    no_tag = {"tag": Value(""), "tag_share": Cast(Value(None), FloatField())}
    yield from _together(
        REGIONS,
        "version",
        found.filter(regions__isnull=False).annotate(label=Value(WRONG), **_times("regions"), **of_regions),
        found.filter(missing__isnull=False).annotate(
            label=Value(MISSING), **_times("missing"), **no_tag, probability=F("missing__probability")
        ),
        found.filter(regions=None, missing=None).annotate(label=Value(""), **_times("regions"), **of_regions),
    )


def _of_task() -> dict[str, F]:
    return {name: F(path) for name, path in OF_TASK.items()}


def _times(of: str) -> dict[str, F]:
    return {"start": F(f"{of}__start"), "end": F(f"{of}__end")}


def _together(columns: Sequence[str], within: str, first: QuerySet[Any], *others: QuerySet[Any]) -> Iterator[dict[str, object]]:
    """All rows in order of tasks, in a task of `within`, and there of time."""
    found = first.values(*columns).union(*(one.values(*columns) for one in others), all=True)
    yield from found.order_by("task", within, "start").iterator(chunk_size=2000)
