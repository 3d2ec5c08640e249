"""Signs that somebody answers without listening. Plain functions on answers; a sign is a reason to look, never a verdict.

Every sign is a share from 0 (nothing odd) to 1, drawn towards 0 while there are few answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

from annotation.core import hearing
from annotation.core.regions import Region, merge, total

FEW = 3.0  # answers: so many count as without anything odd in them
FASTEST = hearing.ENOUGH / hearing.FASTEST  # of the clip's length; nobody hears enough of a clip in less
ENOUGH_HEARD = 0.8  # of the clip
ALL = 0.9  # of the clip marked: everything
SAME = 0.05  # seconds: lengths and edges this near are the same
COPIED = 0.02  # seconds: no two people draw edges this near each other again and again
USUAL_COPIES = 0.1  # of two people's answers with marks: alike by chance, since some begin or end with the clip


@dataclass(frozen=True)
class Answer:
    """One person's answer to one task; times in seconds of whatever the clip is in."""

    task: int | str
    person: int | str
    clip: Region
    marks: Sequence[Sequence[float]]
    heard: Sequence[Sequence[float]]  # stretches that were played
    lead_time: float  # seconds from the task's opening to the answer
    when: float = 0.0  # seconds since any beginning: who answered first
    asked: float | None = None  # seconds of the clip that quick questions were about; None: all of it

    @property
    def seconds(self) -> float:
        """How much there was to hear."""
        return self.clip.duration if self.asked is None else self.asked


@dataclass(frozen=True)
class Signs:
    """How often one person's answers look like no listening."""

    too_fast: float = 0.0  # answered sooner than the clip lasts
    unheard: float = 0.0  # much of the clip was never played
    nothing: float = 0.0  # no marks where others marked
    everything: float = 0.0  # the whole clip marked where others did not
    same: float = 0.0  # marks of always the same lengths
    copied: float = 0.0  # the marks of somebody who answered before
    n_answers: int = 0
    copied_from: int | str | None = field(default=None, compare=False)

    @property
    def suspicion(self) -> float:
        """The strongest sign."""
        return max(self.shares.values())

    @property
    def shares(self) -> dict[str, float]:
        """Sign -> share, without the rest."""
        return {name: value for name, value in asdict(self).items() if name not in ("n_answers", "copied_from")}


def signs(answers: Iterable[Answer]) -> dict[int | str, Signs]:
    """Return everybody's signs. Answers of others to the same tasks are what "nothing" and "everything" are held against."""
    by_person: defaultdict[int | str, list[Answer]] = defaultdict(list)
    by_task: defaultdict[int | str, list[Answer]] = defaultdict(list)
    for answer in sorted(answers, key=lambda one: (one.when, str(one.task), str(one.person))):
        by_person[answer.person].append(answer)
        by_task[answer.task].append(answer)
    others = _marked_by_others(by_task)
    copies = _copies(by_task)
    return {person: _of(person, given, others, copies) for person, given in by_person.items()}


def _of(
    person: int | str,
    given: list[Answer],
    others: Mapping[tuple[int | str, int | str], float | None],
    copies: Mapping[int | str, tuple[float, int | str]],
) -> Signs:
    n = len(given)
    with_marks = [answer for answer in given if answer.marks and answer.asked is None]  # segments are alike for everybody
    shares = [_marked(answer) for answer in given]
    of_others = [others[answer.task, person] for answer in given]
    # Only where somebody else answered too, an odd share of marks is odd; an empty answer is often the right one.
    nothing = [there for share, there in zip(shares, of_others, strict=True) if share == 0 and there]
    n_marked_by_others = sum(1 for there in of_others if there)
    everything = [1 for share, there in zip(shares, of_others, strict=True) if share >= ALL and (there is None or there < ALL / 2)]
    copied, source = copies.get(person, (0.0, None))
    return Signs(
        too_fast=_share(sum(answer.lead_time < FASTEST * answer.seconds for answer in given), n),
        unheard=_share(sum(total(answer.heard) < ENOUGH_HEARD * answer.seconds for answer in given), n),
        nothing=_steep(_share(len(nothing), n_marked_by_others)),
        everything=_share(len(everything), n),
        same=_share(_repeated(with_marks), len(with_marks)),
        copied=copied,
        n_answers=n,
        copied_from=source,
    )


def _share(n: float, of: float) -> float:
    return n / (of + FEW)


def _steep(share: float) -> float:
    """Missing something now and then is human, missing everything is not: half of the time counts a sixteenth."""
    return share**4


def _marked(answer: Answer) -> float:
    return total(answer.marks) / answer.seconds


def _marked_by_others(by_task: Mapping[int | str, list[Answer]]) -> dict[tuple[int | str, int | str], float | None]:
    """Return (task, person) -> the median share of the clip that others marked; None where nobody else answered."""
    found: dict[tuple[int | str, int | str], float | None] = {}
    for task, given in by_task.items():
        for answer in given:
            shares = sorted(_marked(other) for other in given if other is not answer)
            found[task, answer.person] = shares[len(shares) // 2] if shares else None
    return found


def _repeated(answers: list[Answer]) -> int:
    """Return how many answers have marks of the very same lengths as another, beyond the first."""
    lengths = Counter(tuple(round((end - start) / SAME) for start, end in merge(answer.marks)) for answer in answers)
    return sum(n - 1 for n in lengths.values())


def _copies(by_task: Mapping[int | str, list[Answer]]) -> dict[int | str, tuple[float, int | str]]:
    """Return person -> (share of the answers in common with one other that have that one's very marks, that other), later ones only."""
    common: Counter[tuple[int | str, int | str]] = Counter()
    alike: Counter[tuple[int | str, int | str]] = Counter()
    for given in by_task.values():
        # In order of time already: the second of two is the one who may have copied.
        for first, second in combinations([answer for answer in given if answer.marks and answer.asked is None], 2):
            common[second.person, first.person] += 1
            alike[second.person, first.person] += _alike(first, second)
    found: dict[int | str, tuple[float, int | str]] = {}
    for (copier, source), n in sorted(alike.items(), key=str):
        share = max(0.0, (_share(n, common[copier, source]) - USUAL_COPIES) / (1 - USUAL_COPIES))
        if share > found.get(copier, (0.0, source))[0]:
            found[copier] = (share, source)
    return found


def _alike(one: Answer, other: Answer) -> bool:
    mine, theirs = merge(one.marks), merge(other.marks)
    if len(mine) != len(theirs) or all(region == other.clip for region in theirs):
        return False
    return all(abs(a - b) <= COPIED for left, right in zip(mine, theirs, strict=True) for a, b in zip(left, right, strict=True))
