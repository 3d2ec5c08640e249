"""What an import does, or would do: counted, and in words. Knows no Django."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from annotation.core.formats.reading.faults import Fault
from annotation.core.words import count

MOST_NAMED = 100  # faults, songs and people that are named; the rest is counted

PREDICTIONS = "predictions: "  # begins the reason why some are left out


@dataclass
class Report:
    """Counted while a file is gone through, the same way when it is only looked at and when it is imported."""

    tasks: int = 0  # tasks of the file, or files of labels
    matched: int = 0  # of these, of songs that are here
    answers: int = 0  # new ones
    marks: int = 0  # in them
    clips: int = 0  # that are opened for them
    surplus: int = 0  # of the answers: their clip is closed, or has enough
    known: int = 0  # answers that are here already
    people_out: int = 0  # answers of people who are left out
    cancelled: int = 0  # answers that were cancelled where they were given
    predictions: int = 0
    gold: int = 0  # known clips that are made
    unreadable: int = 0  # files that cannot be read to their end: nothing is imported then
    n_faults: int = 0
    faults: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)  # why something else is left out -> how often
    songs: dict[str, int] = field(default_factory=dict)  # names that no song here has -> tasks of them
    labels: dict[str, int] = field(default_factory=dict)  # whose meaning nobody has said -> regions
    people: dict[str, dict[str, Any]] = field(default_factory=dict)  # key of a person in the file -> shown, answers, own

    def fault(self, fault: Fault) -> None:
        """Count one thing that is wrong; the first hundred are named."""
        self.n_faults += 1
        if len(self.faults) < MOST_NAMED:
            self.faults.append(str(fault)[:500])

    def leave_out(self, why: str) -> None:
        """Count one thing that is left out though nothing is wrong with the file."""
        self._count(self.reasons, why)

    def unknown_song(self, said: str) -> None:
        self._count(self.songs, said)

    @staticmethod
    def _count(where: dict[str, int], what: str) -> None:
        what = what if what in where or len(where) < MOST_NAMED else "others"
        where[what] = where.get(what, 0) + 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self, *, done: bool) -> Iterator[str]:
        """What is imported, or would be, in sentences; what is wrong stands apart."""
        will, are = ("was", "were") if done else ("will be", "will be")

        def say(n: int, one: str, rest: str = "imported", many: str = "") -> str:
            return f"{count(n, one, many)} {will if n == 1 else are} {rest}."

        yield f"{count(self.tasks, 'task')} in the file: {self.matched} of songs that are here."
        if self.answers or not (self.gold or self.predictions):
            yield say(self.answers, "answer", f"imported, with {count(self.marks, 'mark')}")
        if self.clips:
            yield say(self.clips, "clip", "opened for them, since nobody was asked about it yet" if self.clips == 1 else "opened for them")
        if self.surplus:
            yield f"{self.surplus} of these {'is' if self.surplus == 1 else 'are'} kept beside the others: the clip has enough answers."
        if self.gold:
            yield say(self.gold, "known clip", "made")
        if self.predictions:
            yield say(self.predictions, "prediction", "kept as what the model proposes")
        if self.known:
            yield f"{count(self.known, 'answer')} {'is' if self.known == 1 else 'are'} here already: nothing is imported twice."
        if self.people_out:
            yield f"{count(self.people_out, 'answer')} of people who are left out."
        if self.cancelled:
            yield f"{count(self.cancelled, 'answer')} had been cancelled, and {'is' if self.cancelled == 1 else 'are'} left out."
        for name, n in self.songs.items():
            yield f"{count(n, 'task')}: {name}"
        for why, n in self.reasons.items():
            what = "prediction" if why.startswith(PREDICTIONS) else "answer"
            yield f"{count(n, what)} left out: {why.removeprefix(PREDICTIONS)}"
        if self.n_faults:
            yield f"{count(self.n_faults, 'thing')} in the file {'is' if self.n_faults == 1 else 'are'} wrong, and left out."
