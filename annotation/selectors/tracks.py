"""Questions about the tracks of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject

from annotation.models import Campaign, Consensus, ConsensusRegion, Estimate, Event, Mark, Membership, Submission, Task, Track, TrackChange
from annotation.models.events import EVENTS_OF_TRACKS

LENGTH_OF_HASH = 64


@dataclass(frozen=True)
class TrackCounts:
    """How many tracks of a campaign wait: in the pool, for rounds; to be looked at, for a manager (`tracks_to_look_at`)."""

    in_pool: int
    to_look_at: int


def track_counts(campaign: Campaign) -> TrackCounts:
    counted = campaign.tracks.aggregate(
        in_pool=Count("pk", filter=Q(use=Track.Use.POOL, set_aside=None)),
        to_look_at=Count("pk", filter=Q(set_aside__isnull=False, set_aside_by=None)),
    )
    return TrackCounts(**counted)


def tracks_to_look_at(campaign: Campaign) -> QuerySet[Track]:
    """What the platform set aside and no manager has looked at since, the latest first."""
    return campaign.tracks.filter(set_aside__isnull=False, set_aside_by=None).order_by("-set_aside", "pk")


def file_of(track: Track, sound: str) -> str | None:
    """The storage key of a sound of a track: of a stem by its name, or of an estimate, by its checkpoint's hash. None: not there."""
    if len(sound) == LENGTH_OF_HASH:
        kept = Estimate.objects.filter(track=track, stem=track.campaign.stem, checkpoint=sound)
        return kept.values_list("file", flat=True).first()
    return track.stems.filter(name=sound).values_list("file", flat=True).first()


def history_of(track: Track) -> list[tuple[Event, list[TrackChange]]]:
    """What happened to a track, newest first, with what was changed of it."""
    told = Event.objects.alias(of=KT("after__track")).filter(of=str(track.pk), what__in=EVENTS_OF_TRACKS, campaign=track.campaign_id)
    changes: dict[int, list[TrackChange]] = {}
    for change in track.changes.order_by("pk"):
        changes.setdefault(change.event_id, []).append(change)
    events = Event.objects.filter(Q(pk__in=told.values("pk")) | Q(pk__in=changes)).select_related("who").order_by("-pk")
    return [(event, changes.get(event.pk, [])) for event in events]


@dataclass(frozen=True)
class Answer:
    """What one person marked in a clip, seconds of the track."""

    name: str
    marks: list[tuple[float, float]]


@dataclass(frozen=True)
class ClipOfTrack:
    """A clip of a track that people were given: how it stands, what they answered, and what was agreed on."""

    task: Task
    answers: list[Answer]
    regions: list[tuple[float, float, float]]  # start, end, probability
    decided: bool  # whether there is a consensus, be it that nothing leaks


def clips_of(track: Track, viewer: Membership) -> list[ClipOfTrack]:
    """The clips of a track that were put before people, from its start to its end; for managers.

    Nobody is named where a reviewer decides, lest the person be judged.
    """
    span = JSONObject(start="start", end="end")
    marks = Mark.objects.filter(submission=OuterRef("pk")).order_by("start").values(span=span)
    regions = (
        ConsensusRegion.objects.filter(consensus=OuterRef("pk"))
        .order_by("start")
        .values(span=JSONObject(start="start", end="end", p="probability"))
    )
    accepted = Submission.objects.filter(status=Submission.Status.ACCEPTED).select_related("by").annotate(spans=ArraySubquery(marks))
    agreed = Consensus.objects.annotate(spans=ArraySubquery(regions))
    tasks = Task.objects.filter(track=track, kind=Task.Kind.POOL).order_by("start", "pk")
    found = []
    for task in tasks.prefetch_related(
        Prefetch("submissions", accepted.order_by("pk"), to_attr="answers"),
        Prefetch("consensuses", agreed.order_by("-version"), to_attr="agreed"),
    ):
        last: Any = next(iter(task.agreed), None)
        named = viewer.sees_people and task.state != Task.State.IN_REVIEW
        answers: list[Any] = task.answers
        given = [
            Answer(
                "you" if one.by_id == viewer.pk else one.by.pseudonym if named else f"person {n}",
                [(mark["start"], mark["end"]) for mark in one.spans],
            )
            for n, one in enumerate(answers, start=1)
        ]
        spans = [(region["start"], region["end"], round(region["p"], 2)) for region in last.spans] if last else []
        found.append(ClipOfTrack(task, given, spans, last is not None))
    return found
