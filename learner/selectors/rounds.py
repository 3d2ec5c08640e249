"""Questions about the rounds of a campaign: what came of each."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from annotation.models import Campaign
from learner.models import Adaptation, Checkpoint, FeedbackSet, Job, Round


@dataclass(frozen=True)
class Turn:
    """One round with all that came of it so far."""

    round: Round
    feedback_set: FeedbackSet | None
    adaptation: Adaptation | None

    @property
    def parent(self) -> Checkpoint:
        """The checkpoint that was adapted: after a roll-back in the middle of a round not the one that people listened to."""
        return self.adaptation.parent if self.adaptation else self.round.parent

    @property
    def child(self) -> Checkpoint | None:
        return self.adaptation.child if self.adaptation else None

    @property
    def promoted(self) -> bool:
        return self.adaptation is not None and self.adaptation.verdict == Adaptation.Verdict.PROMOTED

    @property
    def after(self) -> Checkpoint | None:
        """The checkpoint that the campaign used when the round was over; None while it is under way."""
        if self.round.finished is None:
            return None
        return self.child if self.promoted else self.parent

    @property
    def jobs(self) -> list[Job]:
        """The jobs of the round in the order of the work."""
        jobs = [self.round.scoring]
        if self.adaptation:
            jobs += [job for job in (self.adaptation.job, self.adaptation.baseline_job) if job]
        return jobs


def history(campaign: Campaign) -> list[Turn]:
    """The campaign's rounds, first to last, in one query."""
    return turns(Round.objects.filter(campaign=campaign).order_by("number"))


def turns(rounds: QuerySet[Round]) -> list[Turn]:
    """These rounds with all that came of each, in one query."""
    adaptation = "feedback_set__adaptation"
    return [
        _turn(one)
        for one in rounds.select_related(
            "campaign",
            "parent",
            "scoring",
            adaptation,
            f"{adaptation}__job",
            f"{adaptation}__baseline_job",
            f"{adaptation}__child",
            f"{adaptation}__parent",
            f"{adaptation}__replay_only",
        )
    ]


def scoring_the_rest(campaign: Campaign) -> list[Job]:
    """The job, if it waits or is at work, that scores what no round waits for."""
    return list(Job.objects.filter(campaign=campaign, kind=Job.Kind.RESCORE, state__in=[Job.State.QUEUED, Job.State.RUNNING]))


def _turn(one: Round) -> Turn:
    try:
        feedback_set = one.feedback_set
    except ObjectDoesNotExist:
        return Turn(one, None, None)
    try:
        return Turn(one, feedback_set, feedback_set.adaptation)
    except ObjectDoesNotExist:
        return Turn(one, feedback_set, None)
