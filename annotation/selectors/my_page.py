"""What the marks of one member changed, and how long each has listened."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from annotation.core.consensus import Person, Prior
from annotation.core.quieter import quieter
from annotation.core.regions import total
from annotation.files.previews import preview
from annotation.models import Campaign, Estimate, Event, FirstVisit, Membership, Message, Participation, PracticeAnswer, Submission, Task
from annotation.selectors.answers import is_frozen
from annotation.selectors.gold import OnGold, gold_scores

MOST_SHOWN = 3  # clips before and after
STRANGER = Person.unknown(Prior()).reliability
ANSWERED = Q(submissions__status=Submission.Status.ACCEPTED)
SECONDS = Sum(Coalesce("submissions__asked", F("submissions__task__end") - F("submissions__task__start")), filter=ANSWERED, default=0.0)


@dataclass(frozen=True)
class Change:
    """A clip that the member marked, and how a later model's estimate of it sounds."""

    submission: Submission
    seconds: float  # marked
    checkpoint: str  # of the later model
    quieter_db: float | None  # in the marked stretches; None: there was nothing to hear before
    has_page: bool  # where it is heard mark by mark


def changes(member: Membership) -> list[Change]:
    """The member's marked clips that a promoted model has separated again, the latest first.

    A model counts if it was promoted after the one that was heard, and is the last in that line that has heard the song.
    """
    promoted = promotions(member.campaign)
    marked = (
        Submission.objects.filter(by=member, status=Submission.Status.ACCEPTED, task__kind=Task.Kind.POOL, marks__isnull=False)
        .distinct()
        .select_related("task__track", "by")
        .prefetch_related("marks")
        .order_by("-pk")
    )
    found: list[Change] = []
    separated = Estimate.objects.filter(track=OuterRef("task__track"), stem=OuterRef("task__stem")).values("checkpoint")
    for submission in marked.annotate(separated=ArraySubquery(separated))[:50] if promoted else ():
        if len(found) == MOST_SHOWN:
            break
        if later := _last(submission.task, promoted, set(submission.separated)):
            seconds = total(mark.region for mark in submission.marks.all())
            has_page = is_frozen(submission.created, member.campaign.frozen)
            found.append(Change(submission, seconds, later, _rounded(quieter_by(submission, later)[0]), has_page))
    return found


def promotions(campaign: Campaign) -> dict[str, str]:
    """Checkpoint -> the later one that took its place, by the gate or a manager, and did not lose it since."""
    line: dict[str, str] = {}
    events = Event.objects.filter(campaign=campaign, what__in=["model.promoted", "model.chosen", "model.rolled_back"]).order_by("pk")
    for event in events:
        before, after = ((side or {}).get("checkpoint", "") for side in (event.before, event.after))
        if event.what == "model.promoted" or (not _cut(line, after) and event.what == "model.chosen"):
            line[before] = after
    return line


def _cut(line: dict[str, str], at: str) -> bool:
    """Take out all that came after a checkpoint; whether there was any."""
    cut = False
    while at in line:
        at, cut = line.pop(at), True
    return cut


def heard_later(task: Task, promoted: dict[str, str]) -> str | None:
    """The last promoted model after the one that was heard that has separated the task's song; None: none has."""
    return _last(task, promoted, set(Estimate.objects.filter(track=task.track_id, stem=task.stem).values_list("checkpoint", flat=True)))


def _last(task: Task, promoted: dict[str, str], there: set[str]) -> str | None:
    last, at, seen = None, task.checkpoint, {task.checkpoint}
    while (at := promoted.get(at, "")) and at not in seen:
        seen.add(at)
        last = at if at in there else last
    return last


def _rounded(decibels: float | None) -> float | None:
    return None if decibels is None else round(decibels)


def quieter_by(submission: Submission, later: str) -> tuple[float | None, list[float | None]]:
    """How many dB less sounds in the marked stretches by the later model: in all, and in each, in order of time."""
    task = submission.task
    (before, rate), (after, _) = (_heard(preview(task, task.stem, checkpoint)) for checkpoint in ("", later))
    marks = [(mark.start - task.start, mark.end - task.start) for mark in submission.marks.all()]
    return quieter(before, after, rate, marks), [quieter(before, after, rate, [mark]) for mark in sorted(marks)]


def _heard(sound: bytes) -> tuple[NDArray[np.float32], int]:
    return soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)


@dataclass(frozen=True)
class Own:
    """What there is to say of one member on their own page."""

    minutes: float  # of clips answered
    n_accepted: int
    n_too_soon: int
    on_gold: OnGold
    visit: FirstVisit
    is_qualified: bool
    has_practised: bool
    to_be_paid: bool  # by a panel, for what they give
    has_messages: bool


def own(member: Membership) -> Own:
    """In one query."""
    scores = gold_scores().filter(submission__by=OuterRef("pk")).order_by().values("submission__by")
    waits = (Participation.State.UNDER_WAY, Participation.State.FINISHED)
    paid = Participation.objects.filter(membership=OuterRef("pk"), link__pay_per_task__gt=0, state__in=waits)
    row: Any = (
        Membership.objects.select_related("first_visit")
        .annotate(
            seconds=SECONDS,
            n_accepted=Count("submissions", filter=ANSWERED),
            n_too_soon=Count("submissions", filter=Q(submissions__status=Submission.Status.TOO_SOON)),
            score=Subquery(scores.annotate(mean=Avg("score")).values("mean")),
            n_scores=Coalesce(Subquery(scores.annotate(n=Count("pk")).values("n")), 0),
            to_be_paid=Exists(paid),
            has_messages=Exists(Message.objects.filter(to=OuterRef("pk"))),
            has_practised=Exists(PracticeAnswer.objects.filter(membership=OuterRef("pk"))),
        )
        .get(pk=member.pk)
    )
    visit = getattr(row, "first_visit", None) or FirstVisit(membership=member)
    return Own(
        minutes=row.seconds / 60,
        n_accepted=row.n_accepted,
        n_too_soon=row.n_too_soon,
        on_gold=OnGold(row.score, row.n_scores),
        visit=visit,
        is_qualified=row.qualified is not None,
        has_practised=row.has_practised,
        to_be_paid=row.to_be_paid,
        has_messages=row.has_messages,
    )


@dataclass(frozen=True)
class Minutes:
    """How long a member has listened, plainly and weighted by how reliable they are."""

    member: Membership
    plain: float
    weighted: float


def minutes(campaign: Campaign) -> dict[int, Minutes]:
    """Member -> minutes of clips answered. The weight is sensitivity + specificity - 1 (0: like guessing); strangers have the prior's."""
    members = campaign.memberships.filter(active=True).select_related("reliability").annotate(seconds=SECONDS)
    return {one.pk: Minutes(one, one.seconds / 60, one.seconds / 60 * _weight(one)) for one in members if one.seconds}


def _weight(member: Membership) -> float:
    fit = getattr(member, "reliability", None)
    return max(0.0, fit.sensitivity + fit.specificity - 1) if fit else STRANGER
