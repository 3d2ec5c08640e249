"""Questions about annotation that span tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from annotation.models import Assignment, Campaign, ConsensusRegion, Event, Mark, Membership, Submission, Task


def campaigns_of(user: Any) -> QuerySet[Campaign]:
    """Campaigns that this user belongs to."""
    return Campaign.objects.filter(memberships__user=user, memberships__active=True).distinct().order_by("name")


def membership_of(user: Any, slug: str) -> Membership | None:
    """This user's active membership in the campaign of that slug."""
    return Membership.objects.select_related("campaign").filter(user=user, campaign__slug=slug, active=True).first()


def tasks_for(user: Any) -> QuerySet[Task]:
    """Tasks that this user may hear: taken by them once, or any of a campaign that they manage or review."""
    memberships = Membership.objects.filter(user=user, active=True)
    sees_all = memberships.exclude(role=Membership.Role.ANNOTATOR).values("campaign")
    taken = Assignment.objects.filter(task=OuterRef("pk"), by__in=memberships)
    return Task.objects.filter(Q(campaign__in=sees_all) | Q(Exists(taken))).select_related("campaign", "track")


@dataclass(frozen=True)
class OwnProgress:
    """How far one member is."""

    done: int
    open: int


def own_progress(member: Membership) -> OwnProgress:
    """How many answers this member gave, and how many tasks still wait for them."""
    seen = Assignment.objects.filter(task=OuterRef("pk"), by=member).exclude(state__in=[Assignment.State.EXPIRED, Assignment.State.LEASED])
    answered = Submission.objects.filter(task=OuterRef("pk"), by=member)
    waiting = Task.objects.filter(campaign=member.campaign, state=Task.State.OPEN).exclude(Exists(seen)).exclude(Exists(answered))
    mine = Q(assignments__by=member, assignments__state=Assignment.State.LEASED)
    done = Submission.objects.filter(by=member, revision=1).count()
    return OwnProgress(done=done, open=waiting.filter(Q(taken__lt=F("overlap")) | mine).distinct().count())


@dataclass(frozen=True)
class Progress:
    """How far the tasks of one round are."""

    open: int
    closed: int
    withdrawn: int
    answers: int
    wanted: int
    contested: int

    @property
    def tasks(self) -> int:
        return self.open + self.closed

    @property
    def percent(self) -> int:
        return round(100 * min(1.0, self.answers / self.wanted)) if self.wanted else 0


def progress(campaign: Campaign, round_number: int) -> Progress:
    """Tasks and answers of a round."""
    tasks = Task.objects.filter(campaign=campaign, round_number=round_number)
    counted = tasks.aggregate(
        open=Count("pk", filter=Q(state=Task.State.OPEN)),
        closed=Count("pk", filter=Q(state=Task.State.CLOSED)),
        withdrawn=Count("pk", filter=Q(state=Task.State.WITHDRAWN)),
        contested=Count("pk", filter=Q(contested=True)),
        wanted=Sum("overlap", filter=~Q(state=Task.State.WITHDRAWN), default=0),
    )
    answers = Submission.objects.filter(task__in=tasks.exclude(state=Task.State.WITHDRAWN), status=Submission.Status.ACCEPTED).count()
    return Progress(answers=answers, **counted)


def people(campaign: Campaign) -> QuerySet[Membership]:
    """Members with `answers`, `n_marks` and their stored reliability, most active first."""
    return (
        campaign.memberships.select_related("reliability", "user")
        .annotate(
            answers=Count("submissions", filter=Q(submissions__status=Submission.Status.ACCEPTED), distinct=True),
            n_marks=Count("submissions__marks", filter=Q(submissions__status=Submission.Status.ACCEPTED), distinct=True),
        )
        .order_by("-answers", "pseudonym")
    )


def marked_seconds(campaign: Campaign, up_to_round: int) -> float:
    """Seconds in all accepted marks of the rounds so far, people added up."""
    marks = Mark.objects.filter(
        submission__task__campaign=campaign, submission__task__round_number__lte=up_to_round, submission__status=Submission.Status.ACCEPTED
    )
    return marks.aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


def consensus_seconds(consensuses: QuerySet) -> float:
    """Seconds in the regions of these consensuses."""
    return ConsensusRegion.objects.filter(consensus__in=consensuses).aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


def latest_events(campaign: Campaign, n: int = 20) -> QuerySet[Event]:
    """What happened last."""
    return campaign.events.select_related("who").order_by("-id")[:n]
