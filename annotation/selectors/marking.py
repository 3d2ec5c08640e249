"""How people mark: kinds of errors of the latest answers to clips whose truth is known or agreed on, and whether somebody drifts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from annotation.core import steadiness
from annotation.core.grading import grade
from annotation.core.kinds_of_errors import NONE, Errors, errors, summed
from annotation.core.regions import Region
from annotation.core.steadiness import Measured
from annotation.models import Campaign, Consensus, ConsensusRegion, Mark, Submission, Task

LATEST = 2000  # answers of a campaign that are looked at
SPAN = JSONObject(start="start", end="end")


@dataclass(frozen=True)
class Judged:
    """One answer beside the truth."""

    by: int
    task: int
    errors: Errors
    score: float


@dataclass(frozen=True)
class Marking:
    """How one person, or everybody, marked in `n` answers."""

    answers: tuple[Judged, ...]

    @property
    def n(self) -> int:
        return len(self.answers)

    @cached_property
    def total(self) -> Errors:
        return summed(one.errors for one in self.answers) if self.answers else NONE

    @cached_property
    def per_minute(self) -> Errors:
        """The same, in seconds for each minute heard."""
        whole = self.total
        return Errors(*(60 * value / whole.clip for value in whole)) if whole.clip else NONE

    @property
    def found(self) -> Measured | None:
        """The share of what is wrong that was marked."""
        return steadiness.share([(one.errors.found, one.errors.true) for one in self.answers], rng=np.random.default_rng(0))

    @property
    def drift(self) -> Measured | None:
        """How the agreement of the latest answers differs from that of those before."""
        return steadiness.drift([one.score for one in self.answers], rng=np.random.default_rng(0))


def spans() -> ArraySubquery:
    """The marks of an answer, in order, each with `start` and `end`."""
    return ArraySubquery(Mark.objects.filter(submission=OuterRef("pk")).order_by("start").values(span=SPAN))


def judged_lately(campaign: Campaign, people: Container[int] | None = None) -> list[Judged]:
    """The latest answers that can be judged, in the order in which they were given; of these memberships alone, or of everybody.

    In one query; the arithmetic is ours.
    """
    latest = Consensus.objects.filter(task=OuterRef("task")).order_by("-version").values("pk")[:1]
    regions = ConsensusRegion.objects.filter(consensus=OuterRef("latest")).order_by("start").values(span=SPAN)
    known = Q(task__kind=Task.Kind.POOL, task__state=Task.State.CLOSED) | Q(task__gold__isnull=False)
    counts = Submission.objects.filter(known, task__campaign=campaign, status=Submission.Status.ACCEPTED, asked=None)
    found = (
        counts.order_by("-pk")
        .annotate(
            latest=Subquery(latest),
            spans=spans(),
            agreed=ArraySubquery(regions),
            truth=F("task__gold__regions"),
            starts=F("task__start"),
            ends=F("task__end"),
        )
        .values_list("by", "task", "spans", "agreed", "truth", "starts", "ends")[:LATEST]
    )
    return [_judged(*row) for row in found if people is None or row[0] in people][::-1]


def _judged(by: int, task: int, spans: list, agreed: list, truth: list | None, start: float, end: float) -> Judged:
    marks = [(one["start"], one["end"]) for one in spans]
    true = [(one["start"], one["end"]) for one in agreed] if truth is None else truth
    clip = Region(start, end)
    return Judged(by, task, errors(marks, true, clip), grade(marks, true, clip).score)


def by_person(answers: list[Judged]) -> dict[int, Marking]:
    """Each person's own, by their membership's id."""
    theirs: defaultdict[int, list[Judged]] = defaultdict(list)
    for one in answers:
        theirs[one.by].append(one)
    return {by: Marking(tuple(given)) for by, given in theirs.items()}
