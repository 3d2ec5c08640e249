"""What was proposed to whom, as Label Studio's predictions, and what proposals did to answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from annotation.core import label_studio
from annotation.core.proposing import Answered, Figures, f1, figures
from annotation.core.questions import is_quick
from annotation.models import Campaign, Consensus, Membership, Proposal, Submission, Task


def _prediction(proposal: Proposal, task: Task) -> dict[str, Any]:
    return label_studio.prediction(proposal.regions, task.clip, task.checkpoint[:8], task.stem)


def shown_on(tasks: Iterable[Task], campaign: Campaign) -> dict[int, list[dict[str, Any]]]:
    """The predictions that people see, by task of this campaign; those of blind tasks are nobody's to see."""
    of = {task.pk: task for task in tasks if task.question == Task.Question.DRAW}
    found = Proposal.objects.filter(task__in=list(of), shown=True) if campaign.proposes else []
    return {one.task_id: [_prediction(one, of[one.task_id])] for one in found}


def exported(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """Every task for which anything was proposed, as Label Studio's import reads it, with whether and by what chance it was shown."""
    for one in Proposal.objects.filter(task__campaign=campaign).select_related("task__track").order_by("task"):
        about = {"track": one.task.track.name, "start": one.task.start, "end": one.task.end, "shown": one.shown, "chance": one.chance}
        yield {"id": one.task_id, "data": about, "annotations": [], "predictions": [_prediction(one, one.task)]}


def compared(campaign: Campaign) -> tuple[Figures, Figures]:
    """Answers of people to tasks with proposals, and to blind ones. Both are held against a consensus that they had a part in."""
    proposals = {one.task_id: one for one in Proposal.objects.filter(task__campaign=campaign)}
    latest: dict[int, Consensus] = {}
    for consensus in Consensus.objects.filter(task__in=list(proposals)).order_by("version").prefetch_related("regions"):
        latest[consensus.task_id] = consensus
    answers = Submission.objects.filter(
        task__in=list(proposals), status=Submission.Status.ACCEPTED, by__kind=Membership.Kind.HUMAN
    ).prefetch_related("marks")
    found: dict[bool, list[Answered]] = {True: [], False: []}
    for answer in answers.order_by("pk"):
        if is_quick(answer.result):  # of a task that became one of quick questions
            continue
        proposal, marks = proposals[answer.task_id], [(mark.start, mark.end) for mark in answer.marks.all()]
        agreed = latest.get(answer.task_id)
        agreement = None if agreed is None else f1(marks, [(one.start, one.end) for one in agreed.regions.all()])
        ids = {f"{label_studio.PROPOSAL}{number}" for number in range(1, len(proposal.regions) + 1)}
        taken = len(ids & {item.get("id") for item in answer.result}) if proposal.shown else 0
        n_proposed = len(ids) if proposal.shown else 0
        found[proposal.shown].append(Answered(answer.task_id, len(marks), answer.lead_time / 60, agreement, n_proposed, taken))
    return figures(found[True]), figures(found[False])
