"""People who agree with each other but not with the consensus: often a guideline that is read in two ways.

One person who is off errs; two or more who are off in the same way have understood something else. All agreement is the F1 of seconds,
2 |A and B| / (|A| + |B|), summed over clips (`together`), so that long clips and clips full of marks count for more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from annotation.core.agreement import frame_f1
from annotation.core.regions import Regions, intersect, merge, total

SHARED = 4  # clips that two people must both have answered
ALIKE = 0.6  # F1 with each other from which two people mean the same
APART = 0.2  # and so much less with the consensus
FAR = 0.5  # F1 with the consensus below which a clip is worth hearing again


@dataclass(frozen=True)
class Answer:
    """What one person marked in one clip, in any one clock."""

    task: int
    person: int
    marks: Regions


@dataclass(frozen=True)
class Camp:
    """People who read it alike: F1 with each other and with the consensus, and the clips in which they differ most from it."""

    people: list[int]
    with_each_other: float
    with_consensus: float
    n_clips: int
    clips: list[int]


@dataclass(frozen=True)
class Overruled:
    """A clip in which those who are best differ from the consensus; `with_each_other` is None for one alone."""

    task: int
    people: list[int]
    with_consensus: float
    with_each_other: float | None


def together(pairs: Iterable[tuple[Regions, Regions]]) -> float:
    """The F1 of the seconds of many pairs of answers, summed before it is divided; NaN where nobody marked anything."""
    both = of_either = 0.0
    for one, other in pairs:
        one, other = merge(one), merge(other)
        both += total(intersect(one, other))
        of_either += total(one) + total(other)
    return 2 * both / of_either if of_either else math.nan


def camps(answers: Iterable[Answer], consensus: Mapping[int, Regions], most_clips: int = 5) -> list[Camp]:
    """Groups of people who agree with each other by at least `ALIKE`, and with the consensus by `APART` less; the largest first.

    Two people belong together where they share `SHARED` clips or more; a group is whoever hangs together by such pairs.
    """
    marks: defaultdict[int, dict[int, Regions]] = defaultdict(dict)
    for one in answers:
        if one.task in consensus:
            marks[one.person][one.task] = one.marks
    shared: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    by_task: defaultdict[int, list[int]] = defaultdict(list)
    for person in sorted(marks):
        for task in marks[person]:
            by_task[task].append(person)
    for task, people in by_task.items():
        for pair in combinations(people, 2):
            shared[pair].append(task)
    alike = {pair: tasks for pair, tasks in shared.items() if len(tasks) >= SHARED and _read_alike(marks, consensus, pair, tasks)}
    return sorted(
        (_camp(group, marks, consensus, alike, most_clips) for group in _groups(alike)), key=lambda camp: (-len(camp.people), -camp.n_clips)
    )


def _read_alike(
    marks: Mapping[int, Mapping[int, Regions]], consensus: Mapping[int, Regions], pair: tuple[int, int], tasks: list[int]
) -> bool:
    one, other = (marks[person] for person in pair)
    with_each_other = together((one[task], other[task]) for task in tasks)
    with_consensus = max(together((each[task], consensus[task]) for task in tasks) for each in (one, other))
    return with_each_other >= ALIKE and with_each_other - with_consensus >= APART  # false for NaN


def _groups(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    group: dict[int, set[int]] = {}
    for one, other in pairs:
        merged = group.get(one, {one}) | group.get(other, {other})
        for person in merged:
            group[person] = merged
    return [sorted(people) for people in {id(people): people for people in group.values()}.values()]


def _camp(
    people: list[int],
    marks: Mapping[int, Mapping[int, Regions]],
    consensus: Mapping[int, Regions],
    alike: Mapping[tuple[int, int], list[int]],
    most_clips: int,
) -> Camp:
    pairs = [(pair, task) for pair, tasks in alike.items() if pair[0] in people for task in tasks]
    tasks = sorted({task for _, task in pairs})
    theirs = {task: [marks[person][task] for person in people if task in marks[person]] for task in tasks}
    away = {task: max(frame_f1(one, consensus[task]) for one in theirs[task]) for task in tasks}
    return Camp(
        people=people,
        with_each_other=together((marks[one][task], marks[other][task]) for (one, other), task in pairs),
        with_consensus=together((one, consensus[task]) for task in tasks for one in theirs[task]),
        n_clips=len(tasks),
        clips=sorted(tasks, key=lambda task: (away[task], task))[:most_clips],
    )


def overruled(answers: Iterable[Answer], consensus: Mapping[int, Regions], best: set[int]) -> list[Overruled]:
    """The clips in which the `best` people differ from the consensus (F1 below `FAR`), most people and then the farthest first."""
    theirs: defaultdict[int, list[Answer]] = defaultdict(list)
    for one in answers:
        if one.person in best and one.task in consensus:
            theirs[one.task].append(one)
    found = []
    for task, given in theirs.items():
        apart = [one for one in given if frame_f1(one.marks, consensus[task]) < FAR]
        if len(apart) * 2 <= len(given):  # most of them are with the consensus
            continue
        pairs = [frame_f1(one.marks, other.marks) for one, other in combinations(apart, 2)]
        away = math.fsum(frame_f1(one.marks, consensus[task]) for one in apart) / len(apart)
        alike = math.fsum(pairs) / len(pairs) if pairs else None
        if alike is None or alike >= ALIKE:
            found.append(Overruled(task, [one.person for one in apart], away, alike))
    return sorted(found, key=lambda one: (-len(one.people), one.with_consensus, one.task))
