"""Gold tasks (their sound is made in `gold_sounds`): opened, handed out among the others, graded.

Who is too far off is paused and may appeal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.grading import mean
from annotation.core.regions import Region, shift
from annotation.events import record
from annotation.models import Assignment, Campaign, GoldScore, GoldTruth, Membership, Pause, Submission, Task
from annotation.selectors import access
from annotation.selectors.gold import grade_of, has_gold, is_gold_turn, position_of, scores_of, unseen_gold
from annotation.services.gold_sounds import Gold, drawn

MADE = "gold"  # stands in `Task.checkpoint` where others have the hash of theirs
NO_ROUND = 0  # gold tasks belong to no round and hold none up
ENDLESS = 1_000_000  # answers that a gold task takes: everybody may get it


class NotPaused(DomainError):
    """There is no pause to appeal against or to decide on: it was decided already, or an appeal has been made."""


# ---------------------------------------------------------------- opening


def gold_rows(*, campaign: Campaign, golds: Sequence[Gold]) -> list[Task]:
    """The tasks of gold clips, not saved yet: `open_tasks` puts them among its own, `keep_truth` writes what is true of them."""
    return [
        Task(
            campaign=campaign,
            track=gold.track,
            stem=campaign.stem,
            checkpoint=MADE,
            round_number=NO_ROUND,
            start=gold.clip.start,
            end=gold.clip.end,
            kind=Task.Kind.GOLD,
            arm=Task.Arm.RANDOM,
            chance=1.0,
            reason="gold: its truth is known",
            min_overlap=ENDLESS,
            max_overlap=ENDLESS,
            overlap=ENDLESS,
        )
        for gold in golds
    ]


def interleave(tasks: list[Task], golds: list[Task], seed: int) -> list[Task]:
    """Both lists as one, the order of `tasks` kept and `golds` anywhere between."""
    rng = np.random.default_rng([seed, len(tasks), len(golds)])
    mixed = list(tasks)
    for one in golds:
        mixed.insert(int(rng.integers(len(mixed) + 1)), one)
    return mixed


@transaction.atomic
def keep_truth(*, campaign: Campaign, golds: Sequence[Gold]) -> int:
    """Write the truth of gold tasks that were opened; returns how many are new."""
    n = 0
    for gold in golds:
        tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.GOLD, checkpoint=MADE).exclude(state=Task.State.WITHDRAWN)
        task = tasks.get(track=gold.track, start=gold.clip.start)
        about: dict[str, Any] = {"file": gold.file, "regions": [list(region) for region in gold.regions]}
        if gold.level:
            about |= {"level": gold.level.name, "level_db": gold.level.db}
        n += GoldTruth.objects.get_or_create(task=task, defaults=about)[1]
    return n


# ---------------------------------------------------------------- handing out


def replace_by_gold(lease: Assignment, by: Membership) -> Assignment:
    """Turn a lease just taken on a task of the pool into one on a gold task, if that is whose turn it is and there is one; else leave it.

    Called where tasks are handed out, in that transaction, with the member's row locked. Gold tasks come only while the pool has tasks,
    so an empty queue is empty. Without gold tasks left nobody can qualify, and nobody is kept waiting for it.
    """
    campaign = by.campaign
    if not has_gold(campaign):
        return lease
    if access.qualifies(by):
        grade_pending(by=by)
    if not access.qualifies(by) and not is_gold_turn(campaign, by.pk, position_of(by) - 1):
        return lease
    unseen = list(unseen_gold(by, lease.task.question)[:20])
    if not unseen:
        return lease
    gold = min(unseen, key=lambda one: drawn(by.pk, one.pk))
    Task.objects.filter(pk=lease.task_id).update(taken=F("taken") - 1)
    Task.objects.filter(pk=gold.pk).update(taken=F("taken") + 1)
    lease.task = gold
    lease.save(update_fields=["task"])
    return lease


# ---------------------------------------------------------------- grading


def truth_of(task: Task) -> list[Region]:
    """Where a gold task leaks, in track seconds."""
    return [Region(start, end) for start, end in task.gold.regions]


def grade_pending(*, by: Membership | None = None, task: Task | None = None) -> int:
    """Grade the gold answers of a member, or to a task, that have no score yet; returns how many.

    An answer that was changed is not graded anew: who tries until their score is best would find the truth by it.
    """
    whose = Q(by=by) if by else Q(task=task)
    answers = Submission.objects.filter(whose, task__kind=Task.Kind.GOLD, status=Submission.Status.ACCEPTED, gold_score=None)
    graded = GoldScore.objects.filter(submission__task=OuterRef("task"), submission__by=OuterRef("by"))
    answers = answers.exclude(Exists(graded.exclude(submission__status=Submission.Status.WITHDRAWN)))
    for answer in answers.select_related("task__gold", "by__campaign").prefetch_related("marks").order_by("pk"):
        _grade(answer)
    return len(answers)


@transaction.atomic
def _grade(answer: Submission) -> None:
    # One at a time for one person: what follows from their latest scores follows once.
    Membership.objects.select_for_update(no_key=True).get(pk=answer.by_id)
    found = grade_of(answer, truth_of(answer.task))
    missed, extra = (sum(region.duration for region in regions) for regions in (found.missed, found.extra))
    _, new = GoldScore.objects.get_or_create(submission=answer, defaults={"score": found.score, "missed": missed, "extra": extra})
    if new:
        _qualify_or_pause(answer.by)


def _qualify_or_pause(member: Membership) -> None:
    """Let a member into the queue, or pause them, by their latest gold answers; those from before a lifted pause are forgotten."""
    campaign = member.campaign
    if access.pause_of(member):
        return
    scores = scores_of(member)
    if lifted := Pause.objects.filter(membership=member).order_by("-ended").first():
        scores = scores.filter(made__gt=lifted.ended)
    values = list(scores.values_list("score", flat=True))
    if access.qualifies(member):
        latest = values[-campaign.qualification :]
        if len(latest) < campaign.qualification:
            return
        if mean(latest) >= campaign.qualification_score:
            Membership.objects.filter(pk=member.pk).update(qualified=now())
            record(campaign, "member.qualified", who=member, after={"score": round(mean(latest), 3)})
        elif len(values) >= 2 * campaign.qualification:
            _pause(member, mean(latest), len(latest), campaign.qualification_score)
    elif campaign.pause_below is not None and len(values) >= campaign.pause_after:
        latest = values[-campaign.pause_after :]
        if mean(latest) < campaign.pause_below:
            _pause(member, mean(latest), len(latest), campaign.pause_below)


def _pause(member: Membership, score: float, n: int, wanted: float) -> None:
    Pause.objects.create(membership=member, score=score, n_answers=n, wanted=wanted)
    record(member.campaign, "member.paused", who=member, after={"score": round(score, 3), "wanted": wanted, "answers": n})


@transaction.atomic
def appeal(*, by: Membership, text: str) -> Pause:
    """Ask the managers to look at a pause; once for each. Raises `NotPaused`."""
    if not Pause.objects.filter(membership=by, ended=None, appealed=None).update(appeal=text.strip(), appealed=now()):
        raise NotPaused
    record(by.campaign, "member.appealed", who=by)
    return Pause.objects.get(membership=by, ended=None)


@transaction.atomic
def decide(*, pause: Pause, who: Membership, lift: bool, reply: str = "") -> Pause:
    """End a pause or let it stand, with a reply. An upheld one can be lifted later. Raises `NotPaused`."""
    decision = Pause.Decision.LIFTED if lift else Pause.Decision.UPHELD
    changed = Pause.objects.filter(pk=pause.pk, ended=None).update(
        decision=decision, decided_by=who, decided=now(), reply=reply.strip(), ended=now() if lift else None
    )
    if not changed:
        raise NotPaused
    member = pause.membership
    if lift:  # a manager's word stands for the qualification too
        Membership.objects.filter(pk=member.pk, qualified=None).update(qualified=now())
    record(member.campaign, "pause.lifted" if lift else "pause.upheld", who=who, after={"member": member.pseudonym})
    return Pause.objects.get(pk=pause.pk)


# ---------------------------------------------------------------- what agreeing learns from


def answers_with_truth(campaign: Campaign) -> tuple[list[Submission], dict[int | str, list[Region]]]:
    """Every accepted gold answer, and the truth of each gold task in clip seconds: they teach `agree` how reliable people are."""
    accepted = Submission.objects.filter(task__campaign=campaign, task__kind=Task.Kind.GOLD, status=Submission.Status.ACCEPTED)
    answers = list(accepted.select_related("task__gold").prefetch_related("marks").order_by("pk"))
    return answers, {answer.task_id: shift(truth_of(answer.task), -answer.task.start) for answer in answers}
