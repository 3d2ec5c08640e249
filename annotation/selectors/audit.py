"""The audit trail: what happened, of one campaign or of all, found by who, what, when and any word of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from annotation.core.panels import csv_line
from annotation.models import Campaign, Event

ROUTINE = (
    *("submission.kept", "task.skipped", "task.skip_undone", "note.written", "note.written_on", "link.taken", "participation.finished"),
    *("answers.withdrawn", "note.commented", "review.answered_again"),
    *("task.one_more", "task.closed", "task.contested", "tasks.opened", "job.done", "pool.looked_through"),
)
"""What people and the machine do all day; the rest are decisions, settings, and what came of them."""

GROUPS = {
    "verdicts": ("round.", "feedback.", "model."),
    "settings": ("campaign.", "base.", "webhook."),
    "people": ("member.", "invitation.", "consent.", "pause.", "link.", "participation.", "message.", "token."),
    "songs": ("track.", "songs."),
    "data": ("data.",),
    "reviews": ("review.", "note."),
    "skips": ("task.skipped", "task.skip_undone"),
    "jobs": ("job.",),
}
"""What kinds of event may be looked for together -> how their names begin."""


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty: everything."""

    words: str = ""  # all of them, anywhere in what happened, who did it, before and after
    thing: str = ""  # one of `GROUPS`, or the first part of the kind of event, such as "campaign"
    who: int | None = None  # a membership
    since: date | None = None
    until: date | None = None  # the day itself is part of it
    routine: bool = False  # also what happens all day


def trail(campaign: Campaign | None, wanted: Wanted) -> QuerySet[Any]:
    """The events that are looked for, the latest first; None: of all campaigns."""
    events = Event.objects.select_related("who", "campaign").order_by("-pk")
    if campaign is not None:
        events = events.filter(campaign=campaign)
    if not wanted.routine and wanted.who is None and wanted.thing not in GROUPS:
        events = events.exclude(what__in=ROUTINE)
    if wanted.thing:
        beginnings = GROUPS.get(wanted.thing) or (f"{wanted.thing}.",)
        events = events.filter(Q(*(("what__startswith", one) for one in beginnings), _connector=Q.OR))
    if wanted.who is not None:
        events = events.filter(who=wanted.who)
    if wanted.since:
        events = events.filter(when__date__gte=wanted.since)
    if wanted.until:
        events = events.filter(when__date__lte=wanted.until)
    if words := wanted.words.split():
        events = events.annotate(was=Cast("before", TextField()), became=Cast("after", TextField()))
        for word in words:
            written = json.dumps(word, ensure_ascii=False)[1:-1]  # as JSON keeps it
            inside = Q(was__icontains=written) | Q(became__icontains=written) | Q(what__icontains=word.replace(" ", "_"))
            events = events.filter(inside | Q(who__pseudonym__icontains=word))
    return events


@dataclass(frozen=True)
class Change:
    """One value that an event kept: of before, of after, or of both."""

    name: str
    before: str | None
    after: str | None

    @property
    def is_long(self) -> bool:
        return len(self.before or "") + len(self.after or "") > 200


def changes(event: Event) -> list[Change]:
    """Each value of an event, before beside after."""
    before, after = event.before or {}, event.after or {}
    names = dict.fromkeys([*before, *after])
    return [Change(name, *(_written(side[name]) if name in side else None for side in (before, after))) for name in names]


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


COLUMNS = ("id", "when", "campaign", "who", "role", "what", "before", "after")


def lines(events: QuerySet[Event]) -> Iterator[str]:
    """The trail as CSV, line by line, however long it is."""
    yield csv_line(COLUMNS)
    for one in events.iterator(chunk_size=1000):
        values = ("" if side is None else json.dumps(side, ensure_ascii=False, sort_keys=True) for side in (one.before, one.after))
        who = (one.who.pseudonym, one.who.role) if one.who else ("the platform", "")
        yield csv_line([one.pk, one.when.isoformat(timespec="seconds"), one.campaign.slug, *who, one.what, *values])
