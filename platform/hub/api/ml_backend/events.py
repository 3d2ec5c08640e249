"""Annotations of a Label Studio server, as its events and its list of tasks tell of them: each becomes one row, and a worker is told.

What is read of one: its id, task, result, who gave it, how long it took, whether it is a skip, and when it changed. Nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from annotation.core.label_studio import MAX_REGIONS
from annotation.events import send
from hub.api.ml_backend.models import Annotation, Colleague, Connection
from hub.api.ml_backend.naming import named

LARGEST = 2**63  # of ids
LONGEST = 1e7  # seconds of work on one annotation; more is a slip of that server's clock

GIVEN = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED")
DELETED = ("ANNOTATION_DELETED", "ANNOTATIONS_DELETED")

Said = Mapping[str, Any]


def take_event(connection: Connection, event: Said) -> int:
    """Write down the annotations that an event is about; returns how many. Other events, and those of other projects, are of none.

    The person who has just answered there waits for this, a second at most: the rest is a worker's.
    """
    action, project = event.get("action"), event.get("project")
    if connection.project is not None and (not isinstance(project, dict) or project.get("id") != connection.project):
        return 0
    if action in GIVEN:
        found, tasks = _listed(event.get("annotation")), _listed(event.get("task"))
        return sum(keep(connection, task, [one]) for one, task in zip(found, tasks, strict=False))
    if action in DELETED:
        ids = {number for one in _listed(event.get("annotations") or event.get("annotation")) if (number := number_of(one.get("id")))}
        return delete(connection, Q(number__in=ids))
    return 0


def _listed(value: object) -> list[Said]:
    """One object or several, as Label Studio has both under the same name."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


@transaction.atomic
def keep(connection: Connection, task: Said, annotations: Iterable[Said]) -> int:
    """Write down annotations of one task there, as that server has them now; returns how many are new or newer than what is known."""
    readable = [one for one in map(_read, annotations) if one]
    if not readable:
        return 0
    clip = named(connection.campaign, [task])[0]
    ours = clip.task if clip else None
    people = colleagues(connection, {one["completed_by"] for one in readable})
    n = 0
    for one in readable:
        about = {name: one[name] for name in ("result", "lead_time", "cancelled", "changed")}
        about |= {"task": ours, "colleague": people.get(one["completed_by"])}
        row, new = Annotation.objects.get_or_create(connection=connection, number=one["number"], defaults=about)
        if not new:
            older = Annotation.objects.filter(pk=row.pk, deleted=False, changed__lt=one["changed"])
            if not older.update(**about, state=Annotation.State.WAITING, reason=""):
                continue
        send("take_annotation", row.pk)
        n += 1
    return n


@transaction.atomic
def delete(connection: Connection, which: Q) -> int:
    """Note that annotations are gone from that server; returns of how many we did not know it."""
    rows = Annotation.objects.filter(which, connection=connection, deleted=False)
    numbers = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    Annotation.objects.filter(pk__in=numbers).update(deleted=True, state=Annotation.State.WAITING)
    for number in numbers:
        send("take_annotation", number)
    return len(numbers)


def colleagues(connection: Connection, numbers: Iterable[int | None]) -> dict[int | None, Colleague]:
    """Who these are, by their numbers there; whoever is not known is written down, for somebody to say who it is."""
    wanted = {one for one in numbers if one is not None}
    Colleague.objects.bulk_create([Colleague(connection=connection, number=one) for one in sorted(wanted)], ignore_conflicts=True)
    return {one.number: one for one in Colleague.objects.filter(connection=connection, number__in=wanted)}


def _read(annotation: Said) -> dict[str, Any] | None:
    """What we keep of an annotation; None: it is none that we can read."""
    number, result = number_of(annotation.get("id")), annotation.get("result")
    changed = _when(annotation.get("updated_at") or annotation.get("created_at"))
    if number is None or not isinstance(result, list) or len(result) > 2 * MAX_REGIONS or changed is None:
        return None
    by, seconds = annotation.get("completed_by"), annotation.get("lead_time")
    return {
        "number": number,
        "result": result,
        "completed_by": number_of(by.get("id") if isinstance(by, dict) else by),
        "lead_time": float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= LONGEST else 0.0,
        "cancelled": annotation.get("was_cancelled") is True,
        "changed": changed,
    }


def number_of(value: object) -> int | None:
    """An id of that server; None: it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST else None


def _when(value: object) -> datetime | None:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and is_aware(found) else None
