"""How the clips of a campaign were chosen: in words, and as an export line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, F, OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation.core.panels import csv_table
from annotation.models import Campaign, Consensus, ConsensusRegion, MissingRegion, Submission, Task

COLUMNS = (
    "task", "round", "track", "artist", "album", "stem", "start", "end", "checkpoint", "kind", "kept_apart", "state", "contested",
    "arm", "strategy", "chance", "reason", "parts", "asked_again", "answers", "agreed_seconds", "tags", "missing_seconds", "opened",
    "closed",
)  # fmt: skip

PARTS = {
    "guessed seconds": "false-positive seconds by a plain guess",
    "seconds": "expected false-positive seconds",
    "seconds a minute": "expected false-positive seconds per minute of listening",
    "one more opinion": "seconds that one more opinion sets right per minute of listening",
    "new clip instead": "seconds per minute of listening of a new clip instead",
    "unsure": "how unsure the model is",
    "distance": "distance from other clips",
}
"""What parts of a score are called on pages, each once; others by their own names."""


def in_words(task: Task) -> str:
    """By which strategy, with which chance, and what the score is made of; empty where that was not kept."""
    if not task.strategy:
        return ""
    control = task.arm == Task.Arm.RANDOM
    said = [f"Strategy: {task.strategy}.", "Group: control, drawn at random." if control else "Group: chosen."]
    if task.chance < 1:
        said.append(f"Chance: {100 * task.chance:.3g} %.")
    if parts := {PARTS.get(name, name.replace("_", " ")): value for name, value in task.parts.items()}:
        said.append(f"What it was chosen by: {', '.join(f'{name} {value:.3g}' for name, value in parts.items())}.")
    if task.asked_again:
        said.append(f"Round {task.asked_again} asked one more person about it: that was worth more than a new clip.")
    return " ".join(said)


def rows(campaign: Campaign, round_number: int | None = None, *, after: int = 0, most: int | None = None) -> Iterator[dict[str, Any]]:
    """What is known of each clip that was put before people, by the names of `COLUMNS`; times are seconds of the track.

    In the order of their ids: those with a greater one than `after`, and so many at most.

    `agreed_seconds`, those of `tags` and `missing_seconds` are of the latest consensus; None: none was taken.
    """
    for task in _tasks(campaign, round_number).filter(pk__gt=after)[:most].iterator(chunk_size=500):
        yield {
            "task": task.pk,
            "round": task.round_number,
            "track": task.track.name,
            "artist": task.track.artist,
            "album": task.track.album,
            "stem": task.stem,
            "start": task.start,
            "end": task.end,
            "checkpoint": task.checkpoint,
            "kind": task.kind,
            "kept_apart": task.kept_apart,
            "state": task.state,
            "contested": task.contested,
            "arm": task.arm,
            "strategy": task.strategy,
            "chance": task.chance,
            "reason": task.reason,
            "parts": task.parts,
            "asked_again": task.asked_again,
            "answers": task.n_answers,
            "agreed_seconds": task.agreed_seconds if task.latest else None,
            "tags": _by_tag(task),
            "missing_seconds": task.missing_seconds if task.latest else None,
            "opened": task.opened.isoformat(timespec="seconds"),
            "closed": task.closed.isoformat(timespec="seconds") if task.closed else None,
        }


def _tasks(campaign: Campaign, round_number: int | None) -> QuerySet[Any]:
    """With the accepted answers, the latest consensus and its seconds."""
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version").values("pk")[:1]
    accepted = Submission.objects.filter(task=OuterRef("pk"), status=Submission.Status.ACCEPTED).order_by()
    answers = accepted.values("task").annotate(n=Count("pk")).values("n")
    seconds = ConsensusRegion.objects.filter(consensus=OuterRef("latest")).values("consensus").annotate(s=Sum(F("end") - F("start")))
    missing = MissingRegion.objects.filter(consensus=OuterRef("latest")).values("consensus").annotate(s=Sum(F("end") - F("start")))
    regions = ConsensusRegion.objects.exclude(tag="").order_by("start")
    agreed = Prefetch("consensuses", Consensus.objects.order_by("-version").prefetch_related(Prefetch("regions", regions)))
    tasks = campaign.tasks.filter(kind=Task.Kind.POOL).select_related("track").prefetch_related(agreed).order_by("pk")
    if round_number is not None:
        tasks = tasks.filter(round_number=round_number)
    return tasks.annotate(
        n_answers=Coalesce(Subquery(answers), 0),
        latest=Subquery(latest),
        agreed_seconds=Coalesce(Subquery(seconds.values("s")), 0.0),
        missing_seconds=Coalesce(Subquery(missing.values("s")), 0.0),
    )


def _by_tag(task: Any) -> dict[str, float]:
    """The agreed seconds of each tag in the latest consensus."""
    found: dict[str, float] = {}
    for region in next((one.regions.all() for one in task.consensuses.all()), ()):
        found[region.tag] = round(found.get(region.tag, 0.0) + region.end - region.start, 3)
    return found


def lines(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The same as CSV; parts and tags are JSON in one cell, and what is not known is an empty one."""
    return csv_table(COLUMNS, (row | {name: json.dumps(row[name]) for name in ("parts", "tags")} for row in found))
