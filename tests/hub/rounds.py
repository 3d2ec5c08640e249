"""Rounds of a campaign as pages show them: opened, answered, judged."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now

from annotation.models import Campaign, Membership, Task, Track
from learner import services
from learner.models import Adaptation, Checkpoint, Evaluation, Job, Round
from tests import worlds


def campaign() -> Campaign:
    """With a model and no song yet."""
    return worlds.with_model(worlds.campaign("bleed", min_overlap=1, max_overlap=1), worlds.checkpoint("base"))


def song(campaign: Campaign) -> Track:
    """Its one song."""
    return campaign.tracks.first() or worlds.track(campaign, "a song")


def scoring(campaign: Campaign) -> Job:
    """The first job of a new round, which a worker has begun."""
    song(campaign)
    round_ = services.start_round(campaign=campaign)
    assert round_
    job = Job.claim(round_.scoring_id)
    assert job
    return job


def listening(campaign: Campaign, n_tasks: int = 2) -> Round:
    """A new round whose clips wait for answers, each round with clips of its own."""
    song(campaign)
    return worlds.listening_round(campaign, n_tasks, start=60.0 * campaign.rounds.count())


def answered(task: Task, by: Membership, *marks: worlds.Span) -> None:
    """An answer in clip seconds, with its consensus."""
    worlds.answer(task, by, *((task.start + start, task.start + end) for start, end in marks))
    worlds.agreed(task)


def judged(round_: Round, by: Membership, verdict: str, child: str, **metrics: float) -> Adaptation:
    """Bring a listening round to its verdict, with figures on target test songs."""
    for task in Task.objects.filter(round_number=round_.number):
        answered(task, by, (2.0, 4.0))
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation
    adaptation.child = worlds.checkpoint(child, adaptation.parent)
    Adaptation.objects.filter(pk=adaptation.pk).update(
        child=adaptation.child, verdict=verdict, reasons=[f"because {child}"], finished=now()
    )
    Job.objects.filter(pk=adaptation.job_id).update(state="done", started=now(), finished=now())
    figures(round_.campaign, adaptation.child, **metrics)
    if verdict == "promoted":
        services.promote(adaptation=adaptation, child=adaptation.child)
    Round.objects.filter(pk=round_.pk).update(state=verdict, finished=now())
    return adaptation


def figures(campaign: Campaign, subject: Checkpoint | str, **metrics: float) -> None:
    row: dict[str, Any] = {"subject": subject} if isinstance(subject, str) else {"checkpoint": subject}
    Evaluation.objects.bulk_create(
        Evaluation(campaign=campaign, use="test", domain="target", metric=metric, value=value, n_songs=3, **row)
        for metric, value in metrics.items()
    )
