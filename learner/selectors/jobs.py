"""Questions about the jobs of a campaign: which there are, why one waits, how long it will take, and what it worked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.utils.timezone import now

from annotation.models import Campaign
from learner.models import Adaptation, Job, Round


def jobs(campaign: Campaign) -> QuerySet[Job]:
    """All of them, newest first."""
    return Job.objects.filter(campaign=campaign).order_by("-pk")


@dataclass(frozen=True)
class Spent:
    """What jobs of one kind have cost so far."""

    kind: str
    n: int
    minutes: float


def spent(campaign: Campaign) -> list[Spent]:
    """Minutes of a worker by kind of job, most first; of each job its last attempt, as earlier ones are not kept."""
    took = ExpressionWrapper(F("finished") - F("started"), output_field=DurationField())
    ended = Job.objects.filter(campaign=campaign, started__isnull=False, finished__isnull=False).order_by()
    rows = ended.values_list("kind").annotate(n=Count("pk"), took=Sum(took)).order_by("-took")
    return [Spent(kind, n, took.total_seconds() / 60) for kind, n, took in rows]


def ahead_of(job: Job) -> int:
    """How many jobs of any campaign a queued one waits for."""
    if job.gives_way:
        return Job.objects.filter(Q(state=Job.State.RUNNING) | Q(pk__in=Job.urgent())).count()
    sooner = Q(priority__gt=job.priority) | Q(priority=job.priority, pk__lt=job.pk)
    return Job.objects.filter(Q(state=Job.State.RUNNING) | Q(pk__in=Job.urgent()) & sooner).count()


def to_come(job: Job) -> timedelta | None:
    """How long a running job still takes at its pace so far; None: nobody can say yet."""
    if job.state != Job.State.RUNNING or not job.started or not job.step or not job.total:
        return None
    return (now() - job.started) * ((job.total - job.step) / job.step)


def usual_minutes(campaign: Campaign, kind: str) -> float | None:
    """How long such a job took in this campaign on average; None: none has ended well yet."""
    took = ExpressionWrapper(F("finished") - F("started"), output_field=DurationField())
    done = Job.objects.filter(campaign=campaign, kind=kind, state=Job.State.DONE, started__isnull=False, finished__isnull=False)
    mean = done.aggregate(mean=Avg(took))["mean"]
    return mean.total_seconds() / 60 if mean else None


@dataclass(frozen=True)
class WorkedFor:
    """The round that a job belongs to, and the adaptation that it made; None: neither."""

    round: Round | None
    adaptation: Adaptation | None


def worked_for(job: Job) -> WorkedFor:
    """What a job was queued for."""
    of_job = Q(job=job) | Q(baseline_job=job)
    adaptation = Adaptation.objects.filter(of_job).select_related("feedback_set__round", "parent", "child", "replay_only").first()
    if adaptation:
        return WorkedFor(adaptation.feedback_set.round, adaptation)
    return WorkedFor(Round.objects.filter(scoring=job).first(), None)
