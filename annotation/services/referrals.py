"""A contested clip handed on: back to somebody who answered it, to be heard again, or on to another reviewer."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Membership, Referral, Submission, Task
from annotation.selectors.answers import is_frozen
from annotation.services.answers import lock_freezing
from annotation.services.reviews import in_review


class NotReturnable(DomainError):
    """Whoever gave this answer cannot be asked again: they are not in the campaign any more, or are simulated."""


class AnswerStands(DomainError):
    """A round was closed since this answer was given, and it stands. Ask more people instead."""


class NotPassable(DomainError):
    """A clip is passed to another person who may review in this campaign."""


@transaction.atomic
def return_to_person(*, task: Task, by: Membership, answer: Submission, note: str, seen: str | None = None) -> Referral:
    """Ask who gave this answer to hear the clip again; they read `note`. The task stays in review, where anybody may still decide it.

    Their new answer supersedes the old one, which is kept, and people's agreement is looked at anew. Raises `NotReturnable`,
    `AnswerStands`, `NotAReviewer`, `NotInReview` and `StaleReview`.
    """
    task = in_review(task, by, seen)
    to = Membership.objects.get(pk=answer.by_id)
    if answer.task_id != task.pk or not to.active or to.user_id is None or to.kind != Membership.Kind.HUMAN:
        raise NotReturnable
    if answer.status != Submission.Status.ACCEPTED or is_frozen(answer.created, lock_freezing(task.campaign)):
        raise AnswerStands
    asked, _ = Referral.objects.update_or_create(
        task=task, to=to, kind=Referral.Kind.ANSWER, done=None, defaults={"by": by, "note": note}, create_defaults={"by": by, "note": note}
    )
    record(task.campaign, "review.returned", who=by, after={"task": task.pk, "submission": answer.pk, "note": note})
    return asked


def answered_again(submission: Submission) -> None:
    """Note that somebody who was asked to hear a clip again has answered it; with the transaction that keeps the answer."""
    asked = Referral.objects.filter(task=submission.task_id, to=submission.by_id, kind=Referral.Kind.ANSWER, done=None)
    if asked.update(done=Now()):
        # By nobody: reviewers read this, and do not see who answered.
        after = {"task": submission.task_id, "submission": submission.pk}
        record(submission.task.campaign, "review.answered_again", after=after)


@transaction.atomic
def pass_on(*, task: Task, by: Membership, to: Membership, note: str, seen: str | None = None) -> Referral:
    """Leave the decision to another reviewer, who reads `note`; whoever had it before has it no longer.

    Raises `NotPassable`, `NotAReviewer`, `NotInReview` and `StaleReview`.
    """
    task = in_review(task, by, seen)
    if to.pk == by.pk or to.campaign_id != task.campaign_id or not to.reviews or to.user_id is None:
        raise NotPassable
    Referral.objects.filter(task=task, kind=Referral.Kind.DECIDE, done=None).update(done=Now())
    passed = Referral.objects.create(task=task, by=by, to=to, kind=Referral.Kind.DECIDE, note=note)
    record(task.campaign, "review.passed", who=by, after={"task": task.pk, "member": to.pseudonym, "reviewer": to.pk, "note": note})
    return passed
