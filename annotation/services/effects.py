"""What a person's marks change, for them to hear: wished for, taken up by a worker that has nothing else to do, kept for a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.models import Effect, Membership, Submission, Task
from annotation.selectors.effects import offers_effect, standing_answer
from annotation.services.first_visit import check_consent

PATIENCE = timedelta(minutes=10)  # a wish that waits longer is over
LONGEST = timedelta(minutes=2)  # a worker that takes longer is dead
KEPT = timedelta(days=1)
AGAIN = (Effect.State.BUSY, Effect.State.FAILED)


class NoEffect(DomainError):
    """Of this clip what your marks change cannot be heard."""

    status = HTTPStatus.NOT_FOUND


def answer_with_effect(*, task: Task, by: Membership) -> Submission:
    """The standing answer of a person, of which they may hear the effect. Raises `NoEffect`: the same for whatever reason."""
    answer = standing_answer(task, by)
    if answer is None or not offers_effect(answer, by):
        raise NoEffect
    return answer


@transaction.atomic
def wish_effect(*, task: Task, by: Membership) -> Effect:
    """Ask for what the marks of one's answer change; asked again, it is the same. Of each person one wish waits: the last.

    Raises `NoEffect`, and `NotReady` of who withdrew consent.
    """
    check_consent(by)
    answer = answer_with_effect(task=task, by=by)
    Effect.objects.filter(submission__by=by, state=Effect.State.WAITING).exclude(submission=answer).delete()
    Effect.objects.filter(submission=answer, state__in=AGAIN).update(state=Effect.State.WAITING, asked=now(), sent=None, began=None)
    return Effect.objects.defer("sound").get_or_create(submission=answer)[0]


def claim_effect(*, effect_id: int) -> Effect | None:
    """Take up a wish, or None where it is over, or another worker was quicker."""
    if not Effect.objects.filter(pk=effect_id, state=Effect.State.WAITING).update(state=Effect.State.MAKING, began=now()):
        return None
    return Effect.objects.select_related("submission__task__track").get(pk=effect_id)


def give_effect_back(*, effect: Effect) -> None:
    """Leave it to a moment in which nobody waits for other work."""
    _mine(effect).update(state=Effect.State.WAITING, sent=None, began=None)


def keep_effect(*, effect: Effect, sound: bytes, quieter: Sequence[float | None], beside: float | None) -> None:
    """Keep what was made, unless this worker was given up meanwhile."""
    _mine(effect).update(state=Effect.State.MADE, sound=sound, quieter=list(quieter), beside=beside)


def fail_effect(*, effect: Effect, busy: bool = False) -> None:
    """It could not be made; `busy`: not in time."""
    _mine(effect).update(state=Effect.State.BUSY if busy else Effect.State.FAILED)


def _mine(effect: Effect) -> QuerySet[Effect]:
    return Effect.objects.filter(pk=effect.pk, state=Effect.State.MAKING, began=effect.began)


def end_late_effects() -> None:
    """End wishes that have waited too long, and those whose worker died."""
    Effect.objects.filter(state=Effect.State.WAITING, asked__lt=now() - PATIENCE).update(state=Effect.State.BUSY)
    Effect.objects.filter(state=Effect.State.MAKING, began__lt=now() - LONGEST).update(state=Effect.State.FAILED)


def old_effects() -> QuerySet[Effect]:
    """Those that were kept long enough."""
    return Effect.objects.filter(asked__lt=now() - KEPT)
