"""The contested clips of a campaign as a reviewer wants them listed: in which order, and which of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, FloatField, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from annotation.models import Campaign, Consensus, Mark, Membership, Referral, Submission, Task, Track
from annotation.selectors.anonymous_answers import SHOWN

MOST_OFFERED = 200  # people, or songs, that a list is narrowed to one of

# The mean over all pairs of people of the F1 of the seconds that both marked, as `core.agreement.pairwise_frame_f1`; NULL: no pair.
_AGREED = """
(WITH answer AS (
    SELECT given.id, COALESCE(SUM(mark."end" - mark.start), 0) AS marked
    FROM annotation_submission AS given LEFT JOIN annotation_mark AS mark ON mark.submission_id = given.id
    WHERE given.task_id = annotation_task.id AND given.status = ANY(%s) GROUP BY given.id)
 SELECT AVG(CASE WHEN one.marked + other.marked = 0 THEN 1.0 ELSE 2 * (
        SELECT COALESCE(SUM(GREATEST(0, LEAST(a."end", b."end") - GREATEST(a.start, b.start))), 0)
        FROM annotation_mark AS a, annotation_mark AS b WHERE a.submission_id = one.id AND b.submission_id = other.id
    ) / (one.marked + other.marked) END)
 FROM answer AS one JOIN answer AS other ON one.id < other.id)
"""

ORDERS = {
    "certainty": "least certain first",
    "agreement": "least agreement first",
    "waiting": "waiting longest first",
    "track": "song by song",
    "person": "person by person",
    "tag": "tag by tag",
}
"""What the list can be ordered by, in words."""

USUAL_ORDER = "certainty"

WITH = {"": "to be decided", "me": "passed to me", "others": "passed to another reviewer", "people": "with a person again", "all": "all"}
"""In whose hands a clip is, in words; the first is what a reviewer works through."""


@dataclass(frozen=True)
class View:
    """How one reviewer looks at the queue: an order of `ORDERS`, and which clips; None and "" are any."""

    order: str = "certainty"
    held: str = ""  # of WITH
    person: int | None = None  # who answered it
    track: int | None = None
    tag: str = ""  # that somebody gave a mark

    @classmethod
    def of(cls, said: Mapping[str, str]) -> View:
        """As an address says it; what cannot be is left out."""
        order, held = said.get("order", ""), said.get("with", "")
        return cls(
            order=order if order in ORDERS else USUAL_ORDER,
            held=held if held in WITH else "",
            person=_number(said.get("person", "")),
            track=_number(said.get("track", "")),
            tag=said.get("tag", "")[:40],
        )

    @property
    def said(self) -> dict[str, str]:
        """What an address says of it: nothing of what is usual."""
        words = {"order": self.order if self.order != USUAL_ORDER else "", "with": self.held, "tag": self.tag}
        numbers = {"person": self.person, "track": self.track}
        return {name: word for name, word in words.items() if word} | {name: str(n) for name, n in numbers.items() if n}

    @property
    def query(self) -> str:
        """The end of an address that leads to the same view: "" or "?order=track&tag=drums"."""
        return f"?{urlencode(self.said)}" if self.said else ""

    @property
    def narrows(self) -> bool:
        """Whether clips are left out."""
        return bool(self.held or self.person or self.track or self.tag)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


USUAL = View()


def in_order(campaign: Campaign, view: View = USUAL, viewer: Membership | None = None) -> QuerySet[Task]:
    """The clips that this view shows, with `certainty` of their consensus and `since`, when they came into review."""
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version")
    certainty, since = (Subquery(latest.values(name)[:1]) for name in ("certainty", "made"))
    tasks = _shown(campaign, view, viewer).annotate(certainty=certainty, since=since)
    answered = Submission.objects.filter(task=OuterRef("pk"), status__in=SHOWN).order_by().values("task")
    match view.order:
        case "agreement":
            agreed = RawSQL(_AGREED, [[str(status) for status in SHOWN]], output_field=FloatField())
            return tasks.annotate(agreed=agreed).order_by(F("agreed").asc(nulls_first=True), "certainty", "pk")
        case "waiting":
            return tasks.order_by("since", "pk")
        case "track":
            return tasks.order_by("track__name", "start", "pk")
        case "person":
            return tasks.annotate(first=Subquery(answered.annotate(one=Min("by")).values("one"))).order_by("first", "certainty", "pk")
        case "tag":
            said = Mark.objects.filter(submission__task=OuterRef("pk"), submission__status__in=SHOWN).exclude(tag="").order_by()
            first = Subquery(said.values("submission__task").annotate(one=Min("tag")).values("one"))
            return tasks.annotate(first=first).order_by(F("first").asc(nulls_last=True), "certainty", "pk")
    return tasks.order_by("certainty", "pk")


def clear(campaign: Campaign, view: View, viewer: Membership, certain: float) -> QuerySet[Any]:
    """Those that this view shows whose consensus is at least so certain of itself, 0 to 1; the surest first."""
    tasks: QuerySet[Any] = in_order(campaign, view, viewer)
    return tasks.filter(certainty__gte=certain).order_by("-certainty", "pk")


def _shown(campaign: Campaign, view: View, viewer: Membership | None) -> QuerySet[Task]:
    tasks = Task.objects.filter(campaign=campaign, state=Task.State.IN_REVIEW)
    waits = Referral.objects.filter(task=OuterRef("pk"), done=None)
    to_decide, to_answer = waits.filter(kind=Referral.Kind.DECIDE), waits.filter(kind=Referral.Kind.ANSWER)
    mine, others = to_decide.filter(to=viewer), to_decide.exclude(to=viewer)
    match view.held:
        case "":
            tasks = tasks.exclude(Exists(to_answer)).exclude(Exists(others))
        case "me":
            tasks = tasks.filter(Exists(mine))
        case "others":
            tasks = tasks.filter(Exists(others))
        case "people":
            tasks = tasks.filter(Exists(to_answer))
    if view.person is not None:
        tasks = tasks.filter(Exists(Submission.objects.filter(task=OuterRef("pk"), by=view.person, status__in=SHOWN)))
    if view.track is not None:
        tasks = tasks.filter(track=view.track)
    if view.tag:
        tagged = Mark.objects.filter(submission__task=OuterRef("pk"), submission__status__in=SHOWN, tag=view.tag)
        tasks = tasks.filter(Exists(tagged))
    return tasks.select_related("track", "campaign")


def held_by(campaign: Campaign, viewer: Membership) -> dict[str, int]:
    """How many clips are in whose hands, by the names of `WITH`; in one question."""
    waits = Referral.objects.filter(task=OuterRef("pk"), done=None)
    to_decide = waits.filter(kind=Referral.Kind.DECIDE)
    asks, mine, theirs = waits.filter(kind=Referral.Kind.ANSWER), to_decide.filter(to=viewer), to_decide.exclude(to=viewer)
    tasks = Task.objects.filter(campaign=campaign, state=Task.State.IN_REVIEW)
    tasks = tasks.annotate(asks=Exists(asks), mine=Exists(mine), theirs=Exists(theirs))
    which = {"": Q(asks=False, theirs=False), "me": Q(mine=True), "others": Q(theirs=True), "people": Q(asks=True), "all": Q()}
    counted = tasks.aggregate(**{f"n_{name}": Count("pk", filter=said) if said else Count("pk") for name, said in which.items()})
    return {name: counted[f"n_{name}"] for name in which}


def songs_waiting(campaign: Campaign) -> list[tuple[int, str, int]]:
    """Songs whose clips are in review: id, name, how many; the most first."""
    waits = Q(tasks__state=Task.State.IN_REVIEW)
    songs = Track.objects.filter(waits, campaign=campaign).annotate(n=Count("tasks", filter=waits)).order_by("-n", "name")
    return list(songs.values_list("pk", "name", "n")[:MOST_OFFERED])


def people_waiting(campaign: Campaign) -> list[tuple[int, str, int]]:
    """Who answered clips that are in review: id, pseudonym, how many; by name. Only for who may see people."""
    given = Submission.objects.filter(task__campaign=campaign, task__state=Task.State.IN_REVIEW, status__in=SHOWN)
    counted = given.order_by().values("by").annotate(n=Count("task", distinct=True)).order_by("by__pseudonym")
    return list(counted.values_list("by", "by__pseudonym", "n")[:MOST_OFFERED])


def asked_again(members: Iterable[Membership]) -> dict[int, list[Referral]]:
    """By member, the clips that a reviewer asks them to hear again, the oldest first."""
    found: dict[int, list[Referral]] = {}
    waiting = Referral.objects.filter(to__in=[one.pk for one in members], kind=Referral.Kind.ANSWER, done=None)
    for one in waiting.select_related("task").order_by("pk"):
        found.setdefault(one.to_id, []).append(one)
    return found
