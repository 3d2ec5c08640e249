"""Who reads the guideline otherwise: people who agree with each other, and the best people, against the consensus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Avg, Count, OuterRef, Subquery

from annotation.core.misreading import Answer, Camp, Overruled, camps, overruled
from annotation.models import Campaign, Consensus, ConsensusRegion, Mark, Membership, Reliability, Submission, Task
from annotation.selectors.gold import gold_scores

LATEST = 1000  # closed clips that are looked through
GOLD = 3  # answers to gold clips, from which a mean says something
GOOD = 0.75  # such a mean, or sensitivity + specificity - 1, from which somebody is among the best
MOST = 30  # clips in the list


@dataclass(frozen=True)
class Misread:
    """What is shown; `gold` is each person's mean on gold clips, where they had some."""

    camps: list[Camp]
    overruled: list[Overruled]
    n_overruled: int
    names: dict[int, str]
    gold: dict[int, float]
    tasks: Mapping[int, Task]
    n_clips: int


def misread(campaign: Campaign) -> Misread:
    """Look through the answers to the clips that were closed last; seven questions, however many clips."""
    latest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version").values("pk")[:1]
    closed = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED)
    tasks = {task.pk: task for task in closed.annotate(agreed=Subquery(latest)).select_related("track").order_by("-closed", "-pk")[:LATEST]}
    of_consensus = {task.agreed: task.pk for task in tasks.values() if task.agreed}
    agreed: dict[int, list[tuple[float, float]]] = {pk: [] for pk in of_consensus.values()}
    for consensus, start, end in ConsensusRegion.objects.filter(consensus__in=of_consensus).values_list("consensus", "start", "end"):
        agreed[of_consensus[consensus]].append((start, end))
    given = _answers(tasks)
    gold = _gold(campaign)
    best = {pk for pk, mean in gold.items() if mean >= GOOD} or _reliable(campaign)
    off = overruled(given, agreed, best)
    groups = camps(given, agreed)
    shown = {person for camp in groups for person in camp.people} | {person for one in off[:MOST] for person in one.people}
    names = dict(Membership.objects.filter(pk__in=shown).values_list("pk", "pseudonym"))
    return Misread(groups, off[:MOST], len(off), names, gold, tasks, len(agreed))


def _answers(tasks: Mapping[int, Task]) -> list[Answer]:
    accepted = Submission.objects.filter(task__in=tasks, status=Submission.Status.ACCEPTED, asked=None)
    marks: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for answer, start, end in Mark.objects.filter(submission__in=accepted).values_list("submission", "start", "end"):
        marks[answer].append((start, end))
    return [Answer(task, by, marks[pk]) for pk, task, by in accepted.order_by("pk").values_list("pk", "task", "by")]


def _gold(campaign: Campaign) -> dict[int, float]:
    graded = gold_scores().filter(submission__by__campaign=campaign).order_by().values("submission__by")
    return dict(graded.annotate(mean=Avg("score"), n=Count("pk")).filter(n__gte=GOLD).values_list("submission__by", "mean"))


def _reliable(campaign: Campaign) -> set[int]:
    """Where nobody has a mean on gold: those whom the last fit found most reliable."""
    fits = Reliability.objects.filter(membership__campaign=campaign).values_list("membership", "sensitivity", "specificity")
    return {member for member, sensitivity, specificity in fits if sensitivity + specificity - 1 >= GOOD}
