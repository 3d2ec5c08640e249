"""Simulated annotators: they answer through the same services as people, and know the truth of songs with stems."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from annotation import services as annotating
from annotation.core import label_studio, questions
from annotation.core.errors import DomainError
from annotation.core.regions import Region, shift
from annotation.core.simulated import SHORTEST, Habits, answer, draw_habits, judge
from annotation.events import record
from annotation.files.storage import local
from annotation.models import Assignment, Campaign, Estimate, Membership, Stem, Submission, Task
from annotation.services import gold
from learner.core import audio, metrics

HALF = 3.0  # dB; a guess takes what is less than half of the mix for bleed


class GuessesRefused(DomainError):
    """People have answered in this campaign; what simulated annotators only guess is not put beside what they heard."""


@dataclass(frozen=True)
class Simulated:
    """What simulated annotators did."""

    given: int  # answers
    guessed: int  # of these, on songs of which nobody knows what is wrong


def invite_simulated(*, campaign: Campaign, n: int, spam_share: float = 0.2, seed: int = 0) -> list[Membership]:
    """Add simulated annotators, each with habits of its own; about `spam_share` of them are spammers.

    Those that are there already stay, and are counted on from: twice two gives the same four as once four.
    """
    generator = np.random.default_rng([seed, 4711])
    first = campaign.memberships.filter(kind=Membership.Kind.SIMULATED).count()
    habits = [draw_habits(generator, spam_share) for _ in range(first + n)]
    return [
        annotating.add_member(
            campaign=campaign, kind=Membership.Kind.SIMULATED, pseudonym=f"simulated-{number:02d}", habits=asdict(habits[number - 1])
        )
        for number in range(first + 1, first + n + 1)
    ]


def simulate_people(
    *, campaign: Campaign, most: int | None = None, guess: bool = False, progress: Callable[[int], None] | None = None
) -> Simulated:
    """Let the simulated annotators answer until nothing is left for them, or `most` answers are given.

    Tasks on tracks whose true stem nobody knows are skipped by them, or marked by a guess (`guessed_wrong`) that teaches nothing: for
    trials of the loop, and noted in the campaign's history. Raises `GuessesRefused` where people's marks would be learned from beside
    guesses.
    """
    if guess and Submission.objects.filter(task__campaign=campaign, by__kind=Membership.Kind.HUMAN).exists():
        raise GuessesRefused
    given, guessed = 0, 0
    truth: dict[int, list[Region] | None] = {}
    for task, member in _work(campaign, undo_skips=guess):
        if task.pk not in truth:
            truth[task.pk] = what_is_wrong(task)
        wrong = truth[task.pk]
        if wrong is None and not guess:
            annotating.skip(task=task, by=member, reason="cannot decide")
            continue
        _answer(task, member, guessed_wrong(task) if wrong is None else wrong)
        given, guessed = given + 1, guessed + (wrong is None)
        if progress:
            progress(given)
        if most is not None and given >= most:
            break
    if guessed:
        record(campaign, "simulation.guessed", after={"answers": guessed})
    return Simulated(given, guessed)


def _answer(task: Task, member: Membership, wrong: list[Region]) -> None:
    # Seeded by what is heard and by whom, so that a second run gives the same marks.
    generator = np.random.default_rng([task.campaign.seed, task.round_number, _number(task), int(member.pseudonym.rsplit("-", 1)[-1])])
    habits = Habits(**member.habits)
    if task.question == Task.Question.QUICK:
        cut = [Region(start, end) for start, end in annotating.segments_of(task)]
        said = judge(habits, shift(wrong, -task.start), cut, generator)
        result = questions.result(dict(zip(cut, said, strict=True)), task.end - task.start, task.stem)
    else:
        result = label_studio.result(answer(habits, wrong, task.clip, generator), task.clip, task.stem)
    annotating.submit(
        task=task,
        by=member,
        result=result,
        client_key=uuid.uuid4(),
        lead_time=float(task.end - task.start),
        heard=[(0.0, task.end - task.start)],
    )
    annotating.agree_on_task(task_id=task.pk)  # at once, so that the next to answer does not depend on how fast the worker is


def waiting_for_people(campaign: Campaign) -> QuerySet[Task]:
    """Open tasks on tracks whose true stem nobody knows, which simulated annotators skip."""
    known = Stem.objects.filter(track=OuterRef("track"), name=OuterRef("stem"))
    open_tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.OPEN)
    return open_tasks.exclude(Exists(known)).select_related("track").order_by("pk")


def _work(campaign: Campaign, *, undo_skips: bool) -> Iterator[tuple[Task, Membership]]:
    """Hand out tasks in turn, until nobody gets one any more; who got none is asked again at the end, since tasks ask for one more.

    With `undo_skips`, what they have skipped before comes first.
    """
    everybody = list(campaign.memberships.filter(kind=Membership.Kind.SIMULATED, active=True).select_related("campaign").order_by("pk"))
    if undo_skips:
        yield from _skipped(campaign, everybody)
    handed_out = True
    while handed_out:
        handed_out, members = False, everybody.copy()
        while members:
            for member in list(members):
                if assignment := annotating.assign_task(by=member) or annotating.assign_task(by=member, question=Task.Question.QUICK):
                    handed_out = True
                    yield assignment.task, member
                else:
                    members.remove(member)


def _skipped(campaign: Campaign, members: list[Membership]) -> Iterator[tuple[Task, Membership]]:
    for member in members:
        for task in waiting_for_people(campaign).filter(assignments__by=member, assignments__state__in=Assignment.GIVEN_UP).distinct():
            try:
                yield annotating.undo_skip(task=task, by=member).task, member
            except (annotating.NotYours, annotating.NoWayBack, annotating.RoundFrozen):
                continue  # others have answered it meanwhile


def _number(task: Task) -> int:
    return round(task.start * 1000) + int(task.track.fingerprint[:8], 16)


def what_is_wrong(task: Task) -> list[Region] | None:
    """Where the task's estimate sounds though its stem rests, by the task's true stem, in track seconds; None without it."""
    if task.kind == Task.Kind.GOLD:
        return gold.truth_of(task)
    known = Stem.objects.filter(track=task.track, name=task.stem).first()
    if known is None:
        return None
    estimate = Estimate.objects.get(track=task.track, stem=task.stem, checkpoint=task.checkpoint)
    true, heard = audio.read(local(known.file)), audio.read(local(estimate.file))
    samples = audio.resample(heard.samples, heard.sample_rate, true.sample_rate)
    n = min(samples.shape[1], true.samples.shape[1])
    wrong = metrics.false_positive_regions(samples[:, :n], true.samples[:, :n], true.sample_rate)
    return [Region(start, end) for start, end in wrong if end - start >= SHORTEST]


def guessed_wrong(task: Task) -> list[Region]:
    """What may be wrong where no true stem tells, in track seconds: where the estimate sounds and is less than half of the mix.

    Not the truth: on generated songs of which 36 % is wrong, 39 % of what this marks is. It moves a trial's loop and says nothing of
    a model.
    """
    estimate = Estimate.objects.get(track=task.track, stem=task.stem, checkpoint=task.checkpoint)
    heard = audio.read(local(estimate.file))
    mix = audio.read(local(Stem.objects.get(track=task.track, name="mixture").file), heard.sample_rate)
    n = min(heard.samples.shape[1], mix.samples.shape[1])
    extracted, whole = (metrics.frame_levels(sound.samples[:, :n], heard.sample_rate) for sound in (heard, mix))
    least = max(metrics.SILENCE_DBFS, metrics.voice_from_dbfs(extracted))
    wrong = metrics.frame_regions((extracted > least) & (extracted < whole - HALF), n, heard.sample_rate)
    return [Region(start, end) for start, end in wrong if end - start >= SHORTEST]
