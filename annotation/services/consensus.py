"""From answers to consensus: closing a task, and agreeing again over a whole campaign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation.core.consensus import Agreement, Closed, agree, not_tie_breakers
from annotation.core.consensus.sound import Decided, decided
from annotation.core.regions import FRAME
from annotation.core.tags import vote
from annotation.events import record
from annotation.models import (
    Assignment,
    Campaign,
    Consensus,
    ConsensusRegion,
    Membership,
    MissingRegion,
    Pause,
    Reliability,
    Submission,
    Task,
)
from annotation.selectors import tags
from annotation.selectors.access import who_is_asked
from annotation.selectors.consensus import (
    CHAIN,
    accepted_answers,
    answer_tuples,
    missing_regions,
    outcome_of,
    sound_of,
    stored_not_tie_breakers,
)
from annotation.selectors.queue import unseen_by, waits_for_nobody
from annotation.services import gold, quick


def agree_on_task(*, task_id: int) -> Consensus | None:
    """Agree on a task once enough people answered: close it, or ask one more person while the agreement is too uncertain.

    Certain enough is a consensus that expects a frame F1 of at least `campaign.certainty` of itself (`consensus.certainty`). Where the
    campaign wants that, one more person answers quick questions then about what is still in doubt (`quick.ask_about_doubt`).
    Where somebody's reliability is not known yet, the task closes all the same: `reopen_uncertain` looks at it again when the whole
    round is answered and more is known of everybody. People who are too unreliable (`not_tie_breakers`) are not asked for the extra
    answer. A task that has its most answers and is still uncertain goes to a reviewer. A skip that spends its slot is not an answer.
    A task that is closed or in review opens again where somebody has changed their answer since, unless a reviewer decided.
    Answers to a gold task are graded here and not at submit, so that an answer to it takes no longer than another.
    """
    # Measured before its row is locked; afterwards it lies in the cache.
    full = Task.objects.filter(pk=task_id, kind=Task.Kind.POOL, taken__gte=F("overlap")).select_related("campaign")
    sound_of(full)
    with transaction.atomic():
        return _agree(task_id)


def _agree(task_id: int) -> Consensus | None:
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task_id)
    if task.kind == Task.Kind.GOLD:
        gold.grade_pending(task=task)
        return None
    if _answers_changed(task):
        task.state = Task.State.OPEN
        Task.objects.filter(pk=task.pk).update(state=task.state, closed=None, contested=False)
    ignored = task.assignments.filter(state=Assignment.State.IGNORED).count()
    while task.state == Task.State.OPEN and len(submissions := accepted_answers(task)) + ignored >= task.overlap:
        if not submissions:
            _withdraw(task)
            return None
        outcome = outcome_of(task, submissions)
        at_most = task.overlap >= task.max_overlap
        may_ask = outcome.all_known and not at_most
        doubt = quick.ask_about_doubt(task, outcome.sharp) if may_ask and not outcome.needs_more else {}
        if not (may_ask and outcome.needs_more) and not doubt:
            return _close(task, submissions, outcome, contested=at_most and outcome.needs_more)
        record(task.campaign, "task.one_more", before={"overlap": task.overlap}, after={"task": task.pk, "certainty": outcome.certainty})
        task.overlap += 1
        task.save(update_fields=["overlap", *doubt])
        if not count_surplus(task):
            break
    return None


def _answers_changed(task: Task) -> bool:
    """Whether the crowd's consensus on a task rests on an answer that its person has changed since."""
    if task.state not in (Task.State.CLOSED, Task.State.IN_REVIEW):
        return False
    latest = task.consensuses.order_by("-version").first()
    if latest is None or latest.by_id is not None:
        return False
    changed = task.submissions.filter(status=Submission.Status.ACCEPTED, revision__gt=1)
    return changed.exclude(pk__in=latest.submissions.values("pk")).exists()


def agree_on_due_tasks(*, campaign: Campaign) -> int:
    """Agree on tasks whose answers are all in, but whose message was lost or waits behind others; returns how many were looked at."""
    due = Task.objects.filter(waits_for_nobody(), campaign=campaign, state=Task.State.OPEN, taken__gte=F("overlap"))
    task_ids = list(due.order_by("pk").values_list("pk", flat=True))
    for task_id in task_ids:
        agree_on_task(task_id=task_id)
    return len(task_ids)


def count_surplus(task: Task) -> bool:
    """Let the latest answer that came too late for a slot take the one that is free now; its person is not asked again."""
    counted = Submission.objects.filter(by=OuterRef("by"), task=task, status=Submission.Status.ACCEPTED)
    surplus = task.submissions.filter(status=Submission.Status.SURPLUS).exclude(Exists(counted)).order_by("-pk").first()
    if surplus is None:
        return False
    Submission.objects.filter(pk=surplus.pk).update(status=Submission.Status.ACCEPTED)
    Assignment.objects.get_or_create(task=task, by_id=surplus.by_id, state=Assignment.State.DONE, defaults={"lease_until": Now()})
    Task.objects.filter(pk=task.pk).update(taken=F("taken") + 1)
    return True


def close_unanswerable_tasks(*, campaign: Campaign) -> int:
    """End the wait for answers that nobody can give, since every member has answered or skipped the task; returns how many were ended.

    The task closes on the answers there are, or goes to a reviewer when those are too few or disagree; without any it is withdrawn.
    A campaign with fewer members than answers wanted waits for people to join.
    """
    n_members = campaign.memberships.filter(who_is_asked(campaign)).count()
    stuck = _stuck(campaign).filter(min_overlap__lte=n_members)
    return sum(_end_wait(task_id, stuck) for task_id in stuck.order_by("pk").values_list("pk", flat=True))


def _stuck(campaign: Campaign) -> QuerySet[Task]:
    """Open tasks that are in nobody's hands, and that no active member could still be given."""
    touched = Assignment.objects.filter(task=OuterRef("pk"))
    paused = Pause.objects.filter(membership=OuterRef("pk"), ended=None)
    unseen = unseen_by(OuterRef(OuterRef("pk")), OuterRef("pk"))
    could = Membership.objects.filter(unseen, who_is_asked(campaign), campaign=OuterRef("campaign")).exclude(Exists(paused))
    could_break_the_tie = could.exclude(Exists(stored_not_tie_breakers().filter(membership=OuterRef("pk"))))
    # The first is implied, and spares looking for somebody for each of 100,000 tasks.
    open_tasks = Task.objects.filter(Exists(touched), waits_for_nobody(), campaign=campaign, state=Task.State.OPEN, kind=Task.Kind.POOL)
    stuck = open_tasks.exclude(Exists(could_break_the_tie))
    return stuck if campaign.reliable_only else stuck.exclude(Q(overlap__lte=F("min_overlap")) & Exists(could))


@transaction.atomic
def _end_wait(task_id: int, stuck: QuerySet[Task]) -> bool:
    task = Task.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=task_id)
    if not stuck.filter(pk=task_id).exists():  # somebody joined or answered before the lock
        return False
    if submissions := accepted_answers(task):
        outcome = outcome_of(task, submissions)
        _close(task, submissions, outcome, contested=outcome.needs_more or len(submissions) < task.min_overlap)
    else:
        _withdraw(task)
    return True


def _withdraw(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(state=Task.State.WITHDRAWN, closed=Now())
    record(task.campaign, "tasks.withdrawn", before={"checkpoint": task.checkpoint}, after={"tasks": 1, "task": task.pk})


def _close(task: Task, submissions: list[Submission], outcome: Closed, *, contested: bool) -> Consensus:
    """Close a task on what people agree on; contested, it waits for a reviewer first. Alone, nobody can be disagreed with."""
    contested = contested and task.max_overlap > 1
    state = Task.State.IN_REVIEW if contested else Task.State.CLOSED
    Task.objects.filter(pk=task.pk).update(state=state, closed=None if contested else Now(), contested=contested)
    sound = decided(outcome.regions, outcome_of(task, submissions, with_sound=False).regions) if sound_of([task]) else None
    made = keep_consensus(task, CHAIN, outcome.regions, outcome.certainty, submissions, sound=sound)
    what = "task.contested" if contested else "task.closed"
    record(task.campaign, what, after={"task": task.pk, "regions": len(outcome.regions), "certainty": outcome.certainty})
    return made


def keep_consensus(
    task: Task,
    method: str,
    regions: Iterable[tuple[float, float, float]],
    certainty: float,
    submissions: Iterable[Submission],
    by: Membership | None = None,
    sound: Decided | None = None,
    missing: Iterable[tuple[float, float, float]] | None = None,
) -> Consensus:
    """Write the next version of a task's consensus; `regions` are in clip seconds. `sound` says what it decided, if it was a witness.

    What leaks in each region is what the answers agree on, also where a reviewer has set the regions; and so is where something is
    `missing`, unless that is given.
    """
    latest = task.consensuses.order_by("-version").first()
    placed = [_in_track(task, one) for one in regions]
    made = Consensus.objects.create(
        task=task,
        version=latest.version + 1 if latest else 1,
        method=method,
        certainty=certainty,
        parameters={"frame": FRAME} | ({"sound": sound._asdict()} if sound else {}),
        seconds=sum(one["end"] - one["start"] for one in placed),
        by=by,
    )
    submissions = list(submissions)
    made.submissions.set(submissions)
    votes = tags.votes_of(submissions)
    ConsensusRegion.objects.bulk_create(
        ConsensusRegion(consensus=made, tag=said.tag, tag_share=said.share, **one)
        for one in placed
        for said in [vote((one["start"], one["end"]), votes, task.campaign.tags)]
    )
    missing = missing_regions(task, submissions) if missing is None else missing
    MissingRegion.objects.bulk_create(MissingRegion(consensus=made, **_in_track(task, one)) for one in missing)
    return made


def _in_track(task: Task, region: tuple[float, float, float]) -> dict[str, float]:
    start, end, probability = region
    return {
        "start": task.start + start,
        "end": min(task.end, task.start + end),
        "probability": min(1.0, max(0.0, float(probability))),
    }


@transaction.atomic
def agree_again_over_campaign(*, campaign: Campaign, up_to_round: int) -> list[Consensus]:
    """Agree again on every closed task of the campaign at once, knowing by now how reliable everybody is.

    Stores the fit of people's reliability, and a new version of each task's consensus. Order of the answers does not matter.
    From now on they can be changed no more.
    Tasks in review are left out, and what a reviewer decided stands. Answers to gold tasks, whose truth is known, take part in the
    fit; nothing is learned from their regions.
    """
    Campaign.objects.filter(pk=campaign.pk).update(frozen=now())  # waits for answers that are being changed at this moment
    tasks, given, agreement, alone = _agreement(campaign, up_to_round)
    if agreement is None:
        return []
    by_reviewers = {one.task_id: one for one in Consensus.objects.filter(task__in=tasks, by__isnull=False).order_by("version")}
    return [
        by_reviewers.get(task.pk)
        or keep_consensus(
            task,
            f"{CHAIN}, over the campaign",
            agreement.regions[task.pk],
            agreement.certainty[task.pk],
            given[task.pk],
            sound=decided(agreement.regions[task.pk], alone.regions[task.pk]) if alone else None,
        )
        for task in tasks
        if given[task.pk]  # people may have taken their answers back
    ]


@transaction.atomic
def reopen_uncertain(*, campaign: Campaign, round_number: int) -> int:
    """Agree again over the campaign, and reopen the tasks of this round that are too uncertain. Returns how many.

    A task closes by what was known of its people then; when the whole round is answered, more is known. Each is opened for one more
    answer, up to its most answers; so are those of which something is in doubt that nobody was asked about yet. What a reviewer
    decided stays.
    """
    n_opened = _agree_again_on_changed(campaign, round_number)
    tasks, given, agreement, _ = _agreement(campaign, round_number)
    if agreement is None:
        return n_opened
    reviewed = set(Consensus.objects.filter(task__in=tasks, by__isnull=False).values_list("task_id", flat=True))
    for task in tasks:
        if task.round_number != round_number or task.pk in reviewed or not given[task.pk] or task.overlap >= task.max_overlap:
            continue
        certain = (certainty := agreement.certainty[task.pk]) >= campaign.certainty
        doubt = quick.ask_about_doubt(task, agreement.sharp[task.pk]) if certain else {}
        if certain and not doubt:
            continue
        task.overlap += 1
        Task.objects.filter(pk=task.pk).update(state=Task.State.OPEN, closed=None, overlap=task.overlap, **doubt)
        record(campaign, "task.one_more", before={"overlap": task.overlap - 1}, after={"task": task.pk, "certainty": certainty})
        count_surplus(task)  # the next beat takes it from there
        n_opened += 1
    return n_opened


def _agree_again_on_changed(campaign: Campaign, round_number: int) -> int:
    """Agree again on tasks whose people have changed their answers, the message of which was lost; how many are open now."""
    changed = Submission.objects.filter(
        task__campaign=campaign,
        task__round_number=round_number,
        task__state__in=[Task.State.CLOSED, Task.State.IN_REVIEW],
        status=Submission.Status.ACCEPTED,
        revision__gt=1,
    )
    task_ids = list(changed.order_by("task").values_list("task", flat=True).distinct())
    for task_id in task_ids:
        agree_on_task(task_id=task_id)
    return Task.objects.filter(pk__in=task_ids, state=Task.State.OPEN).count()


def _agreement(campaign: Campaign, up_to_round: int) -> tuple[list[Task], dict[int, list[Submission]], Agreement | None, Agreement | None]:
    """Return the closed tasks, their answers, and what these agree on (None: nobody answered); stores the fit of people's reliability.

    Last, what they would agree on without the sound (None: it is no witness).
    """
    # One that was opened for one more opinion, and lacks it yet, counts by the answers it has.
    agreed = Q(state=Task.State.CLOSED) | Q(state=Task.State.OPEN, asked_again__isnull=False)
    closed = Task.objects.filter(agreed, campaign=campaign, round_number__lte=up_to_round)
    tasks = list(closed.select_related("campaign").order_by("pk"))
    given: dict[int, list[Submission]] = {task.pk: [] for task in tasks}
    accepted = Submission.objects.filter(task__in=tasks, status=Submission.Status.ACCEPTED)
    for submission in accepted.prefetch_related("marks").order_by("pk"):
        given[submission.task_id].append(submission)
    answers = [answer for task in tasks for answer in answer_tuples(task, given[task.pk])]
    if not answers:
        return tasks, given, None, None
    on_gold, truth = gold.answers_with_truth(campaign)
    answers += [answer for submission in on_gold for answer in answer_tuples(submission.task, [submission])]
    sound = sound_of(task for task in tasks if given[task.pk])
    agreement = agree(answers, frame=FRAME, truth=truth, sound=sound)
    alone = agree(answers, frame=FRAME, truth=truth) if sound else None
    n_tasks = Counter(member_id for _, member_id, *_ in answers)
    passed_over = not_tie_breakers(agreement.people)
    for member_id, person in agreement.people.items():
        Reliability.objects.update_or_create(
            membership_id=member_id,
            defaults={
                "sensitivity": person.sensitivity,
                "specificity": person.specificity,
                "onset_lag": person.onset_lag,
                "offset_lag": person.offset_lag,
                "edge_jitter": person.edge_jitter,
                "settles": member_id not in passed_over,
                "n_tasks": n_tasks[member_id],
                "fitted": now(),
            },
        )
    return tasks, given, agreement, alone
