"""Of which answers one can hear what the marks change."""

from __future__ import annotations

import numpy as np

from annotation.models import Campaign, Effect, Membership, Submission, Task
from annotation.selectors.answers import is_frozen

OFFERED = 0.5
"""Share of the clips of each person on which it is offered before their round is closed.

It is never made of known clips, so that without a draw whoever misses the offer would know that the clip was one, and could change
their answer. This way most clips without the offer are ordinary ones. Afterwards known clips are told anyway.
"""
ITS_CHANCE = 17  # keeps this draw apart from others by the same seed
KEPT = (Submission.Status.ACCEPTED, Submission.Status.SURPLUS)


def standing_answer(task: Task, by: Membership) -> Submission | None:
    """The answer of this member that stands."""
    return Submission.objects.select_related("task").filter(task=task, by=by, status__in=KEPT).order_by("-revision").first()


def offers_effect(answer: Submission, by: Membership) -> bool:
    """Whether its own person, `by`, may hear what the marks of an answer change."""
    task, campaign = answer.task, by.campaign
    if not campaign.hears_effects or task.kind != Task.Kind.POOL or answer.is_quick or answer.status not in KEPT:
        return False
    return (is_frozen(answer.created, campaign.frozen) or is_drawn(campaign, task, by)) and answer.marks.exists()


def is_drawn(campaign: Campaign, task: Task, by: Membership) -> bool:
    """By the campaign's seed, the task and the person alone: an answer that is changed has no second chance."""
    return bool(np.random.default_rng([campaign.seed, ITS_CHANCE, task.pk, by.pk]).random() < OFFERED)


def effect_of(answer: Submission) -> Effect | None:
    """Without its sound, which `sound_of` has."""
    return Effect.objects.defer("sound").filter(submission=answer).first()


def sound_of(answer: Submission) -> bytes | None:
    """The Ogg of an effect that is made."""
    made = Effect.objects.filter(submission=answer, state=Effect.State.MADE).values_list("sound", flat=True).first()
    return None if made is None else bytes(made)
