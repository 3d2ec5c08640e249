"""What is in a release: the clips of a frozen feedback set, and what people and reviewers said of them.

All times are seconds of the track. Nothing in it says when it was made, and all is in the order of ids, so that the same snapshot
gives the same rows. Left out is whoever took consent or answers back, or never gave consent where the campaign asks for it, and with
them every clip whose consensus rests on one of their answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.db.models import Prefetch, Q

from annotation.core.errors import DomainError
from annotation.models import (
    Campaign,
    Consensus,
    ConsensusRegion,
    FirstVisit,
    Mark,
    Membership,
    MissingMark,
    MissingRegion,
    Submission,
    Task,
)
from learner.exports.names import code
from learner.exports.tables import agreed, agreement_rows
from learner.models import Export, FeedbackClip, FeedbackSet

TRAIN, TEST = "train", "test"
Row = dict[str, Any]


@dataclass(frozen=True)
class Clip:
    """One row of the data, and the task whose sound it is about."""

    split: str  # test: kept apart for the gate, nothing learned from it
    row: Row
    task: Task
    answers: tuple[Submission, ...] = ()

    @property
    def key(self) -> str:
        return str(self.row["id"])


@dataclass(frozen=True)
class Release:
    """All of a release but its sound."""

    campaign: Campaign
    snapshot: FeedbackSet
    clips: list[Clip]
    decisions: list[Row]
    n_left_out: int  # clips of the snapshot
    asks_consent: bool
    with_audio: bool
    names: dict[int, str] = field(default_factory=dict)

    @property
    def splits(self) -> dict[str, list[Clip]]:
        """By name; one without clips is not there."""
        found = {split: [clip for clip in self.clips if clip.split == split] for split in (TRAIN, TEST)}
        return {split: clips for split, clips in found.items() if clips}

    @cached_property
    def people(self) -> list[Row]:
        """Who answered: a code, and whether it is a person or simulated."""
        answers = [answer for clip in self.clips for answer in clip.answers]
        members = {answer.by_id: answer.by for answer in answers}
        n = {pk: sum(answer.by_id == pk for answer in answers) for pk in members}
        rows = [{"person": self.names[pk], "kind": member.kind, "answers": n[pk]} for pk, member in members.items()]
        return sorted(rows, key=lambda row: str(row["person"]))

    @cached_property
    def agreement(self) -> list[Row]:
        """Figures of all people's answers together, by person and by clip."""
        humans = [one for clip in self.clips for one in clip.answers if one.by.kind == Membership.Kind.HUMAN]
        return list(agreement_rows(agreed(humans, self.names)))

    @property
    def licences(self) -> list[tuple[str, str, str]]:
        """Track, artist and licence of each song, by its name."""
        tracks = {clip.task.track_id: clip.task.track for clip in self.clips}
        return sorted((track.name, track.artist, track.licence) for track in tracks.values())


def release_of(export: Export, campaign: Campaign) -> Release:
    """What the last round that was asked for froze, or the latest before it; with `first_round`, without clips of earlier rounds."""
    found = FeedbackSet.objects.filter(round__campaign=campaign)
    if export.last_round:
        found = found.filter(round__number__lte=export.last_round)
    snapshot = found.select_related("round").order_by("round__number").last()
    if snapshot is None:
        raise NothingFrozen
    clips = FeedbackClip.objects.filter(feedback_set=snapshot)
    if export.first_round:
        clips = clips.filter(consensus__task__round_number__gte=export.first_round)
    barred = Submission.objects.filter(_barred(campaign), used_in__isnull=False)
    kept = clips.exclude(consensus__submissions__in=barred)
    names = {pk: code(pk) for pk in campaign.memberships.values_list("pk", flat=True)}
    rows = [
        _clip(one, names) for one in kept.select_related("consensus__task__track", "consensus__by").prefetch_related(*_MORE).order_by("pk")
    ]
    return Release(
        campaign=campaign,
        snapshot=snapshot,
        clips=rows,
        decisions=_decisions([clip.task.pk for clip in rows], snapshot, names),
        n_left_out=clips.count() - len(rows),
        asks_consent=campaign.onboarding,
        with_audio=export.with_audio,
        names=names,
    )


class NothingFrozen(DomainError):
    """No round up to the one that was asked for has frozen anything."""

    status = HTTPStatus.CONFLICT


def _barred(campaign: Campaign) -> Q:
    """Answers that may not be published, nor anything that rests on them."""
    taken_back = Q(status=Submission.Status.WITHDRAWN) | Q(by__first_visit__consent=FirstVisit.Consented.WITHDRAWN)
    if not campaign.onboarding:
        return taken_back
    return taken_back | Q(by__kind=Membership.Kind.HUMAN) & ~Q(by__first_visit__consent=FirstVisit.Consented.GIVEN)


_MORE = (
    Prefetch("consensus__regions", ConsensusRegion.objects.order_by("start", "pk")),
    Prefetch("consensus__missing", MissingRegion.objects.order_by("start", "pk")),
    Prefetch(
        "consensus__submissions",
        Submission.objects.select_related("by", "task")
        .order_by("pk")
        .prefetch_related(
            Prefetch("marks", Mark.objects.order_by("start", "pk")), Prefetch("missing", MissingMark.objects.order_by("start", "pk"))
        ),
    ),
)


def _clip(one: FeedbackClip, names: dict[int, str]) -> Clip:
    consensus, task = one.consensus, one.consensus.task
    answers = tuple(consensus.submissions.all())
    track = task.track
    row = {
        "id": f"clip{task.pk:07}",
        "track": track.name,
        "artist": track.artist,
        "album": track.album,
        "licence": track.licence,
        "stem": task.stem,
        "clip_start": task.start,
        "clip_end": task.end,
        "round": task.round_number,
        "arm": task.arm,
        "chance": task.chance,
        "checkpoint": task.checkpoint,
        "decided_by": "reviewer" if consensus.by_id else "people",
        "method": consensus.method,
        "certainty": consensus.certainty,
        "wrong": _regions(consensus.regions.all()),
        "missing": _regions(consensus.missing.all()),
        "answers": [_answer(answer, names) for answer in answers],
    }
    return Clip(TEST if one.kept_apart else TRAIN, row, task, answers)


def _regions(regions: Iterable[Any]) -> list[Row]:
    return [{"start": one.start, "end": one.end, "probability": one.probability, "tag": getattr(one, "tag", "")} for one in regions]


def _answer(answer: Submission, names: dict[int, str]) -> Row:
    return {
        "person": names[answer.by_id],
        "seconds": answer.lead_time,
        "wrong": [{"start": mark.start, "end": mark.end, "tag": mark.tag} for mark in answer.marks.all()],
        "missing": [{"start": mark.start, "end": mark.end} for mark in answer.missing.all()],
        "heard": [{"start": start, "end": end} for start, end in answer.heard],
    }


def _decisions(tasks: list[int], snapshot: FeedbackSet, names: dict[int, str]) -> list[Row]:
    """Every decision of a reviewer on these clips until they were frozen, the earlier ones too."""
    found = Consensus.objects.filter(task__in=tasks, by__isnull=False, made__lte=snapshot.made).order_by("task", "version")
    return [
        {
            "id": f"clip{one.task_id:07}",
            "version": one.version,
            "reviewer": names[one.by_id or 0],
            "how": one.method,
            "wrong": _regions(one.regions.all()),
            "missing": _regions(one.missing.all()),
        }
        for one in found.prefetch_related(*(Prefetch(name, query) for name, query in _REGIONS))
    ]


_REGIONS = (
    ("regions", ConsensusRegion.objects.order_by("start", "pk")),
    ("missing", MissingRegion.objects.order_by("start", "pk")),
)
