"""A crowd whose truth is known: clips with bleed, honest people with habits of their own, and spammers of five kinds."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from annotation.core.bench.sound import Floats, levels
from annotation.core.consensus import Key
from annotation.core.regions import Region
from annotation.core.simulated import Habits, Spam, answer

CLIP = 30.0  # seconds
PEOPLE = 40
SPAM = ("nothing", "everything", "block", "same", "random")
LIKE: dict[str, Spam] = {"nothing": "nothing", "everything": "everything"}  # how spammers answer quick questions; the others: anything

Answer = tuple[str, str, float, list[Region]]


@dataclass(frozen=True)
class Crowd:
    """Who answered what, and what is true. The answers to one clip lie in the order in which they came."""

    truth: dict[str, list[Region]]
    answers: list[Answer]
    spammers: frozenset[str]
    lag: dict[str, float]  # seconds, of honest people, at both edges
    sound: dict[Key, Floats] = field(default_factory=dict)  # levels of clips, see `bench.sound`
    habits: dict[str, Habits] = field(default_factory=dict)  # of everybody, where known: by them quick questions are answered

    def with_sound(self, seed: int) -> "Crowd":
        """Return the same crowd, and a simulated sound of its truth; the same seed draws the same."""
        rngs = np.random.default_rng([seed, 5]).spawn(len(self.truth))
        return replace(self, sound={clip: levels(self.truth[clip], CLIP, rng) for clip, rng in zip(self.truth, rngs, strict=True)})

    def by_clip(self) -> dict[str, list[Answer]]:
        """Return the answers to every clip, in the order in which they came."""
        answers: dict[str, list[Answer]] = {clip: [] for clip in self.truth}
        for given in self.answers:
            answers[given[0]].append(given)
        return answers

    def first(self, n: int | Mapping[str, int]) -> list[Answer]:
        """Return the first `n` answers to every clip, or `n[clip]`."""
        return [given for clip, answers in self.by_clip().items() for given in answers[: n if isinstance(n, int) else n[clip]]]


class Source(Protocol):
    """Draws a crowd of `PEOPLE`; the same seed draws the same."""

    def __call__(self, seed: int, *, clips: int = 60, answers: int = 5, spam: float = 0.25) -> Crowd: ...


def generated(seed: int, *, clips: int = 60, answers: int = 5, spam: float = 0.25) -> Crowd:
    """Draw a crowd of our own: 1-4 stretches of bleed of 0.6-4 s in each clip of 30 s.

    Honest people miss a fifth on average, come 0-0.35 s late at both edges, jitter by 0.05-0.3 s, and mark up to 1.5 clean stretches
    a minute. Spammers mark nothing, everything, 5 s anywhere, the same stretch in every clip, or a few stretches anywhere.
    """
    rng = np.random.default_rng([seed, 4])
    everybody = Everybody.draw(rng, spam)
    truth: dict[str, list[Region]] = {}
    given: list[Answer] = []
    for number in range(clips):
        clip = f"clip {number:04}"
        truth[clip] = _anywhere(rng, int(rng.integers(1, 5)), 0.6, 4.0)
        for i in rng.choice(PEOPLE, answers, replace=False):
            name = everybody.names[i]
            given.append((clip, name, CLIP, everybody.answer(name, truth[clip], rng)))
    habits, spammers = everybody.habits, everybody.spammers
    of_spammers = {name: replace(habits[name], spam=LIKE.get(kind, "block")) for name, kind in spammers.items()}
    lag = {name: habits[name].lag for name in everybody.names if name not in spammers}
    return Crowd(truth, given, frozenset(spammers), lag, habits=habits | of_spammers)


@dataclass(frozen=True)
class Everybody:
    """The people of a crowd of our own, by name."""

    habits: dict[str, Habits]
    spammers: dict[str, str]  # and how they spam
    always: dict[str, list[Region]]  # what each would mark in every clip, if that is how they spam

    @property
    def names(self) -> list[str]:
        return list(self.habits)

    @classmethod
    def draw(cls, rng: np.random.Generator, spam: float) -> "Everybody":
        names = [f"person {i:02}" for i in range(PEOPLE)]
        spammers = {name: SPAM[rng.integers(len(SPAM))] for name in names if rng.random() < spam}
        habits = {
            name: Habits(rng.beta(12, 3), over_marking=rng.uniform(0, 1.5), lag=rng.uniform(0, 0.35), jitter=rng.uniform(0.05, 0.3))
            for name in names
        }
        return cls(habits, spammers, {name: _anywhere(rng, 1, 2.0, 6.0) for name in names})

    def answer(self, name: str, truth: list[Region], rng: np.random.Generator) -> list[Region]:
        """Return what one of them marks in a clip."""
        if name in self.spammers:
            return _spam(self.spammers[name], rng, self.always[name])
        return answer(self.habits[name], truth, Region(0.0, CLIP), rng)


def _spam(kind: str, rng: np.random.Generator, always: list[Region]) -> list[Region]:
    if kind == "everything":
        return [Region(0.0, CLIP)]
    if kind == "block":
        return _anywhere(rng, 1, 5.0, 5.0)
    if kind == "same":
        return always
    if kind == "random":
        return _anywhere(rng, int(rng.integers(1, 4)), 0.3, 3.0)
    return []


def _anywhere(rng: np.random.Generator, n: int, shortest: float, longest: float) -> list[Region]:
    lengths = rng.uniform(shortest, longest, n)
    return sorted(
        Region(start, start + length) for start, length in zip(rng.uniform(0, CLIP - lengths).tolist(), lengths.tolist(), strict=True)
    )


def from_file(path: Path) -> Source:
    """Return another simulator's crowds: a Python file with `crowd(seed, clips, people, answers, spam)` -> (truth, answers).

    Who of them spams and who is late is not known then.
    """
    spec = importlib.util.spec_from_file_location("other_crowd", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"--crowd is {path}; it must be a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def draw(seed: int, *, clips: int = 60, answers: int = 5, spam: float = 0.25) -> Crowd:
        truth, given = module.crowd(seed, clips=clips, people=PEOPLE, answers=answers, spam=spam)
        return Crowd(
            {clip: [Region(*region) for region in regions] for clip, regions in truth.items()},
            [(clip, name, duration, [Region(*mark) for mark in marks]) for clip, name, duration, marks in given],
            spammers=frozenset(),
            lag={},
        )

    return draw
