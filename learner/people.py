"""Simulated annotators: they answer through the same services as people, and know the truth of songs with stems."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np

from annotation import label_studio
from annotation import services as annotating
from annotation.models import Campaign, Estimate, Membership, Stem, Task
from annotation.regions import Region
from annotation.services import gold
from annotation.simulation import Habits, answer, draw_habits
from annotation.storage import local
from learner.core import audio, metrics

SHORTEST = 0.2  # seconds; shorter leaks are not worth a person's mark


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


def simulate_people(*, campaign: Campaign, most: int | None = None, progress: Callable[[int], None] | None = None) -> int:
    """Let the simulated annotators answer until nothing is left for them, or `most` answers are given; returns how many were.

    Tasks on tracks without true vocals are skipped by them.
    """
    given = 0
    truth: dict[int, list[Region] | None] = {}
    for task, member in _work(campaign):
        if task.pk not in truth:
            truth[task.pk] = what_is_wrong(task)
        if (wrong := truth[task.pk]) is None:
            annotating.skip(task=task, by=member, reason="cannot decide")
            continue
        # Seeded by what is heard and by whom, so that a second run gives the same marks.
        generator = np.random.default_rng([campaign.seed, task.round_number, _number(task), int(member.pseudonym.rsplit("-", 1)[-1])])
        marks = answer(Habits(**member.habits), wrong, task.clip, generator)
        annotating.submit(
            task=task,
            by=member,
            result=label_studio.result(marks, task.clip),
            client_key=uuid.uuid4(),
            lead_time=float(task.end - task.start),
            heard=[(0.0, task.end - task.start)],
        )
        annotating.take_consensus(task_id=task.pk)  # at once, so that the next to answer does not depend on how fast the worker is
        given += 1
        if progress:
            progress(given)
        if most is not None and given >= most:
            break
    return given


def _work(campaign: Campaign) -> Iterator[tuple[Task, Membership]]:
    """Hand out tasks in turn, until nobody gets one any more; who got none is asked again at the end, since tasks ask for one more."""
    everybody = list(campaign.memberships.filter(kind=Membership.Kind.SIMULATED, active=True).select_related("campaign").order_by("pk"))
    handed_out = True
    while handed_out:
        handed_out, members = False, everybody.copy()
        while members:
            for member in list(members):
                if assignment := annotating.assign_task(by=member):
                    handed_out = True
                    yield assignment.task, member
                else:
                    members.remove(member)


def _number(task: Task) -> int:
    return round(task.start * 1000) + int(task.track.fingerprint[:8], 16)


def what_is_wrong(task: Task) -> list[Region] | None:
    """Where the task's estimate sounds though its stem rests, by the task's true stem, in track seconds; None without it."""
    if task.kind == Task.Kind.GOLD:
        return gold.truth_of(task)
    vocals = Stem.objects.filter(track=task.track, name=task.stem).first()
    if vocals is None:
        return None
    estimate = Estimate.objects.get(track=task.track, stem=task.stem, checkpoint=task.checkpoint)
    true, heard = audio.read(local(vocals.file)), audio.read(local(estimate.file))
    samples = audio.resample(heard.samples, heard.sample_rate, true.sample_rate)
    n = min(samples.shape[1], true.samples.shape[1])
    wrong = metrics.false_positive_regions(samples[:, :n], true.samples[:, :n], true.sample_rate)
    return [Region(start, end) for start, end in wrong if end - start >= SHORTEST]
