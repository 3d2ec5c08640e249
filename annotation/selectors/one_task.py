"""Everything about one task: who answered what, who passed it on, what was agreed on, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.fields.json import KT
from django.utils.timezone import now

from annotation.models import Assignment, Consensus, Estimate, Event, Submission, Task
from annotation.models.events import EVENTS_OF_REVIEWS
from annotation.selectors.person import Judged, judged


@dataclass(frozen=True)
class OneTask:
    """A task with its answers, the latest last; those that count are `counted`."""

    task: Task
    answers: list[Judged]
    agreed: list[Consensus]  # the latest first
    in_hand: list[Assignment]
    given_up: list[Assignment]  # skips and leases that ran out, the latest first
    events: list[Event]  # the latest first
    heard: bool  # whether there is a sound

    @property
    def counted(self) -> list[Submission]:
        return [one.answer for one in self.answers if one.answer.status == Submission.Status.ACCEPTED]

    @property
    def consensus(self) -> Consensus | None:
        return self.agreed[0] if self.agreed else None


def one_task(task: Task) -> OneTask:
    """In eleven queries at most, however many answers there are. `task` comes with its campaign, track and gold truth."""
    agreed = list(task.consensuses.select_related("by").prefetch_related("regions", "missing").order_by("-version"))
    task.agreed = agreed  # type: ignore[attr-defined]  # where `judged` looks for it
    answers = list(task.submissions.select_related("by", "gold_score").prefetch_related("marks", "missing").order_by("pk"))
    for one in answers:
        one.task = task
    assignments = list(task.assignments.select_related("by").order_by("-pk"))
    told = Event.objects.alias(of=KT("after__task")).filter(of=str(task.pk), what__in=EVENTS_OF_REVIEWS, campaign=task.campaign_id)
    gold = task.kind == Task.Kind.GOLD
    estimates = Estimate.objects.filter(track=task.track_id, stem=task.stem, checkpoint=task.checkpoint)
    return OneTask(
        task=task,
        answers=judged(answers),
        agreed=agreed,
        in_hand=[one for one in assignments if one.state == Assignment.State.LEASED and one.lease_until > now()],
        given_up=[one for one in assignments if one.state in (*Assignment.GIVEN_UP, Assignment.State.EXPIRED)],
        events=list(told.select_related("who").order_by("-pk")),
        heard=gold or estimates.exists(),
    )
