"""Checkpoints that learned from what people have taken back since: flagged, with all that came from them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, Q

from annotation.events import record
from annotation.models import Campaign, FirstVisit, Submission
from learner.models import Adaptation, Checkpoint


@transaction.atomic
def flag_checkpoints(*, campaign: Campaign) -> int:
    """Write on every checkpoint how many answers, with how many marks, it learned from that were withdrawn with their people's consent.

    What a checkpoint's ancestors learned it has learned too, of whatever campaign. Returns how many rows changed, which the history of
    `campaign` tells; called again, none does.
    """
    taken_back = Q(status=Submission.Status.WITHDRAWN, by__first_visit__consent=FirstVisit.Consented.WITHDRAWN)
    found = Submission.objects.filter(taken_back, used_in__isnull=False).distinct()
    used = found.annotate(n=Count("marks", distinct=True), when=Max("by__consents__when", filter=Q(by__consents__given=False)))
    answers: dict[int, tuple[int, datetime]] = {pk: (n, when) for pk, n, when in used.values_list("pk", "n", "when")}
    if not answers:
        return 0
    learned = Adaptation.objects.filter(
        child__isnull=False, feedback_set__clips__consensus__submissions__in=answers, feedback_set__clips__kept_apart=False
    )
    of_checkpoint: dict[int, set[int]] = defaultdict(set)
    for child, answer in learned.values_list("child", "feedback_set__clips__consensus__submissions").distinct():
        if answer in answers:
            of_checkpoint[child].add(answer)
    parents = dict(Checkpoint.objects.values_list("pk", "parent"))
    changed = 0
    for checkpoint in parents:
        line: set[int] = set()
        at: int | None = checkpoint
        while at is not None:
            line |= of_checkpoint.get(at, set())
            at = parents[at]
        if line:
            changed += _flag(checkpoint, [answers[one] for one in line])
    if changed:
        record(campaign, "model.flagged", after={"checkpoints": changed})
    return changed


def _flag(checkpoint: int, answers: list[tuple[int, datetime]]) -> int:
    flag = {"withdrawn_answers": len(answers), "withdrawn_marks": sum(n for n, _ in answers), "withdrawn": max(when for _, when in answers)}
    return Checkpoint.objects.filter(pk=checkpoint).exclude(**flag).update(**flag)
