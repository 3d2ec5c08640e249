"""The answers to a task as consensus reads them, what they agree on, and who may be asked for one more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from annotation.core import questions
from annotation.core.consensus import Closed, ConsensusRegion, Key, Person, Prior, close_one
from annotation.core.regions import FRAME, Region, intersect, shift
from annotation.files import levels
from annotation.files.levels import Levels
from annotation.models import Consensus, MissingMark, Reliability, Submission, Task

CHAIN = "two-coin Dawid-Skene, two-state chain"


def answer_tuples(task: Task, submissions: Iterable[Submission]) -> list[tuple[Any, ...]]:
    """Answers in clip seconds, as `consensus` takes them."""
    length = task.end - task.start
    return [
        (
            task.pk,
            submission.by_id,
            length,
            [(mark.start - task.start, mark.end - task.start) for mark in submission.marks.all()],
            _heard(task, submission),
            submission.is_quick,
        )
        for submission in submissions
    ]


def _heard(task: Task, submission: Submission) -> list[Region]:
    """Where an answer is a vote, in clip seconds: what was heard, and of quick questions the segments answered with yes or no."""
    heard = shift(submission.heard, -task.start) if submission.heard else [Region(0.0, task.end - task.start)]
    return intersect(heard, questions.told(submission.result)) if submission.is_quick else heard


def accepted_answers(task: Task) -> list[Submission]:
    return list(task.submissions.filter(status=Submission.Status.ACCEPTED).prefetch_related("marks").order_by("pk"))


def sound_of(tasks: Iterable[Task]) -> dict[Key, Levels]:
    """How loud the clips of these tasks are, as `consensus` takes it; empty where the campaign's sound is no witness, or is not known.

    Tasks that nobody asked for before are measured now: call it before a row is locked.
    """
    heard = ((task.pk, levels.of_clip(task)) for task in tasks if task.campaign.sound_as_witness)
    return {task_id: found for task_id, found in heard if found is not None}


def outcome_of(
    task: Task, submissions: list[Submission], *, with_sound: bool = True, fitted: Iterable[Reliability] | None = None
) -> Closed:
    """What these answers agree on, each weighed by its person's stored reliability, and the sound where it is a witness.

    `fitted`: those reliabilities, where the caller has them.
    """
    if fitted is None:
        fitted = Reliability.objects.filter(membership__in=[submission.by_id for submission in submissions])
    people: dict[int | str, Person] = {
        one.membership_id: Person(one.sensitivity, one.specificity, one.onset_lag, one.offset_lag, edge_jitter=one.edge_jitter)
        for one in fitted
    }
    sound = sound_of([task]) if with_sound else None
    return close_one(answer_tuples(task, submissions), people, frame=FRAME, certain_enough=task.campaign.certainty, sound=sound)


def missing_regions(task: Task, submissions: Iterable[Submission]) -> list[ConsensusRegion]:
    """Where these answers agree that something of the stem is missing, in clip seconds: a consensus of its own, of that label alone.

    People's lags are theirs whatever they mark, as they were last fitted; how reliable they are in this nobody has fitted, so all count
    alike. The sound is no witness: what is missing cannot be heard in what was extracted.
    """
    answers = [one for one in submissions if one.pk is not None and not one.is_quick]  # quick questions do not ask about it
    found: dict[int, list[tuple[float, float]]] = {}
    for by, start, end in MissingMark.objects.filter(submission__in=answers).order_by("pk").values_list("submission__by", "start", "end"):
        found.setdefault(by, []).append((start - task.start, end - task.start))
    if not found:
        return []
    prior, length = Prior(), task.end - task.start
    people: dict[Key, Person] = {
        one.membership_id: replace(Person.unknown(prior), onset_lag=one.onset_lag, offset_lag=one.offset_lag, edge_jitter=one.edge_jitter)
        for one in Reliability.objects.filter(membership__in=[one.by_id for one in answers])
    }
    heard = [(task.pk, one.by_id, length, found.get(one.by_id, []), _heard(task, one)) for one in answers]
    return close_one(heard, people, frame=FRAME, prior=prior).regions


def what_the_sound_decided(task: Task, consensus: Consensus | None) -> str:
    """In words, where the crowd's consensus on a task would have been another without the sound; empty where it would not."""
    decided = consensus.parameters.get("sound") if consensus else None
    if not decided:
        return ""
    said, what = [], task.campaign.wording.extracted
    if decided["silent"]:
        where = ", ".join(f"{task.start + start:.1f}-{task.start + end:.1f} s" for start, end in decided["silent"])
        said.append(f"Marks at {where} do not count, since nothing is heard of the {what} there.")
    if n := decided["moved"]:
        said.append(f"{n} {'end' if n == 1 else 'ends'} of regions {'lies' if n == 1 else 'lie'} where the {what} get louder or quieter.")
    return " ".join(said)


def posterior_of(consensus: Consensus) -> list[float]:
    """For every `FRAME` seconds of the clip, how probable it is that it bleeds: from the answers that this consensus used.

    Worked out anew, by people's reliability as it is known now. Empty where nothing was answered.
    """
    return posterior(consensus.task, list(consensus.submissions.prefetch_related("marks").order_by("pk")))


def posterior(task: Task, submissions: list[Submission], fitted: Iterable[Reliability] | None = None) -> list[float]:
    """The same of the answers that a consensus used."""
    return [float(one) for one in outcome_of(task, submissions, fitted=fitted).posterior] if submissions else []


def stored_not_tie_breakers() -> QuerySet[Reliability]:
    """People too unreliable to be asked for an extra answer when the first ones disagree, as they were last fitted."""
    return Reliability.objects.filter(settles=False)
